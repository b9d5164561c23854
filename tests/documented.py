"""What the documentation shows: its blocks, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "deploy" / "README.md", *(ROOT / "docs").rglob("*.md")]
)
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`(suchlike [^`]+)`", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    language: str
    text: str


def blocks(*languages: str) -> list[Block]:
    """Every block in one of these languages, page by page."""
    found = [Block(page, *one) for page in PAGES for one in _BLOCK.findall(page.read_text(encoding="utf-8"))]
    return [block for block in found if block.language in languages]


def commands(block: Block) -> Iterator[list[str]]:
    """The words of each command a block of a shell shows."""
    for line in block.text.splitlines():
        if block.language == "console" and not line.startswith("$ "):
            continue
        words = shlex.split(line.removeprefix("$ "), comments=True)
        while "&&" in words:
            cut = words.index("&&")
            yield words[:cut]
            words = words[cut + 1 :]
        if words:
            yield words


def named_in(page: Path) -> Iterator[list[str]]:
    """The words of each `suchlike …` in the running text of a page; brackets say that something may be left out."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    for one in _INLINE.findall(text):
        yield shlex.split(" ".join(re.sub(r"[][]", "", one).split()))
