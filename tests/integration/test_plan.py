"""A dry run: what would be fetched from where, told after fetching robots.txt, feeds and sitemaps alone."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted_site import Answer, Asked, page, robots, rss, serving, sitemap

from crawler.cli.app import run as command_line
from crawler.cli.session import Session
from crawler.plan import Plan, Source, lasts
from crawler.project import Project

# one process makes what all of them look at
pytestmark = pytest.mark.xdist_group("plan")

SEEDS = Path(__file__).parents[2] / "seeds" / "ukraine-diplomacy"


@pytest.fixture(scope="module")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Plan, list[Asked], Path]]:
    """A plan over several hosts, every request it made, and the project folder."""
    folder = tmp_path_factory.mktemp("plan")
    named = [f"http://news.test/{n}" for n in range(5)]
    answers = {
        "news.test/robots.txt": robots("Disallow: /3", "Crawl-delay: 2"),
        "news.test/feed.xml": rss(*named[:3]),
        "maps.test/robots.txt": robots("Sitemap: http://maps.test/index.xml"),
        "maps.test/index.xml": sitemap("http://maps.test/one.xml", kind="sitemap"),
        "maps.test/one.xml": sitemap("http://maps.test/a", "http://maps.test/b", "http://elsewhere.test/c"),
        "closed.test/robots.txt": robots("Disallow: /"),
        "maps.test/": page(links=["/a"]),
        "gone.test/feed.xml": Answer(404),
        "news.test/all.xml": sitemap(*named),
    }
    (folder / "suchlike.toml").write_text(
        '[crawl]\npages = 100\nrate = "20/1s"\n[sources]\nsites = ["http://maps.test/", "http://closed.test/"]\n'
        'feeds = ["http://news.test/feed.xml", "http://gone.test/feed.xml"]\nsitemaps = ["http://news.test/all.xml"]\n'
    )
    with serving(answers) as site:
        made = Project(folder).plan({"crawl": {"proxy": site.url}}, seed_paths=[SEEDS])
        yield made, list(site.requests()), folder


def _of(surveyed: tuple[Plan, list[Asked], Path], source: str) -> Source:
    (found,) = [one for one in surveyed[0].sources if one.source == source]
    return found


@pytest.mark.slow
def test_a_plan_fetches_robots_and_lists_and_no_page(surveyed: tuple[Plan, list[Asked], Path]) -> None:
    _, asked, folder = surveyed
    lists = {"/feed.xml", "/all.xml", "/index.xml", "/one.xml", "/robots.txt"}
    assert {one.path for one in asked} == lists
    assert [one.name for one in folder.iterdir()] == ["suchlike.toml"], "nothing is written"


@pytest.mark.slow
def test_a_plan_tells_what_each_source_names_and_how_it_may_be_read(surveyed: tuple[Plan, list[Asked], Path]) -> None:
    feed, everything = _of(surveyed, "http://news.test/feed.xml"), _of(surveyed, "http://news.test/all.xml")
    assert (feed.kind, feed.items, feed.robots, feed.delay_s, feed.note) == ("feed", 3, "allowed", 2.0, "Crawl-delay")
    assert (everything.kind, everything.items) == ("sitemap", 5)
    assert "1 forbidden by robots.txt" in everything.note
    assert feed.new + everything.new == 4, "each page once, and not the forbidden one"
    assert _of(surveyed, "http://maps.test/one.xml").items == 2, "a sitemap speaks for its own site"
    assert _of(surveyed, "http://maps.test/index.xml").note == "1 lists"
    links, closed = _of(surveyed, "http://maps.test/"), _of(surveyed, "http://closed.test/")
    assert (links.kind, links.items, links.robots) == ("links", None, "allowed")
    assert (closed.robots, closed.note) == ("disallowed", "will not be visited")
    assert "404" in _of(surveyed, "http://gone.test/feed.xml").note


@pytest.mark.slow
def test_a_plan_reckons_with_what_a_run_takes_of_a_site(tmp_path: Path) -> None:
    feeds = [f"http://{host}/feed.xml" for host in ("a.test", "www.a.test", "b.test")]
    answers = {feed.removeprefix("http://"): rss(*(f"{feed}/{n}" for n in range(9))) for feed in feeds}
    (tmp_path / "suchlike.toml").write_text(json.dumps(feeds).join(("[sources]\nfeeds = ", "\n")))
    with serving(answers) as site:
        crawl = {"proxy": site.url, "rate": "50/1s", "watch": True}
        planned = [Project(tmp_path).plan({"crawl": crawl | {"max_per_site": most}, "sources": {"sites": ["http://c.test/"]}})
                   for most in (0, 5)]  # fmt: skip
    # nothing is followed from the page; of the two hosts of a site together no more than is granted
    assert [(made.candidates, made.pages) for made in planned] == [(27, 28), (27, 11)]


@pytest.mark.slow
def test_a_plan_reckons_pages_and_time(surveyed: tuple[Plan, list[Asked], Path]) -> None:
    made, _, _ = surveyed
    assert (made.candidates, made.pages, made.complete) == (6, 100, True)
    # four pages of news.test at two seconds; meanwhile maps.test gives the others, at a twentieth of one
    assert made.seconds == pytest.approx(4.8, abs=0.2)


def test_time_is_what_the_slowest_needed_host_takes() -> None:
    delays = {"slow": 10.0, "fast": 1.0}
    assert lasts(5, {"slow": 0, "fast": 5}, delays) == pytest.approx(5, abs=0.01)
    assert lasts(10, {"slow": 5, "fast": 5}, delays) == pytest.approx(50, abs=0.01)
    assert lasts(11, {"slow": math.inf, "fast": math.inf}, delays) == pytest.approx(10, abs=0.01)
    assert lasts(0, {}, {}) == pytest.approx(0, abs=1.01)


@pytest.mark.slow
def test_a_plan_can_be_asked_for_by_its_verb_or_as_a_dry_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def said(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = command_line(["-C", str(tmp_path), *arguments])
        return code, *capfd.readouterr()

    answers: dict[str, Any] = {
        "news.test/feed.xml": rss("http://news.test/1"),
        "no.test/robots.txt": robots("Disallow: /"),
    }
    with serving(answers) as site:
        common = ["--seeds", str(SEEDS), "--proxy", site.url]
        code, out, err = said("plan", "--feed", "http://news.test/feed.xml", *common)
        assert code == 0
        assert "news.test/feed.xml" in out and "allowed" in out
        assert "1 candidate page known; 1 page within the budget" in err
        again = ("run", "--feed", "http://news.test/feed.xml", "--seeds", str(SEEDS), "--proxy")
        assert Session(tmp_path).command(*again) in err
        code, _, err = said("run", "--dry-run", "--feed", "http://no.test/feed.xml", *common)
        assert (code, " next " in err, "None of these sources may be fetched now" in err) == (5, False, True)
        code, out, _ = said("run", "--dry-run", "--feed", "http://no.test/feed.xml", *common, "--json")
        assert code == 5
        told = json.loads(out)
        assert set(told) == {"sources", "candidates", "pages", "seconds", "complete"}
        assert set(told["sources"][0]) == {"source", "kind", "items", "new", "robots", "delay_s", "note"}
        assert told["sources"][0]["robots"] == "disallowed"
