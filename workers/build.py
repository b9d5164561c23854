"""The one place that makes the stages of a process."""

from __future__ import annotations

from pipelines.config import Config
from pipelines.dedupe import Dedupe
from pipelines.judge import Judges
from pipelines.parse import Parse
from pipelines.stages import Stage
from pipelines.store import Keep
from pipelines.stores import Store


def stages(store: Store, config: Config) -> dict[str, Stage]:
    """Every stage by its name, over one store."""
    judges = Judges(store)
    made: list[Stage] = [Parse(store, judges), Dedupe(store), Keep(store, config.path / "warc", judges)]
    return {stage.name: stage for stage in made}
