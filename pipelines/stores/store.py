"""Opens the database, brings its tables up to date, and hands out transactions."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event, inspect, make_url, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.pool import NullPool, QueuePool

from pipelines.errors import StoreError, UsageError
from pipelines.stores.dialect import insert_new
from pipelines.stores.schema import facts

BUSY_MS = 60_000
WAIT_S = 0.02
_MIGRATE_LOCK = 7340  # any number, the same for all of us
_SQLITE = "sqlite:///"
_STEP = re.compile(r"m\d{4}_\w+\.py")


class Store:
    """One database. `read()` and `write()` give a Connection inside one transaction; write commits at its end.

    Both raise StoreError, in one sentence, when the database or its disk fails.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite (else PostgreSQL)."""
        return self.engine.dialect.name == "sqlite"

    @property
    def address(self) -> str:
        """The address, with its password."""
        return self.engine.url.render_as_string(hide_password=False)

    @property
    def shown(self) -> str:
        """The address without its password."""
        return self.engine.url.render_as_string(hide_password=True)

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
        """A transaction that may write, from the start: SQLite's lock is taken at once, so it cannot fail half-way."""
        with self._failing_clearly(), self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()

    def settle(self) -> None:
        """Empties SQLite's log into its file, so that what was deleted lies in neither."""
        if self.is_sqlite:
            with self._failing_clearly(), self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Closes every connection."""
        self.engine.dispose()

    @contextlib.contextmanager
    def _failing_clearly(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, NoConnection) as error:
            raise StoreError(f"The database {self.shown} failed: {_first_line(error)}.") from error


def open_store(address: str, *, create: bool = True, mode: str | None = None, forks: bool = True) -> Store:
    """The store at `address` (SQLAlchemy form), its tables migrated to the newest version.

    `create=False` is for who looks: it refuses a SQLite file that is not there, and takes one in a folder that takes no
    writes. `mode` (demo, replay, online) is remembered at first use; another one later is refused, since invented and
    recorded pages must not mix with the real web's.
    A process that never `forks` keeps its connections between transactions: SQLite empties its log whenever the last
    one closes, which costs a crawler a fifth of what its database costs.
    Raises StoreError when it cannot be reached, UsageError when the mode differs.
    """
    url = _parsed(address)
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
    store = Store(_engine(url, forks=forks))
    try:
        _prepare(store, mode)
    except BaseException:
        store.close()
        raise
    return store


def require_writes(address: str) -> None:
    """Raises StoreError where the store at `address` is a SQLite file that nothing can be written to."""
    file = Path(address.removeprefix(_SQLITE))
    if address.startswith(_SQLITE) and file.exists() and not os.access(file.parent, os.W_OK):
        raise StoreError(f"The database {file} cannot be written: its folder takes no writes.")


def _prepare(store: Store, mode: str | None) -> None:
    try:
        with store._failing_clearly():
            _migrate(store.engine)
        if mode:
            _remember_mode(store, mode)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"PostgreSQL needs one more package ({error.name}): pip install 'suchlike[postgres]'."
        ) from None
    except SQLAlchemyError as error:
        raise StoreError(f"The database {store.shown} cannot be opened: {_first_line(error)}.") from error


def _parsed(address: str) -> URL:
    # taken literally: a folder may be called `what?`
    if address.startswith(_SQLITE):
        return URL.create("sqlite", database=address.removeprefix(_SQLITE))
    try:
        return make_url(address)
    except (ArgumentError, ValueError):  # not quoted: there may be a password in it
        raise UsageError(
            "The address of the database cannot be understood; write sqlite:///file.db or "
            "postgresql+psycopg://user:password@host:5432/name, with %-escapes for signs in the password."
        ) from None


def _engine(url: URL, *, forks: bool) -> Engine:
    try:
        if url.get_backend_name() != "sqlite":
            engine = create_engine(url, pool_size=2, pool_pre_ping=True, connect_args={"connect_timeout": 10})
            event.listen(engine, "connect", _prepare_postgresql)
            return engine
        # SQLite's connections must not be carried over a fork
        kept = {"poolclass": NullPool} if forks else {"poolclass": QueuePool, "pool_size": 2}
        engine = create_engine(url, connect_args={"timeout": BUSY_MS / 1000}, **kept)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"PostgreSQL needs one more package ({error.name}): pip install 'suchlike[postgres]'."
        ) from None
    event.listen(engine, "do_connect", _connect_sqlite if forks else _connect_to_write)
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_postgresql(connection: Any, _record: object) -> None:
    # It compiles what it expects to be long. Of ours it expects that of searches above all, which stop at the first few
    # hundred rows, and compiling takes longer than they do.
    connection.execute("SET jit = off")
    connection.commit()


def _connect_to_write(dialect: Any, _record: object, where: tuple[str, ...], how: dict[str, Any]) -> Any:
    connection = dialect.connect(*where, **how)
    try:
        _write_ahead(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_sqlite(dialect: Any, record: object, where: tuple[str, ...], how: dict[str, Any]) -> Any:
    """A connection that may write; to a file in a folder that takes nothing, one that reads.

    SQLite needs a file beside the database to read what has a write-ahead log, unless it is told that nobody writes.
    """
    try:
        return _connect_to_write(dialect, record, where, how)
    except sqlite3.OperationalError:
        file = Path(where[0]).absolute()
        log = file.with_name(f"{file.name}-wal")
        if not file.exists() or os.access(file.parent, os.W_OK) or (log.exists() and log.stat().st_size):
            raise
        return dialect.connect(f"{file.as_uri()}?mode=ro&immutable=1", **{**how, "uri": True})


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in (f"busy_timeout={BUSY_MS}", "synchronous=FULL", "cache_size=-32000"):
        connection.execute(f"PRAGMA {pragma}").close()
    # its own knows A to Z alone, and would not find Österreich
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _write_ahead(connection: Any) -> None:
    """Turns the write-ahead log on. Of processes that do so at once, SQLite refuses all but one without waiting."""
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(WAIT_S)


def _migrate(engine: Engine) -> None:
    if _version(engine) == _newest():
        return
    from alembic import command
    from alembic.config import Config as AlembicConfig
    from alembic.util.exc import CommandError

    config = AlembicConfig()
    config.set_main_option("script_location", "pipelines.stores:migrations")
    with engine.connect() as connection:
        # two processes may start at once: one migrates, the other waits and then finds it done
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _MIGRATE_LOCK})
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise UsageError(
                f"The database {engine.url.render_as_string(hide_password=True)} was made by a newer suchlike; "
                "use that one, or another database."
            ) from error
        connection.commit()


def _version(engine: Engine) -> str | None:
    """The step a database has been brought to, as alembic notes it; None for one without tables."""
    if not inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _newest() -> str:
    """The last step there is, by the names of their files: asking alembic would cost every process its import."""
    steps = files("pipelines.stores.migrations") / "versions"
    return max(step.name for step in steps.iterdir() if _STEP.fullmatch(step.name))[1:5]


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
