"""Many crawlers on one ledger, told by the log of the server: polite together, and exact when they are killed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from patience import RUN_S

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "politeness.py"


@pytest.fixture(scope="module")
def politeness() -> ModuleType:
    spec = importlib.util.spec_from_file_location("politeness", BENCHMARK)
    assert spec is not None and spec.loader is not None
    module = sys.modules["politeness"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("kills", [0, 2])
def test_crawlers_are_as_polite_together_as_one_and_lose_nothing_when_killed(
    politeness: ModuleType, tmp_path: Path, kills: int
) -> None:
    trial = politeness.Trial(hosts=12, pages=16, rate="8/1s", crawlers=3, kill_every_s=2.0 if kills else 0.0)
    trial.most_kills = kills
    found = politeness.run_trial(tmp_path, trial, RUN_S)
    assert {fault: found[fault] for fault in politeness.FAULTS} == dict.fromkeys(politeness.FAULTS, 0)
    assert (found["pages"], found["kills"]) == (12 * 17, kills)
