"""Editions of a profile: what was learned for it at different times, and what each has judged.

They are a family under the profile's name: when its seeds change, ratings stay and everything is judged anew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, or_, select, update

from pipelines.likeness.read import Example, Text
from pipelines.likeness.tokens import CHAR_LIMIT
from pipelines.misfits import REASONS, Misfit, Traits
from pipelines.records import Likeness, as_json
from pipelines.stores.dialect import run_many, upsert
from pipelines.stores.families import of_family
from pipelines.stores.schema import articles, profiles, runs, urls
from pipelines.stores.states import State

# as much of an article as is judged: a hostile site's long ones, hundreds at once, would fill the memory
_READ = func.substr(articles.c.text, 1, CHAR_LIMIT).label("text")
# spreads row numbers, so that a sample is of all times; any odd number would do
_MIX, _MODULUS = 2_654_435_761, 4_294_967_296

_JUDGED = (
    update(articles)
    .where(articles.c.id == bindparam("row"))
    .values({name: bindparam(name) for name in ("score", "likeness", "matched", "edition")})
)
_MISFIT = update(urls).where(
    urls.c.id == bindparam("row"),
    urls.c.state == State.DROPPED,
    or_(*(urls.c.reason == one for one in sorted(REASONS))),
)
_TAKEN_UP = _MISFIT.values(state=State.PARSED, reason=None, detail=None, attempts=0, due_at=bindparam("due_at"))
_LEFT = _MISFIT.values(reason=bindparam("why"), detail=bindparam("detail"))


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition: its name, its seeds, the articles it learned from beside them out of so many `judged`, the bytes."""

    name: str
    family: str
    seeds: tuple[Example, ...]
    sample: tuple[int, ...]
    judged: int
    learned: bytes


@dataclass(frozen=True, slots=True)
class Judged:
    """An article as some edition judged it; `sha256` is that of its text."""

    row: int
    url: str
    text: Text
    sha256: str
    score: float
    matched: bool
    traits: Traits


def keep(
    connection: Connection, name: str, family: str, about: str, seeds: Iterable[Example], learned: bytes,
    sample: Sequence[int] = (), judged: int = 0,
) -> None:  # fmt: skip
    """Stores an edition for the processes that judge by it; the same one again is the latest again."""
    told = [{**seed._asdict(), "published": seed.published and seed.published.isoformat()[:10]} for seed in seeds]
    values = {
        "digest": name,
        "family": family,
        "name": about,
        "seeds": json.dumps(told, ensure_ascii=False),
        "sample": json.dumps(list(sample)),
        "judged": judged,
        "learned": learned,
        "learned_at": time.time(),
    }
    connection.execute(upsert(connection, profiles, ["digest"], ["learned_at", "sample", "judged"]).values(values))


def replace(connection: Connection, *, family: str, since: float, name: str) -> None:
    """What a family has learned since then is kept no more; runs that it judged are judged by the edition `name`."""
    later = (profiles.c.family == family, profiles.c.learned_at >= since, profiles.c.digest != name)
    gone = select(profiles.c.digest).where(*later)
    connection.execute(update(runs).where(runs.c.profile.in_(gone)).values(profile=name))
    connection.execute(delete(profiles).where(*later))


def get(connection: Connection, name: str) -> Edition:
    """The edition of this name; LookupError when there is none."""
    row = connection.execute(select(profiles).where(profiles.c.digest == name)).first()
    if row is None:
        raise LookupError(f"there is no profile {name}")
    seeds = tuple(
        Example(seed["name"], seed["title"], seed["text"], seed["language"], _day(seed.get("published")))
        for seed in json.loads(row.seeds)
        if "text" in seed
    )
    return Edition(row.digest, row.family, seeds, tuple(json.loads(row.sample)), row.judged, bytes(row.learned))


def family_of(connection: Connection, name: str) -> str | None:
    """The family of the edition of this name."""
    return connection.execute(select(profiles.c.family).where(profiles.c.digest == name)).scalar()


def learned_from(connection: Connection, run: int) -> tuple[str, int]:
    """The family a run is judged by, and of how many judged articles its last edition learned."""
    query = select(profiles.c.family, profiles.c.judged).join(runs, runs.c.profile == profiles.c.digest)
    family, judged = connection.execute(query.where(runs.c.id == run)).one()
    return family, judged


def newest(connection: Connection, name: str) -> str:
    """The name of the last edition of the family that this one is of; its own, where it is not kept."""
    family = select(profiles.c.family).where(profiles.c.digest == name).scalar_subquery()
    query = select(profiles.c.digest).where(profiles.c.family == family).order_by(profiles.c.learned_at.desc()).limit(1)
    return connection.execute(query).scalar() or name


def latest(connection: Connection, family: str) -> str | None:
    """The name of the family's last edition."""
    query = select(profiles.c.digest).where(profiles.c.family == family)
    return connection.execute(query.order_by(profiles.c.learned_at.desc()).limit(1)).scalar()


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def last_run(connection: Connection, name: str) -> int | None:
    """The last run judged by an edition of the family that this one is of: what judges its articles now."""
    return last_of(connection, family_of(connection, name) or "")


def last_of(connection: Connection, family: str) -> int | None:
    """The last run judged by an edition of a family."""
    return connection.execute(select(func.max(runs.c.id)).where(runs.c.id.in_(of_family(family)))).scalar()


def count(connection: Connection, family: str) -> int:
    """How many articles were judged by editions of this family."""
    query = select(func.count()).select_from(articles).where(articles.c.run.in_(of_family(family)))
    return connection.execute(query).scalar() or 0


def sample(connection: Connection, family: str, limit: int) -> list[int]:
    """So many of the family's articles, alike or not: a fixed choice as long as the articles are the same."""
    query = (
        select(articles.c.id)
        .where(articles.c.run.in_(of_family(family)))
        .order_by((articles.c.id * _MIX) % _MODULUS, articles.c.id)
        .limit(limit)
    )
    return sorted(connection.execute(query).scalars())


def texts(connection: Connection, rows: Sequence[int]) -> dict[int, Text]:
    """Row -> the article, as it is judged."""
    query = select(articles.c.id, articles.c.title, _READ, articles.c.language, articles.c.published)
    return {
        row: Text(title, text, language, _moment(published))
        for row, title, text, language, published in connection.execute(query.where(articles.c.id.in_(rows)))
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def judged(connection: Connection, family: str, *, after: int, limit: int, but: str | None = None) -> list[Judged]:
    """Articles of the family from row `after` on; `but` leaves out what this judgement has judged."""
    query = (
        select(articles.c.id, urls.c.url, articles.c.title, _READ, articles.c.language,
               articles.c.published, articles.c.published_confidence, articles.c.first_at, articles.c.score,
               articles.c.matched, articles.c.sha256)
        .join(urls, urls.c.id == articles.c.id)
        # a sum has no index: by that of runs, SQLite would read and sort what is left of the family for each batch
        .where((articles.c.run + 0).in_(of_family(family)), articles.c.id > after)
        .order_by(articles.c.id)
        .limit(limit)
    )  # fmt: skip
    if but is not None:
        query = query.where(articles.c.edition != but)
    return [
        Judged(row.id, row.url, Text(row.title, row.text, row.language, _moment(row.published)), row.sha256, row.score,
               bool(row.matched), _traits(row))
        for row in connection.execute(query)
    ]  # fmt: skip


def unchanged(connection: Connection, judged: Sequence[Judged]) -> set[int]:
    """The rows of those of these articles that still have the text they had."""
    texts = {one.row: one.sha256 for one in judged}
    query = select(articles.c.id, articles.c.sha256).where(articles.c.id.in_(texts))
    return {row for row, sha256 in connection.execute(query) if texts[row] == sha256}


def traits(connection: Connection, row: int) -> Traits | None:
    """What is held against a profile's limits, of the article of this row."""
    a = articles.c
    query = select(a.language, a.published, a.published_confidence, a.first_at).where(a.id == row)
    held = connection.execute(query).first()
    return _traits(held) if held else None


def _traits(row: Any) -> Traits:
    return Traits(row.language, _moment(row.published), row.published_confidence, row.first_at)


def judge_again(
    connection: Connection, judged: Iterable[tuple[int, Likeness, Misfit | None]], judgement: str, *, now: float
) -> None:
    """A new judgement of articles: row, likeness, and why it is no match if it is none.

    One that was dropped for being none and now matches goes on to the next stage. One that no longer matches
    stays where it is: kept, told no more among the matches.
    """
    told = list(judged)
    run_many(connection, _JUDGED, [
        {"row": row, "score": likeness.score, "likeness": as_json(likeness),
         "matched": int(misfit is None), "edition": judgement}
        for row, likeness, misfit in told
    ])  # fmt: skip
    run_many(connection, _TAKEN_UP, [{"row": row, "due_at": now} for row, _, misfit in told if misfit is None])
    run_many(connection, _LEFT, [
        {"row": row, "why": misfit.reason, "detail": misfit.detail} for row, _, misfit in told if misfit
    ])  # fmt: skip
