"""No address that is not public is ever dialled, in whatever spelling, by whatever path: two witnesses say so.

One looks at every connect of every process, the other is a trap on loopback. And each rule that keeps them idle has a
test that sees them busy once that rule alone is taken out.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from crawling import Crawled, begin, finished, settings, worker
from dialling import PUBLIC, Processes, Trap, take_out, witnessed
from patience import RUN_S
from scrapy import Request
from scrapy.utils.test import get_crawler
from scripted_site import Answer, Asked, Site, moved, page, robots, sitemap, story
from vectors import vectors

from crawler import settings as scrapy_settings
from crawler.alerts import webhook
from crawler.fetching import addresses
from crawler.fetching.transport import FetchError, Transport
from crawler.project import Project
from pipelines.config import Config
from pipelines.errors import AlertError
from pipelines.sections import Crawl
from pipelines.seeds import MAX_SEEDS

NAMES = {
    "inner.test": [["10.0.0.5"]], "inner4.test": [["127.0.0.1"]], "inner6.test": [["::1"]],
    "mapped.test": [["::ffff:127.0.0.1"]], "zoned.test": [["fe80::1%lo"]], "nat64.test": [["64:ff9b::7f00:1"]],
    "meta.test": [["169.254.169.254"]], "any.test": [["0.0.0.0"]], "both.test": [["127.0.0.1", "10.0.0.1", "::1"]],
    # the second answer is another one, as of a server that wants to get past a check
    "rebinds.test": [[PUBLIC], ["127.0.0.1"]], "mixed.test": [[PUBLIC, "127.0.0.1"]],
    "inner.map.test": [["127.0.0.1"]],
}  # fmt: skip


# by each path another port that is not the web's
NOT_THE_WEBS = {
    "link": 22,
    "redirect": 25,
    "feed": 3306,
    "sitemap": 5432,
    "line": 6379,
    "robots": 9200,
    "tdmrep": 11211,
}


@pytest.fixture
def trap() -> Iterator[Trap]:
    with Trap() as trap:
        yield trap


def asked(urls: Sequence[str], **crawl: Any) -> list[str]:
    """How each URL ends that is given to the transport itself, one after the other."""

    async def ask() -> list[str]:
        wanted = {**scrapy_settings.settings(Config(crawl=Crawl(**crawl))), "DOWNLOAD_TIMEOUT": 60, "DNS_TIMEOUT": 60}
        transport = Transport(get_crawler(settings_dict=wanted))
        ends = []
        try:
            for url in urls:
                try:
                    answer = await transport.download_request(Request(url))
                    ends.append(str(answer.status))
                except RuntimeError as error:
                    ends.append(f"RuntimeError {error}")
                except (FetchError, addresses.AddressRefused) as error:
                    ends.append(f"{type(error).__name__} {getattr(error, 'reason', '')}".strip())
        finally:
            await transport.close()
        return ends

    return asyncio.run(ask())


def requests(urls: Sequence[str]) -> list[str]:
    """Those of which Scrapy makes a request for the web's door at all."""
    found = []
    for url in urls:
        try:
            made = Request(url)
        except ValueError:
            continue
        if made.url.lower().startswith(("http:", "https:")):
            found.append(made.url)
    return found


def named(port: int) -> list[str]:
    return [f"http://{name}:{port}/" for name in NAMES if name not in ("mixed.test", "rebinds.test")]


def test_there_are_vectors_enough() -> None:
    assert len(vectors(9)) + len(NAMES) >= 300


def test_the_transport_dials_no_vector(tmp_path: Path, trap: Trap) -> None:
    with Site() as site, witnessed(tmp_path, site=site.port, trap=trap.port, names=NAMES) as seen:
        urls = requests(vectors(trap.port)) + named(trap.port)
        ends = asked(urls)
        assert sum(end == "AddressRefused" for end in ends) >= 260
        # some spell another host, which is public
        assert set(ends) <= {"AddressRefused", "FetchError dns", "404"}
        assert {address for address, _ in seen()} <= {PUBLIC} and trap.asked == []
        # of a name with several addresses only the public ones, and judged again with every connection
        several = [f"http://{name}.test:{trap.port}/" for name in ("mixed", "rebinds")]
        assert asked(several) == ["404", "404"]
        assert asked(several) == ["404", "AddressRefused"]
    assert {address for address, _ in seen()} == {PUBLIC} and trap.asked == []


def test_the_transport_follows_no_redirect_and_no_proxy_of_the_environment(
    tmp_path: Path, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{trap.port}")
    moves = Site({"/": moved(f"http://127.0.0.1:{trap.port}/")})
    with moves as site, witnessed(tmp_path, site=site.port, trap=trap.port) as seen:
        assert asked(["http://public.test/"]) == ["301"]
    assert {address for address, _ in seen()} == {PUBLIC} and trap.asked == []


LAYERS = ("spelling", "resolved", "socket")
# what each layer must keep back by itself; a name says nothing by its spelling, a literal asks no resolver
BY_LAYER = {
    "spelling": ["http://127.0.0.1:{port}/", "http://[::ffff:127.0.0.1]:{port}/"],
    "resolved": ["http://inner4.test:{port}/", "http://both.test:{port}/"],
    "socket": ["http://127.0.0.1:{port}/", "http://inner4.test:{port}/", "http://[::ffff:127.0.0.1]:{port}/"],
}


@pytest.mark.parametrize("layer", LAYERS)
def test_each_layer_of_the_guard_holds_alone_and_is_missed_when_it_is_out(
    layer: str, tmp_path: Path, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [url.format(port=trap.port) for url in BY_LAYER[layer]]
    take_out([*(one for one in LAYERS if one != layer), "proof"], monkeypatch.setattr)
    with witnessed(tmp_path, trap=trap.port, names=NAMES) as seen:
        assert asked(urls) == ["AddressRefused"] * len(urls)
        assert seen() == [] and trap.asked == []
        take_out([layer], monkeypatch.setattr)
        asked(urls)
    assert {(address.removeprefix("::ffff:"), port) for address, port in seen()} >= {("127.0.0.1", trap.port)}
    assert len(trap.asked) == len(urls)


def _takes_6to4_for_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipaddress.IPv6Address.is_global", True)  # of such an address Pythons differ
    assert not addresses.is_public("2002:7f00:1::")
    monkeypatch.setattr(addresses, "_SIX_TO_FOUR", addresses.IPv6Network("::/128"))


# each rule of what is public: how it is taken out, and an address that only it keeps back
RULES: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "tables": (lambda m: m.setattr("ipaddress.IPv4Address.is_global", True), "127.0.0.1"),
    "tables of IPv6": (lambda m: m.setattr("ipaddress.IPv6Address.is_global", True), "2001:db8::1"),
    "multicast": (lambda m: m.setattr("ipaddress.IPv4Address.is_multicast", False), "224.0.0.1"),
    "given out": (lambda m: m.setattr(addresses, "_GIVEN_OUT", addresses.IPv6Network("::/0")), "fec0::1"),
    "private too": (lambda m: m.setattr(addresses, "_PRIVATE_TOO", ()), "3fff::1"),
    "relays": (lambda m: m.setattr(addresses, "_PRIVATE_TOO", ()), "192.88.99.1"),
    "6to4": (_takes_6to4_for_any_other, "2002:7f00:1::"),
    "ISATAP": (lambda m: m.setattr(addresses, "_ISATAP", ()), "2606:4700::5efe:7f00:1"),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_of_what_is_public_is_missed_when_it_is_out(
    rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without, address = RULES[rule]
    url = f"http://[{address}]:81/" if ":" in address else f"http://{address}:81/"
    with witnessed(tmp_path) as seen:
        assert asked([url]) == ["AddressRefused"] and seen() == []
        take_out(["proof"], monkeypatch.setattr)
        without(monkeypatch)
        asked([url])
    assert (address, 81) in seen()


@pytest.mark.parametrize(
    ("ip", "public"),
    [("::ffff:1.1.1.1", True), ("64:ff9b::101:101", True), ("2002:101:101::1", True), ("::ffff:10.0.0.1", False)],
)
def test_forms_that_carry_a_public_address_stay_public(ip: str, public: bool) -> None:
    assert addresses.is_public(ip) is public


def test_a_webhook_dials_no_vector(tmp_path: Path, trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    moves = Site({"/": moved(f"http://127.0.0.1:{trap.port}/")})
    with moves as site, witnessed(tmp_path, site=site.port, trap=trap.port, names=NAMES) as seen:
        for url in requests(vectors(trap.port)) + named(trap.port):
            with pytest.raises(AlertError):
                webhook.post(url, "s", {}, id="1", now=0.0)
        # a redirect is an answer like any other
        with pytest.raises(AlertError, match="answered 301"):
            webhook.post("http://public.test/", "s", {}, id="1", now=0.0)
        assert {address for address, _ in seen()} == {PUBLIC} and trap.asked == []
        take_out(["webhook"], monkeypatch.setattr)
        webhook.post(f"http://127.0.0.1:{trap.port}/taken", "s", {}, id="1", now=0.0)
    assert trap.asked == ["POST /taken HTTP/1.1"]


# a crawl


def poisoned(url: str) -> Answer:
    """A page that names an address in every way that a page can."""
    head = (
        f'<meta http-equiv="refresh" content="0; url={url}refresh"><link rel="canonical" href="{url}canonical">'
        f'<link rel="amphtml" href="{url}amp"><link rel="next" href="{url}next"><link rel="stylesheet" href="{url}css">'
        f'<link rel="alternate" type="application/rss+xml" href="{url}feed">'
        f'<link rel="alternate" hreflang="de" href="{url}de"><meta property="og:url" content="{url}og">'
        f'<script type="application/ld+json">{{"@type":"NewsArticle","url":"{url}ld","image":"{url}ldimage"}}</script>'
    )
    elements = (
        f'<a href="{url}area" ping="{url}ping">a</a><area href="{url}map"><iframe src="{url}frame"></iframe>'
        f'<img src="{url}img" srcset="{url}set 2x"><form action="{url}form"></form><object data="{url}object"></object>'
    )
    answer = page("A page", [], [f"{url}link", elements], head)
    named = url.encode("ascii", "ignore").decode().replace("\n", "")
    fields = {
        "Refresh": f"0; url={named}refresh-header", "Link": f"<{named}link-header>; rel=preload",
        "Content-Location": f"{named}content-location", "SourceMap": f"{named}map-header",
    }  # fmt: skip
    return Answer(200, answer.body, {**answer.headers, **fields})


def feed(urls: Sequence[str]) -> Answer:
    """A feed that names addresses in every way that a feed can."""
    items = "".join(
        f"<item><title>t</title><link>{url}feed-link</link></item>"
        f"<item><guid isPermaLink='true'>{url}guid</guid><comments>{url}comments</comments></item>"
        f"<item><title>t</title><enclosure url='{url}enclosure' type='text/html'/></item>"
        for url in (one.replace("&", "&amp;").replace("<", "") for one in urls)
    )
    text = f'<?xml version="1.0"?><rss version="2.0"><channel><title>n</title>{items}</channel></rss>'
    return Answer(200, text.encode("utf-8", "replace"), {"content-type": "application/rss+xml"})


def at_port(path: str, host: str = "other.test") -> str:
    """An address at the port that is named by this path alone."""
    return f"http://{host}:{NOT_THE_WEBS[path]}/"


def hostile_web(urls: Sequence[str], port: int) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """A web all of whose hosts lead to these addresses, by every path; and where a crawl of it starts."""
    safe = [url for url in urls if not any(character in url for character in "\r\n")]
    latin = [url for url in safe if url.isascii()]
    web: dict[str, Any] = {
        "links.test/": page("Links", [], [at_port("link"), *urls]),
        "redirect-0.test/": moved(at_port("redirect")), "line-0.test/": page("Lines"),
        "line-0.test/robots.txt": robots(f"Sitemap: {at_port('line', 'other.line-0.test')}"),
        "robots-0.test/robots.txt": moved(at_port("robots")), "robots-0.test/": page("Robots"),
        "tdmrep-0.test/.well-known/tdmrep.json": moved(at_port("tdmrep")), "tdmrep-0.test/": story(1),
        "links.test/based": page("Based", [], ["relative"], f'<base href="{latin[0]}base/">'),
        "feed.test/": feed([at_port("feed"), *urls]),
        "map.test/ports": sitemap(at_port("sitemap", "other.map.test")),
        "map.test/": sitemap(*(one.replace("&", "&amp;").replace("<", "") for one in urls)),
        "map.test/site": sitemap(f"http://inner.map.test:{port}/sitemap-loc"),
        "map.test/index": sitemap(f"http://inner.map.test:{port}/sitemap-index", kind="sitemap"),
    }  # fmt: skip
    for number in range(8):
        some = range(number, len(urls), 8)
        web[f"pages{number}.test/"] = page("Pages", [], [f"/named/{i}" for i in some])
        web[f"moves{number}.test/"] = page("Moves", [], [f"/moved/{i}" for i in some])
        web[f"robots{number}.test/robots.txt"] = robots(*(f"Sitemap: {one}" for one in safe[number::8]), "Disallow: /x")
        web[f"robots{number}.test/"] = page("Robots")

    def named(asked: Asked) -> Answer:
        return poisoned(urls[int(asked.path.rpartition("/")[2])])

    for number in range(len(urls)):
        web[f"/named/{number}"] = named
    for number, url in enumerate(latin):
        web[f"/moved/{number}"] = moved(f"{url}moved", 301 + number % 2)
        web[f"about{number}.test/robots.txt"] = moved(f"{url}robots")
        web[f"about{number}.test/"] = story(number)
        web[f"about{number}.test/.well-known/tdmrep.json"] = moved(f"{url}tdmrep")
    starts = [f"http://{kind}{number}.test/" for kind in ("pages", "moves", "robots") for number in range(8)]
    starts += [f"http://about{number}.test/" for number in range(len(latin))]
    starts += [f"http://{path}-0.test/" for path in ("redirect", "line", "robots", "tdmrep")]
    lists = {
        "feeds": ["http://feed.test/"],
        "sitemaps": [f"http://map.test/{one}" for one in ("", "site", "index", "ports")],
    }
    return web, {"sites": ["http://links.test/", "http://links.test/based", *starts], **lists}


def crawled(folder: Path, witness: Processes, starts: dict[str, list[str]], port: int, *more: str) -> Crawled:
    overrides = settings(rate="1000/1s", ports=(80, 443, port), pages=0, depth=3)
    store, run = begin(folder, overrides, **starts)
    with worker(folder, run, *more, **witness.environment) as begun:
        process = finished(begun)
    assert process.returncode == 0, process.stderr
    return Crawled(store, run, process)


@pytest.mark.slow
def test_a_crawl_dials_no_vector_by_any_path(tmp_path: Path, trap: Trap) -> None:
    urls = vectors(trap.port) + named(trap.port)
    web, starts = hostile_web(urls, trap.port)
    starts["sites"] += [url for url in urls[:60] if url.isascii()] + [f"http://rebinds.test:{trap.port}/"]
    with Site(web) as site:
        witness = Processes(tmp_path, site=site.port, trap=trap.port, names=NAMES)
        done = crawled(tmp_path, witness, starts, trap.port)
        seen = witness.dialled()
        assert {address for address, _ in seen} == {PUBLIC} and trap.asked == []
        assert {port for _, port in seen} == {80, trap.port}
        assert len(site.log) > 3 * len(urls)
        ends = done.fates()
        assert set(ends["refused"]) == {"private-address"} and ends["refused"]["private-address"] >= 60
        with done.store.read() as connection:
            waiting = connection.exec_driver_sql("SELECT url FROM urls WHERE state = 0").scalars().all()
        # names that lead nowhere have no robots.txt either: they wait
        assert all(".xn--" in url or "//xn--" in url for url in waiting), waiting


# by which path each mark must come when nothing keeps it back: else the crawl above would show nothing
LIVE = {"link", "area", "feed", "base/relative", "moved", "robots", "tdmrep", "feed-link", "guid", "sitemap-loc",
        "sitemap-index", "start"}  # fmt: skip


@pytest.mark.slow
def test_without_the_guard_the_witnesses_see_every_path(tmp_path: Path, trap: Trap) -> None:
    open_ = f"http://127.0.0.1:{trap.port}/"
    web, starts = hostile_web([open_], trap.port)
    starts["sites"] = [one for one in starts["sites"] if "0.test" in one or "links" in one] + [f"{open_}start"]
    with Site(web) as site:
        without = ["spelling", "resolved", "socket", "ports", "proof"]
        witness = Processes(tmp_path, site=site.port, trap=trap.port, names=NAMES, without=without)
        crawled(tmp_path, witness, starts, trap.port)
    came = {line.split(" ")[1].removeprefix("/") for line in trap.asked}
    assert came >= LIVE, LIVE - came
    assert ("127.0.0.1", trap.port) in witness.dialled()
    assert {port for address, port in witness.dialled() if address == PUBLIC} >= {80, *NOT_THE_WEBS.values()}


@pytest.mark.parametrize(("without", "missed"), [("socket", "sockets"), ("resolved", "names")])
def test_a_transport_one_of_whose_layers_is_out_asks_nobody(
    without: str, missed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_out([without], monkeypatch.setattr)
    with Site({"/": page("Open")}) as site, witnessed(tmp_path, site=site.port) as seen:
        assert asked(["http://open.test/"]) == [f"RuntimeError {missed} may lead to private addresses"]
    assert PUBLIC not in {address for address, _ in seen()} and site.log == []


# the other verbs that fetch, and those that must not


def verb(folder: Path, witness: Processes, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "crawler", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=RUN_S,
        check=False, stdin=subprocess.DEVNULL, env={**os.environ, **witness.environment},
    )  # fmt: skip


def project(folder: Path, **settings: Any) -> None:
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in settings.items())
    (folder / "suchlike.toml").write_text(f'[profile.x]\nseeds = "seeds/"\n[crawl]\nrate = "1000/1s"\n{lines}\n')
    (folder / "seeds").mkdir()


@pytest.mark.slow
def test_seeds_by_url_and_a_plan_dial_no_vector(tmp_path: Path, trap: Trap) -> None:
    urls = [url for url in vectors(trap.port) if url.startswith(("http://", "https://")) and url.isascii()]
    urls = [url for url in urls if "\\" not in url]
    project(tmp_path, ports=[80, trap.port])
    web = {
        "seeds.test/kept": story(1), "seeds.test/moved": moved(f"http://127.0.0.1:{trap.port}/seed"),
        "news.test/feed": feed(urls), "news.test/": page("News", [], urls),
        "news.test/robots.txt": robots(*(f"Sitemap: {url}" for url in urls[:90])),
    }  # fmt: skip
    written = (tmp_path / "suchlike.toml").read_text()
    with Site(web) as site:
        witness = Processes(tmp_path, site=site.port, trap=trap.port, names=NAMES)
        at_once = MAX_SEEDS - 2
        for some in (urls[at : at + at_once] for at in range(0, len(urls), at_once)):
            given = [*some, "http://seeds.test/kept", "http://seeds.test/moved"]
            (tmp_path / "suchlike.toml").write_text(written.replace('"seeds/"', json.dumps(given)))
            checked = verb(tmp_path, witness, "seed", "list")
            assert "seeds.test/kept" in checked.stdout, checked
        # what has been fetched is not fetched again: a plan of the sites alone
        (tmp_path / "suchlike.toml").write_text('[crawl]\nrate = "1000/1s"\n')
        planned = verb(tmp_path, witness, "plan", "--site", "http://news.test/", "--feed", "http://news.test/feed",
                       *(part for url in urls[:40] for part in ("--site", url)))  # fmt: skip
        assert planned.returncode == 0, planned
        (tmp_path / "mine.txt").write_text("a file of the reader's own")
        assert "What village 1" in verb(tmp_path, witness, "scrapy", "fetch", "http://seeds.test/kept").stdout
        for url in (f"http://127.0.0.1:{trap.port}/", (tmp_path / "mine.txt").as_uri()):
            assert verb(tmp_path, witness, "scrapy", "fetch", url).stdout == ""
        assert {address for address, _ in witness.dialled()} == {PUBLIC} and trap.asked == []
        assert site.requests("seeds.test", "/moved") and site.requests("news.test", "/feed")


def warc(url: str, body: bytes) -> bytes:
    """A record of a response."""
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    fields = (
        "WARC/1.1", "WARC-Type: response", f"WARC-Record-ID: <urn:uuid:{uuid.uuid4()}>", f"WARC-Target-URI: {url}",
        "WARC-Date: 2026-11-26T10:00:00Z", "Content-Type: application/http; msgtype=response",
        f"Content-Length: {len(block)}", "", "",
    )  # fmt: skip
    return "\r\n".join(fields).encode() + block + b"\r\n\r\n"


def test_what_a_forked_process_dials_is_seen_too(tmp_path: Path) -> None:
    def dial() -> None:
        with contextlib.suppress(ConnectionRefusedError), socket.socket() as made:
            made.connect(("10.0.0.1", 81))

    with witnessed(tmp_path) as seen:
        forked = multiprocessing.get_context("fork").Process(target=dial)
        forked.start()
        forked.join()
    assert seen() == [("10.0.0.1", 81)]


def test_a_replay_dials_nobody_at_all(tmp_path: Path, trap: Trap) -> None:
    recorded = tmp_path / "recorded"
    recorded.mkdir()
    urls = [url for url in vectors(trap.port) if url.isascii() and url.isprintable()]
    pages = [
        warc(url if number % 2 else f"http://kept.test/{number}", poisoned(url).body) for number, url in enumerate(urls)
    ]
    (recorded / "pages.warc").write_bytes(b"".join(pages))
    (recorded / "saved.html").write_bytes(poisoned(urls[0]).body)
    with witnessed(tmp_path, trap=trap.port, names=NAMES) as seen:
        done = Project(tmp_path).replay([recorded], {"store": {"keep": "all"}})
    assert seen() == [] and trap.asked == []
    assert done["pages_fetched"] >= len(urls) // 2
