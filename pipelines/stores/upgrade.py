"""Brings a database's tables to the newest version, by the steps in `migrations/`."""

from __future__ import annotations

import re
from importlib.resources import files

from sqlalchemy import Engine, inspect, text

from pipelines.errors import UsageError

_LOCK = 7340  # any number, the same for all of us
_STEP = re.compile(r"m\d{4}_\w+\.py")


def upgrade(engine: Engine) -> None:
    """Takes the steps that are missing; one process at a time. Raises UsageError for what a newer suchlike made."""
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
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
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
