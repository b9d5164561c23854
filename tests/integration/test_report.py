"""The report: what it tells adds up, needs nothing from elsewhere, and runs nothing the web wrote."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from stocked import Stock, day

from crawler import Project
from crawler.report import funnel, report
from pipelines.errors import UsageError
from pipelines.stores import open_store
from pipelines.stores.states import State

SEEDS = Path(__file__).parents[2] / "seeds" / "harbour-dredging"


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_report_tells_method_funnel_sites_and_best_articles(database: str, tmp_path: Path) -> None:
    stock = Stock(database, tmp_path)
    first, second = "harbour dredging costs more " * 60, "night trains sell out again " * 60
    stock.dedupe(stock.parsed([("https://a.test/1", first), ("https://b.test/2", first), ("https://b.test/3", second)],
                              published=day(3), confidence=1.0))  # fmt: skip
    page = Page(report(stock.store))
    told = stock.fates()
    assert told["duplicate"] == 1 and sum(number for _, number in funnel(told)) == told["fetched"] == 3
    assert re.search(r"pages fetched\s*3", page.text)
    assert re.search(r"copies of a stored story\s*1", page.text)
    assert "Jan 2024" in page.text and "4 Jan 2024" in page.text and "replay" in page.text.lower()
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert sorted(map(str, links)) == ["https://a.test/1", "https://b.test/3"]
    stock.store.close()


def test_a_report_is_whole_in_itself_and_runs_nothing(tmp_path: Path) -> None:
    stock = Stock(f"sqlite:///{tmp_path / 'a.db'}", tmp_path)
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    stock.dedupe(stock.parsed([("https://a.test/?q=%22onmouseover=1", "some words " * 80)], title=evil))
    written = report(stock.store)
    page = Page(written)
    assert {tag for tag, _ in page.tags} & {"script", "img", "iframe", "link", "object", "embed"} == set()
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "src"]
    assert "url(" not in written and "@import" not in written
    assert evil in page.text
    stock.store.close()


def test_a_report_of_no_match_says_so_and_where_to_look(database: str, tmp_path: Path) -> None:
    stock = Stock(database, tmp_path)
    stock.fetched({"https://a.test/1": b""}, state=State.DROPPED, reason="empty")
    text = Page(report(stock.store)).text
    assert "Nothing matched" in text and "suchlike fates" in text and "an empty answer" in text
    stock.store.close()


def test_nothing_to_report_is_said(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'a.db'}"
    with pytest.raises(UsageError, match="suchlike run"):
        report(open_store(address, mode="replay"))


def test_the_verb_writes_a_file(tmp_path: Path, suchlike: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    project = Project(tmp_path, seeds=[SEEDS])
    project.replay([SEEDS])
    project.rate(["1"], -1)
    done = suchlike("report", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    page = Page(Path(told["file"]).read_text(encoding="utf-8"))
    text = " ".join(page.text.split())
    assert "3 seed articles" in text
    assert "A person rated 1 of the articles found (0 as like the seeds, 1 as unlike)" in text
    assert Path(told["file"]).stat().st_size == told["bytes"]
