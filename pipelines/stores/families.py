"""Which runs a profile has judged, whatever it had learned by then: all its editions are one family."""

from __future__ import annotations

from sqlalchemy import Select, select

from pipelines.stores.schema import profiles, runs


def of_family(family: str) -> Select[tuple[int]]:
    """The runs that were judged by editions of a family."""
    return select(runs.c.id).join(profiles, profiles.c.digest == runs.c.profile).where(profiles.c.family == family)
