"""A sample of tests/faults/corpus.py: every page made to hurt ends with a reason, within its limits."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from conftest import until
from corpus import SHAPES, _in_a_child, made, mutated, outcomes, unsettled
from patience import RUN_S
from working import Waiting, said, started

from pipelines import extract
from pipelines.stores import fates
from pipelines.stores.fates import tell
from workers.broker import Broker
from workers.queues import Queues

SEED = 11


@pytest.mark.slow
def test_pages_made_to_hurt_end_with_a_reason_within_their_limits() -> None:
    told = outcomes(chain(made(SEED, len(SHAPES)), mutated(SEED, 10)))
    assert unsettled(told) == []


def test_a_child_that_takes_too_much_is_ended_and_seen_to_be() -> None:
    def greedy() -> str:
        return str(len(bytearray(3 << 30)))

    assert _in_a_child(greedy)[0] == "failed"


@pytest.mark.slow
def test_a_real_worker_brings_them_to_the_same_end(tmp_path: Path) -> None:
    pages = [*made(SEED, 12), *mutated(SEED, 4)]
    with Broker(tmp_path) as broker:
        project = Waiting(tmp_path)
        sender = Queues(broker.address, 32)
        rows = project.fetch([(f"https://hostile.example/{name}", body.decode("latin-1")) for name, body, _ in pages])
        with started(tmp_path, "work"):
            sender.send("parse", rows)
            until(
                lambda: project.fates()["in_flight"] == 0, lambda: f"the end of every page ({said(tmp_path)[-500:]})",
                RUN_S,
            )  # fmt: skip
        sender.close()
        with project.store.read() as connection:
            ends = fates.count(connection)
            for row in rows:
                told = tell(connection, row)
                assert told["fate"] in ("stored", "duplicate") or told["reason"] in extract.REASONS, told
        assert ends["fetched"] == len(pages)
        project.store.close()
