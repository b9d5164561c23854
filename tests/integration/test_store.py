"""Opening a store: its tables are the ones we describe, whoever opens it first, and every refusal is one sentence."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from racing import race
from sqlalchemy import Column, Engine, MetaData, Table, create_engine, event, insert, inspect, select, text
from sqlalchemy.types import UserDefinedType

from pipelines.errors import StoreError, SuchlikeError, UsageError
from pipelines.signature import signature
from pipelines.stores import open_store, signatures, slots
from pipelines.stores.schema import facts, metadata

Run = Callable[..., subprocess.CompletedProcess[str]]


class _Tsvector(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "tsvector"


def test_the_migrations_make_the_tables_we_describe(database: str) -> None:
    store = open_store(database)

    def ours(_: object, name: str | None, kind: str, reflected: bool, __: object) -> bool:
        # the full-text index is the one thing each database has its own way
        return not (reflected and name is not None and (name.startswith("articles_search") or name == "search"))

    with store.engine.connect() as connection:
        # alembic cannot read an empty default back from SQLite
        options = {"compare_type": True, "compare_server_default": not store.is_sqlite, "include_object": ours}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        held = {index["name"] for table in metadata.tables for index in inspect(connection).get_indexes(table)}
    store.close()
    described = {str(index.name) for table in metadata.tables.values() for index in table.indexes}
    assert held >= described


def test_no_step_asks_for_what_sqlite_learned_lately(tmp_path: Path) -> None:
    said: list[str] = []

    def noted(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement.upper())

    event.listen(Engine, "before_cursor_execute", noted)
    try:
        open_store(f"sqlite:///{tmp_path / 'store.db'}").close()
    finally:
        event.remove(Engine, "before_cursor_execute", noted)
    assert any("CREATE TABLE SIGNATURES" in one for one in said)
    # before 3.39, which Ubuntu 22.04 has not
    assert [one for one in said if "HAVING" in one and "GROUP BY" not in one] == []


def test_a_partial_index_has_the_same_condition_in_both_databases_and_in_the_description(database: str) -> None:
    store = open_store(database)
    partial = {
        str(index.name): index.dialect_options["postgresql"]["where"]
        for table in metadata.tables.values() for index in table.indexes
    }  # fmt: skip
    wanted = {name: str(where.compile(compile_kwargs={"literal_binds": True}))
              for name, where in partial.items() if where is not None}  # fmt: skip
    with store.read() as connection:
        query = (
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL" if store.is_sqlite
            else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        )  # fmt: skip
        made = {name: sql for name, sql in connection.execute(text(query))}  # noqa: C416  # rows are no pairs
    store.close()

    def bare(condition: str) -> str:
        plain = condition.lower().replace("::text", "").replace("(", "").replace(")", "")
        for table in metadata.tables:
            plain = plain.replace(f"{table}.", "")
        return " ".join(plain.replace(">= 1 and state <= 4", "between 1 and 4").replace("::smallint", "").split())

    assert wanted
    for name, condition in wanted.items():
        found = made[name].lower().partition(" where ")[2]
        assert bare(found).replace("state between", "state between") == bare(condition), name
    assert {name for name, sql in made.items() if " where " in sql.lower()} == set(wanted)


def test_opening_a_store_again_changes_nothing(database: str) -> None:
    open_store(database, mode="online").close()
    store = open_store(database, mode="online", create=False)
    with store.read() as connection:
        assert connection.execute(select(facts)).all() == [("mode", "online")]
    store.close()


def _open(address: str, mode: str, times: int) -> str:
    try:
        for _ in range(times):
            store = open_store(address, mode=mode)
            with store.write() as connection:
                connection.execute(slots.insert_new(connection, slots.slots).values(
                    schedule=mode, slot_at=1.0, claimed_at=1.0))  # fmt: skip
            store.close()
    except UsageError as error:
        return str(error)
    return "opened"


@pytest.mark.slow
def test_processes_that_open_a_new_store_at_once_make_it_once(database: str) -> None:
    assert race(_open, [(database, "online", 3)] * 4) == ["opened"] * 4


@pytest.mark.slow
def test_processes_of_different_modes_cannot_both_have_a_new_store(database: str) -> None:
    told = race(_open, [(database, "online", 1), (database, "replay", 1)])
    assert sorted(word == "opened" for word in told) == [False, True]
    assert any("must not mix" in word for word in told)


def test_pages_of_different_modes_do_not_mix(database: str) -> None:
    open_store(database, mode="demo").close()
    with pytest.raises(UsageError, match=r"holds demo pages, and online pages must not mix with them; use another"):
        open_store(database, mode="online")
    open_store(database).close()


def test_a_slot_is_claimed_once(database: str) -> None:
    store = open_store(database)
    with store.write() as connection:
        assert slots.claim(connection, "floods", 100.0, now=101.0)
        assert not slots.claim(connection, "floods", 100.0, now=102.0)
        slots.end(connection, "floods", 100.0, now=103.0, exit_code=1)
        assert slots.claim(connection, "floods", 200.0, now=201.0)
        assert slots.last(connection, "floods", until=300.0) == slots.Slot(200.0, None, None)
        assert slots.counted(connection, "floods") == {slots.Sort.TIMED: 2}
    store.close()


def test_what_is_written_and_then_fails_was_never_written(database: str) -> None:
    store = open_store(database)
    with pytest.raises(ZeroDivisionError), store.write() as connection:
        connection.execute(insert(facts).values(name="half", value="done"))
        raise ZeroDivisionError
    with store.read() as connection:
        assert connection.execute(select(facts)).all() == []
    store.close()


def test_what_the_database_refuses_is_told_in_one_sentence(database: str) -> None:
    store = open_store(database)
    missing = Table("missing", MetaData(), Column("x", _Tsvector()))
    with pytest.raises(StoreError, match=r"^The database \S+ failed: .*missing[^\n]*\.$"), store.write() as connection:
        connection.execute(select(missing))
    store.close()


@pytest.mark.parametrize("name", ["plain", "two words", "what?x=1", "100%", "ünï#cöde", "a&b;c"])
def test_the_database_lies_in_the_folder_it_was_given_whatever_that_is_called(tmp_path: Path, name: str) -> None:
    open_store(f"sqlite:///{tmp_path}/{name}/store.db", mode="online").close()
    assert (tmp_path / name / "store.db").exists()
    assert [one.name for one in tmp_path.iterdir()] == [name]


def _folder(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}"


def _no_database(tmp_path: Path) -> str:
    (tmp_path / "photo.db").write_bytes(b"\x89PNG" * 1000)
    return f"sqlite:///{tmp_path / 'photo.db'}"


def _under_a_file(tmp_path: Path) -> str:
    (tmp_path / "file").write_text("")
    return f"sqlite:///{tmp_path / 'file' / 'store.db'}"


def _of_the_future(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path / 'store.db'}"
    open_store(address).close()
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    return address


@pytest.mark.parametrize(
    ("address", "error", "sentence"),
    [
        (_folder, StoreError, "unable to open database file"),
        (_no_database, StoreError, "file is not a database"),
        (_under_a_file, StoreError, "cannot be made"),
        (_of_the_future, UsageError, "was made by a newer suchlike"),
        (
            "postgresql+psycopg://u:s3cret@127.0.0.1:1/name",
            StoreError,
            "refused; see that its server is up",
        ),
        ("postgresql+psycopg://u:s3cret@/name?host=/nowhere", StoreError, "failed: connection"),
        ("postgresql+psycopg://u:s3cret@host:port/name", UsageError, "cannot be understood"),
        ("postgresql+psycopg://u:s3cret@[::1/name", UsageError, "cannot be understood"),
        ("u:s3cret@nothing", UsageError, "cannot be understood"),
    ],
)
def test_a_wrong_address_is_one_clear_sentence_without_its_password(
    tmp_path: Path, address: str | Callable[[Path], str], error: type[SuchlikeError], sentence: str
) -> None:
    given = address if isinstance(address, str) else address(tmp_path)
    with pytest.raises(error) as caught:
        open_store(given)
    said = str(caught.value)
    assert sentence in said
    assert "\n" not in said
    assert said.endswith(".")
    assert "s3cret" not in said


def test_a_store_that_must_be_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"There is no database .*store\.db yet; `suchlike run` makes it"):
        open_store(f"sqlite:///{tmp_path / 'store.db'}", create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("postgresql+psycopg://u:s3cret@127.0.0.1:1/name", 4),
        ("postgresql+psycopg://u:s3cret@host:port/name", 2),
        ("mysql://u:s3/cret@host/name", 2),
        ("s3cret@nothing", 2),
    ],
)
def test_a_wrong_address_ends_the_command_with_its_code(suchlike: Run, address: str, code: int) -> None:
    done = suchlike("fates", "--json", SUCHLIKE_DATABASE=address)
    assert done.returncode == code
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "s3" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def _at(address: str, revision: str) -> Engine:
    """A database as an earlier version of ours left it."""
    engine = create_engine(address)
    config = Config()
    config.set_main_option("script_location", "pipelines.stores:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return engine


def test_stories_of_before_signatures_stay_and_their_articles_are_found_again(database: str) -> None:
    engine = _at(database, "0011")
    prose = [" ".join(f"word{number * at % 997}" for number in range(1, 80)) for at in (3, 3, 5)]
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO hosts (id, name, site) VALUES (1, 'a.test', 'a.test')"))
        for row, said in enumerate(prose, 1):
            connection.execute(text("INSERT INTO urls (id, key, host, url, source, found_at, state) "
                                    "VALUES (:row, :row, 1, :url, 'start', 1, 5)"),
                               {"row": row, "url": f"https://a.test/{row}"})  # fmt: skip
            connection.execute(
                text(
                    "INSERT INTO articles (id, canonical_url, canonical_key, site, title, text, authors, language, "
                    "words, sha256, rights, score, likeness, matched, story, copy_of, similarity, fetched_at, mode, "
                    "run) VALUES (:row, 'x', :row, 'a.test', 't', :text, '[]', 'en', 79, 'x', '{}', 1, '{}', 1, "
                    ":story, :of, 1.0, 1, 'replay', 1)"
                ),
                {"row": row, "text": said, "story": 3 if row == 3 else 1, "of": 1 if row == 2 else None},
            )
            connection.execute(text("INSERT INTO bands (band, value, article) VALUES (0, 7, :row)"), {"row": row})
    engine.dispose()
    store = open_store(database)
    with store.write() as connection:
        kin = connection.execute(text("SELECT id, kin, similarity FROM articles ORDER BY id")).all()
        assert [tuple(row) for row in kin] == [(1, 1, None), (2, 1, 1.0), (3, None, 1.0)]
        assert [signatures.sign_older(connection, 2) for _ in range(3)] == [2, 1, 0]
        signed = signature(prose[2])
        assert signed is not None
        assert signatures.alike(connection, signed) == {3}
        assert connection.execute(select(facts)).all() == []
    store.close()


def test_sqlite_overwrites_what_is_deleted_however_it_was_built(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'a.db'}")
    otherwise = "PRAGMA secure_delete=OFF"
    event.listen(store.engine, "connect", lambda made, _: made.execute(otherwise).close(), insert=True)
    with store.write() as connection:
        assert connection.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
    store.close()


@pytest.mark.parametrize("forks", [True, False])
def test_a_process_that_never_forks_keeps_sqlites_log_between_transactions(tmp_path: Path, forks: bool) -> None:
    file = tmp_path / "a.db"
    store = open_store(f"sqlite:///{file}", forks=forks)
    with store.write() as connection:
        connection.execute(insert(facts).values(name="kept", value="1"))
    log = file.with_name("a.db-wal")
    assert log.exists() is not forks
    store.close()
    assert not log.exists()


@pytest.mark.parametrize("named", [None, "desk"])
def test_postgresql_knows_whose_a_connection_is(postgres: str, named: str | None) -> None:
    address = f"{postgres}&application_name={named}" if named else postgres
    with contextlib.closing(open_store(address)) as store, store.read() as connection:
        asked = text("SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        assert connection.execute(asked).scalar() == (named or f"suchlike {os.getpid()}")


def test_postgresql_compiles_no_query(postgres: str) -> None:
    with contextlib.closing(open_store(postgres)) as store, store.read() as connection:
        assert connection.exec_driver_sql("SHOW jit").scalar_one() == "off"


READS = """
import sys
from sqlalchemy import func, select
from pipelines.errors import StoreError
from pipelines.stores import open_store
from pipelines.stores.schema import facts
store = open_store(sys.argv[1], create=False)
with store.read() as connection:
    print(connection.execute(select(facts.c.value).where(facts.c.name == "mode")).scalar())
try:
    with store.write() as connection:
        connection.execute(facts.delete())
    print("written")
except StoreError as error:
    print(error)
"""


def test_a_database_in_a_folder_that_takes_nothing_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "what? a folder"
    address = f"sqlite:///{folder / 'demo.db'}"
    open_store(address, mode="demo").close()
    command = [sys.executable, "-c", READS, address]
    if os.geteuid() == 0 and not shutil.which("unshare"):
        pytest.skip("root may write everywhere here")
    if os.geteuid() == 0:  # whom no mode of a folder stops
        bound = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", bound, str(folder), *command]
    folder.chmod(0o555)
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    finally:
        folder.chmod(0o755)
    if "unshare" in said.stderr or "mount" in said.stderr:
        pytest.skip("root may not mount here")
    mode, failed = said.stdout.splitlines()
    assert (mode, "attempt to write a readonly database" in failed) == ("demo", True), said.stderr
