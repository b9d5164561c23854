"""What is pinned can be installed on the oldest Python that is promised, and hands tests out as they are marked."""

from __future__ import annotations

import os
import re
from importlib import metadata
from pathlib import Path

import pytest
from conftest import absent
from packaging.specifiers import SpecifierSet

PINNED = Path(__file__).parents[2] / "constraints.txt"


def _pins() -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^;\s]+)", PINNED.read_text(encoding="utf-8"), re.MULTILINE))


def test_no_pinned_package_wants_a_later_python_than_we_promise() -> None:
    pins = _pins()
    installed = [one for one in metadata.distributions() if pins.get(one.name) == one.version]
    wants = {one.name: one.metadata.get("Requires-Python", "") for one in installed}
    assert wants and [name for name, python in wants.items() if not SpecifierSet(python).contains("3.11.2")] == []


@pytest.mark.xdist_group("together")
def test_tests_of_a_group_are_handed_to_one_process(request: pytest.FixtureRequest) -> None:
    """Else each makes for itself what one was to make for all: crawls, demos, attacks."""
    if metadata.version("pytest") != _pins()["pytest"]:
        absent(f"pytest {_pins()['pytest']}")
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("there is one process")
    assert request.node.nodeid.endswith("@together")
