"""Whether two articles tell the same text, how one knows, and in which of five ways. Pure.

The five steps, surest first: variants of one address, the same text, revisions of one address, near copies, and copies
at other outlets, which may each have put paragraphs of their own around it. See docs/stories.md for the figures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal

from pipelines import urls as identity
from pipelines.passages import Reading, Shared, shared
from pipelines.signature import words_of

Kind = Literal["variant", "same", "revision", "near", "syndicated"]

# a link is whole when so much even of the longer text is common; else the longer may hold other articles too
WHOLE: Final = 0.6
# shares of the shorter and of the longer text that must lie in common passages
COPY: Final = (0.5, 0.4)
# an abridged copy lies in the longer one nearly whole
ABRIDGED: Final = (0.75, 0.2)
# two texts at one address are versions of one another from here on; below, the address is wrong
SAME_ADDRESS: Final = 0.3
# from here on a copy is near, even at home, where pages look alike without being copies
NEAR: Final = 0.8
# or from here on, if the headlines say the same
NEAR_UNDER_ONE_HEADLINE: Final = 0.5
ONE_HEADLINE: Final = 0.75
# a form's blanks: so many names and numbers, that differ more than chance would have it in standard deviations
PARTICULARS: Final = 3
DEVIATIONS: Final = 2.5


@dataclass(frozen=True, slots=True)
class Told:
    """What an article brings to the question. `rank` orders the members of a story: its canonical one comes first.

    Of its `text` no more than signature.READ_CHARS are compared.
    """

    row: int
    url: str
    site: str
    canonical_key: int
    title: str
    sha256: str
    agency: str
    rank: tuple[Any, ...]
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Link:
    """That two articles tell the same text: the step that found it, how alike they are (0 to 1), and what shows it.

    `whole` when each text is mostly what both share; else the longer may hold more than this one.
    """

    kind: Kind
    similarity: float
    evidence: Mapping[str, Any]
    whole: bool = True


# a story's copies come together, so what was last compared is compared again; more than the finds of one look-up
@lru_cache(maxsize=512)
def _reading(sha256: str, text: str) -> Reading:
    return Reading(text)


class _Pairs:
    """What was found common to two texts, remembered by their hashes."""

    MOST = 4096

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Shared] = {}

    def of(self, one: Told, other: Told) -> Shared:
        """See passages.shared."""
        key = (min(one.sha256, other.sha256), max(one.sha256, other.sha256))
        found = self._held.get(key)
        if found is None:
            if len(self._held) >= self.MOST:
                self._held.clear()
            found = shared(_reading(one.sha256, one.text), _reading(other.sha256, other.text))
            self._held[key] = found
        return found


_pairs = _Pairs()


def link(one: Told, other: Told) -> Link | None:
    """How one knows that two articles tell the same text, or None; the same whichever comes first."""
    address = _address(one, other)
    if one.sha256 == other.sha256:
        return _same_text(one, other, address)
    common = _pairs.of(one, other)
    if _is_form(common):
        return None
    whole = common.of_longer >= WHOLE
    evidence = _evidence(common, one, other) | address
    if address and common.of_shorter >= SAME_ADDRESS:
        kind: Kind = "variant" if common.jaccard >= NEAR else "revision"
        return Link(kind, _rounded(common), evidence, whole)
    if one.site == other.site:
        alike = common.jaccard >= NEAR or (
            common.jaccard >= NEAR_UNDER_ONE_HEADLINE and _headlines(one.title, other.title) >= ONE_HEADLINE
        )
        return Link("near", _rounded(common), evidence, whole) if alike else None
    if not any(common.of_shorter >= least and common.of_longer >= also for least, also in (COPY, ABRIDGED)):
        return None
    near = common.jaccard >= NEAR and not evidence.get("agency")
    return Link("near" if near else "syndicated", _rounded(common), evidence, whole)


def _address(one: Told, other: Told) -> dict[str, Any]:
    """What says that both are at one address; empty when nothing does."""
    if one.canonical_key == other.canonical_key:
        return {"address": "canonical"}
    if identity.variant_of(one.url) == identity.variant_of(other.url):
        return {"address": "variant"}
    return {}


def _same_text(one: Told, other: Told, address: dict[str, Any]) -> Link | None:
    if address:
        return Link("variant", 1.0, {"text": one.sha256[:16], **address})
    short = _reading(one.sha256, one.text).short
    # what all pages of a site say that show no article: a wall to pay at, a consent to give
    if (short or one.site == other.site) and not _headlines(one.title, other.title):
        return None
    evidence = {"text": one.sha256[:16]} | _agency(one, other)
    return Link("same", 1.0, evidence)


def _is_form(common: Shared) -> bool:
    """Whether the common passages are a form filled in twice: the same words, but other names and numbers."""
    number, expected = common.particulars, common.alike
    if number < PARTICULARS:
        return False
    spread = math.sqrt(max(expected * (1 - expected), 0.05) / number)
    return common.particulars_alike < expected - DEVIATIONS * spread


def _evidence(common: Shared, one: Told, other: Told) -> dict[str, Any]:
    told = {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(common).items()}
    kept = ("jaccard", "of_shorter", "of_longer", "passages", "longest")
    return {name: told[name] for name in kept} | _agency(one, other)


def _agency(one: Told, other: Told) -> dict[str, Any]:
    named = one.agency or other.agency
    return {"agency": named} if named and one.site != other.site else {}


def _rounded(common: Shared) -> float:
    return round(max(common.jaccard, common.of_shorter), 3)


def _headlines(one: str, other: str) -> float:
    """The share of words two headlines have in common, of all words of both."""
    ours, theirs = ({word.lower() for word in words_of(title) if len(word) > 2} for title in (one, other))
    if not ours and not theirs:
        return 1.0
    return len(ours & theirs) / len(ours | theirs)
