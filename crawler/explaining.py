"""Why an article has its score: the same facts for the terminal, for JSON and for a notebook."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pipelines import urls as identity
from pipelines.errors import UsageError
from pipelines.likeness.explain import Explanation, explain
from pipelines.likeness.profile import Profile
from pipelines.likeness.read import Text
from pipelines.misfits import Limits, Misfit
from pipelines.stores import Connection, Store, articles, editions, fates, runs
from pipelines.stores.editions import Edition
from pipelines.stores.runs import Run
from pipelines.stores.wanted import Wanted


def row_of(connection: Connection, what: str) -> int:
    """The row that a URL, or a place in `suchlike list`, names. UsageError when there is none."""
    row = articles.at_place(connection, int(what)) if what.isdecimal() else fates.meant(connection, what)
    if row is None:
        known = (
            "there are fewer results; `suchlike list` numbers them" if what.isdecimal() else "it was never discovered"
        )
        trap = None if what.isdecimal() else identity.looks_like_trap(identity.canonical(what) or what)
        if trap:
            known = f"it looks like a trap ({trap}), and such links are left out; `suchlike traps` counts them"
        raise UsageError(f"Nothing is known about {what!r}: {known}.")
    return row


def explained(store: Store, what: str) -> dict[str, Any]:
    """The facts behind a URL's score, as contract.md words them; a page that was never judged has only its fate."""
    with store.read() as connection:
        row = row_of(connection, what)
        told = fates.tell(connection, row)
        article = articles.one(connection, row)
        run = _judging(connection, article["run"]) if article else None
        held = _edition(connection, run.profile) if run and run.profile else None
        copies = _copies(connection, article) if article else []
        misfit = misfit_of(connection, row, run) if run else None
    by = told["found_by"]
    why = {"source": by["source"], "anchor": by["anchor"], "expected": by["expected"], "depth": by["depth"]}
    facts = {"url": told["url"], "path": by["path"], "found_by": why}
    facts |= {"reason": told["reason"], "detail": told["detail"], "story": told["story"]}
    if article is None or run is None or held is None:
        return {"score": told["quick"], "parts": {}, "nearest_seeds": [], "terms": [], **facts}
    profile = Profile.from_bytes(held.learned)
    seeds = {seed.name: (seed.text, seed.language) for seed in held.seeds}
    published = datetime.fromisoformat(article["published"]) if article["published"] else None
    text = Text(article["title"], article["text"], article["language"], published)
    found = explain(
        profile, text, profile.threshold(run.config.only_profile()[1].threshold), seeds, misfit=misfit
    )  # fmt: skip
    kept = {"sha256": article["sha256"], "archive": told["archive"], "copies": copies}
    return {"title": article["title"], **as_told(found), "grain": profile.grain, **facts, **kept}


def _judging(connection: Connection, found_by: int) -> Run:
    """The run whose configuration decides what matches of what another one found."""
    run = runs.get(connection, found_by)
    last = editions.last_run(connection, run.profile) if run.profile else None
    return run if last is None else runs.get(connection, last)


def misfit_of(connection: Connection, row: int, run: Run) -> Misfit | None:
    """What is wrong with an article, by the limits of a run, beside its likeness."""
    traits = editions.traits(connection, row)
    return Limits(run.config.only_profile()[1]).misfit(traits) if traits else None


def _copies(connection: Connection, article: dict[str, Any]) -> list[dict[str, Any]]:
    """The other tellings of the article's story."""
    if article["story"] is None:
        return []
    told = articles.chosen(connection, Wanted(everything=True, copies=True, story=article["story"]))
    return [{"url": one["url"], "published": one["published"]} for one in told if one["url"] != article["url"]]


def _edition(connection: Connection, first: str) -> Edition:
    """The edition that judged last, of the family of the one a run began with."""
    return editions.get(connection, editions.newest(connection, first))


def as_told(found: Explanation) -> dict[str, Any]:
    """An explanation in the words of contract.md."""
    return {
        "score": found.score,
        "threshold": found.threshold,
        "match": found.taken,
        "logit": found.logit,
        "parts": dict(found.parts),
        "nearest_seeds": [{"seed": name, "score": closeness} for name, closeness in found.nearest],
        "terms": [asdict(term) for term in found.terms],
        "missing": [asdict(term) for term in found.missing],
        "against": list(found.against),
        "pairs": [asdict(pair) for pair in found.pairs],
        "percentile": found.percentile,
    }
