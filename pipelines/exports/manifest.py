"""MANIFEST.json: what was exported into a folder, how much, of what, and the hash of each file."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.errors import UsageError

NAME = "MANIFEST.json"


def entries(folder: Path) -> list[dict[str, Any]]:
    """The entries of a folder's manifest, none where there is none; UsageError when it is somebody else's."""
    manifest = folder / NAME
    try:
        held = json.loads(manifest.read_text(encoding="utf-8"))
        if held["tool"].startswith("suchlike"):
            return [dict(one) for one in held["files"]]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise UsageError(f"{manifest} was not made by suchlike and is left alone; export into another folder.")


def add(folder: Path, new: Iterable[Mapping[str, Any]]) -> None:
    """Writes entries down, each in place of the one there was for its file."""
    made = {one["file"]: dict(one) for one in [*entries(folder), *new]}
    told = {
        "tool": f"suchlike {importlib.metadata.version('suchlike')}",
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": [*made.values()],
    }
    part = folder / f"{NAME}.part"
    part.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(folder / NAME)


def digest(file: Path) -> tuple[str, int]:
    """`(SHA-256, bytes)` of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest(), file.stat().st_size


def digest_of_all(files: Iterable[Mapping[str, Any]]) -> str:
    """One SHA-256 of several files: that of the lines `sha256sum` would print of them."""
    lines = sorted(f"{one['sha256']}  {one['file']}\n" for one in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def versions() -> dict[str, str]:
    """What had a hand in it."""
    return {name: importlib.metadata.version(name) for name in ("suchlike", "trafilatura", "scrapy")}
