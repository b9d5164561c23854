"""Which files of a folder may be seeds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipelines.seeds.wishes import TOML

# a file of such a name tells about the folder
ABOUT: Final = frozenset({"readme", "license", "licence", "notice"})


def files_in(folder: Path) -> Iterator[Path]:
    """The files of a folder and its direct subfolders that may be seeds, in the order of their names."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == TOML or path.stem.lower() in ABOUT:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from (one for one in sorted(path.iterdir()) if not one.name.startswith(".") and not one.is_dir())
        else:
            yield path
