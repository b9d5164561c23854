"""A terminal of any width, in which commands are typed as a person would; what it shows is kept as lines."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shlex
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from patience import RUN_S
from rich.cells import cell_len

# a live display moves up and writes over what it had written
_UP = re.compile(r"\x1b\[(\d*)A")
_ADDRESS = re.compile(r"\S*[/:@]\S*$")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[()][A-Z0-9]|\x07")


@dataclass(frozen=True)
class Shown:
    """What one command wrote: every line that stood there at some time, in order; and how it ended."""

    command: str
    code: int
    lines: list[str]

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)


@dataclass
class Terminal:
    """So many columns wide; commands run in `folder`."""

    columns: int
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)

    def type(self, command: str, answers: Sequence[str] = (), seconds: float = RUN_S) -> Shown:
        """Types a `suchlike …`, answers what it asks, and waits for its end. `*` stands for files, as in a shell."""
        program, *words = shlex.split(command)
        assert program == "suchlike"
        words = [str(path) for word in words for path in (sorted(self.folder.glob(word)) if "*" in word else [word])]
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, self.columns, 0, 0))
        env = {**os.environ, "TERM": "xterm-256color", **self.environment}
        for name in ("CI", "COLUMNS", "NO_COLOR", "FORCE_COLOR"):
            env.pop(name, None)
        process = subprocess.Popen(
            [sys.executable, "-m", "crawler", *words], stdin=theirs, stdout=theirs, stderr=theirs,
            cwd=self.folder, env=env, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        try:
            raw = _read(ours, list(answers), seconds)
        finally:
            if process.poll() is None:
                process.kill() if sys.exc_info()[0] else None
            process.wait()
            os.close(ours)
        self.shown.append(Shown(command, process.returncode, lines_of(raw)))
        return self.shown[-1]

    def too_wide(self) -> list[str]:
        """Lines that do not fit. An address that stands last, and a command to type, are never cut: that could not
        be copied."""
        return [line for shown in self.shown for line in shown.lines if cell_len(line) > self.columns
                and not line.startswith("  suchlike ") and " " in _ADDRESS.sub("", line).strip()]  # fmt: skip


def _read(terminal: int, answers: list[str], seconds: float) -> str:
    told, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            return told.decode("utf-8", "replace")
        if not piece:
            return told.decode("utf-8", "replace")
        told += piece
        if answers and told.endswith(b"> "):
            os.write(terminal, answers.pop(0).encode() + b"\n")
    raise AssertionError(f"it did not end within {seconds} seconds:\n{told[-2000:].decode('utf-8', 'replace')}")


def lines_of(raw: str) -> list[str]:
    """The lines, without colours; of a display that draws itself anew, each line once."""
    found: list[str] = []
    for line in raw.replace("\r\n", "\n").split("\n"):
        plain = _CONTROL.sub("", line).split("\r")[-1].rstrip()
        if not (_UP.search(line) and plain in found[-12:]) and not (plain and plain in found[-6:]):
            found.append(plain)
    return found
