"""Slots of the clock: unique rows, so that a slot runs once however many clocks there are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from sqlalchemy import Connection, func, select, update

from pipelines.stores.dialect import insert_new
from pipelines.stores.schema import slots


class Sort(IntEnum):
    """Why there is a slot: its time came, nobody was there for it, or somebody asked."""

    TIMED = 0
    SKIPPED = 1
    ASKED = 2


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot that was claimed. `ended_at` and `exit_code` are None while its run goes on."""

    slot_at: float
    ended_at: float | None
    exit_code: int | None


def claim(connection: Connection, schedule: str, slot_at: float, *, now: float, sort: Sort = Sort.TIMED) -> bool:
    """True for the one caller that may run this slot (or, SKIPPED, writes down that nobody does)."""
    claimed = insert_new(connection, slots).values(schedule=schedule, slot_at=slot_at, claimed_at=now, sort=sort)
    return connection.execute(claimed.returning(slots.c.id)).first() is not None


def end(connection: Connection, schedule: str, slot_at: float, *, now: float, exit_code: int) -> None:
    """The slot's crawl has ended."""
    connection.execute(
        update(slots).where(slots.c.schedule == schedule, slots.c.slot_at == slot_at)
        .values(ended_at=now, exit_code=exit_code)
    )  # fmt: skip


def last(connection: Connection, schedule: str, *, until: float, ran: bool = False) -> Slot | None:
    """The newest slot that was claimed and lies not after `until`; with `ran`, the newest that was not skipped.

    A clock that was once set wrong may have claimed slots of the future.
    """
    query = (
        select(slots.c.slot_at, slots.c.ended_at, slots.c.exit_code)
        .where(slots.c.schedule == schedule, slots.c.slot_at <= until)
        .order_by(slots.c.slot_at.desc()).limit(1)
    )  # fmt: skip
    row = connection.execute(query.where(slots.c.sort != Sort.SKIPPED) if ran else query).first()
    return Slot(row[0], row[1], row[2]) if row else None


def counted(connection: Connection, schedule: str) -> dict[Sort, int]:
    """How many slots of a schedule there were, by sort."""
    query = select(slots.c.sort, func.count()).where(slots.c.schedule == schedule).group_by(slots.c.sort)
    return {Sort(sort): number for sort, number in connection.execute(query)}
