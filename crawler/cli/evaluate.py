"""Eval: how good the likeness is on articles somebody labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App, Group

from crawler.cli.flags import Hidden
from crawler.cli.session import FOUND, Session
from pipelines.errors import UsageError
from pipelines.likeness.naming import DEFAULT_MODEL

if TYPE_CHECKING:
    from pipelines.likeness.evaluate import Row


# heading and field of each column of figures
COLUMNS = {"AP": "ap", "R-prec": "r_precision", "nDCG@20": "ndcg20", "TF-IDF": "ap_tfidf", "BM25": "ap_bm25",
           "words": "ap_words", "dense": "ap_dense", "P": "precision", "R": "recall", "F1": "f1",
           "ECE": "ece"}  # fmt: skip


def register(app: App, group: Group) -> None:
    """Adds the verb."""
    evaluation = App(name="eval", help="Measure suchlike on labelled articles.", group=group)
    evaluation.command(likeness)
    app.command(evaluation)


def likeness(
    gold: Path, *, seeds: str = "1,3,5,10", draws: int = 3, label: str | None = None, grain: str | None = None,
    model: str = DEFAULT_MODEL, session: Hidden,
) -> int:  # fmt: skip
    """Measure how well the likeness ranks and decides on labelled articles.

    Parameters
    ----------
    gold
        A .jsonl or .jsonl.gz file, or a folder of them: an article a line, with
        text and the labels event, topic or section; title and language if known.
    seeds
        Numbers of seeds to try, separated by commas.
    draws
        How often to draw seeds for each value of a label.
    label
        Only this label (any field's name).
    grain
        Judge at this grain, whatever the label.
    model
        Take the vectors of this model (see docs/likeness.md).
    """
    from pipelines.likeness import evaluate
    from pipelines.likeness.gold import read

    numbers = _numbers(seeds)
    if draws < 1:
        raise UsageError(f"--draws is {draws}; draw at least once.")
    _known(grain)
    kinds = [label] if label else list(evaluate.LABELS)
    articles = read(gold, kinds)
    rows: list[Row] = []
    for kind in kinds:
        for row in evaluate.evaluate(articles, kind, grain or evaluate.grain_of(kind), numbers, draws, model):
            if not rows:
                _head(session, len(articles), draws)
            rows.append(row)
            _tell(session, row)
    if not rows:
        raise UsageError(f"No label in {gold} is on more than {min(numbers)} articles; label more, or ask fewer seeds.")
    if session.json:
        session.emit({"gold": str(gold), "articles": len(articles), "draws": draws, "rows": [asdict(r) for r in rows]})
    return FOUND


def _numbers(seeds: str) -> Sequence[int]:
    try:
        numbers = sorted({int(number) for number in seeds.split(",")})
    except ValueError:
        numbers = [0]
    if numbers[0] < 1:
        raise UsageError(f"--seeds is {seeds!r}; write whole numbers from 1, parted by commas, such as 1,3,5,10.")
    return numbers


def _known(grain: str | None) -> None:
    from pipelines.likeness.calibrate import GRAINS

    if grain is not None and grain not in GRAINS:
        raise UsageError(f"There is no grain {grain!r}; use {', '.join(GRAINS)}.")


def _head(session: Session, articles: int, draws: int) -> None:
    if not session.json:
        session.say(
            f"{articles} labelled articles, up to {draws} draws a query. AP, R-prec, nDCG@20: our score; TF-IDF to"
            " dense: AP of the plain baselines and of our halves alone; P, R, F1: the decision at auto."
        )
        figures = "".join(f"{heading:>8}" for heading in COLUMNS)
        session.out(f"{'label':<10}{'grain':<7}{'seeds':>5}{'queries':>8}{figures}")


def _tell(session: Session, row: Row) -> None:
    if not session.json:
        figures = "".join(f"{getattr(row, field):>8.3f}" for field in COLUMNS.values())
        session.out(f"{row.label:<10}{row.grain:<7}{row.seeds:>5}{row.queries:>8}{figures}")
