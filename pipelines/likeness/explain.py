"""Turn a likeness into the plain facts a reader can check."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.likeness.background import Floats
from pipelines.likeness.calibrate import total
from pipelines.likeness.lexical import Sparse
from pipelines.likeness.profile import Profile
from pipelines.likeness.read import Reader, Text
from pipelines.likeness.tokens import words
from pipelines.misfits import Misfit
from pipelines.records import Likeness, Term

SHOWN_SEEDS = 3
SHOWN_PAIRS = 3
SHOWN_MISSING = 8
# sentences of either text that are compared, and the letters of each
MOST_SENTENCES = 80
MOST_CHARS = 400
FEWEST_WORDS = 6
# sentences less alike than this say nothing together
FEWEST_ALIKE = 0.15
# who is trusted less than this is told so
FULL_TRUST = 0.99

# after a full stop and a space, a line's end, or a full stop of the scripts that write no spaces
_SENTENCE_END = re.compile("(?<=[.!?\u061f\u0964])\\s+|\n|(?<=[\u3002\uff01\uff1f])")


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence of the text beside the seed's that is most like it. `closeness` in 0..1; `words` are shared."""

    ours: str
    seeds: str
    closeness: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a text has its score.

    `parts` are the shares of `logit`, largest first, and add up to it; `logit` passed through the logistic is `score`.
    `taken` tells whether the score reaches `threshold` and nothing else is wrong (`misfit`). `nearest` are the closest
    seeds with their closeness in 0..1, `terms` the words that counted most; `missing` the seeds' strongest words that
    the text lacks; `pairs` sentences of the text and of the nearest seed; `percentile` the share of ordinary news that
    is less alike, 0..100; `trust` how much of its closeness counts, 0..1.
    """

    score: float
    threshold: float
    taken: bool
    logit: float
    parts: tuple[tuple[str, float], ...]
    nearest: tuple[tuple[str, float], ...]
    terms: tuple[Term, ...]
    missing: tuple[Term, ...]
    pairs: tuple[Pair, ...]
    percentile: float
    misfit: str = ""
    trust: float = 1.0

    @property
    def against(self) -> tuple[str, ...]:
        """What speaks against the text, in words."""
        told = {
            "meaning": "its meaning is further from the seeds than that of ordinary news",
            "time": "it was published long before or after the seeds",
            "ratings": "it is like what was rated as unlike",
        }
        found = [told[name] for name, share in self.parts if share < 0 and name in told]
        # a root, so never below 0
        if dict(self.parts)["words"] == 0:
            found.insert(0, "its words are no closer to the seeds' than those of ordinary news")
        if self.trust < FULL_TRUST:
            found.append(
                f"it has few different words, or hardly a common one: {self.trust:.0%} of its closeness counts"
            )
        disliked = [term.word for term in self.terms if term.weight < 0]
        if disliked:
            found.append(f"it has words of what was rated as unlike: {', '.join(disliked[:5])}")
        if self.misfit:
            found.insert(0, self.misfit)
        if self.missing and self.score < self.threshold:
            found.append(f"it never says {', '.join(term.word for term in self.missing[:5])}")
        return tuple(found)


def explain(
    profile: Profile, text: Text, threshold: float, seeds: Mapping[str, tuple[str, str]] | None = None, *,
    misfit: Misfit | None = None,
) -> Explanation:  # fmt: skip
    """The facts behind a text's likeness, given the score from which a page is taken.

    `misfit` is what is wrong with it beside its likeness; `seeds`: name -> text and language; without the nearest
    one's text there are no pairs of sentences.
    """
    likeness = profile.score_many([text])[0]
    theirs = (seeds or {}).get(likeness.nearest_seed)
    return Explanation(
        score=likeness.score,
        threshold=threshold,
        taken=likeness.score >= threshold and misfit is None,
        logit=total(likeness.parts),
        parts=tuple(sorted(likeness.parts.items(), key=lambda part: (-part[1], part[0]))),
        nearest=nearest(likeness),
        terms=likeness.terms,
        missing=profile.missing(text)[:SHOWN_MISSING],
        pairs=pairs(profile.reader, (text.text, text.language), theirs) if theirs else (),
        percentile=likeness.percentile,
        misfit=misfit.detail if misfit else "",
        trust=profile.trust(text),
    )


def nearest(likeness: Likeness) -> tuple[tuple[str, float], ...]:
    """The closest seeds, closest first."""
    return tuple(sorted(likeness.seeds.items(), key=lambda seed: (-seed[1], seed[0]))[:SHOWN_SEEDS])


def sentences(text: str) -> list[str]:
    """A text's first sentences of some length, roughly: an abbreviation before a space ends one, too."""
    found = (sentence.strip() for sentence in _SENTENCE_END.split(text[: MOST_SENTENCES * MOST_CHARS]))
    return [sentence[:MOST_CHARS] for sentence in found if len(words(sentence)) >= FEWEST_WORDS][:MOST_SENTENCES]


def pairs(reader: Reader, ours: tuple[str, str], seeds: tuple[str, str]) -> tuple[Pair, ...]:
    """The sentences most alike in two texts (each with its language), no sentence twice."""
    mine, theirs = sentences(ours[0]), sentences(seeds[0])
    if not mine or not theirs:
        return ()
    weighed = [reader.words(Text("", sentence, ours[1])) for sentence in mine]
    lexical = np.zeros((len(mine), len(theirs)), np.float32)
    seeds_words = Sparse.side_by_side([reader.words(Text("", sentence, seeds[1])) for sentence in theirs], 10_000)
    for at, weights in enumerate(weighed):
        lexical[at] = seeds_words.cosines(weights)
    dense = _vectors(reader, mine, ours[1]) @ _vectors(reader, theirs, seeds[1]).T
    closeness = (lexical + np.clip(dense, 0, 1)) / 2
    found: list[Pair] = []
    while len(found) < SHOWN_PAIRS and closeness.max() >= FEWEST_ALIKE:
        row, column = divmod(int(closeness.argmax()), len(theirs))
        common = weighed[row].keys() & reader.words(Text("", theirs[column], seeds[1])).keys()
        shared = sorted(common, key=lambda word: (-weighed[row][word], word))
        found.append(Pair(mine[row], theirs[column], float(closeness[row, column]), tuple(shared)))
        closeness[row, :] = closeness[:, column] = -1
    return tuple(found)


def _vectors(reader: Reader, told: Sequence[str], language: str) -> Floats:
    return reader.vectors([Text("", sentence, language) for sentence in told])
