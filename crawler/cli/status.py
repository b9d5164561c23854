"""Operate: status."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from cyclopts import App, Group

from crawler.cli.flags import Hidden
from crawler.cli.session import FOUND
from pipelines.errors import UsageError


def register(app: App, group: Group) -> None:
    """Adds the verb."""
    app.command(status, group=group)


def status(*, session: Hidden) -> int:
    """Show queues, workers, frontier, runs and schedules. A broker of your own that is away is exit code 4."""
    from crawler.cli.opening import project
    from crawler.running.standing import standing
    from workers import broker

    opened = project(session)
    told = None
    with contextlib.suppress(UsageError), opened.store(session.mode).read() as connection:  # nothing has run yet
        told = standing(connection, opened.config())
    told = told or standing(None, opened.config())
    if session.json:
        session.emit(told)
    else:
        for line in _lines(told, session.command("run")):
            session.out(line)
    if opened.config().queue.redis != "embedded":  # ours runs only while something else does
        broker.require(broker.address(opened.config()))
    return FOUND


def _lines(told: dict[str, Any], to_go_on: str) -> Iterator[str]:
    from crawler.cli.telling import counted

    workers, frontier, pressure, tuning = told["workers"], told["frontier"], told["pressure"], told["tuning"]
    for name, counts in told["queues"].items():
        yield f"queue {name:<8} {counts['waiting']} waiting  {counts['running']} running  {counts['failed']} failed"
    yield f"workers        {workers}" + ("" if workers else "   (they run while `run` or `work` does)")
    held = f"paused: {pressure['paused']}" if pressure["paused"] else f"crawlers pause at {pressure['pauses_at']}"
    waiting = "1 page waits" if pressure["waiting"] == 1 else f"{pressure['waiting']:,} pages wait"
    yield f"pressure       {waiting} for the workers; {held}"
    chosen = "   (chosen for this machine)" if tuning["chosen"] else ""
    yield (
        f"tuning         up to {tuning['workers']} extraction workers, {tuning['batch']} rows a job, "
        f"{tuning['concurrency']} hosts at once{chosen}"
    )
    waiting = f"{counted(frontier['urls'], 'URL')} on {counted(frontier['hosts'], 'host')}"
    yield f"frontier       {waiting}, {frontier['leased']} leased"
    for run in told["runs"]:
        end = run["stopped_by"] or f"under way or killed: `{to_go_on}` goes on"
        brought = f"{counted(run['pages'], 'page')}  {run['matches']} match"
        yield f"run {run['run']:<4} {run['mode']}  {run['started_at']}  {brought}  {end}"
    for one in told["schedules"]:
        following = "paused" if one["paused"] else f"next {one['next']}"
        idle = "" if one["clock"] or one["paused"] else "   (no clock is running: `suchlike clock`)"
        yield f"schedule       {one['schedule']}   {one['when']}   {following}{idle}"
