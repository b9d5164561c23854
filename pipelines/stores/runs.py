"""Runs: what was asked for, whether somebody is at it, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update

from pipelines.config import Config
from pipelines.stores import hosts as host_rows
from pipelines.stores import tallies
from pipelines.stores import traps as trap_rows
from pipelines.stores.schema import MOVES, profiles, runs, urls
from pipelines.stores.states import Kind, State

ALIVE_S = 30.0
# what `stopped_by` says of a run whose user stopped it, and of one that rests and is still at work
USER, PAUSED = "user", "paused"


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `config` is the configuration it was started with; `profile` the digest of its learned likeness."""

    id: int
    mode: str
    profile: str
    config: Config
    started_at: float
    seen_at: float
    ended_at: float | None
    stopped_by: str | None


def _run(row: Any) -> Run:
    told = row.id, row.mode, row.profile, _config(row.config), row.started_at, row.seen_at, row.ended_at, row.stopped_by
    return Run(*told)


@lru_cache(maxsize=32)
def _config(text: str) -> Config:
    # who watches a run asks for it several times a second, and a row may name hundreds of sites
    return msgspec.json.decode(text, type=Config).kept


def start(connection: Connection, config: Config, profile: str, *, now: float) -> Run:
    """A new run, begun now."""
    text = msgspec.json.encode(config.kept).decode()
    host_rows.begin_anew(connection)
    trap_rows.begin_anew(connection, connection.execute(select(func.max(runs.c.id))).scalar())
    row = connection.execute(
        runs.insert().values(mode=config.mode, profile=profile, config=text, started_at=now, seen_at=now)
        .returning(runs)
    ).one()  # fmt: skip
    return _run(row)


def get(connection: Connection, run: int, *, lock: bool = False) -> Run:
    """The run with this number; LookupError when there is none. With `lock`, one transaction at a time sees it so."""
    query = select(runs).where(runs.c.id == run)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise LookupError(f"there is no run {run}")
    return _run(row)


def take_turn(connection: Connection) -> None:
    """Whoever changes what waits does so one after the other, as crawlers do, who lock their run before anything else.

    In PostgreSQL two who change the same URLs and hosts in another order would lock each other out half-way.
    """
    connection.execute(select(runs.c.id).order_by(runs.c.id.desc()).limit(1).with_for_update())


def latest(connection: Connection) -> Run | None:
    """The run begun last."""
    row = connection.execute(select(runs).order_by(runs.c.id.desc()).limit(1)).first()
    return _run(row) if row else None


def under_way(connection: Connection, *, now: float) -> int | None:
    """The run some conductor is at right now."""
    run = latest(connection)
    at_work = run is not None and run.ended_at is None and run.stopped_by != USER and now - run.seen_at < ALIVE_S
    return run.id if run is not None and at_work else None


def listed(connection: Connection, limit: int = 20) -> list[Run]:
    """The latest runs, newest first."""
    return [_run(row) for row in connection.execute(select(runs).order_by(runs.c.id.desc()).limit(limit))]


def resume(connection: Connection, run: int, config: Config, profile: str, *, now: float) -> None:
    """Takes up an unfinished run again, under today's configuration."""
    connection.execute(
        update(runs).where(runs.c.id == run)
        .values(config=msgspec.json.encode(config.kept).decode(), profile=profile, seen_at=now, ended_at=None,
                stopped_by=None)
    )  # fmt: skip


def beat(connection: Connection, run: int, *, now: float) -> None:
    """Its conductor lives."""
    connection.execute(update(runs).where(runs.c.id == run).values(seen_at=now))


def halt(connection: Connection, run: int, stopped_by: str) -> None:
    """Tells the crawlers of a run to stop, though its stages still drain."""
    goes_on = runs.c.stopped_by.is_(None) | (runs.c.stopped_by == PAUSED)
    connection.execute(update(runs).where(runs.c.id == run, goes_on).values(stopped_by=stopped_by))


def pause(connection: Connection, run: int) -> None:
    """Tells the crawlers of a run to take nothing new until it goes on. One that was told to stop stops."""
    connection.execute(update(runs).where(runs.c.id == run, runs.c.stopped_by.is_(None)).values(stopped_by=PAUSED))


def go_on(connection: Connection, run: int) -> None:
    """Takes a pause back."""
    connection.execute(update(runs).where(runs.c.id == run, runs.c.stopped_by == PAUSED).values(stopped_by=None))


def add_pages(connection: Connection, run: Run, number: int) -> None:
    """Makes the page budget of a run larger."""
    crawl = msgspec.structs.replace(run.config.crawl, pages=run.config.crawl.pages + number)
    ask(connection, run.id, msgspec.structs.replace(run.config, crawl=crawl))


def end(connection: Connection, run: int, stopped_by: str, *, now: float) -> None:
    """The run is over: `budget`, `matches`, `time`, `exhausted`, `user` …"""
    connection.execute(update(runs).where(runs.c.id == run).values(ended_at=now, seen_at=now, stopped_by=stopped_by))


def pages_fetched(connection: Connection, run: int) -> int:
    """Pages (not robots, feeds or sitemaps) whose fetch has ended in this run."""
    return connection.execute(select(runs.c.pages).where(runs.c.id == run)).scalar() or 0


def harvest(connection: Connection, run: int) -> Iterator[bool]:
    """Each page of a run in the order of fetching: whether it is a stored match."""
    query = (
        select(urls.c.id.in_(tallies.matching()))
        .where(urls.c.run == run, urls.c.kind == Kind.PAGE, urls.c.state > State.LEASED, urls.c.state < State.REFUSED)
        .order_by(urls.c.fetched_at, urls.c.id)
    )
    for (matched,) in connection.execution_options(yield_per=1000).execute(query):
        yield bool(matched)


def pages_leased(connection: Connection, run: int) -> int:
    """Pages some crawler of this run holds right now."""
    query = select(func.count()).where(urls.c.run == run, urls.c.kind == Kind.PAGE, urls.c.state == State.LEASED, MOVES)
    return connection.execute(query).scalar() or 0


def judge_by(connection: Connection, run: int, profile: str) -> None:
    """The run is judged by another edition of its profile."""
    connection.execute(update(runs).where(runs.c.id == run).values(profile=profile))


def ask(connection: Connection, run: int, config: Config) -> None:
    """The run is judged, from now on, as this configuration asks."""
    text = msgspec.json.encode(config).decode()
    connection.execute(update(runs).where(runs.c.id == run).values(config=text))


def asked_of(connection: Connection, wanted: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Run -> its profile and its configuration as text: cheap to look at, to see whether either has changed."""
    query = select(runs.c.id, runs.c.profile, runs.c.config).where(runs.c.id.in_(list(wanted)))
    return {run: (profile, config) for run, profile, config in connection.execute(query)}


def learned(connection: Connection, digest: str) -> bytes:
    """The learned likeness with this digest; LookupError when there is none."""
    blob = connection.execute(select(profiles.c.learned).where(profiles.c.digest == digest)).scalar()
    if blob is None:
        raise LookupError(f"there is no profile {digest}")
    return bytes(blob)
