"""Whether the machine's clock was set under a process that goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

# what is more than drift, and than the moment between two looks at clocks
SET_S = 0.1
# drift and a leap second are less, a lease is more
NOTICED_S = 5.0


class Walltime:
    """Holds the clock that may be set against the one that may not."""

    def __init__(
        self, clock: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        self._clock = clock
        self._monotonic = monotonic
        self._between = clock() - monotonic()
        self._ahead: list[tuple[float, float]] = []

    def set_by_s(self) -> float:
        """By how many seconds the clock was set since this was last asked, ahead or (negative) back; else 0."""
        before, self._between = self._between, self._clock() - self._monotonic()
        change = self._between - before
        if abs(change) <= SET_S:
            return 0.0
        if change > 0:
            self._ahead.append((self._monotonic(), change))
        return change

    def set_back_s(self) -> float:
        """By how many seconds it was set back, where these are enough for others to wait in vain."""
        back = -self.set_by_s()
        return back if back > NOTICED_S else 0.0

    def ahead_s(self, lately_s: float) -> float:
        """By how many seconds it was seen set ahead lately: so much of what seems to have run out has not."""
        since = self._monotonic() - lately_s
        self._ahead = [(at, change) for at, change in self._ahead if at > since]
        return sum(change for _, change in self._ahead)
