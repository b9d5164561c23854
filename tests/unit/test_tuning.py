"""What is chosen for a machine, and that a setting beats it."""

from __future__ import annotations

import pytest

from pipelines.config import Config
from pipelines.sections import Crawl, Queue
from workers.tuning import Machine, tuned


@pytest.mark.parametrize(
    ("machine", "chosen"),
    [
        (Machine(1, 20_000), (1, 64, 32)),
        (Machine(2, 20_000), (2, 64, 64)),
        (Machine(16, 64_000), (15, 64, 128)),
        # memory is what is scarce
        (Machine(16, 1_000), (2, 32, 31)),
        (Machine(4, 100), (1, 32, 8)),
    ],
)
def test_what_is_left_open_suits_cores_and_memory(machine: Machine, chosen: tuple[int, int, int]) -> None:
    found = tuned(Config(), machine)
    assert (found.workers, found.batch, found.concurrency) == chosen
    assert set(found.why) == {"queue.workers", "queue.batch", "crawl.concurrency"}
    assert all(f"{machine.free_mb} MB" in said for said in found.why.values())


def test_what_is_set_holds_on_every_machine() -> None:
    config = Config(queue=Queue(workers=3, batch=7), crawl=Crawl(concurrency=300))
    found = tuned(config, Machine(1, 100))
    assert (found.workers, found.batch, found.concurrency, found.why) == (3, 7, 300, {})


def test_this_machine_has_at_least_one_core_and_some_memory() -> None:
    here = Machine.here()
    assert here.cores >= 1 and here.free_mb > 0
