"""What is due: each slot of a schedule runs once, or is left out by rule, however many clocks there are."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.stores import Connection, Store, schedules, slots
from pipelines.stores.schedules import State
from workers.schedules import Schedule

# with missed = "skip", a slot this long past is left out: a clock that was only restarted still runs it
GRACE_S = 120.0
# so many slots that nobody was there for are written down; who slept longer knows it
NOTED = 100


@dataclass(frozen=True, slots=True)
class Due:
    """A slot whose crawl the caller has just claimed and must run."""

    schedule: str
    slot_at: float


def claim_due(store: Store, planned: Sequence[Schedule], now: float | None = None) -> Due | None:
    """One slot that is due, now the caller's to run; nobody else will get it.

    Only one, the oldest: runs in a folder are one at a time, and a slot is claimed when its turn has come. What was
    asked for by hand comes first. Slots that were missed are made up for by one run, or left out (`Schedule.missed`).
    """
    now = time.time() if now is None else now
    with store.read() as connection:
        states = schedules.states(connection)
        lasts = {one.name: slots.last(connection, one.name, until=now) for one in planned}
    new = [one.name for one in planned if one.name not in states]
    if new:
        with store.write() as connection:
            states |= {name: schedules.seen(connection, name, now=now) for name in new}
    if any(states[one.name].asked for one in planned):
        with store.write() as connection:
            if asked := schedules.take_asked(connection, [one.name for one in planned]):
                slots.claim(connection, *asked, now=now, sort=slots.Sort.ASKED)
                return Due(*asked)
    waiting = []
    for schedule in planned:
        missed, slot_at = _due(schedule, states[schedule.name], lasts[schedule.name], now)
        if missed:
            with store.write() as connection:
                for one in missed:
                    slots.claim(connection, schedule.name, one, now=now, sort=slots.Sort.SKIPPED)
        if slot_at is not None:
            waiting.append((slot_at, schedule.name))
    for slot_at, name in sorted(waiting):
        with store.write() as connection:
            if slots.claim(connection, name, slot_at, now=now):
                return Due(name, slot_at)
    return None


def next_at(connection: Connection | None, schedule: Schedule, state: State | None, now: float) -> float | None:
    """When a clock runs a schedule: `now` where a slot is due or somebody asked, else at its next slot.

    None while it rests. Without a `connection` (nothing has run yet) there is no `state` either.
    """
    held = state or State(now, resumed=False, paused=False, asked=False)
    if held.paused:
        return None
    last = slots.last(connection, schedule.name, until=now) if connection else None
    _, due = _due(schedule, held, last, now)
    return now if held.asked or due is not None else schedule.next_at(now)


def _due(schedule: Schedule, state: State, last: slots.Slot | None, now: float) -> tuple[list[float], float | None]:
    """The slots of this schedule that nobody ran and nobody will, and the one that is due, if any."""
    slot_at = schedule.slot_at(now)
    # an interval begins at once; a cron line, and what rested, waits for its next moment
    begins = state.since if schedule.cron or state.resumed else slot_at - 1.0 if last is None else last.slot_at
    since = max(begins, last.slot_at) if last else begins
    if state.paused or slot_at <= since:
        return [], None
    *missed, latest = schedule.slots(since, slot_at, NOTED)
    if not last:  # before its first run nothing was missed
        missed = []
    if schedule.missed == "skip" and now - latest > GRACE_S:
        return [*missed, latest], None
    return missed, latest
