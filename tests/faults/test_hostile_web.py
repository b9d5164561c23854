"""A part of tests/faults/hostile.py: servers that want to hurt get a fate each, and others hardly notice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from evilweb import HTML, WAYS, Server
from hostile import GOOD, KEPT, Told, attack
from patience import RUN_S
from scrapy import Request
from scrapy.utils.test import get_crawler

from crawler import settings as scrapy_settings
from crawler.fetching.transport import FetchError, Transport
from pipelines.config import Config
from pipelines.sections import Crawl

# one process makes what all of them look at
pytestmark = pytest.mark.xdist_group("hostile")

# what takes long because its time must run out three times is left to the script, but for one
LONG = {
    "hangs", "slow-headers", "endless-headers", "endless-header", "endless-status", "early-hints", "continues",
    "endless-extension", "endless-trailers", "redirects-on", "links", "paragraphs", "long-text", "bomb-sitemap",
    "robots-hangs",
}  # fmt: skip


def attacked(folder: Path) -> Told:
    """One attack by most of them, with a few seconds an answer."""
    only = [name for name in WAYS if name not in LONG]
    return attack(folder, only=only, timeout_s=5.0, before_s=10.0, limit_s=RUN_S)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return attacked(tmp_path_factory.mktemp("hostile"))


def test_there_are_ways_enough() -> None:
    assert len(WAYS) >= 100


@pytest.mark.slow
def test_every_way_ends_in_a_fate_with_a_reason(told: Told) -> None:
    assert told.unsettled() == []
    assert told.returncode in (0, 1), told.errors
    ends = {name: (fate, reason) for name, (fate, reason, _) in told.ends.items()}
    for name in ("bomb-gzip", "bomb-br", "bomb-zstd", "bomb-deflate", "huge-length"):
        assert ends[name] == ("dropped", "too-large"), name
    assert ends["tower"] == ("dead", "unreadable")
    assert ends["slow-body"] == ("dead", "timeout")
    # of a robots.txt without end the beginning counts
    for name in ("robots-100-mb", "robots-endless"):
        assert ends[name][0] in ("stored", "duplicate", "dropped"), (name, ends[name])


@pytest.mark.slow
def test_good_hosts_keep_their_rate_and_memory_stays(told: Told, tmp_path: Path) -> None:
    assert len(told.good) == GOOD
    assert told.grown_mb < 300
    kept = [told.kept]
    # a machine that was busy with something else just then is asked again; who is slowed down by them is so every time
    while kept[-1] < KEPT and len(kept) < 3:
        kept.append(attacked(tmp_path / str(len(kept))).kept)
    assert kept[-1] >= KEPT, kept


class _Flood(Server):
    """Interim answers, or chunks of a byte, before a page; as many as the name says."""

    async def answer(self, name: str, path: str, writer: asyncio.StreamWriter) -> None:
        kind, _, number = path[1:].partition("/")
        if kind == "interim":
            writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * int(number) + HTML + b"Content-Length: 2\r\n\r\nhi")
        else:
            writer.write(HTML + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nh\r\n" * int(number) + b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("path", "end"),
    [("interim/5", "2"), ("interim/5000", "connection"), ("chunks/5000", "5000"), ("chunks/50000", "unreadable")],
)
def test_floods_of_little_pieces_are_cut_off(path: str, end: str) -> None:
    async def ask(url: str) -> str:
        transport = Transport(
            get_crawler(settings_dict=scrapy_settings.settings(Config(crawl=Crawl(allow_private_addresses=True))))
        )
        try:
            return str(len((await transport.download_request(Request(url))).body))
        except FetchError as error:
            return error.reason
        finally:
            await transport.close()

    with _Flood() as web:
        assert asyncio.run(ask(f"http://127.0.0.1:{web.port}/{path}")) == end
