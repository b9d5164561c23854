"""How often a run was asked to end, by Ctrl-C or SIGTERM: once asks for an orderly end, twice for one at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Counts them while the block runs, in the main thread, the only one they reach."""

    def __init__(self) -> None:
        self.number = 0

    def __enter__(self) -> Self:
        self._mine = threading.current_thread() is threading.main_thread()
        if self._mine:
            self._before = [signal.signal(signum, self._count) for signum in SIGNALS]
        return self

    def __exit__(self, *_: object) -> None:
        if self._mine:
            for signum, before in zip(SIGNALS, self._before, strict=True):
                signal.signal(signum, before)

    def _count(self, _signum: int, _frame: FrameType | None) -> None:
        self.number += 1
