"""Room on the disk: watched, so that a crawl pauses and says so before a write fails half-way."""

from __future__ import annotations

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
