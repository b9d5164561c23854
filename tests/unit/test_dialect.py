"""Statements are made ready for the driver once a process, whatever rows they are run for."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import bindparam, select, update

from pipelines.stores import dialect, open_store
from pipelines.stores.schema import facts


def test_a_kept_statement_is_prepared_once_for_its_columns(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'held.db'}")
    said = update(facts).where(facts.c.name == bindparam("of")).values(value=bindparam("new"))
    with store.write() as connection:
        insert = dialect.insert_new(connection, facts)
        assert dialect.insert_new(connection, facts) is insert
        dialect.run_many(connection, insert, [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}])
        dialect.run_many(connection, said, [{"of": "a", "new": "3"}])
        ready = dialect._PREPARED[said]["sqlite", "of", "new"]
        dialect.run_many(connection, said, [{"of": "b", "new": "4"}])
        assert dialect._PREPARED[said] == {("sqlite", "of", "new"): ready}
        rows = connection.execute(select(facts.c.name, facts.c.value).where(facts.c.name.in_(["a", "b"]))).all()
    assert sorted(map(tuple, rows)) == [("a", "3"), ("b", "4")]
    store.close()


def test_a_kept_question_is_asked_with_other_values_each_time(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'held.db'}")
    question = select(facts.c.value).where(facts.c.name == bindparam("of")).limit(bindparam("most"))
    with store.write() as connection:
        dialect.run_many(
            connection, dialect.insert_new(connection, facts), [{"name": n, "value": n * 2} for n in ("a", "b")]
        )
        asked = [
            dialect.ask(connection, question, {"of": of, "most": most}) for of, most in (("a", 1), ("b", 1), ("b", 0))
        ]
        assert len(dialect._PREPARED[question]) == 1
    assert [list(map(tuple, rows)) for rows in asked] == [[("aa",)], [("bb",)], []]
    store.close()


def test_a_statement_made_for_once_is_forgotten_with_it(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'held.db'}")
    before = len(dialect._PREPARED)
    with store.write() as connection:
        once = update(facts).where(facts.c.name == bindparam("of")).values(value="x")
        dialect.run_many(connection, once, [{"of": "a"}])
        assert len(dialect._PREPARED) == before + 1
        del once
    assert len(dialect._PREPARED) == before
    store.close()
