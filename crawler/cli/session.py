"""How the commands speak: results on stdout, everything for people on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

# what `-` is called while the command line is parsed, which would take it for a flag; no real argument can hold it
STDIN = "\0stdin"
FOUND, NOTHING, USAGE, STOPPED, UNREACHABLE, REFUSED = range(6)


@dataclass(slots=True)
class Session:
    """What the global flags said."""

    folder: Path = field(default_factory=Path)
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: bool = True
    yes: bool = False
    profile: str | None = None
    mode: str | None = None

    @property
    def console(self) -> Console:
        """For people; on stderr. Control characters of the web never reach the terminal through it."""
        return Console(stderr=True, quiet=self.quiet, no_color=not self.color, highlight=False)

    @property
    def loud(self) -> Console:
        """The same, also with -q: for what went wrong."""
        return Console(stderr=True, no_color=not self.color, highlight=False)

    def say(self, text: str) -> None:
        """A line for people."""
        if not self.quiet:
            self.console.print(safe(text), markup=False, soft_wrap=True)

    def emit(self, record: Mapping[str, Any]) -> None:
        """A record for programs: one JSON object on a line of stdout."""
        sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")

    def out(self, text: str) -> None:
        """A line of the result itself, for people who pipe it on."""
        sys.stdout.write(safe(text) + "\n")


def given(values: Iterable[str]) -> list[str]:
    """What was named on the command line, `-` being replaced by the lines of stdin."""
    return [line.strip() for value in values for line in (sys.stdin if value == STDIN else [value]) if line.strip()]


def safe(text: str) -> str:
    """Text without control and bidirectional characters: what the web wrote must not steer a terminal."""
    return "".join(" " if _steers(c) else c for c in text)


def _steers(char: str) -> bool:
    code = ord(char)
    return (code < 32 and char not in "\n") or 127 <= code < 160 or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
