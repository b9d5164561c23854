"""Whether the machine's clock was set back under a process that goes on."""

from __future__ import annotations

import time

# drift and a leap second are less, a lease is more
NOTICED_S = 5.0


class Walltime:
    """Holds the clock that may be set against the one that may not."""

    def __init__(self) -> None:
        self._between = time.time() - time.monotonic()

    def set_back_s(self) -> float:
        """By how many seconds the clock was set back since this was last asked; 0 when it was not."""
        before, self._between = self._between, time.time() - time.monotonic()
        back = before - self._between
        return back if back > NOTICED_S else 0.0
