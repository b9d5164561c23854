"""Room on the disk, watched so that a crawl pauses before a write fails half-way; and what outlives the power."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from pipelines.config import Config

MEGABYTE = 1_000_000


def shortage(config: Config) -> str | None:
    """What is too full to go on, in one sentence; None while `store.reserve_mb` are free wherever we write."""
    reserve = config.store.reserve_mb * MEGABYTE
    for place in _places(config):
        free = _free(place)
        if free is not None and free < reserve:
            return (
                f"only {free / MEGABYTE:.0f} MB are free at {place}, and store.reserve_mb = {config.store.reserve_mb} "
                "are kept free; it goes on as soon as there is room"
            )
    return None


def sync_folder(folder: Path) -> None:
    """What was made or renamed in a folder stays when the power goes; syncing the files alone does not see to it."""
    with contextlib.suppress(OSError):  # not every shared folder can be synced
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _places(config: Config) -> list[Path]:
    """The project folder with its archive, and a SQLite file that lies elsewhere."""
    places = [config.path]
    file = config.database_file
    if file is not None and file.parent != config.path:
        places.append(file.parent)
    return places


def _free(place: Path) -> int | None:
    try:
        held = os.statvfs(place)
    except OSError:  # not made yet, or just gone: whoever writes there will say so
        return None
    return held.f_bavail * held.f_frsize
