"""A small part of tests/faults/powercut.py: what was acknowledged outlives a power cut; if not, it would be seen."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from conftest import absent
from powercut import cut_power, record
from writelog import Done, library

SEED = 7


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Done]:
    """What SQLite did while articles went through all stages."""
    try:
        library()
    except OSError as error:
        absent(str(error))
    here = tmp_path_factory.mktemp("here")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        done = record(tmp_path_factory.mktemp("cut"), 6)
    # SQLite keeps the address of a file's name and makes the shared memory's of it: the text must outlive the call
    assert list(here.iterdir()) == []
    return done


def test_what_was_acknowledged_outlives_a_power_cut(done: Sequence[Done]) -> None:
    assert sum(one.kind == "sync" for one in done) > 50
    assert cut_power(done, 40, seed=SEED) == {"whole": 40}


@pytest.mark.parametrize("kept", ["", ".db", ".db-wal"])
def test_without_its_syncs_it_would_not(done: Sequence[Done], kept: str) -> None:
    careless = [one for one in done if one.kind != "sync" or (kept and one.file.endswith(kept))]
    told = cut_power(careless, 40, seed=SEED)
    assert sum(told.values()) - told["whole"] > 3, told
