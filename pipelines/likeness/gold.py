"""Labelled articles to measure the likeness on, read strictly: a figure from half-read gold would be a wrong figure."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.errors import UsageError
from pipelines.language import detect
from pipelines.likeness.tokens import words

ENDINGS = (".jsonl", ".jsonl.gz")
EXAMPLE = '{"text": "…", "event": "…"}'


@dataclass(frozen=True, slots=True)
class Gold:
    """One labelled article. `labels`: kind of label -> its values; no kind where nobody judged."""

    title: str
    text: str
    language: str
    labels: dict[str, frozenset[str]]
    published: date | None = None


def read(path: Path, kinds: Sequence[str]) -> list[Gold]:
    """The articles of a file, or of a folder's files by name, that have a label of one of the `kinds`.

    Copies of one text, its spaces evened out, are one article with the labels of all. UsageError names file and line.
    """
    found: dict[str, Gold] = {}
    for file in _files(path):
        for place, line in _lines(file):
            gold = _article(line, place, kinds)
            key = " ".join(gold.text.split())
            known = found.setdefault(key, gold)
            merged = {kind: known.labels.get(kind, frozenset()) | values for kind, values in gold.labels.items()}
            found[key] = replace(known, labels=known.labels | merged)
    labelled = [gold for gold in found.values() if gold.labels]
    if not labelled:
        raise UsageError(f"No line of {path} has a label; give each a field {_either(kinds)}, as in {EXAMPLE}.")
    # told only of those that are used, for it takes time
    return [gold if gold.language else replace(gold, language=detect(gold.text)) for gold in labelled]


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise UsageError(f"There is no {path}; name a .jsonl or .jsonl.gz file, or a folder of them.")
    files = [path] if path.is_file() else sorted(each for each in path.iterdir() if each.name.endswith(ENDINGS))
    if not files:
        raise UsageError(f"{path} holds no .jsonl or .jsonl.gz file; put one there, a line an article, as {EXAMPLE}.")
    return files


def _lines(file: Path) -> Iterator[tuple[str, bytes]]:
    """Each line that is not blank, and where it stands."""
    number = 0
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield f"{file}, line {number}", line
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{file}, line {number + 1}, cannot be read ({error}); is the file whole?") from error


def _article(line: bytes, place: str, kinds: Sequence[str]) -> Gold:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:  # what is not UTF-8 is a ValueError, too
        raise UsageError(f"{place}, is not JSON ({error}); write one object a line, as {EXAMPLE}.") from error
    if not isinstance(given, dict):
        raise UsageError(f"{place}, is no object; write one a line, as {EXAMPLE}.")
    if not words(_string(given, "text", place)):
        raise UsageError(f"{place}, has no words in `text`; give it the article's text, or take the line out.")
    labels = {kind: _values(given, kind, place) for kind in kinds if given.get(kind) not in (None, "")}
    title, language = (_string(given, name, place) for name in ("title", "language"))
    return Gold(title, given["text"], language, labels, _day(given))


def _day(given: dict[str, Any]) -> date | None:
    """The day of publication, where it can be read as ISO 8601."""
    try:
        return date.fromisoformat(str(given.get("published") or given.get("date"))[:10])
    except ValueError:
        return None


def _string(given: dict[str, Any], name: str, place: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UsageError(f"{place}, has a `{name}` that is no text; put it in quotation marks.")
    return value


def _values(given: dict[str, Any], kind: str, place: str) -> frozenset[str]:
    values = [given[kind]] if isinstance(given[kind], str) else given[kind]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise UsageError(f'{place}, has a `{kind}` that is no label; write "name", or ["one", "another"].')
    return frozenset(values)


def _either(kinds: Sequence[str]) -> str:
    named = [f"`{kind}`" for kind in kinds]
    return " or ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
