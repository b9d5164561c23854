"""The Python API: five lines that crawl, look at what was found, and hand it to other tools."""

from __future__ import annotations

import asyncio
import builtins
import json
import subprocess
import sys
from datetime import datetime
from html import escape
from pathlib import Path
from types import ModuleType, SimpleNamespace
from xml.etree import ElementTree

import pytest

from crawler import Match, Matches, Project, cell
from crawler.demo.served import served
from crawler.picture import Explained, Harvest, table
from crawler.running.lookout import Progress
from pipelines.errors import UsageError

ROOT = Path(__file__).parents[2]
SEEDS = ROOT / "seeds" / "harbour-dredging"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with what replaying seeds of two subjects found, all kept."""
    made = Project(tmp_path_factory.mktemp("found"), seeds=[SEEDS])
    made.replay([SEEDS, ROOT / "seeds" / "night-trains"], {"store": {"keep": "all"}})
    return made


def test_matches_are_a_sequence_best_first(project: Project) -> None:
    matches = project.matches()
    assert isinstance(matches, Matches)
    scores = [match.score for match in matches]
    assert len(matches) == len(scores) >= 3
    assert scores == sorted(scores, reverse=True)
    assert matches[0].score == scores[0] and matches[-1].score == scores[-1]
    assert [match.url for match in matches[1:3]] == [match.url for match in matches][1:3]
    assert [match.url for match in matches[::-1]] == [match.url for match in matches][::-1]
    assert matches[5:2] == []
    for beyond in (len(matches), -len(matches) - 1):
        with pytest.raises(IndexError):
            matches[beyond]


def test_a_match_has_typed_fields_and_the_whole_article(project: Project) -> None:
    match = next(one for one in project.matches() if one.published)
    assert isinstance(match, Match)
    assert isinstance(match.published, datetime) and match.published.tzinfo is not None
    assert match.text and match.title and match.language == "en"
    assert match.article["url"] == match.url and match.why.startswith("like ")


def test_an_explanation_adds_up_and_shows_itself_in_a_notebook(project: Project) -> None:
    found = project.matches()[0].explain()
    assert isinstance(found, Explained)
    assert sum(found["parts"].values()) == pytest.approx(found["logit"])
    assert found == project.explain(1)
    page = found._repr_html_()
    ElementTree.fromstring(f"<div>{page}</div>".replace("<br>", "<br/>"))
    assert f"{found['score']:.2f}" in page


def test_matches_show_themselves_in_a_notebook(project: Project) -> None:
    found = project.matches()
    page = found._repr_html_()
    assert page.count("<tr>") == 1 + min(10, len(found)) and escape(found[0].title) in page
    assert (f"and {len(found) - 10} more" in page) == (len(found) > 10)
    assert repr(found) == f"<{len(found)} matches, best first>"
    hostile = {"score": 1.0, "title": "<script>", "url": "u", "site": "<b>", "published": None}
    assert "<script" not in table([hostile], 1) and "<b>" not in table([hostile], 1)
    assert table([], 0) == "<p>no matches</p>"


def test_progress_is_shown_in_the_cell_of_a_notebook_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cell.shown() is None
    seen: list[str] = []
    notebook = ModuleType("IPython.display")  # as much of it as is used
    notebook.HTML = str  # type: ignore[attr-defined]  # a module made here
    notebook.display = lambda html, display_id: (seen.append(html), SimpleNamespace(update=seen.append))[1]  # type: ignore[attr-defined]  # the same
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", notebook)
    monkeypatch.setattr(builtins, "get_ipython", lambda: SimpleNamespace(kernel=1), raising=False)
    tell = cell.shown()
    assert tell is not None
    tell(Progress(pages=12, matches=3, seconds=61.0, budget=40))
    assert seen[-1] == '<progress value="12" max="40"></progress> 12/40 pages · 3 match · 1:01'
    tell(Progress(pages=12, matches=3))
    assert seen[-1] == "12 pages · 3 match · 0:00"
    monkeypatch.setattr(builtins, "get_ipython", SimpleNamespace, raising=False)  # in a terminal
    assert cell.shown() is None


def test_what_the_web_wrote_is_text_in_a_notebook() -> None:
    evil = "<script>alert(1)</script>"
    told = {
        "url": evil, "title": evil, "reason": None, "parts": {evil: 1.0}, "terms": [{"word": evil, "weight": 1.0}],
        "nearest_seeds": [{"seed": evil, "score": 1.0}], "pairs": [{"ours": evil, "seeds": evil}], "against": [evil],
        "match": True, "score": 0.5, "threshold": 0.5, "logit": 0.0, "percentile": 99.0,
    }  # fmt: skip
    assert "<script" not in Explained(told)._repr_html_()
    assert "<script" not in Explained({**told, "parts": {}})._repr_html_()


def test_matches_go_to_arrow(project: Project) -> None:
    table = project.matches().to_arrow()
    assert table.num_rows == len(project.matches())
    assert {"url", "text", "score", "published"} <= set(table.column_names)
    assert str(table.schema.field("published").type).startswith("timestamp")


@pytest.mark.parametrize("tool", ["pandas", "polars", "hf_dataset"])
def test_matches_go_to_other_tools_or_say_what_is_missing(project: Project, tool: str) -> None:
    package = {"hf_dataset": "datasets"}.get(tool, tool)
    convert = getattr(project.matches(), f"to_{tool}")
    try:
        __import__(package)
    except ImportError:
        with pytest.raises(UsageError, match=f"pip install {package}"):
            convert()
        return
    assert len(convert()) == len(project.matches())


def test_a_harvest_is_a_small_drawing(project: Project) -> None:
    drawn = project.matches().plot.harvest()
    assert drawn.found[-1] == len(project.matches(run=1)) <= len(drawn.found)
    picture = ElementTree.fromstring(drawn._repr_svg_())
    assert picture.tag.endswith("svg")
    assert str(drawn) == f"{drawn.found[-1]} matches in {len(drawn.found)} pages"
    ElementTree.fromstring(Harvest(())._repr_svg_())
    assert len(Harvest.of([True] * 100_000)._repr_svg_()) < 20_000


def test_asking_for_the_front_door_imports_nothing_before_it_is_used() -> None:
    code = "import sys, crawler; assert 'sqlalchemy' not in sys.modules; crawler.Project; crawler.nothing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "has no attribute 'nothing'" in done.stderr


DEMO = """\
mode = "demo"
[crawl]
rate = "200/1s"
roam = false
"""


@pytest.mark.slow
def test_a_project_runs_and_goes_on_from_python(tmp_path: Path) -> None:
    folder = tmp_path / "mud"
    folder.mkdir()
    (folder / "suchlike.toml").write_text(DEMO)
    with served() as proxy:
        (folder / "suchlike.toml").write_text(f'{DEMO}proxy = "{proxy}"\n')
        project = Project(folder, seeds=[SEEDS])
        found = project.run(sites=["http://northhaven-post.test/"], pages=12, minutes=2)
        assert found["pages_fetched"] == 12
        assert len(found.matches) == found["stories"]
        again = asyncio.run(project.arun(sites=["http://northhaven-post.test/"], pages=5))
    assert again["run"] == found["run"] + 1 and again["pages_fetched"] == 5
    assert json.dumps(again)
    assert "12" in str(found)
