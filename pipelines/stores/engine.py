"""How a database is connected to: its address, and what every connection to it is told first."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool, QueuePool

from pipelines.errors import UsageError

SQLITE = "sqlite:///"
BUSY_MS = 60_000
WAIT_S = 0.02
# a server whose machine or network is gone says nothing, and TCP would wait two hours for it; libpq's own names
REACHED_S = 10
PEER = {
    "connect_timeout": REACHED_S,
    "keepalives_idle": REACHED_S, "keepalives_interval": REACHED_S // 2, "keepalives_count": 4,
    "tcp_user_timeout": 3_000 * REACHED_S,
}  # fmt: skip


def parsed(address: str) -> URL:
    """The address of a database, in SQLAlchemy's form. Raises UsageError for one that is none."""
    # taken literally: a folder may be called `what?`
    if address.startswith(SQLITE):
        return URL.create("sqlite", database=address.removeprefix(SQLITE))
    try:
        return make_url(address)
    except (ArgumentError, ValueError):  # not quoted: there may be a password in it
        raise UsageError(
            "The address of the database cannot be understood; write sqlite:///file.db or "
            "postgresql+psycopg://user:password@host:5432/name, with %-escapes for signs in the password."
        ) from None


def written(url: URL, *, hide_password: bool = False) -> str:
    """The address that is `parsed` to this."""
    if url.get_backend_name() == "sqlite":
        return f"{SQLITE}{url.database}"
    return url.render_as_string(hide_password)


def make_engine(url: URL, *, forks: bool) -> Engine:
    """What connects to the database at `url`, once it is asked to. Raises UsageError where a package is missing.

    A process that never `forks` keeps its connections between transactions.
    """
    try:
        if url.get_backend_name() != "sqlite":
            told = {name: value for name, value in PEER.items() if name not in url.query}
            engine = create_engine(url, pool_size=2, pool_pre_ping=True, connect_args=told)
            event.listen(engine, "do_connect", _name_process)
            event.listen(engine, "connect", _prepare_postgresql)
            return engine
        # SQLite's connections must not be carried over a fork
        kept = {"poolclass": NullPool} if forks else {"poolclass": QueuePool, "pool_size": 2}
        engine = create_engine(url, connect_args={"timeout": BUSY_MS / 1000}, **kept)
    except ModuleNotFoundError as error:
        raise missing(error) from None
    event.listen(engine, "do_connect", _connect_sqlite if forks else _connect_to_write)
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def missing(error: ModuleNotFoundError) -> UsageError:
    """The error that says which package PostgreSQL needs."""
    return UsageError(f"PostgreSQL needs one more package ({error.name}): pip install 'suchlike[postgres]'.")


def _name_process(_dialect: Any, _record: object, _where: object, how: dict[str, Any]) -> None:
    """Says in `pg_stat_activity` whose the connection is, unless its address or the environment names it otherwise."""
    how["fallback_application_name"] = f"suchlike {os.getpid()}"


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
    # what is deleted is overwritten, and not just given free: no takedown would find the body that a page left behind
    for pragma in (f"busy_timeout={BUSY_MS}", "synchronous=FULL", "cache_size=-32000", "secure_delete=ON"):
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
