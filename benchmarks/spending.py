"""What a command and everything it starts spend: CPU of all processes, time on the clock, memory at its highest."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
LOOK_S = 0.5


@dataclass(slots=True)
class Spent:
    """CPU and wall in seconds; `memory_mb` is the highest sum of what all processes held at once (PSS).

    `each` has every process: its command line, CPU seconds without its children's, and most memory (MB, RSS), as they
    were when last looked at.
    """

    cpu_s: float
    wall_s: float
    memory_mb: float
    code: int
    each: list[tuple[str, float, float]]


def spend(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path) -> Spent:
    """Runs a command to its end in a process that inherits all its orphans, and counts them all. Linux only."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as told:
        measurer = [sys.executable, str(Path(__file__)), told.name, str(log), *command]
        subprocess.run(measurer, cwd=cwd, env=env, stdin=subprocess.DEVNULL, check=True)
        return Spent(**json.load(told))


def _measure(log: Path, command: list[str]) -> Spent:
    """In a process of its own: starts the command and waits for it and for all that is left to us of its children."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "this process cannot become the parent of orphans")
    highest = [0.0]
    each: dict[int, tuple[str, float, float]] = {}
    threading.Thread(target=_look, args=(os.getpid(), highest, each), daemon=True).start()
    began = time.monotonic()
    with log.open("ab") as said:
        first = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    cpu, code = 0.0, 0
    while True:
        try:
            pid, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return Spent(cpu, time.monotonic() - began, round(highest[0], 1), code, list(each.values()))
        cpu += usage.ru_utime + usage.ru_stime
        if pid == first.pid:
            code = first.returncode = os.waitstatus_to_exitcode(status)


def _look(root: int, highest: list[float], each: dict[int, tuple[str, float, float]]) -> None:
    while True:
        pids = _descendants(root)
        highest[0] = max(highest[0], sum(map(_held_mb, pids)))
        for pid in pids:
            with contextlib.suppress(OSError, ValueError):
                line, spent, held = _process(pid)
                # one that has ended has neither any more, until somebody waits for it
                before = each.get(pid, (line, spent, held))
                each[pid] = (line or before[0], spent, max(held, before[2]))
        time.sleep(LOOK_S)


def _process(pid: int) -> tuple[str, float, float]:
    """Command line, CPU seconds of its own, most memory in MB. Raises OSError when it is gone."""
    place = Path(f"/proc/{pid}")
    fields = (place / "stat").read_text().rpartition(") ")[2].split()
    status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
    line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    spent = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    return line, spent, int(status.get("VmHWM", "0 kB").split()[0]) / 1024


def _descendants(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(") ")[2].split()[1])
        except (OSError, ValueError):
            continue
        parents.setdefault(parent, []).append(int(entry.name))
    found, open_ = [], [root]
    while open_:
        children = parents.get(open_.pop(), [])
        found += children
        open_ += children
    return found


def _held_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


if __name__ == "__main__":
    spent = _measure(Path(sys.argv[2]), sys.argv[3:])
    Path(sys.argv[1]).write_text(json.dumps(asdict(spent)))
