"""The articles of the demo web, as records, and the reading of the hand-written ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

HERE = Path(__file__).parent
FIELDS = ("title", "site", "section", "author", "published", "language", "tags", "standfirst")
LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "\u2019": "", "'": ""})


@dataclass(frozen=True, slots=True)
class Article:
    """One article as its newsroom knows it. What it counts as in the gold labels is not part of it."""

    slug: str
    title: str
    site: str
    section: str
    author: str
    published: datetime
    language: str
    tags: tuple[str, ...]
    standfirst: str
    paragraphs: tuple[str, ...]

    @property
    def words(self) -> int:
        """Number of words in the body, without the standfirst."""
        return sum(len(paragraph.split()) for paragraph in self.paragraphs)


def slugify(text: str) -> str:
    """Make lower-case ASCII words joined by hyphens, at most 60 characters."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower().translate(LETTERS))[:60].strip("-")


def read(path: Path) -> Article:
    """Read one file: header lines `name: value`, an empty line, paragraphs. Raises ValueError naming the file."""
    head, _, body = path.read_text("utf-8").replace("\r\n", "\n").partition("\n\n")
    found = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    missing = [name for name in FIELDS if not found.get(name)]
    if missing or not body.strip():
        raise ValueError(f"{path}: lacks {', '.join(missing) or 'a body'}")
    return Article(
        slug=path.stem,
        title=found["title"].strip(),
        site=found["site"].strip(),
        section=found["section"].strip(),
        author=found["author"].strip(),
        published=datetime.fromisoformat(found["published"].strip()),
        language=found["language"].strip(),
        tags=tuple(tag.strip() for tag in found["tags"].split(",") if tag.strip()),
        standfirst=found["standfirst"].strip(),
        paragraphs=tuple(" ".join(part.split()) for part in re.split(r"\n\s*\n", body.strip())),
    )


def read_all(folder: Path = HERE / "articles") -> Iterator[tuple[str, Article]]:
    """Yield (subject, article) for every hand-written article, in a fixed order."""
    for path in sorted(folder.glob("*/*.md")):
        yield path.parent.name, read(path)
