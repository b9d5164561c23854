"""`doctor --deep` finds nothing in a store that is whole, and every single promise that is broken."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from working import Waiting, article, articles

from crawler import deep
from crawler.cli.app import run as command_line
from crawler.doctor import Check
from pipelines.stores import invariants, open_store
from pipelines.stores.states import State
from workers import build
from workers.inline import Inline

GROUPS = ["fates", "frontier", "copies", "archive", "index", "bodies", "waiting", "pages", "soundness"]


class Corpus(Waiting):
    """Four articles and a copy, stored, archived; one more page in flight."""

    def __init__(self, folder: Path, database: str) -> None:
        super().__init__(folder, store={"keep": "all", "archive": "kept", "database": database})
        copy = article(3)[1].replace("<h1>", "<h1>Again: ")
        sender = Inline(build.stages(self.store, self.config))
        sender.send("parse", self.fetch([*articles(4), ("https://wire.example/2026/11/the-same-told-again-1", copy)]))
        sender.close()
        self.fetch([article(9)], ring_after=time.time() + 3600)
        assert self.fates()["duplicate"] == 1

    def spoiled(self, statement: str) -> dict[str, list[invariants.Broken]]:
        """What is broken after a statement, which is then taken back."""
        with self.store.read() as connection:
            connection.execute(text(statement))
            return dict(invariants.broken(connection))

    def say(self, statement: str, **values: Any) -> None:
        with self.store.write() as connection:
            connection.execute(text(statement), values)


@pytest.fixture(scope="module")
def on_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    corpus = Corpus(tmp_path_factory.mktemp("corpus"), "")
    yield corpus
    corpus.store.close()


@pytest.fixture(scope="module")
def on_server(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Corpus]:
    corpus = Corpus(tmp_path_factory.mktemp("corpus"), postgres_server.format("postgres"))
    yield corpus
    with corpus.store.write() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    corpus.store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def corpus(request: pytest.FixtureRequest) -> Corpus:
    return request.getfixturevalue("on_file" if request.param == "sqlite" else "on_server")  # type: ignore[no-any-return]


def test_a_store_that_is_whole_keeps_every_promise(corpus: Corpus) -> None:
    checks = list(deep.examine(corpus.store, corpus.config))
    assert [one.name for one in checks] == GROUPS
    assert [one for one in checks if not one.ok] == []


ROW = "id = (SELECT min(id) FROM urls WHERE state = 5)"
COPY = "(SELECT id FROM urls WHERE state = 6)"
ORIGINAL = f"(SELECT copy_of FROM articles WHERE id = {COPY})"
OTHER = "(SELECT max(id) FROM urls WHERE state = 5)"
DAMAGE = {
    "a state nobody knows": (f"UPDATE urls SET state = 77 WHERE {ROW}", "fates", "state we know"),
    "no reason": ("UPDATE urls SET state = 7, reason = NULL WHERE state = 2", "fates", "has a reason"),
    "no article": ("UPDATE urls SET state = 5 WHERE state = 2", "fates", "stored has its article"),
    "parsed without article": ("UPDATE urls SET state = 3 WHERE state = 2", "fates", "parsed has its article"),
    "left the corpus": (f"UPDATE urls SET state = 7, reason = 'x' WHERE {ROW}", "fates", "stays in it"),
    "a ninth attempt": ("UPDATE urls SET attempts = 9 WHERE state = 2", "fates", "more often"),
    "a death without a word": ("UPDATE urls SET state = 8, reason = 'x' WHERE state = 2", "fates", "tells of what"),
    "a URL its host does not know": (
        "UPDATE urls SET state = 0 WHERE state = 2", "frontier", "found by its host"),
    "a lease without an owner": ("UPDATE urls SET state = 1 WHERE state = 2", "frontier", "owns the host"),
    "a duplicate of nothing": (f"UPDATE articles SET copy_of = NULL WHERE id = {COPY}", "copies", "names its"),
    "an original that is a copy": (f"UPDATE articles SET copy_of = {OTHER} WHERE {ROW}", "copies", "is no copy"),
    "a copy of a copy": (f"UPDATE articles SET copy_of = {COPY} WHERE id = {COPY}", "copies", "no copy itself"),
    "an original that is not stored": (
        f"UPDATE articles SET stored_at = NULL WHERE id = {ORIGINAL}", "copies", "about to be"),
    "two pages in one place": (
        "UPDATE urls SET archive_offset = 0 WHERE archive_file IS NOT NULL", "archive", "same place"),
    "searched for, not stored": (f"UPDATE articles SET stored_at = NULL WHERE {ROW}", "index", "only stored"),
    "no body": ("DELETE FROM bodies", "bodies", "has its body"),
    "an unreadable body": ("UPDATE bodies SET body = 'nonsense'", "bodies", "can be read"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_each_broken_promise_is_found(corpus: Corpus, damage: str) -> None:
    statement, group, words = DAMAGE[damage]
    corpus.say("UPDATE hosts SET best = NULL")
    assert any(words in one.promise for one in corpus.spoiled(statement)[group])


def test_an_article_that_search_does_not_know_is_found(corpus: Corpus) -> None:
    statement = (
        "DELETE FROM articles_search_docsize WHERE id = (SELECT min(id) FROM articles)"
        if corpus.store.is_sqlite
        else "UPDATE articles SET search = NULL WHERE id = (SELECT min(id) FROM articles)"
    )
    assert "can be searched for" in corpus.spoiled(statement)["index"][0].promise


def _emptied_index(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as held:
        size = held.execute("PRAGMA page_size").fetchone()[0]
        page = held.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'urls_ended'").fetchone()[0]
    with file.open("r+b") as raw:
        raw.seek((page - 1) * size + 3)  # how many entries the page says to have
        raw.write(bytes(2))


def _dangling_reference(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as held:
        held.execute("DELETE FROM hosts")
        held.commit()


@pytest.mark.parametrize(
    ("harm", "promise"), [(_emptied_index, "file is whole"), (_dangling_reference, "reference leads somewhere")]
)
def test_a_damaged_file_of_sqlite_is_found(
    on_file: Corpus, tmp_path: Path, harm: Callable[[Path], None], promise: str
) -> None:
    (file,) = on_file.folder.glob("*.db")
    copy = tmp_path / "copy.db"
    with contextlib.closing(sqlite3.connect(file)) as held, contextlib.closing(sqlite3.connect(copy)) as other:
        held.backup(other)
    harm(copy)
    with contextlib.closing(open_store(f"sqlite:///{copy}")) as store, store.read() as connection:
        assert any(promise in one.promise for one in invariants.sound(connection))


def test_an_index_of_postgresql_that_does_not_fit_its_table_is_found(on_server: Corpus) -> None:
    with on_server.store.read() as connection:  # whose changes are taken back
        for statement in (
            "CREATE EXTENSION amcheck",
            "CREATE FUNCTION lie(smallint) RETURNS smallint LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END'",
            "CREATE INDEX of_lies ON urls (lie(state))",
        ):
            connection.execute(text(statement))
        assert invariants.sound(connection) == []
        connection.execute(text(
            "CREATE OR REPLACE FUNCTION lie(smallint) RETURNS smallint LANGUAGE plpgsql IMMUTABLE AS "
            "'BEGIN RETURN 77; END'"
        ))  # fmt: skip
        (found,) = invariants.sound(connection)
    assert found.promise == "the table urls is whole" and "of_lies" in found.examples[0]


def test_a_forgotten_row_is_found_while_somebody_is_at_work(corpus: Corpus) -> None:
    now = time.time()
    with corpus.store.read() as connection:
        assert not invariants.forgotten(connection, now=now + 3600)
        assert invariants.forgotten(connection, now=now + 3600 + 2 * invariants.FORGOTTEN_S)[0].number == 1


def test_a_row_that_waits_behind_others_in_its_queue_is_not_forgotten_until_it_was_begun(corpus: Corpus) -> None:
    late, behind = time.time() + 3600 + 2 * invariants.FORGOTTEN_S, [State.FETCHED, State.PARSED, State.JUDGED]
    for attempts, found in ((0, 0), (1, 1)):
        with corpus.store.read() as connection:  # whose change is taken back
            connection.execute(text(f"UPDATE urls SET attempts = {attempts}, state = 3 WHERE state IN (1, 2, 3, 4)"))
            assert len(invariants.forgotten(connection, now=late)) == 1
            assert len(invariants.forgotten(connection, now=late, behind=behind)) == found
            assert len(invariants.forgotten(connection, now=late, behind=behind[:1])) == 1


def _lost(_: bytes) -> bytes | None:
    return None


def _torn(held: bytes) -> bytes:
    return held[:-40]


def _changed(held: bytes) -> bytes:
    return held[: len(held) // 2] + bytes([held[len(held) // 2] ^ 0x40]) + held[len(held) // 2 + 1 :]


@pytest.mark.parametrize("harm", [_lost, _torn, _changed])
def test_harm_to_the_archive_is_found(on_file: Corpus, harm: Callable[[bytes], bytes | None]) -> None:
    (file,) = (on_file.folder / "warc").iterdir()
    held = file.read_bytes()
    try:
        after = harm(held)
        file.unlink()
        if after is not None:
            file.write_bytes(after)
        (wrong,) = [one for one in deep.examine(on_file.store, on_file.config) if not one.ok]
        assert wrong.name == "pages" and "can be read again" in wrong.detail and "from a backup" in wrong.fix
    finally:
        file.write_bytes(held)


def test_a_log_of_requests_is_held_against_delay_robots_and_the_guard(on_file: Corpus, tmp_path: Path) -> None:
    on_file.say("UPDATE hosts SET robots = :rules WHERE name = 'paper.example'", rules="User-agent: *\nDisallow: /no")
    log = tmp_path / "requests.jsonl"

    def politeness(*asked: tuple[float, str, str]) -> Check:
        log.write_text("".join(json.dumps({"t": t, "host": h, "path": p}) + "\n" for t, h, p in asked))
        return list(deep.examine(on_file.store, on_file.config, log))[-1]

    host = "paper.example"
    assert politeness((1, host, "/robots.txt"), (2, host, "/a"), (2.1, "wire.example", "/no"), (3.01, host, "/b")).ok
    assert "apart by its delay" in politeness((1.0, host, "/a"), (1.5, host, "/b")).detail
    assert "forbids is not asked" in politeness((1.0, host, "/no/page")).detail
    assert "private network" in politeness((1.0, "127.1", "/")).detail


def test_the_verb_tells_in_lines_of_json_and_by_its_exit_code(
    on_file: Corpus, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["-C", str(on_file.folder), "doctor", "--deep", "--json"]
    assert command_line(command) == 0
    told = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [one["check"] for one in told] == GROUPS and all(one["ok"] for one in told)
    on_file.say("DELETE FROM bodies")
    assert command_line(command) == 4
    bad = [one for one in map(json.loads, capfd.readouterr().out.splitlines()) if not one["ok"]]
    assert [one["check"] for one in bad] == ["bodies"] and bad[0]["fix"]
