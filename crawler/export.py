"""Writes a corpus to a file, whole or not at all, with a manifest beside it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from pipelines.errors import StoreError, UsageError
from pipelines.exports import EXPORTS

MANIFEST = "MANIFEST.json"


def export(kind: str, articles: Iterable[Mapping[str, Any]], file: Path, *, about: Mapping[str, Any]) -> dict[str, Any]:
    """Writes `articles` to `file`; returns `{file, format, articles, bytes, sha256}`.

    The manifest in the same folder keeps an entry for each file exported there, with `about` (mode, config …).
    Raises UsageError for an unknown format and StoreError when the disk refuses.
    """
    if kind not in EXPORTS:
        raise UsageError(f"There is no export format {kind!r}; there are {', '.join(sorted(EXPORTS))}.")
    if file.name == MANIFEST:
        raise UsageError(f"{MANIFEST} is the name of the manifest; name the file otherwise.")
    spans: list[str] = []
    part = file.with_name(file.name + ".part")
    try:
        _manifest_files(file.parent / MANIFEST)
        file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8", newline="") as out:
            number = _write(kind, articles, out, spans)
            out.flush()
            os.fsync(out.fileno())
        digest, size = _digest(part)
        part.replace(file)
        result = {"file": str(file), "format": kind, "articles": number, "bytes": size, "sha256": digest}
        span = [min(spans), max(spans)] if spans else None
        _add_to_manifest(file, {**result, "file": file.name, "published": span, **about})
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return result


def _write(kind: str, articles: Iterable[Mapping[str, Any]], out: TextIO, spans: list[str]) -> int:
    def noted() -> Iterator[Mapping[str, Any]]:
        for article in articles:
            if article["published"]:
                spans.append(article["published"])
                spans[:] = [min(spans), max(spans)]
            yield article

    return EXPORTS[kind](noted(), out)


def _digest(file: Path) -> tuple[str, int]:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return digest, file.stat().st_size


def _manifest_files(manifest: Path) -> list[dict[str, Any]]:
    """The entries of the manifest that is there; UsageError when it is somebody else's, which is not overwritten."""
    try:
        held = json.loads(manifest.read_text(encoding="utf-8"))
        if held["tool"].startswith("suchlike"):
            return [dict(one) for one in held["files"]]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise UsageError(f"{manifest} was not made by suchlike and is left alone; export into another folder.")


def _add_to_manifest(file: Path, entry: Mapping[str, Any]) -> None:
    manifest = file.parent / MANIFEST
    held = [one for one in _manifest_files(manifest) if one.get("file") != file.name] + [dict(entry)]
    made = {
        "tool": f"suchlike {importlib.metadata.version('suchlike')}",
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": held,
    }
    part = manifest.with_name(manifest.name + ".part")
    part.write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(manifest)
