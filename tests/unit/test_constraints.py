"""What is pinned can be installed on the oldest Python that is promised."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

from packaging.specifiers import SpecifierSet

PINNED = Path(__file__).parents[2] / "constraints.txt"


def test_no_pinned_package_wants_a_later_python_than_we_promise() -> None:
    pins = dict(re.findall(r"^([\w.-]+)==([^;\s]+)", PINNED.read_text(encoding="utf-8"), re.MULTILINE))
    installed = [one for one in metadata.distributions() if pins.get(one.name) == one.version]
    wants = {one.name: one.metadata["Requires-Python"] or "" for one in installed}
    assert wants and [name for name, python in wants.items() if not SpecifierSet(python).contains("3.11.2")] == []
