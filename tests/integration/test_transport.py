"""What an answer may cost, at the transport itself: codings in codings, and files of which the beginning is enough."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from scrapy import Request
from scrapy.http import Response
from scrapy.utils.test import get_crawler
from scripted_site import Answer, serving

from crawler import settings as scrapy_settings
from crawler.fetching.transport import MAX_CODINGS, FetchError, Transport
from pipelines.config import Config
from pipelines.sections import Crawl

OPEN = Crawl(allow_private_addresses=True)


def answer_of(url: str, headers: dict[str, str] | None = None, **meta: Any) -> Response:
    """What the transport brings of one URL."""

    async def ask() -> Response:
        wanted = scrapy_settings.settings(Config(crawl=OPEN))
        transport = Transport(get_crawler(settings_dict=wanted))
        try:
            return await transport.download_request(Request(url, headers=headers, meta=meta))
        finally:
            await transport.close()

    return asyncio.run(ask())


def body_of(url: str, **meta: Any) -> bytes:
    """The body of that."""
    return answer_of(url, **meta).body


def test_a_name_with_an_umlaut_is_told_to_servers_as_it_is() -> None:
    with serving({"/": Answer(200, b"x")}) as site:
        answer_of(f"{site.url}/", {"User-Agent": "suchlike (+mailto:m\u00fcller@x.test)"})
        (asked,) = site.requests()
    assert asked.headers["user-agent"].encode("latin-1").decode() == "suchlike (+mailto:m\u00fcller@x.test)"


def test_a_header_that_is_no_utf_8_costs_no_page() -> None:
    with serving({"/": Answer(200, b"x", {"x-author": "caf\xe9", "location": "/caf\xe9"})}) as site:
        assert answer_of(f"{site.url}/").headers.getlist("location") == [b"/caf\xe9"]


def test_a_cookie_is_not_kept() -> None:
    async def ask(*urls: str) -> None:
        transport = Transport(get_crawler(settings_dict=scrapy_settings.settings(Config(crawl=OPEN))))
        for url in urls:
            await transport.download_request(Request(url))
        await transport.close()

    with serving({"/": Answer(200, b"x", {"set-cookie": "known=1; Path=/"})}) as site:
        named = site.url.replace("127.0.0.1", "localhost")  # an address would get none in any case
        asyncio.run(ask(f"{named}/", f"{named}/"))
        assert ["cookie" in one.headers for one in site.requests()] == [False, False]


def test_what_is_packed_too_often_is_not_unpacked() -> None:
    packed = {"/once": "gzip", "/often": ", ".join(["gzip"] * (MAX_CODINGS + 1))}
    answers = {path: Answer(200, b"x", {"content-encoding": codings}) for path, codings in packed.items()}
    with serving(answers) as site:
        assert body_of(f"{site.url}/once") == b"x"
        with pytest.raises(FetchError, match="packed 4 times") as raised:
            body_of(f"{site.url}/often")
    assert raised.value.reason == "unreadable"


@pytest.mark.parametrize("headers", [{}, {"content-encoding": "gzip"}])
def test_of_a_file_too_long_the_beginning_is_taken_where_that_is_enough(headers: dict[str, str]) -> None:
    with serving({"/long": Answer(200, b"0123456789" * 100_000, headers)}) as site:
        with pytest.raises(FetchError) as raised:
            body_of(f"{site.url}/long", download_maxsize=1000)
        assert raised.value.reason == "too-large"
        if headers:  # of something packed it is not
            with pytest.raises(FetchError):
                body_of(f"{site.url}/long", download_maxsize=1000, beginning=True)
        else:
            assert body_of(f"{site.url}/long", download_maxsize=1000, beginning=True).startswith(b"0123456789" * 100)
