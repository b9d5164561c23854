"""Why an article is none of those asked for: unlike the seeds, or like them in another language or from before a day.

Pure. What cannot be told of an article is not held against it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from pipelines.days import day
from pipelines.errors import ConfigError, UsageError
from pipelines.sections import Profile
from pipelines.tongues import CODES, meant

UNLIKE: Final = "unlike"
LANGUAGE: Final = "language"
TOO_OLD: Final = "too-old"
# what a judgement drops an article for; its text and score stay, so it can be decided again without fetching
REASONS: Final = frozenset({UNLIKE, LANGUAGE, TOO_OLD})

# other codes of the same languages
_USUAL: Final = {"nb": "no", "iw": "he", "in": "id", "fil": "tl", "kik": "ki", "gug": "gn"}
# forms that detectors tell apart -> the language that people ask for and mean both
_FORMS: Final = {"nn": "no"}
# a date no surer than this was guessed (dating.GUESSED, whose parsers nobody needs here)
UNSURE: Final = 0.5
# the earliest day of a fetch that ages are counted back from
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Misfit:
    """One reason (of REASONS), and its detail for people."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Traits:
    """What is held against a profile's limits: language, date (UTC) with its confidence (0..1), and the first fetch.

    `found_at` is in seconds since 1970.
    """

    language: str
    published: datetime | None
    confidence: float
    found_at: float


class Limits:
    """What a profile asks of articles beside likeness: languages, and a first day.

    An age counts back from the day an article was first fetched. So one that was young when it was found stays what
    it is, whenever it is judged again.
    """

    def __init__(self, profile: Profile) -> None:
        self.languages = tuple(sorted({code(one) for one in profile.languages}))
        self.since = profile.since
        self.name = f"{' '.join(self.languages)} since {self.since}" if self.languages or self.since else ""

    def misfit(self, traits: Traits) -> Misfit | None:
        """What is wrong with an article of these traits; None for nothing."""
        if self.languages and traits.language not in ("", "und") and not self._takes(code(traits.language)):
            return Misfit(LANGUAGE, f"its language is {traits.language}, asked for is {' or '.join(self.languages)}")
        # a guess from the text's words is no reason to lose an article
        if not self.since or traits.published is None or traits.confidence <= UNSURE:
            return None
        fetched = datetime.fromtimestamp(max(0.0, traits.found_at), UTC).date()
        first, published = day(self.since, "since", today=fetched), traits.published.astimezone(UTC).date().isoformat()
        if first is None or published >= first:
            return None
        return Misfit(TOO_OLD, f"it was published on {published}, asked for is {first} or later")

    def _takes(self, language: str) -> bool:
        return language in self.languages or _FORMS.get(language) in self.languages


def code(language: str) -> str:
    """The two or three letters that a language goes by here: `en` for en-GB and EN."""
    short = re.split("[-_]", language.strip().lower(), maxsplit=1)[0]
    return _USUAL.get(short, short)


def check_languages(languages: Collection[str], key: str = "languages") -> list[str]:
    """Their codes. Raises ConfigError, naming `key` and what to write, for what no article is said to be in."""
    codes = [code(one) for one in languages]
    for one, known in zip(languages, codes, strict=True):
        if known not in CODES:
            instead = meant(known) or "two letters, such as en, or three where a language has no two, such as ceb"
            raise ConfigError(f"{key} has {one!r}, which no article's language is called here; write {instead}.")
    return codes


def check_since(since: str, key: str = "since") -> str:
    """A day or an age as it is, or nothing. Raises ConfigError, naming `key`, for what is neither."""
    if since:
        try:
            day(since, key, today=_EPOCH)
        except UsageError as error:
            raise ConfigError(str(error)) from None
    return since
