"""On PostgreSQL: something that is done while a transaction of ours is open, and has to wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from conftest import until
from patience import PATIENCE_S
from sqlalchemy import Connection, text

from pipelines.stores import Store

_WAITS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


def beside(store: Store, work: Callable[[], Any]) -> Callable[[], None]:
    """Begins `work`, and returns once somebody waits for another's lock; gives what waits for its end."""
    failed: list[Exception] = []

    def tried() -> None:
        try:
            work()
        except Exception as error:  # told where the test is
            failed.append(error)

    thread = threading.Thread(target=tried)
    thread.start()
    until(lambda: bool(failed) or _somebody_waits(store), "the other's turn")

    def ended() -> None:
        thread.join(PATIENCE_S)
        assert not thread.is_alive() and not failed, failed

    return ended


def in_a_write(store: Store, deed: Callable[[Connection], Any]) -> Callable[[], None]:
    """`deed` as the work of a transaction of its own."""

    def work() -> None:
        with store.write() as connection:
            deed(connection)

    return work


def _somebody_waits(store: Store) -> bool:
    with store.read() as connection:
        return bool(connection.execute(_WAITS).scalar())
