"""`suchlike schedule`: what the clock starts and when, what it started, and what it should start now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

from cyclopts import App, Group

from crawler import reasons
from crawler.cli.flags import Hidden
from crawler.cli.session import FOUND, NOTHING, Session
from pipelines.errors import StoreError, UsageError

if TYPE_CHECKING:
    from pipelines.config import Config
    from pipelines.stores import Store
    from workers.schedules import Schedule


def register(app: App, group: Group) -> None:
    """Adds the verbs."""
    schedule = App(name="schedule", help="What the clock will start, and what it started.", group=group)
    schedule.command(listed, name="list")
    for verb in (add, pause, resume, remove):
        schedule.command(verb)
    schedule.command(run_now, name="run-now")
    app.command(schedule)


def listed(*, session: Hidden) -> int:
    """List schedules with their last and next run, in UTC."""
    from pipelines.stores import schedules, slots
    from workers import clock

    config, now = _config(session), time.time()
    planned = _planned(config)
    store = _store(config, create=False)
    states: dict[str, Any] = {}
    is_up = False
    if store is not None:
        with store.read() as connection:
            states = schedules.states(connection)
            is_up = schedules.clock_is_up(connection, now=now)
    for one in planned:
        last, counts, state = None, dict[Any, int](), states.get(one.name)
        following = clock.next_at(None, one, state, now)
        if store is not None:
            with store.read() as connection:
                last = slots.last(connection, one.name, until=now, ran=True)
                counts = slots.counted(connection, one.name)
                following = clock.next_at(connection, one, state, now)
        _tell(session, one, last, counts.get(slots.Sort.SKIPPED, 0), following)
    if not planned:
        session.say('no schedule yet: `suchlike schedule add NAME "every 6h"`.')
    elif not is_up:
        session.say("no clock is running; `suchlike clock` starts what is due.")
    return FOUND if planned else NOTHING


def _tell(session: Session, one: Schedule, last: Any, skipped: int, next_at: float | None) -> None:
    """A schedule; one without a next moment is paused."""
    from pipelines.moments import iso_at

    record = {
        "schedule": one.name, "when": one.text, "last": iso_at(last.slot_at) if last else None,
        "last_exit_code": last.exit_code if last else None,
        "next": iso_at(next_at), "paused": next_at is None, "missed": one.missed, "skipped": skipped,
    }  # fmt: skip
    if session.json:
        session.emit(record)
        return
    ran = iso_at(last.slot_at) if last else "never"
    if last and last.ended_at is None:
        ran = f"{ran} (under way or killed)"
    elif last and last.exit_code is not None:
        ran = f"{ran} ({reasons.left(last.exit_code)})"
    following = "paused" if next_at is None else f"next {record['next']}"
    left_out = f"   {skipped} missed" if skipped else ""
    session.out(f"{one.name:<20} {one.text:<24} last {ran}   {following}{left_out}")


def add(
    name: str, when: str, *, missed: Literal["once", "skip"] = "once", session: Hidden
) -> int:  # fmt: skip
    """Crawl a seed set again and again; written as a line of [schedule] in suchlike.toml.

    Parameters
    ----------
    name
        The profile to crawl; with one profile only, any name.
    when
        A time such as "every 6h", or a cron line, with a time zone behind it if it is not UTC.
    missed
        Whether a missed slot is made up for once, or left out (skip).
    """
    from pipelines.configfile import set_line
    from pipelines.sections import Timed
    from workers.schedules import parse

    if not name.strip():
        raise UsageError("A schedule needs a name: that of its profile.")
    config = _config(session)
    parse(name, Timed(when, missed))
    if len(config.profile) > 1 and name not in config.profile:
        raise UsageError(
            f"There is no profile {name!r}; a schedule bears the name of one: {', '.join(config.profile)}."
        )
    set_line(config.path, "schedule", name, when if missed == "once" else {"when": when, "missed": missed})
    return listed(session=session)


def remove(name: str, *, session: Hidden) -> int:
    """Take a schedule out of suchlike.toml.

    Parameters
    ----------
    name
        As `schedule list` shows it.
    """
    from pipelines.configfile import drop_line

    config = _config(session)
    _known(config, name)
    if not drop_line(config.path, "schedule", name):
        raise UsageError(f"{name} is scheduled by the line `every` of its profile in suchlike.toml; take that out.")
    session.say(f"{name} is scheduled no more.")
    return FOUND


def pause(name: str, *, session: Hidden) -> int:
    """Suspend a schedule: none of its slots is run until `schedule resume`.

    Parameters
    ----------
    name
        As `schedule list` shows it.
    """
    from pipelines.stores import schedules

    with _opened(session, name).write() as connection:
        changed = schedules.pause(connection, name, now=time.time())
    session.say(f"{name} rests until `suchlike schedule resume {name}`." if changed else f"{name} rests already.")
    return FOUND if changed else NOTHING


def resume(name: str, *, session: Hidden) -> int:
    """Run a paused schedule again, from its next slot on.

    Parameters
    ----------
    name
        As `schedule list` shows it.
    """
    from pipelines.stores import schedules

    with _opened(session, name).write() as connection:
        changed = schedules.resume(connection, name, now=time.time())
    session.say(f"{name} runs again." if changed else f"{name} was not paused.")
    return FOUND if changed else NOTHING


def run_now(name: str, *, session: Hidden) -> int:
    """Ask the clock to run a schedule as soon as no other run is under way.

    Parameters
    ----------
    name
        As `schedule list` shows it.
    """
    from pipelines.stores import schedules

    with _opened(session, name).write() as connection:
        schedules.ask(connection, name, now=time.time())
        awake = schedules.clock_is_up(connection, now=time.time())
    begins = "the clock starts it" if awake else "it starts when a clock does: `suchlike clock`"
    session.say(f"{name} is asked for; {begins}.")
    return FOUND


def _config(session: Session) -> Config:
    from crawler.cli.opening import project

    return project(session).config()


def _planned(config: Config) -> list[Schedule]:
    from workers.schedules import schedules

    return schedules(config)


def _known(config: Config, name: str) -> None:
    names = [one.name for one in _planned(config)]
    if name not in names:
        there = f"there are {', '.join(names)}" if names else 'add one with `suchlike schedule add NAME "every 6h"`'
        raise UsageError(f"There is no schedule {name!r}; {there}.")


def _opened(session: Session, name: str) -> Store:
    config = _config(session)
    _known(config, name)
    store = _store(config, create=True)
    assert store is not None
    return store


def _store(config: Config, *, create: bool) -> Store | None:
    """The clock's store, whatever was used last; None when there is none yet and none is to be made."""
    from pipelines.stores import open_store

    try:
        return open_store(config.database, mode=config.mode) if create else open_store(config.database, create=False)
    except StoreError:
        if create:
            raise
        return None
