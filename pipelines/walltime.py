"""Whether the machine's clock was set under a process that goes on."""

from __future__ import annotations

import time

# what is more than drift, and than the moment between two looks at clocks
SET_S = 0.1
# drift and a leap second are less, a lease is more
NOTICED_S = 5.0


class Walltime:
    """Holds the clock that may be set against the one that may not."""

    def __init__(self) -> None:
        self._between = time.time() - time.monotonic()

    def set_by_s(self) -> float:
        """By how many seconds the clock was set since this was last asked, ahead or (negative) back; else 0."""
        before, self._between = self._between, time.time() - time.monotonic()
        change = self._between - before
        return change if abs(change) > SET_S else 0.0

    def set_back_s(self) -> float:
        """By how many seconds it was set back, where these are enough for others to wait in vain."""
        back = -self.set_by_s()
        return back if back > NOTICED_S else 0.0
