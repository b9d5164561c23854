"""Writes a corpus to a file, to a file a split, or to a folder: whole or not at all, with a manifest beside it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipelines.errors import StoreError, UsageError
from pipelines.exports import EXPORTS, Article, Choice, Format, manifest
from pipelines.exports.card import card
from pipelines.exports.rights import known_purpose
from pipelines.exports.tally import Tally
from pipelines.stores import Connection, editions
from pipelines.stores.runs import Run
from pipelines.stores.wanted import Wanted

MANIFEST = manifest.NAME
_WHOLE = {"train": 1.0}

Articles = Generator[Article, None, None]


def export(
    kind: str, articles: Callable[[], Articles], file: Path, *,
    about: Mapping[str, Any], choice: Choice | None = None, purpose: str | None = None,
    shares: Mapping[str, float] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Writes `articles` to `file`; returns `{file, format, articles, bytes, sha256, left_out}`, with `splits` if asked.

    `articles` is called once for each split of `shares` and must give the same ones each time. `purpose` leaves out
    what its profile of rights forbids. The manifest keeps `about` (mode, config …) for each file. Raises UsageError
    for what there is not, and StoreError when the disk refuses.
    """
    form = format_of(kind)
    known_purpose(purpose)
    if not file.name:
        raise UsageError(f"{file} is no name for a file; write one behind -o, or leave that out.")
    if file.name == MANIFEST:
        raise UsageError(f"{MANIFEST} is the name of the manifest; name the file otherwise.")
    work = _Work(kind, form, articles, choice or Choice(), purpose, about)
    try:
        if form.folder:
            return work.folder(file, shares or _WHOLE)
        return work.files(file, shares) if shares else work.file(file)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}.") from error


def fit(kind: str, *, fields: Sequence[str] = (), text: bool = True) -> Format:
    """The format of this name; UsageError when it is none, or when what is asked of it does not fit it."""
    form = format_of(kind)
    if fields and not form.fields:
        tables = ", ".join(sorted(name for name, one in EXPORTS.items() if one.fields))
        raise UsageError(f"{kind} has columns of its own; --fields is for {tables}.")
    if not text and form.only_pages:
        raise UsageError(f"{kind} holds nothing but pages; without texts take jsonl, csv or parquet.")
    return form


def about(connection: Connection, run: Run | None, wanted: Wanted) -> dict[str, Any]:
    """What the manifest says of every file beside what is in it: mode, configuration, seeds, filters, versions."""
    told: dict[str, Any] = {"versions": manifest.versions(), "seeds": []}
    told["filters"] = {name: value for name, value in asdict(wanted).items() if value not in (None, False)}
    if run is not None:
        told |= {"mode": run.mode, "config": run.config.digest, "run": run.id}
    if run is not None and run.profile:
        seeds = editions.get(connection, run.profile).seeds
        told["seeds"] = [{"name": s.name, "sha256": hashlib.sha256(s.text.encode()).hexdigest()} for s in seeds]
    return told


def place(exports: Path, name: str, mode: str | None) -> Path:
    """Where an export lands for which no file is named: in `exports`, or in a folder of its mode's own beneath it.

    What was replayed does not take the place of what was crawled, nor the other way round. UsageError when the
    manifest there is somebody else's.
    """
    folder = exports / name if (exports / name).is_dir() else exports
    others = [one for one in manifest.entries(folder) if mode and one.get("mode", mode) != mode]
    return exports / str(mode) / name if others else exports / name


def format_of(kind: str) -> Format:
    """The format of this name; UsageError, with those there are, when there is none."""
    if kind not in EXPORTS:
        raise UsageError(f"There is no export format {kind!r}; there are {', '.join(sorted(EXPORTS))}.")
    return EXPORTS[kind]


class _Work:
    """One export under way."""

    def __init__(
        self, kind: str, form: Format, articles: Callable[[], Articles], choice: Choice,
        purpose: str | None, about: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self._kind, self._form, self._articles, self._choice = kind, form, articles, choice
        self._purpose, self._about = purpose, about
        self._total = Tally()

    def file(self, file: Path) -> dict[str, Any]:
        """One file and its entry in the folder's manifest."""
        manifest.entries(file.parent)
        entry = self._written(file, file.name, _WHOLE, "train")
        manifest.add(file.parent, [entry])
        return self._result(str(file), [entry])

    def files(self, file: Path, shares: Mapping[str, float]) -> dict[str, Any]:
        """A file a split, in the folder of `file`."""
        manifest.entries(file.parent)
        named = {split: _named(file, self._form, split) for split in shares}
        made = [self._written(named[split], named[split].name, shares, split) for split in shares]
        manifest.add(file.parent, made)
        return self._result(str(file.parent), made) | {"splits": [_short(one) for one in made]}

    def folder(self, folder: Path, shares: Mapping[str, float]) -> dict[str, Any]:
        """A data set with its card; one that was exported there before gives way to it."""
        if folder.exists() and not (folder.is_dir() and (manifest.entries(folder) or not any(folder.iterdir()))):
            raise UsageError(f"{folder} is not an export of ours and is left alone; name another folder.")
        part, old = folder.with_name(f"{folder.name}.part"), folder.with_name(f"{folder.name}.old")
        shutil.rmtree(part, ignore_errors=True)
        try:
            made = [self._written(part / f"data/{s}.parquet", f"data/{s}.parquet", shares, s) for s in shares]
            told = self._total.told() | dict(self._about) | {"articles": sum(one["articles"] for one in made)}
            text = card(self._choice.title, {**told, "splits": made, "purpose": self._purpose})
            (part / "README.md").write_text(text, encoding="utf-8")
            sha256, size = manifest.digest(part / "README.md")
            readme = {"file": "README.md", "format": "card", "articles": 0, "bytes": size, "sha256": sha256}
            manifest.add(part, [*made, readme])
            if folder.exists():
                shutil.rmtree(old, ignore_errors=True)
                folder.rename(old)
            part.rename(folder)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return self._result(str(folder), [*made, readme]) | {"splits": [_short(one) for one in made]}

    def _written(self, file: Path, name: str, shares: Mapping[str, float], split: str) -> dict[str, Any]:
        """Writes one file, and gives its entry for the manifest."""
        tally = Tally()
        with _whole(file) as part, part.open("wb") as out, contextlib.closing(self._articles()) as articles:
            number = self._form.write(tally.admitted(articles, self._purpose, shares, split), out, self._choice)
            out.flush()
            os.fsync(out.fileno())
        self._total.add(tally)
        sha256, size = manifest.digest(file)
        told = {"file": name, "format": self._kind, "articles": number, "bytes": size, "sha256": sha256}
        if len(shares) > 1 or self._form.folder:
            told |= {"split": split, "share": round(shares[split], 6)}
        return {**told, **tally.told(), "purpose": self._purpose, **self._about}

    def _result(self, file: str, made: list[dict[str, Any]]) -> dict[str, Any]:
        alone = len(made) == 1 and not self._form.folder
        return {
            "file": file,
            "format": self._kind,
            "articles": sum(one["articles"] for one in made),
            "bytes": sum(one["bytes"] for one in made),
            "sha256": made[0]["sha256"] if alone else manifest.digest_of_all(made),
            "left_out": dict(self._total.left_out),
        }


@contextlib.contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """A file to write that takes the place of `file` once it is whole."""
    part = file.with_name(file.name + ".part")
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield part
        part.replace(file)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _named(file: Path, form: Format, split: str) -> Path:
    """The file of a split: `articles-train.jsonl` beside `articles.jsonl`."""
    usual = "." + form.file.partition(".")[2]
    suffix = usual if file.name.endswith(usual) else file.suffix
    return file.with_name(f"{file.name.removesuffix(suffix)}-{split}{suffix}")


def _short(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in ("split", "file", "articles", "bytes", "sha256")}
