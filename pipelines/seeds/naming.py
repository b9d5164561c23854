"""What a seed is called: after its file, in letters that can be written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_GZ: Final = re.compile(r"\.gz$", re.IGNORECASE)


def name_of(path: str) -> str:
    """The file's name without its ending, and without .gz."""
    name = unpacked(writable(Path(path).name))
    return (name.rpartition(".")[0] or name).strip() or "seeds"


def unpacked(name: str) -> str:
    """The name of what a gzipped file holds."""
    return _GZ.sub("", name)


def writable(text: str) -> str:
    """With ? for each half character (of JSON), and for bytes (of file names) that are no UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")
