"""Slots of the clock: unique rows, so that a slot runs once however many clocks there are."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, update

from pipelines.stores.dialect import insert_new
from pipelines.stores.schema import slots


def claim(connection: Connection, schedule: str, slot_at: float, *, now: float) -> bool:
    """True for the one caller that may run this slot."""
    claimed = insert_new(connection, slots).values(schedule=schedule, slot_at=slot_at, claimed_at=now)
    return connection.execute(claimed.returning(slots.c.id)).first() is not None


def end(connection: Connection, schedule: str, slot_at: float, *, now: float, exit_code: int) -> None:
    """The slot's crawl has ended."""
    connection.execute(
        update(slots).where(slots.c.schedule == schedule, slots.c.slot_at == slot_at)
        .values(ended_at=now, exit_code=exit_code)
    )  # fmt: skip


def last(connection: Connection, schedule: str) -> tuple[float, float | None, int | None] | None:
    """`(slot_at, ended_at, exit_code)` of the newest slot that was claimed."""
    query = (
        select(slots.c.slot_at, slots.c.ended_at, slots.c.exit_code)
        .where(slots.c.schedule == schedule).order_by(slots.c.slot_at.desc()).limit(1)
    )  # fmt: skip
    row = connection.execute(query).first()
    return (row[0], row[1], row[2]) if row else None


def claimed(connection: Connection, schedule: str) -> int:
    """How many slots of a schedule were claimed."""
    return connection.execute(select(func.count()).where(slots.c.schedule == schedule)).scalar() or 0
