"""Runs: what was asked for, whether somebody is at it, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update

from pipelines.config import Config
from pipelines.stores import hosts as host_rows
from pipelines.stores.schema import MOVES, Kind, State, profiles, runs, urls

ALIVE_S = 30.0


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
    config = msgspec.json.decode(row.config, type=Config)
    return Run(row.id, row.mode, row.profile, config, row.started_at, row.seen_at, row.ended_at, row.stopped_by)


def start(connection: Connection, config: Config, profile: str, *, now: float) -> Run:
    """A new run, begun now."""
    text = msgspec.json.encode(config).decode()
    host_rows.begin_anew(connection)
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


def latest(connection: Connection) -> Run | None:
    """The run begun last."""
    row = connection.execute(select(runs).order_by(runs.c.id.desc()).limit(1)).first()
    return _run(row) if row else None


def under_way(connection: Connection, *, now: float) -> int | None:
    """The run some conductor is at right now."""
    run = latest(connection)
    at_work = run is not None and run.ended_at is None and run.stopped_by != "user" and now - run.seen_at < ALIVE_S
    return run.id if run is not None and at_work else None


def listed(connection: Connection, limit: int = 20) -> list[Run]:
    """The latest runs, newest first."""
    return [_run(row) for row in connection.execute(select(runs).order_by(runs.c.id.desc()).limit(limit))]


def resume(connection: Connection, run: int, config: Config, profile: str, *, now: float) -> None:
    """Takes up an unfinished run again, under today's configuration."""
    connection.execute(
        update(runs).where(runs.c.id == run)
        .values(
            config=msgspec.json.encode(config).decode(), profile=profile, seen_at=now, ended_at=None, stopped_by=None
        )
    )  # fmt: skip


def beat(connection: Connection, run: int, *, now: float) -> None:
    """Its conductor lives."""
    connection.execute(update(runs).where(runs.c.id == run).values(seen_at=now))


def halt(connection: Connection, run: int, stopped_by: str) -> None:
    """Tells the crawlers of a run to stop, though its stages still drain."""
    connection.execute(update(runs).where(runs.c.id == run, runs.c.stopped_by.is_(None)).values(stopped_by=stopped_by))


def end(connection: Connection, run: int, stopped_by: str, *, now: float) -> None:
    """The run is over: `budget`, `matches`, `time`, `exhausted`, `user` …"""
    connection.execute(update(runs).where(runs.c.id == run).values(ended_at=now, seen_at=now, stopped_by=stopped_by))


def pages_fetched(connection: Connection, run: int) -> int:
    """Pages (not robots, feeds or sitemaps) whose fetch has ended in this run."""
    return connection.execute(select(runs.c.pages).where(runs.c.id == run)).scalar() or 0


def pages_leased(connection: Connection, run: int) -> int:
    """Pages some crawler of this run holds right now."""
    query = select(func.count()).where(urls.c.run == run, urls.c.kind == Kind.PAGE, urls.c.state == State.LEASED, MOVES)
    return connection.execute(query).scalar() or 0


def judge_by(connection: Connection, run: int, profile: str) -> None:
    """The run is judged by another edition of its profile."""
    connection.execute(update(runs).where(runs.c.id == run).values(profile=profile))


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
