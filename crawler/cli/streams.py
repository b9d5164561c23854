"""The three standard streams: always there, whoever closed them, and work goes on when nobody hears of it."""

from __future__ import annotations

import io
import os
import sys
from typing import Any


def prepare() -> None:
    """For the whole process, before it opens anything.

    A stream that was closed leads nowhere: else the next file opened, a database say, would get its number, and what is
    written to the stream. What cannot be said on stderr (its reader is gone, its disk full) is left out. Names of files
    on stdin may be in any encoding.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, _nowhere(number))
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = io.TextIOWrapper(
            io.BufferedWriter(_Unheard(sys.stderr.fileno(), "w", closefd=False)),
            encoding=sys.stderr.encoding, errors=sys.stderr.errors, line_buffering=True,
        )  # fmt: skip


def _nowhere(number: int) -> io.TextIOWrapper:
    null = os.open(os.devnull, os.O_RDWR)  # which gets the lowest number that is free
    if null == number:
        os.set_inheritable(null, True)  # as processes started by this one expect it
    return open(null, "r" if number == 0 else "w", encoding="utf-8", closefd=False)


class _Unheard(io.FileIO):
    """A file for which nothing fails that is written to it."""

    def write(self, what: Any, /) -> int:
        """As of a file; all of what cannot be written counts as written."""
        whole = memoryview(what).nbytes
        try:
            return super().write(what) or whole  # nothing, where it would have to wait
        except OSError:
            return whole
