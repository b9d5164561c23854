"""How often date, title and authors are right, ours beside trafilatura's and htmldate's, on pages with gold labels.

    python benchmarks/metadata.py FOLDER [--half tune|apart] [--misses date|title|authors]

FOLDER holds `gold.jsonl`, lines of `{file, url, title, authors, published}` (ISO 8601, as the page has it; what is left
out is not asked), or is the parser tests' folder of flairNLP/fundus (tests/resources/parser/test_data), or a copy of
Murrough-Foley/web-content-extraction-benchmark, whose articles are asked for title and date. The pages fall into two
halves by their publisher: one to look at while the reading is improved, one kept apart.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from htmldate import find_date
from trafilatura import extract_metadata

from pipelines import extract, markup, metadata

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
FIELDS = ("date", "undated", "title", "told", "authors")
_OF_HTMLDATE = ("date", "undated")


@dataclass(frozen=True)
class Gold:
    """A page and what is true of it; None where nobody says. `days` is empty where people found no date on it."""

    file: Path
    url: str
    group: str
    title: str | None
    authors: frozenset[str] | None
    days: frozenset[date] | None


@dataclass(frozen=True)
class Told:
    """What a reader says of a page. `titles` are all it tells of, where sources differ."""

    title: str
    authors: frozenset[str]
    day: date | None
    titles: frozenset[str] = frozenset()


def labelled(folder: Path) -> Iterator[Gold]:
    """The pages of a folder of any kind."""
    if (folder / "dev" / "ground-truth").exists():
        yield from _reviewed(folder)
        return
    if (folder / "gold.jsonl").exists():
        for line in (folder / "gold.jsonl").read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            yield _gold(folder / one["file"], one["url"], one["url"].split("/")[2], one)
        return
    for file in sorted(folder.glob("*/*.json")):
        versions = list(json.loads(file.read_text(encoding="utf-8")).values())
        pages = sorted(file.parent.glob(f"{file.stem}_2*.html.gz"))
        (about,) = file.parent.glob("*.info")
        urls = json.loads(about.read_text(encoding="utf-8"))
        for page, told in zip(pages, versions, strict=True):
            named = {**told, **({"published": day} if (day := told.get("publishing_date")) else {})}
            yield _gold(page, urls[page.name]["url"], f"{file.parent.name}/{file.stem}", named)


def _reviewed(folder: Path) -> Iterator[Gold]:
    """The articles of the web content extraction benchmark. Its authors are one text, from which no set is made."""
    for file in sorted(folder.glob("*/ground-truth/*.json")):
        page = json.loads(file.read_text(encoding="utf-8"))
        if page.get("url") and page["_internal"]["page_type"]["primary"] == "article":
            told = page["ground_truth"]
            day = str(told.get("publish_date") or "")
            named = {"title": told.get("title"), "published": day if _DAY.fullmatch(day) else None}
            html = file.parent.parent / "html" / f"{file.stem}.html.gz"
            yield _gold(html, page["url"], page["url"].split("/")[2], named)


def _gold(file: Path, url: str, group: str, one: dict[str, Any]) -> Gold:
    days: set[date] | None = set() if "published" in one else None
    if one.get("published"):
        moment = datetime.fromisoformat(one["published"])
        # the day it was there, and the day it was in UTC
        days = {moment.date(), moment.astimezone(UTC).date()} if moment.tzinfo else {moment.date()}
    authors = one.get("authors")
    return Gold(file, url, group, _line(one["title"]) if one.get("title") else None,
                None if authors is None else _names(authors), None if days is None else frozenset(days))  # fmt: skip


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def _names(names: Any) -> frozenset[str]:
    return frozenset(_line(name).casefold() for name in names if _line(name))


def ours(html: str, url: str) -> Told:
    """Our own reading, as a crawl does it."""
    about = metadata.read(metadata.parse(html), url)
    dated = about.published or extract.guessed_date(html, url)
    titles = frozenset(_line(title) for title in (about.title, *about.said.get("title", {}).values()))
    # the day it was where the page appeared
    day = date.fromisoformat(dated.said.get(dated.evidence, dated.when.isoformat())[:10]) if dated else None
    return Told(_line(about.title), _names(about.authors), day, titles)


def trafilatura(html: str, url: str) -> Told:
    """trafilatura's metadata with its defaults."""
    about = extract_metadata(html, default_url=url)
    day = date.fromisoformat(about.date) if about and about.date else None
    names = (about.author or "").split("; ") if about else []
    return Told(_line(about.title) if about else "", _names(names), day)


def htmldate(html: str, url: str) -> Told:
    """htmldate alone, asked for the original date."""
    found = find_date(html, original_date=True, url=url)
    return Told("", frozenset(), date.fromisoformat(found) if found else None)


READERS: dict[str, Callable[[str, str], Told]] = {"ours": ours, "trafilatura": trafilatura, "htmldate": htmldate}


def right(gold: Gold, told: Told) -> dict[str, bool]:
    """Field -> whether it is right, of those somebody knows."""
    verdicts = {}
    if gold.days:
        verdicts["date"] = told.day in gold.days
    elif gold.days is not None:
        verdicts["undated"] = told.day is None
    if gold.title is not None:
        verdicts["title"] = told.title == gold.title
        verdicts["told"] = gold.title in (told.titles or {told.title})
    if gold.authors is not None:
        verdicts["authors"] = told.authors == gold.authors
    return verdicts


def half_of(gold: Gold) -> str:
    """Which half a page is in, decided by its publisher."""
    return ("tune", "apart")[hashlib.sha256(gold.group.encode()).digest()[0] % 2]


def main() -> None:
    """Prints a table: share right, by field and reader."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", choices=("tune", "apart"))
    parser.add_argument("--misses", choices=FIELDS, help="print what is wrong with ours, and nothing else")
    asked = parser.parse_args()
    pages = [one for one in labelled(asked.folder) if asked.half in (None, half_of(one))]
    readers = {"ours": ours} if asked.misses else READERS
    marks: dict[str, dict[str, list[bool]]] = {name: {field: [] for field in FIELDS} for name in readers}
    spent = dict.fromkeys(readers, 0.0)
    for gold in pages:
        body = gold.file.read_bytes()
        html = markup.decode(gzip.decompress(body) if gold.file.suffix == ".gz" else body)
        for name, reader in readers.items():
            began = time.process_time()
            told = reader(html, gold.url)
            spent[name] += time.process_time() - began
            verdicts = right(gold, told)
            for field, verdict in verdicts.items():
                marks[name][field].append(verdict)
            if asked.misses and not verdicts.get(asked.misses, True):
                days = sorted(map(str, gold.days or ()))
                wanted = {
                    "date": days,
                    "undated": days,
                    "title": gold.title,
                    "told": gold.title,
                    "authors": sorted(gold.authors or ()),
                }
                found = {"date": told.day, "undated": told.day, "title": told.title, "told": sorted(told.titles),
                         "authors": sorted(told.authors)}  # fmt: skip
                print(f"{gold.group} {gold.url}\n   gold {wanted[asked.misses]}\n   ours {found[asked.misses]}")
    if asked.misses:
        return
    print(f"{len(pages)} pages\n\n| reader | {' | '.join(FIELDS)} | CPU ms a page |\n|---|{'---|' * len(FIELDS)}---|")
    for name, held in marks.items():
        told = _OF_HTMLDATE if name == "htmldate" else FIELDS
        shares = [f"{sum(held[f]) / len(held[f]):.3f}" if f in told and held[f] else "-" for f in FIELDS]
        print(f"| {name} | {' | '.join(shares)} | {1000 * spent[name] / len(pages):.1f} |")


if __name__ == "__main__":
    main()
