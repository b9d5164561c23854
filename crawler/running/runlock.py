"""One run at a time in a project folder, by a lock that a dead process cannot hold."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path
from typing import Self

from pipelines.errors import UsageError

# the clock looks whether a run is at work by touching its lock for a moment
PATIENCE_S = 0.5


class RunLock:
    """Held while the block runs. Raises UsageError where another run holds it for longer than `patience_s`."""

    def __init__(self, folder: Path, patience_s: float = PATIENCE_S) -> None:
        self._file = folder / ".suchlike" / "run.lock"
        self._patience_s = patience_s

    def __enter__(self) -> Self:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = self._file.open("a")
        deadline = time.monotonic() + self._patience_s
        while not self._locked():
            if time.monotonic() >= deadline:
                self._lock.close()
                raise UsageError(f"Another run is at work in {self._file.parent.parent}; wait for it or stop it.")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.close()

    def _locked(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def is_at_work(folder: Path) -> bool:
    """Whether a run is under way in this project folder."""
    try:
        with RunLock(folder, patience_s=0.0):
            return False
    except UsageError:
        return True
