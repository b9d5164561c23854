"""The one place that makes the stages of a process."""

from __future__ import annotations

from pipelines.config import Config
from pipelines.stages import NAMES, Stage
from pipelines.stores import Store


def stages(store: Store, config: Config) -> dict[str, Stage]:
    """Every stage by its name, over one store."""
    return {name: stage(name, store, config) for name in NAMES}


def stage(name: str, store: Store, config: Config) -> Stage:
    """One stage; what the others would import is left alone, so that each worker starts with its own needs only."""
    if name == "parse":
        from pipelines.parse import Parse

        return Parse(store)
    if name == "dedupe":
        from pipelines.dedupe import Dedupe

        return Dedupe(store)
    from pipelines.store import Keep

    return Keep(store, config.path / "warc")
