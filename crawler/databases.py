"""Which of a project's databases is meant: there is one a mode, and results are read from the one used last."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pipelines.config import Config
from pipelines.errors import UsageError


def used_last(config: Config) -> str:
    """The address of the database used last, or of the one that is configured. UsageError when none was used yet."""
    if config.store.database:
        return config.database
    modes = ("online", "replay", "demo") if config.mode == "online" else (config.mode, "replay")
    each = [msgspec.structs.replace(config, mode=mode) for mode in modes]
    held = [(_written(file), one.database) for one in each if (file := one.database_file) and file.exists()]
    if not held:
        raise UsageError(f"There are no results in {config.path} yet; `suchlike run` brings some.")
    return max(held)[1]


def _written(file: Path) -> float:
    """When a SQLite database was last written; its log counts."""
    return max(map(_touched, (file, file.with_name(file.name + "-wal"))))


def _touched(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:  # whoever closes a database last takes its log away
        return 0.0
