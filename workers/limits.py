"""What a process that runs foreign bytes through C parsers may take; the kernel enforces it."""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

from workers.queues import PAGE_S

# what a batch may take beyond what its process has when it begins
MEMORY_BYTES = 1 << 30
# the writing down, which may wait for the database's lock
SETTLE_S = 120


def limit_memory() -> None:
    """From now on this process may map MEMORY_BYTES more than it has, and no more. Linux only."""
    if sys.platform == "linux":
        most = _address_space() + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def page_alarm(row: int) -> None:
    """A `Watch` that ends the process: a deadline for each page, and for the writing down, which is row 0.

    A page that needs longer is hostile; lxml and regular expressions run in C, where no exception reaches.
    """
    signal.alarm(PAGE_S if row else SETTLE_S)


def _address_space() -> int:
    """The bytes of memory this process has mapped; most of them, of libraries and models, shared."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
