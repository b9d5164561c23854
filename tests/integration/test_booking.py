"""Every answer is booked, whatever goes wrong when it is looked at: a host that stays busy keeps its run going."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from crawling import begin, settings
from scrapy import Request
from scrapy.http import Response

from crawler.crawl import Crawl
from crawler.frontier.held import Held
from crawler.frontier.owned import Owned
from crawler.frontier.pace import Pace
from crawler.project import Project
from crawler.spiders import answers
from crawler.spiders.roam import RoamSpider
from pipelines.stores.allotment import Waiting
from pipelines.stores.states import Kind, State

HOST = 1
KINDS = ("page", "robots", "tdmrep", "probe")


@pytest.fixture
def spider(tmp_path: Path) -> Iterator[RoamSpider]:
    """The spider of a crawl that asked one host something and waits for the answer."""
    overrides = settings()
    store, run = begin(tmp_path, overrides, sites=["http://a.test/"])
    crawl = Crawl.of_run(Project(tmp_path).config(overrides), run)
    crawl.owned.hosts[HOST] = Held(HOST, "a.test", "http", Pace(1.0), None)
    yield RoamSpider(crawl)
    crawl.store.close()
    store.close()


def _answer(spider: RoamSpider, kind: str, status: int, **headers: str) -> Owned:
    owned, url = spider.crawl.owned, "http://a.test/x"
    row = Waiting(1, url, Kind.PAGE, 0, 0.5, 0, "link", None) if kind == "page" else None
    owned.hosts[HOST].pace.sent()
    owned.flying += 1
    request = Request(url, meta={"host": HOST, "kind": kind, "row": row})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asyncio.run(spider.answered(Response(url, status, named, b"Sorry", request=request)))
    return owned


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_cannot_be_looked_at_is_booked_once(
    spider: RoamSpider, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Response) -> float:
        raise ArithmeticError("nobody thought of this")

    monkeypatch.setattr(answers, "wait_asked", fails)
    owned = _answer(spider, kind, 200)
    assert (owned.flying, owned.hosts[HOST].pace.busy) == (0, False)
    assert owned.wake.is_set()
    if kind == "page":
        assert [(one.state, one.reason) for one in owned.batch.fetched] == [(State.DEAD, "crawler-error")]


@pytest.mark.parametrize("kind", ["page", "tdmrep", "probe"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_host_in_trouble_is_let_alone_as_long_as_it_asks_whatever_it_was_asked(
    spider: RoamSpider, kind: str, status: int
) -> None:
    pace, before = spider.crawl.owned.hosts[HOST].pace, time.time()
    pace.failures = 2
    _answer(spider, kind, status, Retry_After="600")
    assert pace.failures == 3
    assert pace.next_at >= before + 600.0
    assert spider.crawl.owned.urgent, "should this process die, the next one knows"
    _answer(spider, kind, 404)
    assert pace.failures == 0
