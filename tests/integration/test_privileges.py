"""A PostgreSQL that its role may read and not write is told by the doctor, before a run finds out."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine, text

from crawler.doctor import Check, examine
from pipelines.stores import open_store


def database(folder: Path, address: str) -> Check:
    (folder / "suchlike.toml").write_text(f'[store]\ndatabase = "{address}"\n')
    return {one.name: one for one in examine(folder)}["database"]


def does(address: str, *statements: str) -> None:
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_a_role_that_may_not_write_and_a_database_that_takes_no_writes_are_told(postgres: str, tmp_path: Path) -> None:
    open_store(postgres).close()
    assert database(tmp_path, postgres).ok
    name = postgres.partition("@/")[2].partition("?")[0]
    guest = postgres.replace("//suchlike@", "//guest@")
    everything = "ON ALL TABLES IN SCHEMA public TO guest"
    does(postgres, "CREATE ROLE guest LOGIN", "GRANT USAGE ON SCHEMA public TO guest", f"GRANT SELECT {everything}")
    try:
        told = database(tmp_path, guest)
        assert (told.ok, told.exit_code) == (False, 4)
        assert "cannot be written: its role has no rights to write to alembic_version, alerts, " in told.detail
        does(postgres, f"GRANT INSERT, UPDATE, DELETE {everything}")
        assert "no rights to write to alerts_id_seq" in database(tmp_path, guest).detail  # where its numbers come from
        does(postgres, "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guest")
        assert database(tmp_path, guest).ok
        does(postgres, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        assert "cannot be written: it takes no writes (default_transaction_read_only)" in (
            database(tmp_path, postgres).detail
        )
    finally:
        does(f"{postgres}&options=-cdefault_transaction_read_only=off", "DROP OWNED BY guest", "DROP ROLE guest")
