"""Under which names processes hold hosts and rows, and whether the one of a name is still there."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def holder_name(pid: int) -> str:
    """The name under which the process with this id holds hosts and rows."""
    return f"{_machine()}-{pid}"


def mine() -> str:
    """The name of this process."""
    return holder_name(os.getpid())


def is_dead(holder: str) -> bool:
    """Whether the process of this name ran on this machine and does so no more."""
    machine, _, pid = holder.rpartition("-")
    if machine != _machine() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _machine() -> str:
    """This machine, as far as it counts processes together: containers may share a name and no process."""
    try:
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        namespace = 0
    return f"{socket.gethostname()[:40]}-{namespace}"
