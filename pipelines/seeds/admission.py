"""Which articles become seeds: cleaned, long enough, and none told twice; of what is only judged, copies as well."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Final

from pipelines.hygiene import clean, paragraphs
from pipelines.language import count_words, detect
from pipelines.likeness import tokens
from pipelines.seeds.contents import Draft
from pipelines.seeds.naming import writable
from pipelines.seeds.records import Seed
from pipelines.seeds.wishes import FileWishes
from pipelines.signature import hashed, shingles

MIN_WORDS: Final = 25
# fewer different ones in letters, numbers left out, say nothing that could be compared
MIN_DIFFERENT: Final = 5
SAME_TEXT: Final = 0.85
_TITLE_WORDS: Final = 12


class Admission:
    """Takes articles one after the other; `seeds` are those that were taken. `copies` says that copies are, too."""

    def __init__(self, *, copies: bool = False) -> None:
        self._copies = copies
        self.seeds: list[Seed] = []
        self._names: set[str] = set()
        self._told: dict[int | str, list[str]] = {}

    def admit(self, draft: Draft, name: str, path: Path, wish: FileWishes) -> str | None:
        """Takes an article of the file at `path` under a name that no other has; else says what is wrong with it."""
        said = writable(draft.text)
        cleaned = clean(said) if draft.plain and wish.cut else None
        text = paragraphs(cleaned.text if cleaned else said)
        words = count_words(text)
        if words < MIN_WORDS:
            return f"has {words} words, and at least {MIN_WORDS} are needed; put the whole article into it"
        if len(set(tokens.words(text))) < MIN_DIFFERENT:
            return "has hardly a word that is written in letters; put the whole article into it"
        unique = self._unused(name)
        same = None if self._copies else self._same_as(text, unique)
        if same:
            return f"tells the same text as {same}, which was kept; remove one of them"
        self._names.add(unique)
        title = wish.title or writable(draft.title) or (cleaned.title if cleaned else "") or _beginning(text)
        dropped = (*cleaned.cut_leading, *cleaned.cut_trailing) if cleaned else ()
        spoken = wish.language or draft.language or detect(text)
        even, url = " ".join(title.split()), wish.url or writable(draft.url)
        at = writable(str(path))
        day, sure = draft.published, draft.sure_of_day
        self.seeds.append(Seed(unique, at, even, text, spoken, words, dropped, url, day, sure, draft.at))
        return None

    def _unused(self, name: str) -> str:
        numbered = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
        return next(one for one in numbered if one not in self._names)

    def _same_as(self, text: str, name: str) -> str | None:
        """The name of an earlier seed that shares most shingles with this text, or None; remembers this one."""
        shingled = set(shingles(hashed(text)).tolist()) or {text}
        shared = Counter(itertools.chain.from_iterable(self._told.get(shingle, ()) for shingle in shingled))
        for same, number in shared.most_common(1):
            if number >= SAME_TEXT * len(shingled):
                return same
        for shingle in shingled:
            self._told.setdefault(shingle, []).append(name)
        return None


def _beginning(text: str) -> str:
    words = text.split(None, _TITLE_WORDS)
    return " ".join(words[:_TITLE_WORDS]) + (" …" if len(words) > _TITLE_WORDS else "")
