"""Opens the project the global flags name, and holds what a verb's flags ask for against it."""

from __future__ import annotations

import contextlib
from typing import Any

from crawler.cli.session import Session
from crawler.project import Project
from pipelines.config import Config
from pipelines.errors import UsageError
from pipelines.stores import runs


def project(session: Session) -> Project:
    """The project the global flags name."""
    return Project(session.folder, profile=session.profile)


def check_run(session: Session, run: int | None) -> None:
    """Raises UsageError where a run is asked for that there is none of."""
    if run is None:
        return
    with contextlib.closing(project(session).store(session.mode)) as store, store.read() as connection:
        latest = runs.latest(connection)
        known = latest is not None and 0 < run <= latest.id
    if not known:
        raise UsageError(f"There is no run {run}; {f'the latest is {latest.id}' if latest else 'there is none yet'}.")


def judged_so(
    config: Config, overrides: dict[str, Any], judging: dict[str, Any], profile: str | None
) -> dict[str, Any]:
    """The overrides with what flags say of the profile the command is about."""
    said = {key: value for key, value in judging.items() if value is not None}
    if said:
        name, _ = config.only_profile(profile)
        overrides["profile"] = {name: said}
    return overrides
