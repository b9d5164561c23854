"""Real crawler processes on a scripted web: what is asked for, how politely, and how every page ends."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from conftest import until
from crawling import FAST, Crawled, begin, crawl, finished, settings, worker
from patience import PATIENCE_S, RUN_S
from scripted_site import (
    ABOUT_HOST,
    Answer,
    Asked,
    Scripted,
    Site,
    moved,
    page,
    prose,
    robots,
    rss,
    serving,
    sitemap,
    story,
)

from crawler.fetching.addresses import is_public
from pipelines.stores import Store, hosts, rhythms

SEEDS = Path(__file__).parents[2] / "seeds" / "harbour-dredging"

# one process makes what all of them look at
pytestmark = pytest.mark.xdist_group("crawl")

CODECS = ("rot13", "hex", "zlib", "bz2", "base64", "uu", "quopri", "idna", "punycode", "undefined", "unicode_escape",
          "utf-7", "mbcs", "cp037", "x-nonsense-9")  # fmt: skip
CHANGED = "Sun, 01 Nov 2026 08:00:00 GMT"
# a date no clock can show
NEVER = "Mon, 01 Jan 99999999999 00:00:00 GMT"
NAME = "suchlike/0.1 (+mailto:desk@paper.test)"
BIG = b"<p>" + b"x" * (9 << 20)


def _scripted() -> dict[str, Scripted]:
    """Many hosts, each for one thing that happens on the web."""
    return {
        # ways to be found
        "links.test/": page(links=["/one", "http://other.test/two", '<a rel="nofollow" href="/never">no</a>'],
                            head='<link rel="alternate" type="application/rss+xml" href="/feed.xml">'),
        "links.test/one": story(1), "other.test/two": story(2), "links.test/never": story(3),
        "links.test/feed.xml": rss("http://links.test/fed", "http://elsewhere.test/syndicated"),
        "links.test/fed": story(4), "elsewhere.test/syndicated": story(5),
        "feed.test/atom": Answer(200, b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>t</title>'
                                      b'<link href="/entry"/></entry></feed>', {"content-type": "text/xml"}),
        "feed.test/entry": story(6),
        "maps.test/index.xml": sitemap("http://maps.test/plain.xml", "http://maps.test/packed.xml.gz", kind="sitemap"),
        "maps.test/plain.xml": sitemap("http://maps.test/plain", "http://foreign.test/injected"),
        "maps.test/packed.xml.gz": Answer(200, gzip.compress(sitemap("http://maps.test/packed").body),
                                          {"content-type": "application/gzip"}),
        "maps.test/plain": story(7), "maps.test/packed": story(8), "foreign.test/injected": story(9),
        "named.test/robots.txt": robots("Disallow: /secret", "", "Sitemap: http://named.test/news.xml"),
        "named.test/": page(links=["/secret/page"]),
        "named.test/news.xml": Answer(
            200, b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
                 b'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>http://named.test/new</loc>'
                 b"<news:news><news:title>Village news</news:title></news:news></url></urlset>"),
        "named.test/new": story(10),
        # robots.txt
        "closed.test/robots.txt": robots("Disallow: /"), "closed.test/it": story(11),
        "broken.test/robots.txt": Answer(503), "broken.test/it": story(12), "broken.test/more": story(13),
        "busy.test/robots.txt": Answer(429, headers={"retry-after": "7"}), "busy.test/it": story(14),
        "absent.test/robots.txt": Answer(404), "absent.test/it": story(15),
        "forbidden.test/robots.txt": Answer(403), "forbidden.test/it": story(16),
        "moved.test/robots.txt": moved("/hidden/robots"), "moved.test/hidden/robots": robots("Disallow: /private"),
        "moved.test/": page(links=["/private/x", "/public"]), "moved.test/public": story(17),
        "circle.test/robots.txt": moved("/robots.txt?again"), "circle.test/robots.txt?again": moved("/robots.txt"),
        "circle.test/it": story(18),
        # five redirects are followed, and no sixth
        **{f"{host}.test/{name}": moved(f"/robots-{n}") for host in ("far", "farther")
           for n, name in enumerate(["robots.txt", *(f"robots-{n}" for n in range(1, 5))], 1)},
        "far.test/robots-5": robots("Disallow: /no"), "far.test/": page(links=["/no", "/yes"]),
        "far.test/yes": story(37), "farther.test/robots-5": moved("/robots-6"),
        "farther.test/robots-6": robots("Disallow: /"), "farther.test/it": story(38),
        "patient.test/robots.txt": robots("Crawl-delay: 1"),
        "patient.test/": page(links=["/a", "/b", "/c"]),
        "patient.test/a": story(19), "patient.test/b": story(20), "patient.test/c": story(21),
        "glacial.test/robots.txt": robots("Crawl-delay: 1800"), "glacial.test/": page(links=["/a", "/b"]),
        "glacial.test/a": story(22), "glacial.test/b": story(23),
        # redirects
        "hops.test/": moved("/1"), "hops.test/1": moved("http://hops.test/2", 302), "hops.test/2": story(24),
        "loop.test/": moved("/b"), "loop.test/b": moved("/"), "loop.test/self": moved("/self"),
        "endless.test/": _endless, **{f"endless.test/{n}": _endless for n in range(100)},
        "evil.test/": page(links=["/file", "/data", "/ftp", "/private", "/short", "/mapped", "file:///etc/passwd",
                                  "ftp://evil.test/x", "http://127.0.0.1/admin", "http://[::1]/", "//localhost/x"]),
        "evil.test/file": moved("file:///etc/passwd"), "evil.test/data": moved("data:text/html,hello"),
        "evil.test/ftp": moved("ftp://evil.test/x"), "evil.test/private": moved("http://169.254.169.254/latest/"),
        "evil.test/short": moved("http://2130706433/"), "evil.test/mapped": moved("http://[::ffff:10.0.0.1]/"),
        "empty.test/it": moved(""),
        # refusals and failures
        "no.test/": page(links=["/401", "/403", "/404", "/410", "/451"]),
        **{f"no.test/{status}": Answer(status) for status in (401, 403, 404, 410, 451)},
        "wait.test/it": [Answer(429, headers={"retry-after": "2"}), story(25)],
        "late.test/it": [Answer(503, headers={"retry-after": formatdate(time.time() + 3600, usegmt=True)}), story(26)],
        "never.test/it": [Answer(429, headers={"retry-after": NEVER}), story(28)],
        "never.test/robots.txt": Answer(404, headers={"retry-after": NEVER}),
        "ill.test/it": [Answer(500), Answer(502), story(27)],
        "dead.test/it": Answer(500),
        "torn.test/it": Answer(200, b"<html>" + b"x" * 100_000, {"content-type": "text/html"}, breaks=True),
        # bodies
        "body.test/": page(links=["/packed", "/latin", "/odd", "/idna", "/empty", "/pdf", "/huge", "/bomb", "/badgzip",
                                  "/noindex", "/feedish", "/utf16"]),
        "body.test/packed": Answer(200, gzip.compress(story(30).body),
                                   {"content-type": "text/html", "content-encoding": "gzip"}),
        "body.test/latin": Answer(200, story(31).body.decode().replace("the ", "thé ").encode("latin-1", "replace"),
                                  {"content-type": "text/html; charset=latin-1"}),
        "body.test/odd": Answer(200, story(32).body, {"content-type": "text/html; charset=x-nonsense-9"}),
        "body.test/idna": Answer(200, story(33).body, {"content-type": "text/html; charset=idna"}),
        "body.test/empty": Answer(200, b"", {"content-type": "text/html"}),
        "body.test/pdf": Answer(200, b"%PDF-1.7\n\x00\x01", {"content-type": "application/pdf"}),
        "body.test/huge": Answer(200, BIG, {"content-type": "text/html"}),
        "body.test/bomb": Answer(200, gzip.compress(b"<p>" + bytes(64 << 20)),
                                 {"content-type": "text/html", "content-encoding": "gzip"}),
        "body.test/badgzip": Answer(200, b"\x1f\x8b\x08\x00nonsense",
                                    {"content-type": "text/html", "content-encoding": "gzip"}),
        "body.test/noindex": story(34, head='<meta name="robots" content="noindex, nofollow">'
                                            '<meta name="tdm-reservation" content="1">', links=["/after-nofollow"]),
        # rights
        "mine.test/robots.txt": robots("Disallow: /private"),
        "mine.test/.well-known/tdmrep.json": Answer(
            200, b'[{"location": "/", "tdm-reservation": 1}, {"location": "/open/*.html$", "tdm-reservation": 0}]',
            {"content-type": "application/json"}),
        "mine.test/": page(links=["/closed", "/open/it.html", "/header", "/meta"]),
        "mine.test/closed": story(41), "mine.test/open/it.html": story(42),
        "mine.test/header": Answer(200, story(43).body, {"content-type": "text/html", "tdm-reservation": "0"}),
        "mine.test/meta": story(44, head='<meta name="tdm-reservation" content="0">'
                                         '<meta name="suchlike" content="noindex">'),
        "tag.test/": page(links=["/all", "/ours", "/theirs"]),
        "tag.test/.well-known/tdmrep.json": moved("http://tag.test/tdm.json"),
        "tag.test/tdm.json": Answer(200, b'{"location": "/ours", "tdm-reservation": 1}'),
        **{f"tag.test/{name}": Answer(200, story(45 + n, links=[f"/after-{name}"]).body,
                                      {"content-type": "text/html", "x-robots-tag": said})
           for n, (name, said) in enumerate({"all": "nofollow", "ours": "otherbot: none, suchlike: noindex, nofollow",
                                             "theirs": "noarchive, otherbot: noindex, nofollow"}.items())},
        "bare.test/it": story(48),
        "shut.test/robots.txt": robots("Disallow: /.well-known/"), "shut.test/it": story(49),
        "ghost.test/it": Answer(404),
        # what no browser knows, and Python does; and headers and bodies without end
        "codec.test/": page(links=[f"/{name}{packed}" for name in CODECS for packed in ("", "-packed")]),
        **{f"codec.test/{name}": Answer(200, story(60 + n).body, {"content-type": f"text/html; charset={name}"})
           for n, name in enumerate(CODECS)},
        **{f"codec.test/{name}-packed": Answer(200, gzip.compress(story(80 + n).body),
                                               {"content-type": f"text/html; charset={name}",
                                                "content-encoding": "gzip"})
           for n, name in enumerate(CODECS)},
        "flood.test/it": Answer(200, b"x", {f"x-{n}": "y" * 200 for n in range(5_000)}),
        "wide.test/it": Answer(200, b"x", {"x-long": "y" * 200_000}),
        "body.test/feedish": page("What a village decided", prose(35), head="<feedback-form></feedback-form>"),
        "body.test/utf16": Answer(200, story(36).body.decode().encode("utf-16"), {"content-type": "text/html"}),
    }  # fmt: skip


def _endless(asked: Asked) -> Answer:
    return moved(f"/{int(asked.path.strip('/') or 0) + 1}")


@pytest.fixture(scope="module")
def web() -> Iterator[Site]:
    with serving(_scripted()) as site:
        yield site


@pytest.fixture(scope="module")
def crawled(web: Site, tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    """One crawl of all of it, through the proxy, without private addresses."""
    sites = [f"http://{url}" for url in web.answers if url.endswith((".test/", ".test/it"))]
    return crawl(
        tmp_path_factory.mktemp("crawl"), settings(proxy=web.url, pages=0, concurrency=64, identify=NAME),
        sites=[*sites, "http://broken.test/more", "http://loop.test/self"], feeds=["http://feed.test/atom"],
        sitemaps=["http://maps.test/index.xml"],
        environment={"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"},
    )  # fmt: skip


def test_every_page_fetched_ends_in_one_fate_and_none_is_left_on_its_way(crawled: Crawled, web: Site) -> None:
    ends = crawled.fates()
    asked = {one.url for one in web.requests() if one.path not in ABOUT_HOST}
    assert ends["fetched"] > 60
    for url in sorted(asked):
        if crawled.knows(url):
            assert crawled.fate(url)[0] in ("stored", "duplicate", "dropped", "dead", "listed", "waiting"), url


@pytest.mark.parametrize(
    "url",
    ["http://links.test/one", "http://other.test/two", "http://links.test/fed", "http://elsewhere.test/syndicated",
     "http://feed.test/entry", "http://maps.test/plain", "http://maps.test/packed", "http://named.test/new"],
)  # fmt: skip
def test_articles_are_found_by_links_feeds_and_every_kind_of_sitemap(crawled: Crawled, url: str) -> None:
    assert crawled.fate(url)[0] == "stored", crawled.told(url)


def test_how_an_article_was_found_is_told(crawled: Crawled) -> None:
    def source(url: str) -> str:
        return str(crawled.told(url)["found_by"]["source"])

    assert source("http://links.test/one") == "links"
    assert source("http://links.test/fed") == source("http://feed.test/entry") == "feed"
    assert source("http://maps.test/packed") == source("http://named.test/new") == "sitemap"
    steps = crawled.told("http://links.test/fed")["found_by"]["path"]
    assert [step["url"] for step in steps] == [
        "http://links.test/",
        "http://links.test/feed.xml",
        "http://links.test/fed",
    ]


def test_a_sitemap_speaks_for_its_own_site_only(crawled: Crawled, web: Site) -> None:
    assert not crawled.knows("http://foreign.test/injected")
    assert not web.requests("foreign.test")


def test_a_link_marked_nofollow_is_not_followed(crawled: Crawled, web: Site) -> None:
    assert "/never" not in web.paths("links.test")
    assert "/after-nofollow" not in web.paths("body.test")


def test_robots_txt_comes_first_and_once(crawled: Crawled, web: Site) -> None:
    for host in ("links.test", "patient.test", "body.test", "ill.test"):
        assert [one.path for one in web.requests(host)].index("/robots.txt") == 0
        assert len(web.requests(host, "/robots.txt")) == 1


def test_what_robots_txt_forbids_is_never_asked_for(crawled: Crawled, web: Site) -> None:
    assert web.paths("closed.test") == []
    assert web.paths("named.test").count("/secret/page") == 0
    assert crawled.fate("http://closed.test/it") == ("refused", "robots")
    assert crawled.fate("http://named.test/secret/page") == ("refused", "robots")
    assert crawled.fates()["refused"]["robots"] >= 3


@pytest.mark.parametrize("host", ["broken.test", "busy.test"])
def test_a_site_whose_robots_txt_fails_is_left_alone_and_tried_later(crawled: Crawled, web: Site, host: str) -> None:
    assert web.paths(host) == []
    assert crawled.fate(f"http://{host}/it") == ("waiting", None)


@pytest.mark.parametrize("host", ["absent.test", "forbidden.test", "circle.test"])
def test_a_site_without_rules_may_be_crawled(crawled: Crawled, host: str) -> None:
    assert crawled.fate(f"http://{host}/it")[0] == "stored"


def test_a_robots_txt_that_moved_is_obeyed_where_it_went(crawled: Crawled, web: Site) -> None:
    assert crawled.fate("http://moved.test/private/x") == ("refused", "robots")
    assert crawled.fate("http://moved.test/public")[0] == "stored"


def test_a_circle_of_robots_redirects_ends(crawled: Crawled, web: Site) -> None:
    robots_asked = [one for one in web.requests("circle.test") if one.path.startswith("/robots.txt")]
    assert len(robots_asked) <= 6


def test_the_rules_of_a_robots_txt_count_after_five_redirects_and_not_after_six(crawled: Crawled, web: Site) -> None:
    assert crawled.fate("http://far.test/no") == ("refused", "robots")
    assert crawled.fate("http://far.test/yes")[0] == crawled.fate("http://farther.test/it")[0] == "stored"
    assert web.requests("farther.test", "/robots-5") and not web.requests("farther.test", "/robots-6")


def test_whoever_is_asked_for_anything_is_told_by_whom(crawled: Crawled, web: Site) -> None:
    assert {one.headers["user-agent"] for one in web.requests()} == {NAME}
    assert {"/robots.txt", "/.well-known/tdmrep.json", "/feed.xml"} < {one.path for one in web.requests()}


def test_no_host_is_asked_faster_than_its_delay_nor_twice_at_once(crawled: Crawled, web: Site) -> None:
    for host in {one.host for one in web.requests()}:
        assert web.most_at_once(host) <= 1, host
        # 50/1s is 20 ms; the clocks of two processes may differ by a little
        assert min(web.gaps(host), default=1.0) >= 0.019, host


def test_a_crawl_delay_is_kept(crawled: Crawled, web: Site) -> None:
    assert len(web.requests("patient.test")) == 6
    assert min(web.gaps("patient.test")) >= 0.99


def test_a_site_that_wants_half_an_hour_between_pages_does_not_hold_the_crawl_up(crawled: Crawled, web: Site) -> None:
    assert len(web.requests("glacial.test")) <= 2
    assert crawled.fate("http://glacial.test/")[0] == "waiting"


def test_redirects_are_followed_page_by_page(crawled: Crawled) -> None:
    assert crawled.fate("http://hops.test/") == ("dropped", "redirect")
    assert crawled.fate("http://hops.test/1") == ("dropped", "redirect")
    assert crawled.fate("http://hops.test/2")[0] == "stored"


def test_circles_and_chains_of_redirects_end(crawled: Crawled, web: Site) -> None:
    assert Counter(web.paths("loop.test")) == Counter(["/", "/b", "/self"])
    assert len(web.paths("endless.test")) <= 25


def test_no_redirect_or_link_leads_to_a_file_or_a_private_address(crawled: Crawled, web: Site) -> None:
    asked = [one.target for one in web.requests()]
    assert not [t for t in asked if not t.startswith("http://")]
    assert {one.host for one in web.requests() if not one.host.endswith(".test")} == set()
    for path in ("file", "data", "ftp"):
        assert crawled.fate(f"http://evil.test/{path}")[0] == "dropped"
    for url in ("http://169.254.169.254/latest/", "http://127.0.0.1/admin", "http://localhost/x"):
        assert not crawled.knows(url)


@pytest.mark.parametrize("status", [401, 403, 404, 410, 451])
def test_a_refusal_is_asked_once_and_ends_with_its_status(crawled: Crawled, web: Site, status: int) -> None:
    assert crawled.fate(f"http://no.test/{status}") == ("dropped", f"http-{status}")
    assert web.paths("no.test").count(f"/{status}") == 1


def test_retry_after_is_kept(crawled: Crawled, web: Site) -> None:
    assert crawled.fate("http://wait.test/it")[0] == "stored"
    first, second = (one.at for one in web.requests("wait.test", "/it"))
    assert second - first >= 2.0


def test_a_site_that_asks_for_an_hour_is_not_waited_for(crawled: Crawled, web: Site) -> None:
    assert web.paths("late.test") == ["/it"]
    assert crawled.fate("http://late.test/it")[0] == "waiting"


def test_a_date_that_cannot_be_does_not_keep_a_site_busy_for_ever(crawled: Crawled) -> None:
    assert crawled.fate("http://never.test/it") == ("stored", None)


def test_a_server_error_is_tried_again_and_after_three_times_the_page_is_dead(crawled: Crawled, web: Site) -> None:
    assert crawled.fate("http://ill.test/it")[0] == "stored"
    assert crawled.fate("http://dead.test/it") == ("dead", "http-500")
    assert web.paths("dead.test") == ["/it"] * 3


def test_a_connection_that_breaks_ends_with_a_reason(crawled: Crawled) -> None:
    assert crawled.fate("http://torn.test/it") == ("dead", "connection")


@pytest.mark.parametrize("name", ["packed", "latin", "odd", "idna", "noindex", "feedish", "utf16"])
def test_odd_but_readable_bodies_are_read(crawled: Crawled, name: str) -> None:
    assert crawled.fate(f"http://body.test/{name}")[0] == "stored", crawled.told(f"http://body.test/{name}")


def test_the_charset_of_the_header_is_used(crawled: Crawled) -> None:
    assert "thé " in crawled.told("http://body.test/latin")["article"]["text"]


@pytest.mark.parametrize(
    ("name", "reason"), [("empty", "empty"), ("pdf", "not-html"), ("huge", "too-large"), ("bomb", "too-large")]
)
def test_unreadable_bodies_end_with_a_reason_and_are_asked_for_once(
    crawled: Crawled, web: Site, name: str, reason: str
) -> None:
    assert crawled.fate(f"http://body.test/{name}") == ("dropped", reason)
    assert web.paths("body.test").count(f"/{name}") == 1


@pytest.mark.parametrize("name", CODECS)
def test_no_charset_loses_a_page(crawled: Crawled, name: str) -> None:
    assert {crawled.fate(f"http://codec.test/{name}{packed}")[0] for packed in ("", "-packed")} == {"stored"}


@pytest.mark.parametrize("host", ["flood.test", "wide.test"])
def test_headers_without_end_end_with_a_reason(crawled: Crawled, host: str) -> None:
    assert crawled.fate(f"http://{host}/it") == ("dead", "unreadable")


def test_a_body_that_is_not_what_it_says_ends_with_a_reason(crawled: Crawled) -> None:
    fate, reason = crawled.fate("http://body.test/badgzip")
    assert fate in ("dropped", "dead")
    assert reason


def test_what_a_page_says_of_its_rights_is_kept(crawled: Crawled) -> None:
    rights = crawled.told("http://body.test/noindex")["article"]["rights"]
    assert rights["noindex"] is True
    assert rights["tdm_reserved"] is True


def _rights(crawled: Crawled, url: str) -> dict[str, Any]:
    return dict(crawled.told(url)["article"]["rights"])


@pytest.mark.parametrize(
    ("path", "reserved"), [("closed", True), ("open/it.html", False), ("header", False), ("meta", False)]
)
def test_what_a_site_reserves_counts_unless_the_page_says_otherwise(
    crawled: Crawled, path: str, reserved: bool
) -> None:
    assert _rights(crawled, f"http://mine.test/{path}")["tdm_reserved"] is reserved


def test_reservations_are_asked_for_once_where_there_is_something_to_keep(crawled: Crawled, web: Site) -> None:
    path = "/.well-known/tdmrep.json"
    assert len(web.requests("mine.test", path)) == len(web.requests("bare.test", path)) == 1
    assert web.requests("shut.test", path) == [], "robots.txt forbids it"
    assert web.requests("ghost.test", path) == [], "nothing was taken from there"
    assert _rights(crawled, "http://bare.test/it")["tdm_reserved"] is False
    assert _rights(crawled, "http://tag.test/ours")["tdm_reserved"] is True, "it went elsewhere, and was followed"


def test_a_robot_is_told_by_its_name_or_all_are(crawled: Crawled, web: Site) -> None:
    assert _rights(crawled, "http://mine.test/meta")["noindex"] is True
    assert _rights(crawled, "http://tag.test/ours") == {
        "robots": "noindex, nofollow", "noindex": True, "tdm_reserved": True,
    }  # fmt: skip
    assert _rights(crawled, "http://tag.test/theirs")["robots"] == "noarchive"
    asked = web.paths("tag.test")
    assert [f"/after-{name}" in asked for name in ("all", "ours", "theirs")] == [False, False, True]


def test_scrapy_says_nothing_on_the_way(crawled: Crawled) -> None:
    assert crawled.process.stdout == ""
    assert "Traceback" not in crawled.process.stderr
    assert "Deprecat" not in crawled.process.stderr


# guards that only a crawl without a proxy can show


def _listening(pid: int) -> list[str]:
    """The sockets on which a process of ours listens, TCP and UDP."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            target = str(link.readlink())
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = []
    for table, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == state and fields[9] in inodes:
                found.append(f"{table} {fields[1]}")
    return found


def test_a_crawl_opens_no_door_of_its_own_and_takes_no_proxy_from_the_environment(tmp_path: Path) -> None:
    looked = threading.Event()

    def slow(_: Asked) -> Answer:
        looked.wait(PATIENCE_S)
        return Answer(200, b"slow")

    with serving({"/": page(links=["/slow"]), "/slow": slow}) as site:
        store, run = begin(tmp_path, settings(allow_private_addresses=True), sites=[f"{site.url}/"])
        with worker(tmp_path, run, http_proxy="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9") as process:
            until(lambda: "/slow" in site.paths(), "the second request")
            doors = _listening(process.pid)
            looked.set()
            done = finished(process)
    assert doors == []
    assert done.returncode == 0, done.stderr
    assert [one.target for one in site.requests()] == ["/robots.txt", "/", "/.well-known/tdmrep.json", "/slow"]
    store.close()


def test_no_spelling_of_a_private_address_is_fetched(tmp_path: Path) -> None:
    with serving({"/": story(1), "/secret": story(2)}) as site:
        spelt = ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0.0.0.0", "[::ffff:127.0.0.1]",
                 "[::1]", "localhost", "10.0.0.1", "169.254.169.254"]  # fmt: skip
        urls = [f"http://{host}:{site.port}/secret" for host in spelt]
        done = crawl(tmp_path, settings(), sites=urls)
        assert site.requests() == []
    refused = done.fates()["refused"]
    assert refused == {"private-address": len(spelt)}


def test_a_public_name_that_leads_to_a_private_address_is_refused(tmp_path: Path) -> None:
    """The machine's own name stands for any name whose address is not public; it must resolve without a DNS server."""
    own = socket.gethostname()
    try:
        address = socket.gethostbyname(own)
    except OSError:
        pytest.skip("this machine's own name has no address")
    if "." in own or is_public(address):
        pytest.skip("this machine's own name is a public one")
    with serving({"/": story(1)}) as site:
        done = crawl(tmp_path, settings(), sites=[f"http://{own}:{site.port}/it"])
        assert site.requests() == []
    assert sum(done.fates()["refused"].values()) == 1


def test_a_host_that_refuses_connections_ends_with_a_reason(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/it"
        done = crawl(tmp_path, settings(allow_private_addresses=True), sites=[url])
    told = done.told(url)
    # robots.txt did not answer, so nothing else was asked: the page waits for another day
    assert (told["fate"], told["fetches"], told["robots"]) == ("waiting", 0, "later")
    assert done.fates()["frontier"] == 1


@pytest.mark.slow
def test_a_server_that_never_answers_ends_with_a_reason(tmp_path: Path) -> None:
    with serving({"silent.test/robots.txt": Answer(hangs=True), "deaf.test/it": Answer(hangs=True),
                  "fine.test/it": story(1)}) as site:  # fmt: skip
        urls = ["http://silent.test/it", "http://deaf.test/it", "http://fine.test/it"]
        done = crawl(tmp_path, settings(proxy=site.url), sites=urls)
        assert site.paths("silent.test") == []
    assert done.fate("http://silent.test/it")[0] == "waiting"
    assert done.fate("http://deaf.test/it") == ("dead", "timeout")
    assert done.fate("http://fine.test/it")[0] == "stored"


# bounds


def _wide(host: str, number: int) -> dict[str, Scripted]:
    """A site whose front page links to `number` articles."""
    return {f"{host}/": page(links=[f"/{n}" for n in range(number)]),
            **{f"{host}/{n}": story(hash_of(host) + n) for n in range(number)}}  # fmt: skip


def hash_of(host: str) -> int:
    """A number of a host, so that no two hosts tell the same stories."""
    return zlib.crc32(host.encode()) % 100_000 * 1_000


@pytest.mark.parametrize("budget", [1, 7])
def test_no_more_pages_are_fetched_than_the_budget(tmp_path: Path, budget: int) -> None:
    answers = _wide("a.test", 20) | _wide("b.test", 20)
    with serving(answers) as site:
        done = crawl(tmp_path, settings(proxy=site.url, pages=budget), sites=["http://a.test/", "http://b.test/"])
        assert len(site.paths()) == budget
    assert done.fates()["fetched"] == budget


@pytest.mark.slow
def test_two_crawlers_share_the_work_the_budget_and_every_hosts_pace(tmp_path: Path) -> None:
    hosts = [f"h{n}.test" for n in range(6)]
    answers: dict[str, Scripted] = {}
    for host in hosts:
        answers |= _wide(host, 12)
    with serving(answers) as site:
        overrides = settings(proxy=site.url, pages=50, rate="10/1s", concurrency=4)
        store, run = begin(tmp_path, overrides, sites=[f"http://{host}/" for host in hosts])
        with worker(tmp_path, run) as one, worker(tmp_path, run) as other:
            ended = [finished(process) for process in (one, other)]
        assert [one.returncode for one in ended] == [0, 0], ended
        asked = Counter(one.url for one in site.requests() if one.path not in ABOUT_HOST)
        assert max(asked.values()) == 1
        assert sum(asked.values()) == 50
        for host in hosts:
            assert site.most_at_once(host) <= 1
            assert min(site.gaps(host), default=1.0) >= 0.099, host
    assert Crawled(store, run, ended[0]).fates()["fetched"] == 50


def test_a_site_that_is_closed_for_now_does_not_hold_the_others_up(tmp_path: Path) -> None:
    """Its pages, however promising, are not among the best that can be fetched."""
    closed = [f"http://closed.test/{n}" for n in range(20)]
    answers = {"closed.test/robots.txt": Answer(503), **_wide("open.test", 20)}
    with serving(answers) as site:
        done = crawl(tmp_path, settings(proxy=site.url, pages=15), sites=[*closed, "http://open.test/"])
        assert len(site.paths("open.test")) == 15
    assert done.fates()["fetched"] == 15


@pytest.mark.slow
def test_no_more_pages_of_a_site_are_fetched_than_its_share(tmp_path: Path) -> None:
    with serving(_wide("a.test", 20) | _wide("b.test", 3)) as site:
        overrides = settings(proxy=site.url, pages=100, max_per_site=6)
        sites = ["http://a.test/", "http://b.test/"]
        crawl(tmp_path, overrides, sites=sites)
        assert len(site.paths("a.test")) == 6
        assert len(site.paths("b.test")) == 4
        crawl(tmp_path, overrides, sites=sites)
        assert len(site.paths("a.test")) == 12, "the next run has a share of its own"


@pytest.mark.slow
def test_the_share_of_a_site_is_what_max_per_site_says_on_the_command_line(suchlike: Any, tmp_path: Path) -> None:
    """It beats the configuration; the summary counts as many pages of each site as were asked for."""
    (tmp_path / "suchlike.toml").write_text(f'[crawl]\nmax_per_site = 1\nrate = "{FAST}"\n')
    with serving(_wide("a.test", 9) | _wide("b.test", 2)) as site:
        starts = ("--site", "http://a.test/", "--site", "http://b.test/", "--seeds", str(SEEDS), "--proxy", site.url)
        said = suchlike("run", "--max-per-site", "4", *starts, "--keep", "all", "--no-web", "--json", timeout=RUN_S)
        assert said.returncode in (0, 1), said.stderr
        asked = {host: len(site.paths(host)) for host in ("a.test", "b.test")}
    assert asked == {"a.test": 4, "b.test": 3}
    assert {one["site"]: one["pages"] for one in json.loads(said.stdout)["sites"]} == asked


def test_staying_means_the_sites_that_were_named(tmp_path: Path) -> None:
    answers = {"www.a.test/": page(links=["http://news.a.test/x", "http://b.test/y"]),
               "news.a.test/x": story(1), "b.test/y": story(2)}  # fmt: skip
    with serving(answers) as site:
        crawl(tmp_path, settings(proxy=site.url, roam=False), sites=["http://www.a.test/"])
        assert {one.host for one in site.requests()} == {"www.a.test", "news.a.test"}


def test_what_a_host_forbids_is_not_asked_for_though_its_rules_lie_outside_of_the_sites_named(tmp_path: Path) -> None:
    answers = {"a.test/robots.txt": moved("http://b.test/robots.txt"), "b.test/robots.txt": robots("Disallow: /no"),
               "a.test/": page(links=["/no", "/yes"]), "a.test/no": story(1), "a.test/yes": story(2)}  # fmt: skip
    with serving(answers) as site:
        crawl(tmp_path, settings(proxy=site.url, roam=False), sites=["http://a.test/"])
        assert (site.paths("a.test"), site.paths("b.test")) == (["/", "/yes"], [])


def test_a_blocked_host_is_never_asked(tmp_path: Path) -> None:
    answers = {"a.test/": page(links=["http://x.shop.test/y", "http://b.test/z", "/w"]), "a.test/w": moved("http://b.test/z"),
               "b.test/z": story(1)}  # fmt: skip
    (tmp_path / "suchlike.toml").write_text('[sources]\nblock = ["*.shop.test", "b.test"]\n')
    with serving(answers) as site:
        done = crawl(tmp_path, settings(proxy=site.url), sites=["http://a.test/"])
        assert {one.host for one in site.requests()} == {"a.test"}
    assert not done.knows("http://b.test/z")


@pytest.mark.slow
@pytest.mark.parametrize("bound", ["block", "stay"])
def test_a_bound_that_is_set_later_holds_for_what_waits_already_and_no_longer_than_it_is_set(
    tmp_path: Path, bound: str
) -> None:
    answers = {
        "a.test/": page(links=["http://b.test/1", "http://b.test/2"]),
        "b.test/1": story(1),
        "b.test/2": story(2),
    }
    file = tmp_path / "suchlike.toml"
    with serving(answers) as site:
        overrides, start = settings(proxy=site.url, pages=1), {"sites": ["http://a.test/"]}
        crawl(tmp_path, overrides, **start)
        file.write_text('[sources]\nblock = ["b.test"]\n' if bound == "block" else "[crawl]\nroam = false\n")
        overrides = settings(proxy=site.url)
        later = crawl(tmp_path, overrides, **start)
        assert {one.host for one in site.requests()} == {"a.test"}
        assert {later.fate(f"http://b.test/{n}") for n in (1, 2)} == {("refused", "host-given-up")}
        file.write_text("")
        freed = crawl(tmp_path, overrides, **start)
    assert {freed.fate(f"http://b.test/{n}") for n in (1, 2)} == {("stored", None)}


def _trap(asked: Asked) -> Answer:
    """Endless pages, none like another."""
    number = int(asked.path.rpartition("/")[2].partition("=")[2] or asked.path.rpartition("/")[2] or 0)
    links = [f"{kind}{number * 3 + n}" for kind in ("/calendar/day?n=", "/list/") for n in (1, 2, 3)]
    links += [f"/s/{number}/s/{number}/s/{number}", f"/2999/0{number % 9 + 1}/", f"/?sid={number:032x}"]
    return page(f"Day {number}", [f"Nothing happens on day {number}."], links)


@pytest.mark.slow
def test_traps_take_a_bounded_part_of_the_budget(tmp_path: Path) -> None:
    class Endless(dict[str, Scripted]):
        def __contains__(self, key: object) -> bool:
            return super().__contains__(key) or (
                isinstance(key, str) and key.startswith("trap.test/") and "robots" not in key
            )

        def __missing__(self, key: str) -> Scripted:
            return _trap

    with serving() as site:
        site.answers = Endless(_wide("good.test", 60))
        overrides = settings(proxy=site.url, pages=0, rate="200/1s")
        done = crawl(tmp_path, overrides, sites=["http://trap.test/", "http://good.test/"])
        trapped = site.paths("trap.test")
        assert len(site.paths("good.test")) == 61
    # it ends of itself: what was queued when its pages proved barren, and no more
    assert len(trapped) < 300, Counter(path.split("?")[0].split("/")[1] for path in trapped)
    assert not [path for path in trapped if "sid=" in path or path.startswith(("/2", "/s/"))]
    done.fates()


# again


def _an_hour_ago(store: Store) -> None:
    """As if everything so far had happened an hour ago."""
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE urls SET fetched_at = fetched_at - 3600")
        connection.exec_driver_sql("UPDATE rhythms SET due_at = due_at - 3601")


@pytest.mark.slow
def test_the_next_run_reads_the_lists_again_and_fetches_only_what_is_new(tmp_path: Path) -> None:
    head = '<link rel="alternate" type="application/rss+xml" href="/feed.xml">'
    answers: dict[str, Scripted] = {
        "a.test/": moved("http://www.a.test/"), "www.a.test/": page(links=["/1"], head=head), "www.a.test/1": story(1),
        "www.a.test/feed.xml": rss("http://www.a.test/2"), "www.a.test/2": story(2),
        "www.a.test/3": story(3), "www.a.test/4": story(4),
    }  # fmt: skip
    with serving(answers) as site:
        first = crawl(tmp_path, settings(proxy=site.url), sites=["http://a.test/"])
        assert len(first.stored()) == 2
        _an_hour_ago(first.store)
        site.answers["www.a.test/"] = page(links=["/1", "/3"], head=head)
        site.answers["www.a.test/feed.xml"] = rss("http://www.a.test/4", "http://www.a.test/2")
        before = len(site.log)
        second = crawl(tmp_path, settings(proxy=site.url), sites=["http://a.test/"])
        again = [one.url for one in site.requests()[before:] if one.path not in ABOUT_HOST]
    assert sorted(again) == ["http://a.test/", "http://www.a.test/", "http://www.a.test/3", "http://www.a.test/4",
                             "http://www.a.test/feed.xml"]  # fmt: skip
    assert len(second.stored()) == 4


def _told(folder: Path, *numbers: int) -> Path:
    """Seeds: the scripted articles of these numbers."""
    folder = folder / "seeds"
    folder.mkdir()
    for number in numbers:
        (folder / f"{number}.txt").write_text("\n\n".join(prose(number)))
    return folder


def _conditional(body: Answer, tag: str) -> Scripted:
    """A page whose server knows ETags."""

    def answer(asked: Asked) -> Answer:
        headers = {**body.headers, "etag": tag}
        return (
            Answer(304, b"", headers) if asked.headers.get("if-none-match") == tag else Answer(200, body.body, headers)
        )

    return answer


def _dated(body: Answer, changed: str) -> Scripted:
    """A page whose server knows when it was changed, and no ETags."""

    def answer(asked: Asked) -> Answer:
        headers = {**body.headers, "last-modified": changed}
        return Answer(304) if asked.headers.get("if-modified-since") == changed else Answer(200, body.body, headers)

    return answer


@pytest.mark.slow
def test_what_has_not_changed_costs_a_304_and_stays_as_it_was(tmp_path: Path) -> None:
    answers: dict[str, Scripted] = {
        "a.test/": _conditional(page(links=["/1"]), '"front"'), "a.test/1": _conditional(story(1), '"one"'),
        "a.test/feed.xml": _dated(rss("http://a.test/2"), CHANGED), "a.test/2": story(2),
    }  # fmt: skip
    start: dict[str, Any] = {"sites": ["http://a.test/"], "feeds": ["http://a.test/feed.xml"]}
    start["seed_set"] = _told(tmp_path, 1, 2)
    with serving(answers) as site:
        first = crawl(tmp_path, settings(proxy=site.url), **start)
        _an_hour_ago(first.store)
        before = len(site.log)
        second = crawl(tmp_path, settings(proxy=site.url), **start)
        asked = ("if-none-match", "if-modified-since")
        again = {one.path: [one.headers.get(name) for name in asked] for one in site.requests()[before:]}
    assert again == {
        "/": ['"front"', None], "/feed.xml": [None, CHANGED], "/1": ['"one"', None], "/2": [None, None],
    }  # fmt: skip
    assert second.fate("http://a.test/") == ("dropped", "not-article")
    assert second.fate("http://a.test/feed.xml") == ("listed", None)
    assert second.fate("http://a.test/1") == second.fate("http://a.test/2") == ("stored", None)
    with second.store.read() as connection:
        assert rhythms.counted(connection, second.run) == {"known": 2, "changed": 0, "revisited": 4, "unmodified": 3}


@pytest.mark.slow
def test_a_young_match_with_a_new_text_becomes_its_next_revision(tmp_path: Path) -> None:
    answers: dict[str, Scripted] = {
        "a.test/": page(links=["/1", "/2", "/3"]), "a.test/1": [story(1), story(1, links=["/new"])],
        "a.test/2": [story(2), story(20)], "a.test/3": [story(3), Answer(410)],
    }  # fmt: skip
    start: dict[str, Any] = {"sites": ["http://a.test/"], "seed_set": _told(tmp_path, 1, 2, 3, 20)}
    with serving(answers) as site:
        first = crawl(tmp_path, settings(proxy=site.url), **start)
        assert first.told("http://a.test/2")["article"]["revision"] == 1
        _an_hour_ago(first.store)
        second = crawl(tmp_path, settings(proxy=site.url), **start)
        _an_hour_ago(first.store)
        third = crawl(tmp_path, settings(proxy=site.url), **start)
        assert len(site.requests("a.test", "/3")) == 2, "what is gone is not asked for again"
    revised = second.told("http://a.test/2")["article"]
    assert (revised["revision"], revised["run"]) == (2, first.run)
    assert "village 20" in revised["title"]
    assert second.told("http://a.test/1")["article"]["revision"] == 1, "a new link beside the text is no new text"
    assert second.fate("http://a.test/3") == ("stored", None), "what the corpus holds stays there"
    with third.store.read() as connection:
        assert rhythms.counted(connection, second.run) == {"known": 3, "changed": 1, "revisited": 4, "unmodified": 0}
        assert rhythms.counted(connection, third.run)["changed"] == 0


GERMAN = (
    "Die Brücke über den Fluss wurde im Winter gesperrt, weil der Frost die Pfeiler beschädigt hatte. Der Gemeinderat "
    "will sie bis zum Frühjahr wieder herrichten lassen, doch fehlt dafür noch immer das nötige Geld. "
)


@pytest.mark.slow
def test_other_languages_and_older_articles_end_with_their_own_reasons(tmp_path: Path) -> None:
    def dated(day: str) -> str:
        return f'<meta property="article:published_time" content="{day}T08:00:00Z">'

    answers: dict[str, Scripted] = {
        "a.test/": page(links=["/1", "/2", "/3", "/4"]), "a.test/1": story(1, head=dated("2026-11-05")),
        "a.test/2": story(2, head=dated("2026-10-05")), "a.test/3": story(3),
        "a.test/4": page("Die Brücke", [GERMAN + prose(4)[0], GERMAN * 2, GERMAN * 2]),
    }  # fmt: skip
    limits = {"threshold": 0.0, "languages": ["en"], "since": "2026-11-01"}
    with serving(answers) as site:
        asked = settings(proxy=site.url)
        asked["store"]["keep"] = "matches"
        done = crawl(tmp_path, {**asked, "profile": {"x": limits}}, sites=["http://a.test/"],
                     seed_set=_told(tmp_path, 1, 2, 3))  # fmt: skip
    assert done.fate("http://a.test/1") == done.fate("http://a.test/3") == ("stored", None)
    assert done.fate("http://a.test/2") == ("dropped", "too-old")
    assert done.fate("http://a.test/4") == ("dropped", "language")
    assert done.told("http://a.test/2")["detail"] == "it was published on 2026-10-05, asked for is 2026-11-01 or later"
    assert {"too-old": 1, "language": 1}.items() <= done.fates()["dropped"].items()


@pytest.mark.slow
def test_again_asks_what_is_not_due_and_only_for_what_has_changed(tmp_path: Path) -> None:
    answers: dict[str, Scripted] = {
        "a.test/feed.xml": _conditional(rss("http://a.test/1", "http://a.test/2"), '"feed"'),
        "a.test/1": _conditional(story(1), '"one"'), "a.test/2": [story(2), story(20)],
    }  # fmt: skip
    start: dict[str, Any] = {"seed_set": _told(tmp_path, 1, 2, 20)}
    with serving(answers) as site:
        asked = settings(proxy=site.url, revisions="", revisit_soonest="1s")
        first = crawl(tmp_path, asked, feeds=["http://a.test/feed.xml"], **start)
        with first.store.write() as connection:
            connection.exec_driver_sql("UPDATE urls SET fetched_at = fetched_at - 60")
        before = len(site.log)
        second = crawl(tmp_path, asked, again=True, **start)
        again = {one.path: one.headers.get("if-none-match") for one in site.requests()[before:]}
    assert again.keys() == {"/feed.xml", "/1", "/2"}
    assert again["/feed.xml"] == '"feed"'
    assert second.told("http://a.test/2")["article"]["revision"] == 2
    assert second.fate("http://a.test/1") == ("stored", None)


@pytest.mark.slow
def test_robots_txt_is_kept_for_a_day_and_then_asked_again(tmp_path: Path) -> None:
    with serving({"a.test/robots.txt": [robots("Disallow: /x"), robots("Disallow: /")], "a.test/": page(),
                  "a.test/x": story(1)}) as site:  # fmt: skip
        first = crawl(tmp_path, settings(proxy=site.url), sites=["http://a.test/"])
        crawl(tmp_path, settings(proxy=site.url), sites=["http://a.test/x"])
        assert len(site.requests("a.test", "/robots.txt")) == 1
        assert site.paths("a.test") == ["/"]
        with first.store.write() as connection:
            connection.exec_driver_sql("UPDATE hosts SET robots_at = robots_at - 90000")
        crawl(tmp_path, settings(proxy=site.url), sites=["http://a.test/y"])
        assert len(site.requests("a.test", "/robots.txt")) == 2
        assert site.paths("a.test") == ["/"]


@pytest.mark.slow
def test_a_site_whose_robots_txt_failed_is_asked_again_after_a_quarter_of_an_hour(tmp_path: Path) -> None:
    with serving({"a.test/robots.txt": [Answer(503), robots("Disallow: /x")], "a.test/": page(links=["/x"])}) as site:
        first = crawl(tmp_path, settings(proxy=site.url), sites=["http://a.test/"])
        crawl(tmp_path, settings(proxy=site.url), sites=["http://a.test/"])
        assert [one.path for one in site.requests()] == ["/robots.txt"]
        with first.store.write() as connection:
            connection.exec_driver_sql("UPDATE hosts SET next_at = next_at - 900")
        later = crawl(tmp_path, settings(proxy=site.url), sites=["http://a.test/"])
        assert [one.path for one in site.requests()][:3] == ["/robots.txt", "/robots.txt", "/"]
    assert later.fate("http://a.test/x") == ("refused", "robots")


@pytest.mark.slow
@pytest.mark.parametrize(("order", "place"), [("focus", 1), ("breadth", 9)])
def test_pages_are_fetched_in_the_order_that_was_asked_for(tmp_path: Path, order: str, place: int) -> None:
    links = [f'<a href="/{n}">Ten cakes to bake at home, part {n}</a>' for n in range(8)]
    links.append(f'<a href="/like">{" ".join(prose(1)[0].split()[:9])}</a>')
    answers: dict[str, Scripted] = {"a.test/": page(links=links), "a.test/like": story(1), "a.test/deep": story(99)}
    answers |= {f"a.test/{n}": story(10 + n, links=["/deep"]) for n in range(8)}
    with serving(answers) as site:
        crawl(tmp_path, settings(proxy=site.url, order=order), sites=["http://a.test/"], seed_set=_told(tmp_path, 1))
        asked = site.paths()
    assert (asked[0], asked.index("/like"), len(asked)) == ("/", place, 11)
    assert asked[-1] == "/deep" or order == "focus"


@pytest.mark.slow
def test_a_crawl_that_was_stopped_gives_everything_back_and_goes_on_where_it_was(tmp_path: Path) -> None:
    with serving(_wide("a.test", 30) | _wide("b.test", 30)) as site:
        overrides = settings(proxy=site.url, pages=0, rate="10/1s")
        store, run = begin(tmp_path, overrides, sites=["http://a.test/", "http://b.test/"])
        with worker(tmp_path, run) as process:
            until(lambda: len(site.paths()) > 12, "a dozen pages")
            process.terminate()
            stopped = finished(process)
        assert stopped.returncode == 0, stopped.stderr
        left = Crawled(store, run, stopped).fates()
        assert 0 < left["fetched"] < 62
        assert left["frontier"] > 0
        with worker(tmp_path, run) as process:
            again = finished(process)
        assert again.returncode == 0, again.stderr
        asked = Counter((host, path) for host in ("a.test", "b.test") for path in site.paths(host))
        assert len(asked) == 62
        # a page on its way when the signal came may be asked for again, and no other
        assert sum(asked.values()) <= 62 + 2
        assert min(site.gaps("a.test")) >= 0.099
    assert Crawled(store, run, again).fates()["fetched"] == 62


def test_watching_reads_lists_and_follows_no_link(tmp_path: Path) -> None:
    answers = {"a.test/feed.xml": rss("http://a.test/1"), "a.test/1": story(1, links=["/2"]), "a.test/2": story(2)}
    with serving(answers) as site:
        # whoever joins the run does as it does: no crawler is told which spider it is to be
        done = crawl(tmp_path, settings(proxy=site.url, watch=True), feeds=["http://a.test/feed.xml"])
        assert site.paths() == ["/feed.xml", "/1"]
    assert done.fates()["stored"] == 1


# Scrapy users


def test_scrapys_own_commands_know_our_spiders(tmp_path: Path, suchlike: Any) -> None:
    listed = suchlike("scrapy", "list")
    assert listed.stdout.split() == ["apart", "roam", "survey", "watch"], listed.stderr


def test_scrapy_crawl_goes_on_with_the_latest_run_of_the_folder(tmp_path: Path, suchlike: Any) -> None:
    with serving(_wide("a.test", 3)) as site:
        store, _ = begin(tmp_path, settings(proxy=site.url), sites=["http://a.test/"])
        done = suchlike("scrapy", "crawl", "roam", timeout=PATIENCE_S)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert len(site.paths()) == 4
    with store.read() as connection:
        assert hosts.frontier(connection)["leased"] == 0


def test_scrapy_crawl_without_a_run_says_what_to_do(suchlike: Any) -> None:
    done = suchlike("scrapy", "crawl", "roam", timeout=PATIENCE_S)
    assert done.returncode in (2, 4)
    assert re.search(r"suchlike -C \S+ run", done.stderr)
    assert "Traceback" not in done.stderr
