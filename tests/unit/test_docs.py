"""The docs keep up with the code: every setting, every verb and every reason is told somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from crawler.cli.app import app
from pipelines import config, extract
from pipelines.exports import EXPORTS

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
CONTRACT = (ROOT / "crawler" / "cli" / "contract.md").read_text(encoding="utf-8")


def example() -> dict[str, object]:
    """The configuration the guide shows, whole."""
    blocks = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    return tomllib.loads(next(block for block in blocks if "[crawl]" in block))


@pytest.mark.parametrize("section", [config.Crawl, config.Sources, config.Store, config.Queue, config.Profile])
def test_every_setting_stands_in_the_guide(section: type[msgspec.Struct]) -> None:
    shown = example()
    name = section.__name__.lower()
    lines = next(iter(shown["profile"].values())) if name == "profile" else shown[name]  # type: ignore[attr-defined]
    assert set(lines) == set(section.__struct_fields__)


def test_the_configuration_in_the_guide_is_valid(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    text = next(block for block in blocks if "[crawl]" in block)
    (tmp_path / config.FILE_NAME).write_text(text, encoding="utf-8")
    assert config.load(tmp_path, env={}).profile["floods"].every == "6h"


def test_every_reason_a_page_is_dropped_for_stands_in_the_guide() -> None:
    for reason in extract.REASONS:
        assert f"`{reason}`" in GUIDE, reason


def test_every_verb_stands_in_the_contract() -> None:
    told = set(re.findall(r"`([a-z-]+)", CONTRACT))
    verbs = {name for name in app if not name.startswith("-")} - {"seed", "schedule", "scrapy", "help"}
    assert verbs <= told
    assert "seed add" in CONTRACT
    assert "schedule list" in CONTRACT


def test_every_export_stands_in_the_readme_or_the_guide() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in EXPORTS:
        assert name in readme + GUIDE


def test_the_readme_has_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    begin = "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt"
    assert f"{begin} . && .venv/bin/suchlike demo\n" in readme
    assert f"{begin} '.[test]' && .venv/bin/pytest -q\n" in readme


def test_constraints_name_no_address() -> None:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[\w.-]+==[\w.+!-]+(; python_version [<>=]+ \"3\.\d+\")?", line), line
