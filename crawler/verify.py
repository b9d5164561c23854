"""Holds exports, and the archive, against the hashes that were taken when they were written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines import members
from pipelines.errors import StoreError, SuchlikeError, UsageError
from pipelines.exports import EXPORTS, manifest
from pipelines.extract import NotAnArticle, extract
from pipelines.warc import read_one

MAX_PROBLEMS = 100
_PACKED = (".warc.gz",)


class _Found:
    """What was looked at and what was wrong with it."""

    def __init__(self) -> None:
        self.files = self.articles = self.records = self.wrong = 0
        self.problems: list[dict[str, str]] = []

    def add(self, what: str, problem: str) -> None:
        self.wrong += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append({"what": what, "problem": problem})


def verify(file: Path, archive: Path | None = None, *, again: bool = False) -> dict[str, Any]:
    """`{file, ok, files, articles, records, wrong, problems: [{what, problem}]}` of an export, a folder or a WARC.

    Files are held against their manifest, texts against their articles' hashes, archived pages (in the folder
    `archive`) and WARC records against their own digests. With `again` texts are taken out of the archived pages once
    more and compared. At most MAX_PROBLEMS are told. Raises UsageError for a file nobody wrote anything down of.
    """
    if not file.exists():
        raise UsageError(f"There is no file {file}.")
    entries = _entries(file)
    found = _Found()
    if not entries:
        if not file.name.endswith(_PACKED):
            raise UsageError(f"No {manifest.NAME} tells what {file} should be; only exports and WARC files do.")
        found.files = 1
        _records(file, found)
    for folder, entry in entries:
        _entry(folder, entry, found, archive, again)
    return {
        "file": str(file), "ok": not found.wrong, "files": found.files, "articles": found.articles,
        "records": found.records, "wrong": found.wrong, "problems": found.problems,
    }  # fmt: skip


def _entries(file: Path) -> list[tuple[Path, dict[str, Any]]]:
    """What manifests tell of a file, or of a folder, each with its manifest's folder; data sets lie one deeper."""
    if file.is_dir():
        inside = [file, *sorted(one for one in file.iterdir() if one.is_dir() and not one.is_symlink())]
        return [(folder, entry) for folder in inside for entry in manifest.entries(folder)]
    for folder in (file.parent, file.parent.parent):
        named = file.relative_to(folder).as_posix() if folder in file.parents else file.name
        held = [(folder, one) for one in manifest.entries(folder) if one.get("file") == named]
        if held:
            return held
    return []


def _entry(folder: Path, entry: Mapping[str, Any], found: _Found, archive: Path | None, again: bool) -> None:
    name = str(entry.get("file"))
    file = folder / name
    # a manifest is a file like any other: it must not lead elsewhere
    if not file.resolve().is_relative_to(folder.resolve()):
        found.add(name, "lies outside the folder of its manifest")
        return
    found.files += 1
    try:
        sha256, size = manifest.digest(file)
    except OSError as error:
        found.add(name, f"cannot be read: {error.strerror}")
        return
    if size != entry.get("bytes"):
        found.add(name, f"has {size} bytes, the manifest says {entry.get('bytes')}")
    if sha256 != entry.get("sha256"):
        found.add(name, f"has the SHA-256 {sha256}, the manifest says {entry.get('sha256')}")
    if name.endswith(_PACKED):
        _records(file, found)
    elif entry.get("format") in EXPORTS:
        _articles(file, str(entry["format"]), found, archive, again)


def _records(file: Path, found: _Found) -> None:
    try:
        for offset, packed in members.each(file):
            found.records += 1
            try:
                members.check(packed)
            except members.Damaged as error:
                found.add(f"{file.name} @ {offset}", str(error))
    except members.Damaged as error:
        found.add(file.name, str(error))


def _articles(file: Path, kind: str, found: _Found, archive: Path | None, again: bool) -> None:
    read = EXPORTS[kind].read
    if read is None:
        return
    try:
        for article in read(file):
            found.articles += 1
            if article.get("text") and article.get("sha256") not in (None, _sha256(article["text"])):
                found.add(str(article.get("url")), "its text is not the one that was stored")
            if archive is not None and article.get("archive"):
                _archived(article, archive, found, again)
    except SuchlikeError:
        raise
    except (ValueError, OSError, KeyError, TypeError) as error:
        found.add(file.name, f"cannot be read: {type(error).__name__}")


def _archived(article: Mapping[str, Any], archive: Path, found: _Found, again: bool) -> None:
    place = article["archive"]
    place = json.loads(place) if isinstance(place, str) else place
    what = f"{place['file']} @ {place['offset']}"
    try:
        packed = members.at(archive, place["file"], place["offset"])
        kind, _ = members.check(packed)
        found.records += 1
    except (members.Damaged, StoreError) as error:
        found.add(what, str(error).rstrip("."))
        return
    if kind != "response":
        found.add(str(article.get("url")), "the page was removed from the archive")
        return
    if again and _sha256(_extracted(packed)) != article.get("sha256"):
        found.add(str(article.get("url")), "the archived page gives another text today")


def _extracted(packed: bytes) -> str:
    page = read_one(packed)
    try:
        return extract(page.body, page.url, headers=page.headers).text if page else ""
    except NotAnArticle:
        return ""


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
