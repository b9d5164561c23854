"""What a crawl's own pages teach: which words are common there, how its pages fare, how many match, where they part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipelines.likeness.background import Floats
from pipelines.likeness.calibrate import Grain, logistics, logit, own_prior, parting, total
from pipelines.likeness.dense import unit
from pipelines.likeness.lexical import summed
from pipelines.likeness.measure import Closeness, Measure, Spreads
from pipelines.likeness.ordinary import ordinary
from pipelines.likeness.rarity import FEWEST_PAGES, CrawlWords, Rarity
from pipelines.likeness.read import Example, Reader, Reading, Text
from pipelines.likeness.settle import Lean, Names, reranked, settled

# The spread of a crawl's pages is taken as if this share of them matched. Without any match it would say nothing of how
# far matches lie from the rest, which differs from subject to subject; with all of a good crawl's it would hide them.
MATCHES_IN_SPREAD = 0.02
# from which probability a page is so surely a match that the seeds' middle may lean on it
SURE = 0.7


@dataclass(frozen=True, slots=True)
class Warmed:
    """`measure` with a crawl's pages; `prior`, their share of matches; `parting`, the bound they make, if any."""

    measure: Measure
    prior: float
    parting: float | None


def warmed(
    cold: Measure, grain: Grain, seeds: Sequence[Example], pages: Sequence[Text], *, prior: float, bound: float
) -> Warmed:
    """From what the seeds alone gave, the share of matches expected, and the bound's logit without these pages.

    Pages that look like matches count the less as ordinary ones.
    """
    languages = np.array([page.language for page in pages])
    given = logit(prior)
    read = cold.reader.read(pages)
    alike = logistics(_logits(cold, _closenesses(cold, read), languages) + given)
    reader = _reader_of(read, languages, 1 - alike, cold.reader)
    measure = settled(seeds, reader, grain, warm=True)
    shares = 1 - alike + alike * min(1.0, MATCHES_IN_SPREAD * len(pages) / max(float(alike.sum()), 1e-6))
    read = reader.again(read, cold.reader)
    close = _closenesses(measure, read)
    measure = replace(measure, spreads=_blended(measure.spreads, close, languages, shares))
    logits = _logits(measure, close, languages)
    if grain.lean:
        lean = _lean(grain.lean, logistics(logits + given), read)
        if lean:
            measure = settled(seeds, reader, grain, warm=True, lean=lean)
            close = _closenesses(measure, read)
            measure = replace(measure, spreads=_blended(measure.spreads, close, languages, shares))
            logits = _logits(measure, close, languages)
    measure = reranked(measure, [seed.language for seed in seeds])
    own = own_prior(prior, float(logistics(logits + given).sum()), len(pages))
    parted = None
    if grain.reach:
        days = [measure.apart(page.published) for page in pages]
        timed = np.array([0.0 if each is None else grain.timing(each) for each in days], np.float32)
        parted = parting(logits + timed + logit(own), bound, grain.reach)
    return Warmed(measure, own, parted)


def _lean(most: float, surely: Floats, pages: Sequence[Reading]) -> Lean | None:
    """Towards the surest matches: by half of `most` for one of them, by nearly all of it for many.

    This is pseudo-relevance feedback (Rocchio's, with what ranks first taken as relevant). Copies count once.
    """
    sure: dict[str, int] = {}
    for at in np.argsort(-surely, kind="stable").tolist():
        if surely[at] >= SURE:
            sure.setdefault(" ".join(pages[at].text.text.split()), at)
    # in an order of their own, so that the pages' order is irrelevant to the last bit
    chosen = [sure[key] for key in sorted(sure)]
    if not chosen:
        return None
    number = float(surely[chosen].sum())
    told = summed([pages[at].weights for at in chosen], surely[chosen].tolist())
    vectors = np.stack([pages[at].vector for at in chosen])
    return Lean(told, unit(surely[chosen] @ vectors), most * number / (1 + number))


def _blended(spreads: Spreads, close: Sequence[Closeness], languages: Names, shares: Floats) -> Spreads:
    """With how the crawl's pages fare, for each language that has enough of them."""
    lexical = np.array([each.lexical for each in close], np.float32)
    dense = np.array([each.dense for each in close], np.float32)
    found = dict(spreads)
    for language in np.unique(languages):
        chosen: npt.NDArray[np.bool_] = languages == language
        if chosen.sum() >= FEWEST_PAGES:
            in_words, in_meaning = found.get(str(language), found[""])
            found[str(language)] = (
                in_words.blended(lexical[chosen], shares[chosen]), in_meaning.blended(dense[chosen], shares[chosen])
            )  # fmt: skip
    return found


def _reader_of(pages: Sequence[Reading], languages: Names, shares: Floats, cold: Reader) -> Reader:
    """How often words stand in a crawl's ordinary pages, and where its languages lie that nobody knew.

    The pages are as `cold` reads them; what weighs nothing is common enough.
    """
    crawl, means = {}, dict(cold.means)
    for language in np.unique(languages):
        chosen = np.flatnonzero(languages == language)
        if len(chosen) >= FEWEST_PAGES:
            told = [pages[at] for at in chosen.tolist()]
            crawl[str(language)] = CrawlWords.of([one.weights for one in told], shares[chosen].tolist())
            if str(language) not in ordinary(cold.model).means:
                means[str(language)] = cold.model.embed([f"{one.text.title}\n{one.text.text}" for one in told]).mean(
                    axis=0
                )
    return Reader(Rarity(crawl=crawl), means, cold.model)


def _closenesses(measure: Measure, pages: Sequence[Reading]) -> list[Closeness]:
    return [measure.closeness(each) for each in pages]


def _logits(measure: Measure, close: Sequence[Closeness], languages: Names) -> Floats:
    """At even odds, whenever they were published."""
    parts = [measure.parts(each, str(language)) for each, language in zip(close, languages, strict=True)]
    return np.array([total(each) for each in parts], np.float32)
