"""A database of every earlier version, with data in it, is brought up to date and loses nothing."""

from __future__ import annotations

from typing import Any

import pytest
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, insert, select, text

from pipelines.asked import understood
from pipelines.stores import articles, fates, invariants, open_store, search
from pipelines.stores.engine import make_engine, parsed
from pipelines.stores.schema import metadata
from pipelines.stores.store import Store
from pipelines.stores.wanted import Wanted
from pipelines.urls import key

URL = "https://harbour.test/story"
# what a table of some version must hold, where the version gives it no default
ROWS: dict[str, dict[str, Any]] = {
    "hosts": {"id": 1, "name": "harbour.test", "site": "harbour.test"},
    "runs": {"id": 1, "mode": "replay", "profile": "p", "config": "{}", "started_at": 1.0, "seen_at": 1.0},
    "profiles": {"digest": "p", "name": "seeds", "seeds": "[]", "learned": b"x"},
    "urls": {"id": 1, "key": key(URL), "host": 1, "url": URL, "source": "link", "found_at": 1.0, "state": 5, "kind": 0,
             "fetches": 1, "fetched_at": 2.0, "status": 200, "run": 1},
    "articles": {"id": 1, "canonical_url": URL, "canonical_key": key(URL), "site": "harbour.test", "title": "Dredgers",
                 "text": "Dredgers leave the harbour.", "authors": '["Ada"]', "language": "en", "words": 4,
                 "sha256": "0" * 64, "rights": '{"robots": "", "noindex": false, "tdm_reserved": false}', "score": 0.9,
                 "likeness": '{"score": 0.9, "lexical": 0.5, "dense": 0.5, "nearest_seed": "s"}', "matched": 1,
                 "story": 1, "fetched_at": 2.0, "mode": "replay", "run": 1, "stored_at": 3.0},
    "slots": {"id": 1, "schedule": "floods", "slot_at": 1.0, "claimed_at": 1.0},
}  # fmt: skip


def _alembic() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", "pipelines.stores:migrations")
    return config


STEPS = [step.revision for step in reversed(list(ScriptDirectory.from_config(_alembic()).walk_revisions()))]


def _made(address: str, revision: str) -> None:
    """A database as the version with this newest step left it, with a row in each of its tables."""
    engine = make_engine(parsed(address), forks=False)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config = _alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for name, row in ROWS.items():
            _filled(connection, name, row)
        if revision >= "0003":  # which indexes itself what was stored before
            search.index(connection, [1])
        connection.commit()
    engine.dispose()


def _filled(connection: Connection, name: str, row: dict[str, Any]) -> None:
    table = Table(name, MetaData(), autoload_with=connection)
    connection.execute(insert(table).values({key: value for key, value in row.items() if key in table.c}))


def _told(store: Store) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
    with store.read() as connection:
        found = search.find(connection, understood("dredgers harbour"), Wanted(everything=True))
        shown = [fates.tell(connection, hit.row)["url"] for hit in found]
        return fates.count(connection), list(articles.listed(connection, everything=True)), shown


@pytest.mark.parametrize("revision", STEPS)
def test_a_database_of_every_earlier_version_is_brought_up_to_date(revision: str, database: str) -> None:
    _made(database, revision)
    store = open_store(database, mode="replay")
    total, (article,), shown = _told(store)
    assert (total["fetched"], total["stored"]) == (1, 1)
    assert (article["url"], article["title"], article["text"]) == (URL, "Dredgers", ROWS["articles"]["text"])
    assert (article["authors"], article["story"], article["section"], article["evidence"]) == (["Ada"], 1, "", {})
    with store.read() as connection:
        held = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        broken = [one.promise for _, some in invariants.broken(connection) for one in some]
        counts = {t.name: len(connection.execute(select(t)).all()) for t in metadata.sorted_tables if t.name in ROWS}
    assert held == STEPS[-1]
    assert counts == dict.fromkeys(ROWS, 1)
    assert (shown, broken) == ([URL], [])
    store.close()
