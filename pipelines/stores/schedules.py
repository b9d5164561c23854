"""What the clock knows of a schedule beside its line: since when there is one, whether it rests, who asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from pipelines.stores.dialect import insert_new, upsert
from pipelines.stores.schema import facts, schedules

_CLOCK = "clock_seen_at"
# who has not looked for so long is gone
CLOCK_S = 20.0


@dataclass(frozen=True, slots=True)
class State:
    """`since`: no slot before is this schedule's; `resumed`: that is because it rested until then."""

    since: float
    resumed: bool
    paused: bool
    asked: bool


def states(connection: Connection) -> dict[str, State]:
    """Every schedule some clock or hand has touched."""
    return {
        row.name: State(row.since, bool(row.resumed), row.paused_at is not None, row.asked_at is not None)
        for row in connection.execute(select(schedules))
    }


def seen(connection: Connection, name: str, *, now: float) -> State:
    """The state of a schedule, which begins when it is first looked at."""
    connection.execute(insert_new(connection, schedules).values(name=name, since=now))
    return states(connection)[name]


def pause(connection: Connection, name: str, *, now: float) -> bool:
    """No slot of it is run any more; False when that was so already."""
    seen(connection, name, now=now)
    rests = update(schedules).where(schedules.c.name == name, schedules.c.paused_at.is_(None)).values(paused_at=now)
    return connection.execute(rests).rowcount == 1


def resume(connection: Connection, name: str, *, now: float) -> bool:
    """Its next slot runs; those that passed while it rested are nobody's. False when it did not rest."""
    again = {"paused_at": None, "since": now, "resumed": 1}
    goes_on = update(schedules).where(schedules.c.name == name, schedules.c.paused_at.is_not(None)).values(again)
    return connection.execute(goes_on).rowcount == 1


def ask(connection: Connection, name: str, *, now: float) -> None:
    """Some clock shall run it as soon as it can; asked twice is asked once."""
    seen(connection, name, now=now)
    connection.execute(
        update(schedules).where(schedules.c.name == name, schedules.c.asked_at.is_(None)).values(asked_at=now)
    )


def take_asked(connection: Connection, names: Sequence[str]) -> tuple[str, float] | None:
    """The one asked for first, and when; it is the caller's to run now."""
    query = select(schedules.c.name, schedules.c.asked_at).where(
        schedules.c.name.in_(names), schedules.c.asked_at.is_not(None)
    )
    for name, asked_at in connection.execute(query.order_by(schedules.c.asked_at)).all():
        mine = (schedules.c.name == name, schedules.c.asked_at == asked_at)
        if connection.execute(update(schedules).where(*mine).values(asked_at=None)).rowcount == 1:
            return name, asked_at
    return None


def clock_was_here(connection: Connection, *, now: float) -> None:
    """A clock looks after this store."""
    connection.execute(upsert(connection, facts, ["name"], ["value"]).values(name=_CLOCK, value=str(now)))


def clock_seen_at(connection: Connection) -> float:
    """When a clock last looked, in seconds since 1970; 0 when none ever did."""
    held = connection.execute(select(facts.c.value).where(facts.c.name == _CLOCK)).scalar()
    return float(held) if held else 0.0


def clock_is_up(connection: Connection, *, now: float) -> bool:
    """Whether a clock looks after this store."""
    return now - clock_seen_at(connection) < CLOCK_S
