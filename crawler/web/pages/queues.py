"""Queues: what waits at each stage, who works on it, what the frontier holds, and when the next crawl is due."""

from __future__ import annotations

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crawler.frontier.handoff import too_many
from crawler.web.desk import Desk
from crawler.web.frame import desk_of, framed, page, state_of
from crawler.web.render import environment
from pipelines import disk
from pipelines.moments import iso_at
from pipelines.stages import NAMES, TAKES
from pipelines.stores import Connection, ledger, marks, runs, schedules, slots
from workers import clock
from workers.schedules import schedules as planned

LATEST_RUNS = 10
# done per minute is told over the last so many seconds
RECENT_S = 60.0
_UNTOLD = dict.fromkeys(("waiting", "running", "failed"))


def queues(request: Request) -> Response:
    """The page."""
    desk = desk_of(request)
    with desk.read() as connection:
        run = desk.run(connection)
        frame = framed(connection, run)
        told = _told(desk, connection) | {"schedules": _schedules(desk, connection), "runs": _runs(connection)}
        told["clock"] = schedules.clock_is_up(connection, now=time.time())
    return page(request, "queues.html", "queues", frame, **told)


def parts(desk: Desk) -> dict[str, str]:
    """What of the page is live."""
    with desk.read() as connection:
        frame = framed(connection, desk.run(connection))
        told = frame | _told(desk, connection)
    return {name: environment().get_template(f"_{name}.html").render(told) for name in ("state", "stages")}


def _told(desk: Desk, connection: Connection) -> dict[str, Any]:
    run = desk.run(connection)
    config, queued = desk.project.config(), desk.queued()
    rows = ledger.in_flight(connection)
    oldest = ledger.oldest(connection)
    now = time.time()
    stages = [
        {"name": name, "rows": rows[TAKES[name]], **(queued.queues[name] if queued else _UNTOLD),
         "oldest_s": now - oldest[TAKES[name]] if oldest.get(TAKES[name]) else None}
        for name in NAMES
    ]  # fmt: skip
    counted = desk.counted()
    points = marks.curve(connection, run.id)
    first = points[0] if points else None
    since = next((mark for mark in reversed(points) if points[-1].at - mark.at >= RECENT_S), first)
    minutes = (points[-1].at - since.at) / 60 if since else 0.0
    return {
        "stages": stages,
        "workers": queued.workers if queued else [],
        # ours runs only while something else does
        "away": not (queued and queued.answers) and (state_of(run) == "running" or config.queue.redis != "embedded"),
        "held_back": disk.shortage(config) or too_many(rows.values()),
        "frontier": counted.value.frontier if counted else None,
        "per_minute": (points[-1].pages - since.pages) / minutes if since and minutes else None,
        "leased": runs.pages_leased(connection, run.id),
    }


def _schedules(desk: Desk, connection: Connection) -> list[dict[str, Any]]:
    now, states, found = time.time(), schedules.states(connection), []
    for one in planned(desk.project.config()):
        last = slots.last(connection, one.name, until=now, ran=True)
        following = clock.next_at(connection, one, states.get(one.name), now)
        found.append(
            {"name": one.name, "when": one.text, "last": iso_at(last.slot_at) if last else None,
             "code": last.exit_code if last else None, "next": iso_at(following)}
        )  # fmt: skip
    return found


def _runs(connection: Connection) -> list[dict[str, Any]]:
    return [
        {"id": run.id, "started_at": run.started_at, "ended_at": run.ended_at, "stopped_by": run.stopped_by,
         "pages": runs.pages_fetched(connection, run.id)}
        for run in runs.listed(connection, LATEST_RUNS)
    ]  # fmt: skip


ROUTES = [Route("/queues", queues)]
