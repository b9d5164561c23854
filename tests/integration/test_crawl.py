"""Real crawler processes on a scripted web: what is asked for, how politely, and how every page ends."""

from __future__ import annotations

import gzip
import json
import os
import socket
import sqlite3
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from conftest import until
from crawling import Crawled, begin, crawl, finished, settings, worker
from scripted_site import Answer, Asked, Scripted, Site, moved, page, robots, rss, serving, sitemap, story

BIG = b"<p>" + b"x" * (9 << 20)
OPML = [f"http://hub.test/{n}" for n in range(3)]


def _scripted() -> dict[str, Scripted]:
    """Many hosts, each for one thing that happens on the web."""
    answers: dict[str, Scripted] = {
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
        "closed.test/robots.txt": robots("Disallow: /"), "closed.test/": story(11),
        "broken.test/robots.txt": Answer(503), "broken.test/": story(12), "broken.test/more": story(13),
        "busy.test/robots.txt": Answer(429, headers={"retry-after": "7"}), "busy.test/": story(14),
        "absent.test/robots.txt": Answer(404), "absent.test/": story(15),
        "forbidden.test/robots.txt": Answer(403), "forbidden.test/": story(16),
        "moved.test/robots.txt": moved("/hidden/robots"), "moved.test/hidden/robots": robots("Disallow: /private"),
        "moved.test/": page(links=["/private/x", "/public"]), "moved.test/public": story(17),
        "circle.test/robots.txt": moved("/robots.txt?again"), "circle.test/robots.txt?again": moved("/robots.txt"),
        "circle.test/": story(18),
        "patient.test/robots.txt": robots("Crawl-delay: 1"),
        "patient.test/": page(links=["/a", "/b", "/c"]),
        "patient.test/a": story(19), "patient.test/b": story(20), "patient.test/c": story(21),
        "glacial.test/robots.txt": robots("Crawl-delay: 1800"), "glacial.test/": page(links=["/a", "/b"]),
        "glacial.test/a": story(22), "glacial.test/b": story(23),
        # redirects
        "hops.test/": moved("/1"), "hops.test/1": moved("http://hops.test/2", 302), "hops.test/2": story(24),
        "loop.test/": moved("/b"), "loop.test/b": moved("/"), "loop.test/self": moved("/self"),
        "endless.test/": lambda asked: moved(f"/{len(asked.path)}{asked.path}"),
        "evil.test/": page(links=["/file", "/data", "/ftp", "/private", "/short", "/mapped", "file:///etc/passwd",
                                  "ftp://evil.test/x", "http://127.0.0.1/admin", "http://[::1]/", "//localhost/x"]),
        "evil.test/file": moved("file:///etc/passwd"), "evil.test/data": moved("data:text/html,hello"),
        "evil.test/ftp": moved("ftp://evil.test/x"), "evil.test/private": moved("http://169.254.169.254/latest/"),
        "evil.test/short": moved("http://2130706433/"), "evil.test/mapped": moved("http://[::ffff:10.0.0.1]/"),
        "empty.test/": moved(""),
        # refusals and failures
        "no.test/": page(links=["/401", "/403", "/404", "/410", "/451"]),
        **{f"no.test/{status}": Answer(status) for status in (401, 403, 404, 410, 451)},
        "wait.test/": [Answer(429, headers={"retry-after": "2"}), story(25)],
        "late.test/": [Answer(503, headers={"retry-after": formatdate(time.time() + 3600, usegmt=True)}), story(26)],
        "ill.test/": [Answer(500), Answer(502), story(27)],
        "dead.test/": Answer(500),
        "torn.test/": Answer(200, b"<html>" + b"x" * 100_000, {"content-type": "text/html"}, breaks=True),
        # bodies
        "body.test/": page(links=[f"/{name}" for name in ("packed", "latin", "odd", "idna", "empty", "pdf", "huge", "bomb",
                                                      "badgzip", "noindex", "feedish", "utf16")]),
        "body.test/packed": Answer(200, gzip.compress(story(30).body),
                                   {"content-type": "text/html", "content-encoding": "gzip"}),
        "body.test/latin": Answer(200, story(31).body.replace(b"village", "vill\u00e4ge".encode("latin-1"))
                                  .replace(b'<meta charset="utf-8">', b""), {"content-type": "text/html; charset=latin-1"}),
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
        "body.test/feedish": page("What a village decided", story_text(35), head="<feedback-form></feedback-form>"),
        "body.test/utf16": Answer(200, story(36).body.decode().encode("utf-16"), {"content-type": "text/html"}),
    }  # fmt: skip
    return answers


def story_text(number: int) -> list[str]:
    """The paragraphs of an invented article."""
    from scripted_site import prose

    return prose(number)


def _endless(asked: Asked) -> Answer:
    return moved(f"/{int(asked.path.strip('/') or 0) + 1}")


@pytest.fixture(scope="module")
def web() -> Iterator[Site]:
    answers = _scripted()
    answers["endless.test/"] = _endless
    answers |= {f"endless.test/{n}": _endless for n in range(100)}
    with serving(answers) as site:
        yield site


@pytest.fixture(scope="module")
def crawled(web: Site, tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    """One crawl of all of it, through the proxy, without private addresses."""
    hosts = {url.partition("/")[0] for url in web.answers}
    not_started = {"other.test", "elsewhere.test", "foreign.test", "feed.test", "maps.test"}
    sites = [f"http://{host}/" for host in sorted(hosts - not_started)]
    return crawl(
        tmp_path_factory.mktemp("crawl"), settings(proxy=web.url, pages=0, concurrency=64),
        sites=[*sites, "http://broken.test/more", "http://loop.test/self"], feeds=["http://feed.test/atom"],
        sitemaps=["http://maps.test/index.xml"], seconds=200,
        environment={"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"},
    )  # fmt: skip


def test_every_page_fetched_ends_in_one_fate_and_none_is_left_on_its_way(crawled: Crawled, web: Site) -> None:
    ends = crawled.fates()
    asked = {one.url for one in web.requests() if one.path != "/robots.txt"}
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
    assert crawled.fate("http://closed.test/") == ("refused", "robots")
    assert crawled.fate("http://named.test/secret/page") == ("refused", "robots")
    assert crawled.fates()["refused"]["robots"] >= 3


@pytest.mark.parametrize("host", ["broken.test", "busy.test"])
def test_a_site_whose_robots_txt_fails_is_left_alone_and_tried_later(crawled: Crawled, web: Site, host: str) -> None:
    assert web.paths(host) == []
    assert crawled.fate(f"http://{host}/") == ("waiting", None)


@pytest.mark.parametrize("host", ["absent.test", "forbidden.test", "circle.test"])
def test_a_site_without_rules_may_be_crawled(crawled: Crawled, host: str) -> None:
    assert crawled.fate(f"http://{host}/")[0] == "stored"


def test_a_robots_txt_that_moved_is_obeyed_where_it_went(crawled: Crawled, web: Site) -> None:
    assert crawled.fate("http://moved.test/private/x") == ("refused", "robots")
    assert crawled.fate("http://moved.test/public")[0] == "stored"


def test_a_circle_of_robots_redirects_ends(crawled: Crawled, web: Site) -> None:
    robots_asked = [one for one in web.requests("circle.test") if one.path.startswith("/robots.txt")]
    assert len(robots_asked) <= 6


def test_no_host_is_asked_faster_than_its_delay_nor_twice_at_once(crawled: Crawled, web: Site) -> None:
    for host in {one.host for one in web.requests()}:
        assert web.most_at_once(host) <= 1, host
        # 50/1s is 20 ms; the clocks of two processes may differ by a little
        assert min(web.gaps(host), default=1.0) >= 0.019, host


def test_a_crawl_delay_is_kept(crawled: Crawled, web: Site) -> None:
    assert len(web.requests("patient.test")) == 5
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
    assert crawled.fate("http://wait.test/")[0] == "stored"
    first, second = (one.at for one in web.requests("wait.test", "/"))
    assert second - first >= 2.0


def test_a_site_that_asks_for_an_hour_is_not_waited_for(crawled: Crawled, web: Site) -> None:
    assert web.paths("late.test") == ["/"]
    assert crawled.fate("http://late.test/")[0] == "waiting"


def test_a_server_error_is_tried_again_and_after_three_times_the_page_is_dead(crawled: Crawled, web: Site) -> None:
    assert crawled.fate("http://ill.test/")[0] == "stored"
    assert crawled.fate("http://dead.test/") == ("dead", "http-500")
    assert web.paths("dead.test") == ["/"] * 3


def test_a_connection_that_breaks_ends_with_a_reason(crawled: Crawled) -> None:
    assert crawled.fate("http://torn.test/") == ("dead", "connection")


@pytest.mark.parametrize("name", ["packed", "latin", "odd", "idna", "noindex", "feedish", "utf16"])
def test_odd_but_readable_bodies_are_read(crawled: Crawled, name: str) -> None:
    assert crawled.fate(f"http://body.test/{name}")[0] == "stored", crawled.told(f"http://body.test/{name}")


def test_the_charset_of_the_header_is_used(crawled: Crawled) -> None:
    assert "villäge" in crawled.told("http://body.test/latin")["article"]["text"]


@pytest.mark.parametrize(
    ("name", "reason"), [("empty", "empty"), ("pdf", "not-html"), ("huge", "too-large"), ("bomb", "too-large")]
)
def test_unreadable_bodies_end_with_a_reason_and_are_asked_for_once(
    crawled: Crawled, web: Site, name: str, reason: str
) -> None:
    assert crawled.fate(f"http://body.test/{name}") == ("dropped", reason)
    assert web.paths("body.test").count(f"/{name}") == 1


def test_a_body_that_is_not_what_it_says_ends_with_a_reason(crawled: Crawled) -> None:
    fate, reason = crawled.fate("http://body.test/badgzip")
    assert fate in ("dropped", "dead")
    assert reason


def test_what_a_page_says_of_its_rights_is_kept(crawled: Crawled) -> None:
    rights = crawled.told("http://body.test/noindex")["article"]["rights"]
    assert rights["noindex"] is True
    assert rights["tdm_reserved"] is True


def test_scrapy_says_nothing_on_the_way(crawled: Crawled) -> None:
    assert crawled.process.stdout == ""
    assert "Traceback" not in crawled.process.stderr
    assert "Deprecat" not in crawled.process.stderr
