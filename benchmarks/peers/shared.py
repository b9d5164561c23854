"""What every peer's script begins with: where the web is, and a SQLite file with a full-text index to store into.

Runs in the peer's own environment, beside nothing but what the peer installs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sqlite3
from collections import Counter
from pathlib import Path

TABLES = """
PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;
CREATE TABLE IF NOT EXISTS articles (
  id INTEGER PRIMARY KEY, url TEXT UNIQUE, title TEXT, text TEXT, published TEXT, sha TEXT UNIQUE);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (title, text, content=articles, content_rowid=id);
CREATE TRIGGER IF NOT EXISTS indexed AFTER INSERT ON articles BEGIN
  INSERT INTO words (rowid, title, text) VALUES (new.id, new.title, new.text); END;
"""


class Task:
    """What is asked: `hosts` to start from, `urls` of the web, `pages` to fetch, the `proxy`, the SQLite file `out`."""

    def __init__(self) -> None:
        options = argparse.ArgumentParser()
        options.add_argument("--web", type=Path, required=True)
        options.add_argument("--proxy", required=True)
        options.add_argument("--out", type=Path, required=True)
        options.add_argument("--pages", type=int, required=True)
        options.add_argument("--keep", choices=("matches", "all"), default="all")
        options.add_argument("--redis", default="")
        options.add_argument("--role", default="")
        asked = options.parse_args()
        told = json.loads(asked.web.read_text())
        self.proxy, self.out, self.pages, self.redis, self.role = (
            asked.proxy,
            asked.out,
            asked.pages,
            asked.redis,
            asked.role,
        )
        self.keeps_all = asked.keep == "all"
        self.hosts: list[str] = told["hosts"]
        self.urls: list[str] = list(told["pages"])
        self.seeds: list[str] = told["seeds"]


class Likeness:
    """What a plain script would do: the cosine of word counts with the seeds'."""

    def __init__(self, seeds: list[str]) -> None:
        self._seeds = [_counts(seed) for seed in seeds]

    def __call__(self, text: str) -> float:
        words = _counts(text)
        return max(_cosine(words, seed) for seed in self._seeds)


class Kept:
    """Articles in SQLite, `each` in one transaction; a text that is there already is left out."""

    def __init__(self, out: Path, each: int = 100) -> None:
        self._database = sqlite3.connect(out, isolation_level=None)
        self._database.executescript(TABLES)
        self._each, self._held = each, []

    def add(self, url: str, title: str | None, text: str, published: str | None) -> None:
        """One article more."""
        self._held.append((url, title, text, published, hashlib.sha256(text.encode()).hexdigest()))
        if len(self._held) >= self._each:
            self.flush()

    def flush(self) -> None:
        """Writes what is held."""
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany(
            "INSERT OR IGNORE INTO articles (url, title, text, published, sha) VALUES (?, ?, ?, ?, ?)", self._held
        )
        self._database.execute("COMMIT")
        self._held.clear()


LIKE = 0.3
_WORD = re.compile(r"[a-z]{5,}")


def _counts(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.lower()))


def _cosine(one: Counter[str], other: Counter[str]) -> float:
    both = sum(count * other[word] for word, count in one.items() if word in other)
    norm = sum(c * c for c in one.values()) * sum(c * c for c in other.values())
    return both / norm**0.5 if norm else 0.0
