"""One `suchlike up` at a time in a project folder, and which process that is: so that another can stop it."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path
from typing import Self

from pipelines.errors import UsageError

POLL_S = 0.1


class UpLock:
    """Held while the block runs, with the holder's process id in its file. UsageError where another holds it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = _file(folder)

    def __enter__(self) -> Self:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = self._file.open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise UsageError(f"suchlike is up in {self._folder} already; `suchlike down` stops it.") from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.close()


def holder(folder: Path) -> int | None:
    """The process that is up in this project folder; None when there is none. A dead one holds no lock."""
    try:
        with _file(folder).open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return int(file.read() or 0) or None
    except FileNotFoundError:
        pass
    return None


def stop(folder: Path, within_s: float) -> bool:
    """Asks whoever is up to end, and waits for it; whether there was one. UsageError when it takes longer."""
    pid = holder(folder)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + within_s
    while holder(folder) == pid:
        if time.monotonic() >= deadline:
            raise UsageError(f"Process {pid} was asked to end, and has not within {within_s:.0f} s; it may yet.")
        time.sleep(POLL_S)
    return True


def _file(folder: Path) -> Path:
    return folder / ".suchlike" / "up.lock"
