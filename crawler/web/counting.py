"""Keeps what is slow to count or to ask fresh without anybody waiting: in a thread, shown with the moment it is of."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipelines.errors import SuchlikeError, UsageError

logger = logging.getLogger(__name__)

FRESH_S = 1.0
# a count may take this share of one core's time
SHARE = 0.05
# the very first count is waited for so long
FIRST_S = 0.4
Counted = TypeVar("Counted")


@dataclass(frozen=True, slots=True)
class Count(Generic[Counted]):
    """What was counted, and when (seconds since 1970)."""

    value: Counted
    at: float


class Counting(Generic[Counted]):
    """Calls `take` in a thread of its own whenever somebody looks and the last count is old for what it took.

    The old one is shown meanwhile. A count that failed is tried again by whoever looks next.
    """

    def __init__(self, take: Callable[[], Counted], *, fresh_s: float = FRESH_S, share: float = SHARE) -> None:
        self._take = take
        self._fresh_s = fresh_s
        self._share = share
        self._lock = threading.Lock()
        self._first = threading.Event()
        self._running = False
        self._due_at = 0.0
        self._held: Count[Counted] | None = None

    def latest(self) -> Count[Counted] | None:
        """The last count; the very first one is waited for, but not for long."""
        with self._lock:
            if not self._running and time.monotonic() >= self._due_at:
                self._running = True
                threading.Thread(target=self._count, daemon=True, name="counting").start()
        if self._held is None:
            self._first.wait(FIRST_S)
        return self._held

    def forget(self) -> None:
        """The next look counts anew: something was changed."""
        with self._lock:
            self._due_at = 0.0

    def _count(self) -> None:
        began = time.monotonic()
        try:
            self._held = Count(self._take(), time.time())
        except UsageError:
            pass  # nothing to count yet
        except SuchlikeError as error:
            logger.warning("%s", error)
        finally:
            took = time.monotonic() - began
            with self._lock:
                self._running = False
                self._due_at = time.monotonic() + max(self._fresh_s, took / self._share)
            self._first.set()
