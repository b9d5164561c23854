"""Where a project stands: queues, workers, frontier, what holds crawlers back, latest runs, and schedules."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from crawler.frontier.handoff import BACKLOG, too_many
from pipelines import disk
from pipelines.config import Config
from pipelines.errors import StoreError
from pipelines.moments import iso_at
from pipelines.stores import Connection, hosts, ledger, open_store, runs, schedules, tallies
from workers.report import queues
from workers.tuning import tuned

LATEST = 5


def standing(connection: Connection | None, config: Config) -> dict[str, Any]:
    """As contract.md words `status`; without a store (nothing has run yet) only what broker and machine say."""
    depth, workers = queues(config)
    frontier = {"hosts": 0, "urls": 0, "leased": 0}
    latest: list[dict[str, Any]] = []
    pressure = {"waiting": 0, "pauses_at": BACKLOG, "paused": disk.shortage(config) or ""}
    if connection is not None:
        frontier = hosts.frontier(connection)
        waiting = ledger.in_flight(connection).values()
        pressure["waiting"] = sum(waiting)
        pressure["paused"] = pressure["paused"] or too_many(waiting)
        latest = [
            {"run": r.id, "mode": r.mode, "started_at": iso_at(r.started_at),
             "ended_at": iso_at(r.ended_at), "stopped_by": r.stopped_by,
             "pages": runs.pages_fetched(connection, r.id), "matches": tallies.matches(connection, r.id)}
            for r in runs.listed(connection, LATEST)
        ]  # fmt: skip
    here = tuned(config)
    tuning = {"workers": here.workers, "batch": here.batch, "concurrency": here.concurrency, "chosen": sorted(here.why)}
    return {
        "queues": depth, "workers": workers, "frontier": frontier, "pressure": pressure, "tuning": tuning,
        "runs": latest, "schedules": _scheduled(config),
    }  # fmt: skip


def _scheduled(config: Config) -> list[dict[str, Any]]:
    """What the clock will start; whether it rests stands in the clock's own store, whichever was used last."""
    if not config.schedule and not any(profile.every for profile in config.profile.values()):
        return []
    # calendars and time zones, which few need
    from workers import clock
    from workers.schedules import schedules as planned

    now, is_up, every = time.time(), False, planned(config)
    following = {one.name: clock.next_at(None, one, None, now) for one in every}
    with (
        contextlib.suppress(StoreError),  # no clock has run yet
        contextlib.closing(open_store(config.database, create=False)) as store,
        store.read() as connection,
    ):
        states = schedules.states(connection)
        is_up = schedules.clock_is_up(connection, now=now)
        following = {one.name: clock.next_at(connection, one, states.get(one.name), now) for one in every}
    return [
        {"schedule": one.name, "when": one.text, "next": iso_at(following[one.name]),
         "paused": following[one.name] is None, "clock": is_up}
        for one in every
    ]  # fmt: skip
