"""The store: one database, opened with its tables up to date, which hands out transactions."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from pipelines.errors import RefusedError, StoreError, UsageError
from pipelines.stores.dialect import insert_new
from pipelines.stores.engine import SQLITE, make_engine, missing, parsed, written
from pipelines.stores.schema import facts
from pipelines.stores.upgrade import upgrade

# who holds rows on PostgreSQL and says nothing for so long stands still, or is cut off from it: what he did is undone,
# and others go on. As long as others wait for SQLite's lock.
FROZEN_S = 60
# the class of errors by which PostgreSQL says that what it was given exceeds its limits
_TOO_MUCH = "54"


class Store:
    """One database. `read()` and `write()` give a Connection inside one transaction; write commits at its end.

    Both raise StoreError, in one sentence, when the database or its disk fails, and of these RefusedError when it does
    not take what it was given.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite (else PostgreSQL)."""
        return self.engine.dialect.name == "sqlite"

    @property
    def address(self) -> str:
        """The address, with its password, as `open_store` takes it."""
        return written(self.engine.url)

    @property
    def shown(self) -> str:
        """The address without its password."""
        return written(self.engine.url, hide_password=True)

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self._failing_clearly(), self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            yield connection
            connection.rollback()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A transaction that only reads, and sees one moment however long it takes and whoever writes meanwhile."""
        with self._failing_clearly(), self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            else:
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection
            connection.rollback()

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write, from the start: SQLite's lock is taken at once, so it cannot fail half-way.

        PostgreSQL undoes it after FROZEN_S without a word of ours.
        """
        with self._failing_clearly(), self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = '{FROZEN_S}s'")
            yield connection
            connection.commit()

    def settle(self) -> None:
        """Empties SQLite's log into its file, so that what was deleted lies in neither.

        Raises StoreError when somebody reads what was there before for longer than is waited for.
        """
        if self.is_sqlite:
            with self._failing_clearly(), self.engine.connect() as connection:
                busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            if busy:
                raise StoreError(
                    f"The database {self.shown} is being read, and its files still hold what was deleted; ask again "
                    "when whoever reads it, an export perhaps, is done."
                )

    def close(self) -> None:
        """Closes every connection."""
        self.engine.dispose()

    @contextlib.contextmanager
    def _failing_clearly(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, NoConnection) as error:
            kind = RefusedError if _is_refusal(error) else StoreError
            # without a statement it is the connection that failed
            away = not self.is_sqlite and isinstance(error, DBAPIError) and error.statement is None
            way_out = "; see that its server is up, and that store.database is right" if away else ""
            raise kind(f"The database {self.shown} failed: {_first_line(error)}{way_out}.") from error


def _is_refusal(error: Exception) -> bool:
    """Whether it is for the values of a statement that it failed, not for the database, its disk or who asks."""
    said = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return isinstance(error, (DataError, IntegrityError)) or said.startswith(_TOO_MUCH)


def open_store(address: str, *, create: bool = True, mode: str | None = None, forks: bool = True) -> Store:
    """The store at `address` (SQLAlchemy form), its tables migrated to the newest version.

    `create=False` is for who looks: it refuses a SQLite file that is not there, and takes one in a folder that takes no
    writes. `mode` (demo, replay, online) is remembered at first use; another one later is refused, since invented and
    recorded pages must not mix with the real web's.
    A process that never `forks` keeps its connections between transactions: SQLite empties its log whenever the last
    one closes, which costs a crawler a fifth of what its database costs.
    Raises StoreError when it cannot be reached, UsageError when the mode differs.
    """
    url = parsed(address)
    if url.get_backend_name() == "sqlite" and url.database:
        file = Path(url.database)
        if not create and not file.exists():
            raise StoreError(f"There is no database {file} yet; `suchlike run` makes it.")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"The folder of the database {file} cannot be made: {error.strerror}.") from None
        if create:
            require_writes(address)
    store = Store(make_engine(url, forks=forks))
    try:
        _prepare(store, mode)
    except BaseException:
        store.close()
        raise
    return store


def require_writes(address: str) -> None:
    """Raises StoreError where the store at `address` is a SQLite file that nothing can be written to."""
    file = Path(address.removeprefix(SQLITE))
    if address.startswith(SQLITE) and file.exists() and not os.access(file.parent, os.W_OK):
        raise StoreError(f"The database {file} cannot be written: its folder takes no writes.")


def _prepare(store: Store, mode: str | None) -> None:
    try:
        with store._failing_clearly():
            upgrade(store.engine)
        if mode:
            _remember_mode(store, mode)
    except ModuleNotFoundError as error:
        raise missing(error) from None
    except SQLAlchemyError as error:
        raise StoreError(f"The database {store.shown} cannot be opened: {_first_line(error)}.") from error


def _remember_mode(store: Store, mode: str) -> None:
    with store.write() as connection:
        connection.execute(insert_new(connection, facts).values(name="mode", value=mode))
        held = connection.execute(select(facts.c.value).where(facts.c.name == "mode")).scalar()
        if held != mode:
            raise UsageError(
                f"The database {store.shown} holds {held} pages, and {mode} pages must not mix with them; "
                "use another project folder (-C DIR) or another database."
            )


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().splitlines()[0].rstrip(".") if str(cause).strip() else type(cause).__name__
