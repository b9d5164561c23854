"""The same send() with no broker: every stage at once, in this process. For tests, replay and small seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines import stages
from pipelines.stages import Stage


class Inline:
    """Runs a stage on rows at once, and then whatever stages that rings."""

    def __init__(self, built: Mapping[str, Stage]) -> None:
        self._stages = built

    def send(self, stage: str, rows: Sequence[int], *, batch: int | None = None, first: bool = False) -> bool:
        """See workers.queues.Sender."""
        size = batch or 32
        for at in range(0, len(rows), size):
            rings = self._stages[stage].run(rows[at : at + size], stages.unwatched)
            for following, ringing in rings.items():
                self.send(following, ringing)
        return True

    def drain(self) -> None:
        """Nothing waits: every row that was sent has come to its end."""

    def close(self) -> None:
        """Closes what the stages hold open: the archive's file."""
        for stage in self._stages.values():
            getattr(stage, "close", _nothing)()


def _nothing() -> None:
    """A stage that holds nothing open."""
