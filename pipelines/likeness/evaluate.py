"""How well the likeness ranks and decides on labelled articles, by label and number of seeds.

Every value of a label that more articles than seeds have is asked for: some of them are drawn as seeds, all other
articles with that kind of label are ranked. Draws are alike in every run.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from pipelines.likeness.baselines import Collection, Numbers
from pipelines.likeness.calibrate import GRAINS
from pipelines.likeness.gold import Gold
from pipelines.likeness.learn import SAMPLE_PAGES
from pipelines.likeness.models import Model
from pipelines.likeness.models import model as the_model
from pipelines.likeness.naming import DEFAULT_MODEL
from pipelines.likeness.profile import Profile
from pipelines.likeness.remembering import Remembering
from pipelines.likeness.tokens import words

Truth = npt.NDArray[np.bool_]

# kind of label -> the grain it is judged at
LABELS = {"event": "story", "topic": "topic", "section": "beat"}
PLAIN_GRAIN = "topic"
NDCG_DEPTH = 20
BINS = 10


@dataclass(frozen=True, slots=True)
class Query:
    """One value of a label, with the places of its seeds, of the articles to rank, and which of these have it too."""

    value: str
    seeds: tuple[int, ...]
    rest: npt.NDArray[np.intp]
    truth: Truth


@dataclass(frozen=True, slots=True)
class Answer:
    """What the rankings made of a query: the score and the baselines of each article, and the score to be taken."""

    truth: Truth
    scores: Numbers
    baselines: dict[str, Numbers]
    threshold: float


@dataclass(frozen=True, slots=True)
class Row:
    """The means over the queries of one label and number of seeds; `ece` is over all their pairs with articles.

    `ap`, `r_precision` and `ndcg20` are of our score; `ap_tfidf` and `ap_bm25` of the plain baselines; `ap_words` and
    `ap_dense` of our two halves alone; `precision`, `recall` and `f1` of the decision at `auto`.
    """

    label: str
    grain: str
    seeds: int
    articles: int
    queries: int
    ap: float
    r_precision: float
    ndcg20: float
    ap_tfidf: float
    ap_bm25: float
    ap_words: float
    ap_dense: float
    precision: float
    recall: float
    f1: float
    ece: float


def grain_of(label: str) -> str:
    """The name of the grain a kind of label is judged at."""
    grain = LABELS.get(label, PLAIN_GRAIN)
    return grain if grain in GRAINS else PLAIN_GRAIN


def evaluate(
    gold: Sequence[Gold], label: str, grain: str, seeds: Sequence[int], draws: int, model: str = DEFAULT_MODEL
) -> Iterator[Row]:
    """One row a number of seeds for which there is a query, over the articles that have a label of this kind."""
    judged = [article for article in gold if label in article.labels]
    if not judged:
        return
    collection = Collection([words(f"{article.title}\n{article.text}") for article in judged])
    kept = Remembering(the_model(model))
    for number in seeds:
        answers = [answer(judged, collection, query, grain, kept) for query in queries(judged, label, number, draws)]
        if answers:
            yield Row(label, grain, number, len(judged), len(answers), **_means(answers))


def queries(gold: Sequence[Gold], label: str, seeds: int, draws: int) -> Iterator[Query]:
    """Up to `draws` different choices of `seeds` articles for each value of the label that leave some to find."""
    values = [article.labels[label] for article in gold]
    for value in sorted(frozenset[str]().union(*values)):
        having = np.array([value in each for each in values])
        members = np.flatnonzero(having).tolist()
        if len(members) > seeds:
            for drawn in _drawn(members, seeds, draws, random.Random(f"{value}/{seeds}")):
                rest = np.setdiff1d(np.arange(len(gold)), drawn)
                yield Query(value, drawn, rest, having[rest])


def _drawn(members: list[int], seeds: int, draws: int, chance: random.Random) -> list[tuple[int, ...]]:
    found: dict[tuple[int, ...], None] = {}
    while len(found) < min(draws, math.comb(len(members), seeds)):
        found[tuple(sorted(chance.sample(members, seeds)))] = None
    return list(found)


def answer(gold: Sequence[Gold], collection: Collection, query: Query, grain: str, model: Model) -> Answer:
    """Ours and the baselines' scores of the articles to rank. `collection` holds the words of `gold`.

    The articles are read as a crawl's pages would be, without their labels: rarity, spread and share come from them.
    """
    seeds = [(str(at), *_judged(gold[at])) for at in query.seeds]
    others = [_judged(gold[at]) for at in query.rest]
    sample = random.Random(query.value).sample(others, min(len(others), SAMPLE_PAGES))
    profile = Profile.learn(seeds, grain=grain, pages=sample, model=model)
    found = profile.score_many(others)
    baselines = {
        "tfidf": collection.tfidf(query.seeds)[query.rest],
        "bm25": collection.bm25(query.seeds)[query.rest],
        "words": np.array([each.lexical for each in found]),
        "dense": np.array([each.dense for each in found]),
    }
    return Answer(query.truth, np.array([each.score for each in found]), baselines, profile.threshold("auto"))


def _judged(article: Gold) -> tuple[str, str, str, date | None]:
    return article.title, article.text, article.language, article.published


def figures(answer: Answer) -> dict[str, float]:
    """The figures of one query, by their names in `Row`."""
    ranked = ranking(answer.scores, answer.truth)
    plain = {f"ap_{name}": average_precision(ranking(s, answer.truth)) for name, s in answer.baselines.items()}
    return {
        "ap": average_precision(ranked),
        "r_precision": r_precision(ranked),
        "ndcg20": ndcg(ranked, NDCG_DEPTH),
        **plain,
        **decision(answer.scores >= answer.threshold, answer.truth),
    }


def _means(answers: Sequence[Answer]) -> dict[str, float]:
    rows = [figures(answer) for answer in answers]
    scores, truth = (np.concatenate(parts) for parts in zip(*((a.scores, a.truth) for a in answers), strict=True))
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return means | {"ece": calibration_error(scores, truth)}


def ranking(scores: Numbers, truth: Truth) -> Truth:
    """Which of the articles match, best first; among equals those that do not match come first, so no tie flatters."""
    return truth[np.lexsort((truth, -scores))]


def average_precision(ranked: Truth) -> float:
    """The mean, over the matching articles, of the precision down to each."""
    return float((np.cumsum(ranked) / np.arange(1, len(ranked) + 1))[ranked].mean())


def r_precision(ranked: Truth) -> float:
    """The precision among as many articles as match."""
    return float(ranked[: int(ranked.sum())].mean())


def ndcg(ranked: Truth, depth: int) -> float:
    """The discounted gain of the first `depth` articles, as a share of the best possible (Järvelin and Kekäläinen)."""
    discounts = 1 / np.log2(np.arange(2, depth + 2))
    return float(discounts[: len(ranked)] @ ranked[:depth] / discounts[: int(ranked.sum())].sum())


def decision(taken: Truth, truth: Truth) -> dict[str, float]:
    """Precision, recall and F1 of the articles taken; precision is 0 where none is."""
    right = int((taken & truth).sum())
    return {
        "precision": right / max(1, int(taken.sum())),
        "recall": right / int(truth.sum()),
        "f1": 2 * right / (int(taken.sum()) + int(truth.sum())),
    }


def calibration_error(scores: Numbers, truth: Truth) -> float:
    """How far, on average, a score (0..1) is from the share of matches among articles of like score, in ten bins."""
    bins = np.minimum((scores * BINS).astype(np.intp), BINS - 1)
    gaps = np.bincount(bins, scores, minlength=BINS) - np.bincount(bins, truth, minlength=BINS)
    return float(np.abs(gaps).sum() / len(scores))
