"""What two texts have in common: passages that run alike through both, a few words apart at most. Pure.

Shared runs of three words are anchors; neighbouring anchors that go on alike in both texts are one passage, across
GAP other words at most, as copy-editors leave them. So an edited copy is passages nearly throughout, whereas two
reports of one event that quote the same speech share the quotation and little else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipelines.signature import MIN_WORDS, SHINGLE_WORDS, Hashes, composed, hashed, placed, shingles

GAP = 10
PASSAGE_WORDS = 15
PASSAGE_ANCHORS = 3
# texts with less in common are no copies of each other, whatever names and numbers they share: these are not compared,
# which is half the work where a site's pages share phrases
LITTLE = 0.25
_SENTENCE_ENDS = frozenset('.!?:\n"“”„»«')

Flags = NDArray[np.bool_]


class Reading:
    """A text made ready to be compared with others."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.hashes: Hashes = hashed(text)
        self.shingles: Hashes = shingles(self.hashes)

    def __len__(self) -> int:
        return len(self.hashes)

    @property
    def short(self) -> bool:
        """Whether the text is too short to be told from another by what they share."""
        return len(self) < MIN_WORDS

    @cached_property
    def distinct(self) -> Hashes:
        """The shingles, sorted, each once."""
        return np.unique(self.shingles)

    @cached_property
    def places(self) -> tuple[Hashes, NDArray[np.intp]]:
        """The distinct shingles, and where each stands first."""
        found, first = np.unique(self.shingles, return_index=True)
        return found, first

    @cached_property
    def particular(self) -> Flags:
        """Which words are numbers, or capitals in mid-sentence: what fills the blanks of a form."""
        text = composed(self.text)
        flags = [
            word[0].isdigit() or (word[0].isupper() and start > 1 and not word.isupper() and not _begins(text, start))
            for start, word in placed(text)
        ]
        return np.array(flags, dtype=np.bool_)


def _begins(text: str, at: int) -> bool:
    """Whether a sentence begins here."""
    return text[at - 1] in _SENTENCE_ENDS or text[at - 2] in _SENTENCE_ENDS


@dataclass(frozen=True, slots=True)
class Shared:
    """What two texts have in common. Shares are of words, 0 to 1.

    `jaccard` is that of the three-word shingles; `of_shorter` and `of_longer` how much of each text lies in shared
    passages, the larger share first; `passages` their number, `longest` the words of the longest; `alike` how many
    of the words in passages are the same, `particulars_alike` how many of the names and numbers among them, of which
    there are `particulars`; all three are 0 where the texts have less than LITTLE in common.
    """

    jaccard: float
    of_shorter: float
    of_longer: float
    passages: int
    longest: int
    alike: float
    particulars_alike: float
    particulars: int


def jaccard(one: Reading, other: Reading) -> float:
    """The share of their distinct shingles that two texts have in common."""
    total = len(one.distinct) + len(other.distinct)
    common = total - len(np.union1d(one.distinct, other.distinct))
    return common / (total - common) if total > common else 0.0


def shared(one: Reading, other: Reading) -> Shared:
    """What two texts have in common; the same whichever comes first. Nothing when one is too short to tell."""
    if one.short or other.short:
        return Shared(0.0, 0.0, 0.0, 0, 0, 0.0, 0.0, 0)
    if (len(one), one.text) > (len(other), other.text):
        one, other = other, one
    spans = _spans(one, other)
    in_one, in_other = _covered(one, spans[:, 0], spans[:, 1]), _covered(other, spans[:, 2], spans[:, 3])
    shares = sorted((float(in_one.mean()), float(in_other.mean())))
    near = jaccard(one, other)
    alike, particulars_alike, particulars = 0.0, 0.0, 0
    if max(shares[1], near) >= LITTLE:
        alike, particulars_alike, particulars = _alike(one, in_one, other, in_other)
    return Shared(
        jaccard=near, of_shorter=shares[1], of_longer=shares[0], passages=len(spans),
        longest=int((spans[:, 1] - spans[:, 0]).max(initial=0)), alike=alike, particulars_alike=particulars_alike,
        particulars=particulars,
    )  # fmt: skip


def _spans(one: Reading, other: Reading) -> NDArray[np.intp]:
    """The passages, a row each: where it begins and ends in the one text, and in the other."""
    held, first = other.places
    none = np.empty((0, 4), dtype=np.intp)
    if not len(held) or not len(one.shingles):
        return none
    at = np.minimum(np.searchsorted(held, one.shingles), len(held) - 1)
    ours = np.flatnonzero(held[at] == one.shingles)
    theirs = first[at[ours]]
    if not len(ours):
        return none
    ahead, along = np.diff(ours), np.diff(theirs)
    breaks = np.flatnonzero((ahead > GAP + SHINGLE_WORDS) | (along > GAP + SHINGLE_WORDS) | (along <= 0))
    starts, ends = np.concatenate(([0], breaks + 1)), np.concatenate((breaks, [len(ours) - 1]))
    spans = np.stack((ours[starts], ours[ends] + SHINGLE_WORDS, theirs[starts], theirs[ends] + SHINGLE_WORDS), axis=1)
    long = np.minimum(spans[:, 1] - spans[:, 0], spans[:, 3] - spans[:, 2]) >= PASSAGE_WORDS
    kept: NDArray[np.intp] = spans[long & (ends - starts + 1 >= PASSAGE_ANCHORS)]
    return kept


def _covered(text: Reading, begins: NDArray[np.intp], ends: NDArray[np.intp]) -> Flags:
    flags = np.zeros(len(text), dtype=np.bool_)
    for begin, end in zip(begins, ends, strict=True):
        flags[begin:end] = True
    return flags


def _alike(one: Reading, in_one: Flags, other: Reading, in_other: Flags) -> tuple[float, float, int]:
    ours, theirs = np.unique(one.hashes[in_one]), np.unique(other.hashes[in_other])
    names, others = (
        np.unique(text.hashes[inside & text.particular]) for text, inside in ((one, in_one), (other, in_other))
    )
    fewer, fewest = min(len(ours), len(theirs)), min(len(names), len(others))
    return (
        len(np.intersect1d(ours, theirs, assume_unique=True)) / fewer if fewer else 0.0,
        len(np.intersect1d(names, others, assume_unique=True)) / fewest if fewest else 0.0,
        fewest,
    )
