"""The documentation is followed to the letter: its commands typed, its Python run, its notebook executed.

The quick start is followed on a terminal, by test_first_minutes.py.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import documented
import pytest

from crawler import Project
from crawler.cli.app import run as command_line
from crawler.summary import Summary

DOCS = documented.ROOT / "docs"
# tried by tests of their own: they take long, run for ever, or belong to other programs
ELSEWHERE = {"demo", "up", "alerts"}


@pytest.fixture
def here(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with clips, and with a project in which something was found, as the current one."""
    shutil.copytree(documented.ROOT / "seeds" / "harbour-dredging", tmp_path / "clips")
    (tmp_path / "floods").mkdir()
    shutil.copy(results / "replay.db", tmp_path / "floods")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands(page: str) -> Iterator[list[str]]:
    """What a page has typed, but for what tests of their own try."""
    for block in documented.blocks("sh", "console"):
        if block.page == DOCS / page:
            yield from (words for words in documented.commands(block) if not ELSEWHERE & set(words))


def follow(page: str) -> list[str]:
    """Types the commands of a page, one after another; gives what was typed."""
    done = []
    for words in commands(page):
        assert command_line(words[1:]) == 0, words
        done.append(" ".join(words[1:]))
    return done


@pytest.mark.slow
def test_seeds_are_added_tried_and_rated_as_the_page_says(here: Path) -> None:
    assert "-C floods rate 1 like --preview" in follow("how-to/own-seeds.md")


@pytest.mark.slow
def test_a_schedule_is_kept_as_the_page_says(here: Path) -> None:
    assert command_line(["init", "floods"]) == 0
    assert "-C floods schedule run-now floods" in follow("how-to/schedule.md")
    assert "Europe/Berlin" in (here / "floods" / "suchlike.toml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_team_shares_a_database_and_a_broker_as_the_page_says(tmp_path: Path, postgres: str, valkey: str) -> None:
    """db.example and broker.example are servers of this machine."""
    places = {"SUCHLIKE_DATABASE": postgres, "SUCHLIKE_REDIS": valkey}
    said, told = "", {}
    for words in commands("how-to/team.md"):
        if words[0] == "export":
            name = words[1].partition("=")[0]
            told[name] = places.pop(name)
        elif words[0] == "suchlike":
            done = subprocess.run(
                [sys.executable, "-m", "crawler", *words[1:]], capture_output=True, text=True, check=False,
                stdin=subprocess.DEVNULL, cwd=tmp_path, env={**os.environ, **told},
            )  # fmt: skip
            assert done.returncode in (0, 4), done.stderr  # 4: the tests' broker need not keep anything
            said += done.stdout
    assert places == {}
    assert "✓ broker" in said and "✓ database" in said and "postgresql" in said


@pytest.mark.slow
def test_every_python_block_runs(here: Path) -> None:
    ran = set()
    for block in documented.blocks("python"):
        names: dict[str, Any] = {"__name__": "shown"}
        for statement in ast.parse(block.text).body:
            if block.page.stem == "guide" and isinstance(statement, ast.Assign):
                _has_such_parameters(statement.value)
                # what a crawl gives, without the crawl: the notebook has one
                names["found"] = Summary({}, Project("floods").matches(run=1))
                continue
            exec(compile(ast.Module([statement], []), str(block.page), "exec"), names)
        ran.add(block.page.stem)
    assert {"guide", "extend"} <= ran


def _has_such_parameters(call: ast.expr) -> None:
    """Holds `Project(…).run(…)` against the signatures."""
    assert isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call)
    for of, asked in ((Project.run, call), (Project.__init__, call.func.value)):
        inspect.signature(of).bind(None, *asked.args, **{str(word.arg): word.value for word in asked.keywords})


@pytest.mark.slow
def test_the_notebook_shows_what_it_promises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    held = json.loads((DOCS / "notebook.ipynb").read_text(encoding="utf-8"))
    assert held["nbformat"] == 4
    assert all(cell.get("outputs", []) == [] for cell in held["cells"])  # nothing of anybody's machine
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = ["".join(cell["source"]) for cell in held["cells"] if cell["cell_type"] == "code"]
    with ExitStack() as after:
        after.callback(lambda: "opened" in names and names["opened"].close())
        shown = {cell: _executed(cell, names) for cell in cells}
    given = {cell.splitlines()[-1]: value for cell, value in shown.items() if value is not None}
    assert next(value for last, value in given.items() if last.startswith("{name:"))["matches"] > 0
    (table,) = (value for last, value in given.items() if last.startswith("table["))
    assert list(table.columns)[:2] == ["score", "title"] and len(table) > 0
    assert "<table" in given["best.explain()"]._repr_html_()
    assert "<svg" in given["found.matches.plot.harvest()"]._repr_svg_()
    assert given['project.verify(written["file"])["ok"]'] is True


def _executed(cell: str, names: dict[str, Any]) -> Any:
    """Runs a cell as a notebook does; gives the value of its last line, if that is an expression."""
    body = ast.parse(cell).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "notebook", "exec"), names)
    return eval(compile(ast.Expression(last.value), "notebook", "eval"), names) if isinstance(last, ast.Expr) else None
