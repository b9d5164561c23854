"""Pause and resume: what the dashboard's buttons do, from a terminal."""

from __future__ import annotations

from cyclopts import App, Group

from crawler.cli.flags import Hidden
from crawler.cli.session import FOUND


def register(app: App, group: Group) -> None:
    """Adds the verbs."""
    app.command(pause, group=group)
    app.command(resume, group=group)


def pause(*, session: Hidden) -> int:
    """Pause the run: pages under way are finished, nothing new is fetched until `resume`."""
    from crawler.cli.opening import project
    from crawler.running.steering import steer

    run = steer(project(session).store(session.mode), "pause")
    session.say(f"run {run.id} is paused; {session.command('resume')} goes on")
    return FOUND


def resume(*, session: Hidden) -> int:
    """Continue the paused run. (`run` continues one that was stopped.)"""
    from crawler.cli.opening import project
    from crawler.running.steering import steer

    run = steer(project(session).store(session.mode), "resume")
    session.say(f"run {run.id} goes on")
    return FOUND
