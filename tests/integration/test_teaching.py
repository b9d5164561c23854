"""What an answer teaches the frontier, whether a page came, or it has moved, or nothing came."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from crawling import begin, settings
from scrapy import Request
from scrapy.http import HtmlResponse, Response
from scripted_site import prose, story

from crawler.crawl import Crawl
from crawler.frontier.focus import EARLY
from crawler.frontier.held import Held
from crawler.frontier.pace import Pace
from crawler.frontier.trials import TRIAL
from crawler.project import Project
from crawler.spiders.roam import RoamSpider
from pipelines import urls as identity
from pipelines.records import Candidate
from pipelines.stores import discovery, fetches, replayed
from pipelines.stores.allotment import Waiting
from pipelines.stores.discovery import Found
from pipelines.stores.fetches import Fetched
from pipelines.stores.states import Kind, State

HOST, FRONT = 1, 1
ANCHOR = "What village 1 decided about its winter"


@pytest.fixture
def spider(tmp_path: Path) -> Iterator[RoamSpider]:
    """The spider of a crawl for articles like one seed, which holds one host."""
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "1.txt").write_text("\n\n".join(prose(1)))
    overrides = {**settings(), "profile": {"x": {"since": "2026-11-01"}}}
    store, run = begin(tmp_path, overrides, sites=["http://a.test/"], seed_set=tmp_path / "seeds")
    crawl = Crawl.of_run(Project(tmp_path).config(overrides), run)
    crawl.owned.hosts[HOST] = Held(HOST, "a.test", "http", Pace(1.0), None)
    yield RoamSpider(crawl)
    crawl.store.close()
    store.close()


def _worth(spider: RoamSpider, url: str) -> float:
    """What a link with the words of the seed is expected to bring, which the front page names."""
    found = [Candidate(url, "links", anchor=ANCHOR)]
    return spider.crawl.focus.expected(found, parent=FRONT, parent_likeness=0.2, depth=1)[0]


def _answer(spider: RoamSpider, row: int, url: str, response: Response, parent: int = FRONT, fetches: int = 0) -> None:
    waiting = Waiting(row, url, Kind.PAGE, 1, 0.5, fetches, "links", parent)
    spider.crawl.owned.hosts[HOST].pace.sent()
    spider.crawl.owned.flying += 1
    response.request = Request(url, meta={"host": HOST, "kind": "page", "row": waiting})
    asyncio.run(spider.answered(response))


@pytest.mark.parametrize(
    ("status", "fetches", "counts"), [(403, 0, True), (404, 0, True), (500, 2, True), (500, 0, False)]
)
def test_a_site_whose_pages_do_not_come_has_only_its_trial(
    spider: RoamSpider, status: int, fetches: int, counts: bool
) -> None:
    first = _worth(spider, "http://a.test/first")
    for number in range(3 * int(TRIAL)):
        url = f"http://a.test/{number}"
        _worth(spider, url)
        _answer(spider, 10 + number, url, Response(url, status), fetches=fetches)
    assert _worth(spider, "http://a.test/late") == pytest.approx(first / 4 if counts else first)


def test_what_came_of_a_page_that_has_moved_is_learned_of_the_links_that_named_it(spider: RoamSpider) -> None:
    focus, waits = spider.crawl.focus, identity.key("http://a.test/waits")
    before = _worth(spider, "http://a.test/waits")
    for number in range(9):
        old, new = f"http://a.test/{number}", f"http://a.test/{number}/"
        _worth(spider, old)
        _answer(spider, 10 + number, old, Response(old, 301, {"Location": new}))
        page = HtmlResponse(new, 200, {"content-type": "text/html"}, story(1).body)
        _answer(spider, 30 + number, new, page, parent=10 + number)
        assert not focus.wants(identity.key(old)) and not focus.wants(identity.key(new))
    assert dict(focus.rescored())[waits] > 1.5 * before


def test_a_crawl_that_is_taken_up_again_knows_what_the_one_before_it_had_learned(spider: RoamSpider) -> None:
    crawl = spider.crawl
    told = [("Ferry story", 0.9, "ferries"), ("Football story", 0.0, "games")] * 15
    found = [
        Found(Candidate(f"http://a.test/{where}/{number}", "links", anchor=anchor), 0.5, 1, FRONT)
        for number, (anchor, _, where) in enumerate(told)
    ]
    waits = Candidate("http://a.test/waits", "links", anchor="Ferry timetable")
    with crawl.store.write() as connection:
        discovery.discover(connection, [*found, Found(waits, 0.3, 1, FRONT)], run=crawl.run, now=1.0)
        rows = replayed.lease(connection, [one.candidate.url for one in found], run=crawl.run, now=1.0)
        fetched = [
            Fetched(rows[one.candidate.url], State.DROPPED, 200, "unlike", quick=quick, fetched_at=2.0)
            for one, (_, quick, _) in zip(found, told, strict=True)
        ]
        fetches.record(connection, fetched, run=crawl.run, ring_after=0.0)
    dated = [Candidate(f"http://a.test/{day}", "feed", published=f"2026-{day}T12:00:00Z") for day in ("10-02", "11-02")]
    with crawl.store.write() as connection:
        discovery.discover(connection, [Found(one, 0.2, 1, FRONT) for one in dated], run=crawl.run, now=1.0)
    again = Crawl.of_run(crawl.config, crawl.run)
    assert again.focus.wants(identity.key(waits.url)), "another page may name it"
    ferry, football = ([Candidate(f"http://b.test/{word}", "links", anchor=word)] for word in ("Ferry", "Football"))
    worth = [again.focus.expected(one, parent=None, parent_likeness=0.0, depth=1)[0] for one in (ferry, football)]
    before = [crawl.focus.expected(one, parent=None, parent_likeness=0.0, depth=1)[0] for one in (ferry, football)]
    assert worth[0] / worth[1] > 2 * before[0] / before[1]
    for _ in range(5):
        again.focus.learn("http://a.test/other", FRONT, 0.9, alike=True)
    rescored = dict(again.focus.rescored())
    early, late = (rescored[identity.key(one.url)] for one in dated)
    assert early == pytest.approx(EARLY * late), "what was dated before the first day asked for"
    again.store.close()
