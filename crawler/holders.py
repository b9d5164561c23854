"""Under which names crawlers lease hosts, and whether the one of a name is still there."""

from __future__ import annotations

import os
import socket


def holder_name(pid: int) -> str:
    """The name under which the crawler with this process id leases hosts."""
    return f"{socket.gethostname()[:40]}-{pid}"


def is_dead(holder: str) -> bool:
    """Whether the crawler of this name ran on this machine and does so no more."""
    machine, _, pid = holder.rpartition("-")
    if machine != holder_name(0).rpartition("-")[0] or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
