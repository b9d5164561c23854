"""Every source, whatever it is given: no exception, web addresses only, and never too many. Then each one's own."""

from __future__ import annotations

import gzip
import io
import random

import pytest

from crawler.reading.glance import glance
from crawler.sources import SOURCES, Source, feed, links, sitemap
from crawler.sources.entities import Escaped, escaped
from pipelines.records import Candidate
from pipelines.urls import canonical

HERE = "https://news.test/dir/list"
MOST = 50_000

RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>
<item><title>A &lt;b&gt;night&lt;/b&gt; train &amp;amp; a harbour</title><link>/n/1?utm_source=rss</link>
<pubDate>Tue, 14 May 2024 10:00:00 GMT</pubDate></item>
<item><title>Two</title><guid>https://news.test/n/2</guid></item></channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><entry><title>One</title>
<link rel="replies" href="/replies"/><link rel="alternate" href="/n/1"/><updated>2024-05-14T10:00:00Z</updated>
</entry></feed>"""
JSON = b"""{"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": [
{"id": "1", "url": "https://news.test/n/1", "title": "One", "date_published": "2024-05-14T10:00:00Z"}]}"""
NEWS = b"""<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc> https://news.test/n/1 </loc>
<lastmod>2020-01-01</lastmod><news:news><news:publication><news:name>N</news:name></news:publication>
<news:publication_date>2024-05-14</news:publication_date><news:title>Night &amp; day</news:title></news:news></url>
<url><loc>https://news.test/n/2</loc></url></urlset>"""
INDEX = b"""<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>/s1.xml.gz</loc>
<lastmod>2024-05-14</lastmod></sitemap></sitemapindex>"""

ENTITIES = b'<!DOCTYPE x [<!ENTITY a "lol">' + b"".join(
    b'<!ENTITY a%d "%s">' % (n, (b"&a%d;" % (n - 1) if n > 1 else b"&a;") * 10) for n in range(1, 10)
)
EXTERNAL = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
FOREIGN = [b"file:///etc/passwd", b"ftp://a.test/x", b"javascript:alert(1)", b"data:text/html,x", b"gopher://a.test/"]


def listed(loc: bytes) -> list[bytes]:
    return [
        b"<rss><channel><item><title>x</title><link>" + loc + b"</link></item></channel></rss>",
        b"<urlset><url><loc>" + loc + b"</loc></url></urlset>",
        b"<sitemapindex><sitemap><loc>" + loc + b"</loc></sitemap></sitemapindex>",
        b"<a href='" + loc + b"'>x</a>",
        b'{"version": "https://jsonfeed.org/version/1", "items": [{"id": "1", "url": "' + loc + b'"}]}',
        loc,
    ]


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "an address": b"http://127.0.0.1:9/feed",
    "noise": random.Random(1).randbytes(200_000),
    "zeros": bytes(200_000),
    "one line of 10 MB": b"x" * 10_000_000,
    "one tag of 10 MB": b"<" + b"x" * 10_000_000,
    "half a gzip": gzip.compress(NEWS)[:60],
    "no gzip": b"\x1f\x8b" + b"x" * 100,
    "a gzip bomb": gzip.compress(b"<urlset>" + b" " * 100_000_000),
    "a gzip of lists": gzip.compress(b"<urlset>" + b"<url><loc>/%d</loc></url>" * 20_000),
    "deep json": b'{"version": "https://jsonfeed.org/version/1", "items": ' + b"[" * 100_000,
    "wide json": b'{"version": "https://jsonfeed.org/version/1", "items": [' + b"{}," * 200_000 + b"{}]}",
    "json of the wrong kinds": b'{"version": "https://jsonfeed.org/version/1", "items": [1, null, {"url": 5}]}',
    "deep xml": b"<rss><channel><item>" + b"<a>" * 100_000,
    "empty items": b"<rss><channel>" + b"<item/>" * 200_000,
    "empty urls": b"<urlset>" + b"<url/>" * 200_000,
    "odd elements": b"<urlset>" + b"<x/>" * 500_000,
    "too many items": b"<rss><channel>" + b"".join(b"<item><link>/%d</link></item>" % n for n in range(5_000)),
    "too many urls": b"<urlset>" + b"".join(b"<url><loc>/%d</loc></url>" % n for n in range(60_000)),
    "too many lines": b"\n".join(b"https://news.test/%d" % n for n in range(60_000)),
    "no words": b"<rss><channel><item><title>" + b"&lt;" * 500_000 + b"</title><link>/1</link></item></channel></rss>",
    "utf-16": NEWS.decode().encode("utf-16"),
}
for number, body in enumerate(listed(b"https://news.test/&a9;") + listed(b"https://news.test/&f;")):
    HOSTILE[f"laughs {number}"] = ENTITIES + b"]>" + body
    HOSTILE[f"entity {number}"] = EXTERNAL + body
for loc in FOREIGN:
    HOSTILE |= {f"{loc.decode()} {number}": body for number, body in enumerate(listed(loc))}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_source_withstands_a_hostile_body(source: Source, body: bytes) -> None:
    found = source(body, HERE)
    assert len(found) <= MOST
    assert len({candidate.url for candidate in found}) == len(found)
    for candidate in found[:500]:
        assert candidate.url.startswith(("http://", "https://"))
        assert canonical(candidate.url) == candidate.url
        assert candidate.source in SOURCES
        assert "root:" not in candidate.title and "lollol" not in candidate.title
        assert len(candidate.title) <= 300 and len(candidate.published) <= 64


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
@pytest.mark.parametrize("loc", FOREIGN)
def test_nothing_but_web_addresses_comes_out(source: Source, loc: bytes) -> None:
    assert [found for body in listed(loc) for found in source(body, HERE)] == []


def test_rss_gives_titles_and_dates() -> None:
    first, second = feed.candidates_in(RSS, HERE)
    assert first == Candidate(
        "https://news.test/n/1", "feed", title="A night train & a harbour", published="2024-05-14T10:00:00+00:00"
    )
    assert second.url == "https://news.test/n/2"


@pytest.mark.parametrize("body", [ATOM, JSON], ids=["atom", "json"])
def test_other_feeds_give_the_page_and_not_its_replies(body: bytes) -> None:
    assert feed.candidates_in(body, HERE) == [
        Candidate("https://news.test/n/1", "feed", title="One", published="2024-05-14T10:00:00+00:00")
    ]


def test_a_torn_feed_gives_what_can_still_be_read() -> None:
    torn = RSS.replace(b"</channel></rss>", b"<item><title>Three & more<title><link>/n/3</link>")
    assert [found.url for found in feed.candidates_in(torn, HERE)] == [f"https://news.test/n/{n}" for n in (1, 2, 3)]


@pytest.mark.parametrize("after", [b"</channel></rss>", b"<item><tit"])
def test_ampersands_that_were_forgotten_cost_no_part_of_an_address_or_a_title(after: bytes) -> None:
    body = b"<rss><channel><item><title>Silt &nbsp;& tide</title><link>/n?id=1&p=2</link></item>" + after
    (found,) = feed.candidates_in(body, HERE)
    assert (found.url, found.title) == ("https://news.test/n?id=1&p=2", "Silt & tide")
    entries = b"".join(b"<url><loc>https://news.test/n?id=%d&p=2&amp;q=3</loc></url>" % at for at in range(3_000))
    # wherever a piece ends
    for body in (b"<urlset>" + entries, b"<urlset> " + entries, gzip.compress(b"<urlset>" + entries)):
        names = [one.url for one in sitemap.candidates_in(body, HERE)]
        assert names == [f"https://news.test/n?id={at}&p=2&q=3" for at in range(3_000)]


def test_the_links_of_a_feed_go_by_the_base_it_names() -> None:
    body = ATOM.replace(b"<feed ", b'<feed xml:base="https://blog.test/a/" ').replace(b'"/n/1"', b'"1.html"')
    assert [one.url for one in feed.candidates_in(body, HERE)] == ["https://blog.test/a/1.html"]


@pytest.mark.parametrize(
    "body",
    [b"<rss><channel><item><title>x</title><guid isPermaLink='false'>post-1</guid></item></channel></rss>",
     b'{"version": "https://jsonfeed.org/version/1", "title": "t", "items": [{"id": "5", "content_text": "x"}]}',
     b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>One</title><id>5</id></entry></feed>"],
)  # fmt: skip
def test_the_name_of_an_entry_is_no_address(body: bytes) -> None:
    assert feed.candidates_in(body, HERE) == []


def test_a_feed_gives_two_thousand_entries_at_most() -> None:
    assert len(feed.candidates_in(HOSTILE["too many items"], HERE)) == 2_000


@pytest.mark.parametrize(
    "body", [NEWS, gzip.compress(NEWS), b"\xef\xbb\xbf" + NEWS], ids=["plain", "packed", "with a byte order mark"]
)
def test_a_news_sitemap_gives_titles_and_publication_dates(body: bytes) -> None:
    assert sitemap.candidates_in(body, HERE) == [
        Candidate("https://news.test/n/1", "sitemap", title="Night & day", published="2024-05-14"),
        Candidate("https://news.test/n/2", "sitemap"),
    ]


def test_an_index_gives_sitemaps() -> None:
    assert sitemap.candidates_in(INDEX, HERE) == [
        Candidate("https://news.test/s1.xml.gz", "sitemap", "sitemap", published="2024-05-14")
    ]


def test_a_sitemap_may_be_plain_lines() -> None:
    found = sitemap.candidates_in(b"https://news.test/1\r\nnot one\r\nhttps://news.test/2", HERE)
    assert [candidate.url for candidate in found] == ["https://news.test/1", "https://news.test/2"]


def test_the_first_line_may_bear_a_mark() -> None:
    found = sitemap.candidates_in(b"\xef\xbb\xbfhttps://news.test/n/1\r\nhttps://news.test/n/2\r\n", HERE)
    assert [one.url for one in found] == ["https://news.test/n/1", "https://news.test/n/2"]


def test_the_pictures_of_a_page_are_not_taken_for_it() -> None:
    picture = b"<i:image xmlns:i='i'><i:loc>https://news.test/1.jpg</i:loc><i:title>A quay</i:title></i:image>"
    body = NEWS.replace(b"<url><loc> ", b"<url>" + picture + b"<loc> ")
    assert [(one.url, one.title) for one in sitemap.candidates_in(body, HERE)] == [
        ("https://news.test/n/1", "Night & day"), ("https://news.test/n/2", ""),
    ]  # fmt: skip


def test_a_sitemap_may_be_packed_in_parts() -> None:
    packed = gzip.compress(NEWS[:200]) + gzip.compress(b"") + gzip.compress(NEWS[200:])
    assert sitemap.candidates_in(packed, HERE) == sitemap.candidates_in(NEWS, HERE)
    assert sitemap.candidates_in(packed + bytes(512), HERE) == sitemap.candidates_in(NEWS, HERE)
    assert sitemap.candidates_in(gzip.compress(b"") * 100_000, HERE) == []


def test_robots_txt_names_sitemaps() -> None:
    text = "User-agent: *\nSitemap: /s.xml # all\nsitemap:https://b.test/t.xml\nSITEMAP: file:///etc/x\nSitemap: /s.xml"
    found = sitemap.sitemaps_in_robots(text, "https://news.test/robots.txt")
    assert [(one.url, one.kind) for one in found] == [
        ("https://news.test/s.xml", "sitemap"),
        ("https://b.test/t.xml", "sitemap"),
    ]
    assert len(sitemap.sitemaps_in_robots("\n".join(f"Sitemap: /{n}" for n in range(500)), HERE)) == 100


def test_a_page_gives_its_feeds_and_links() -> None:
    html = b'<link rel=alternate type="application/rss+xml" href="/rss"><div>See <a href="/a">this</a> now</div>'
    expected = [
        Candidate("https://news.test/rss", "links", "feed"),
        Candidate("https://news.test/a", "links", anchor="this", context="See now"),
    ]
    assert links.candidates_in(html, HERE) == expected
    assert links.candidates(glance(html, HERE)) == expected


@pytest.mark.parametrize("size", [1, 2, 7, 64, 4096])
def test_ampersands_in_cdata_stay_as_they_are(size: int) -> None:
    body = b"<a>x&y<b><![CDATA[http://x.test/?a=1&b=2]]></b>&amp;&nbsp;<![CDATA[]]>&c<![CDATA[d&e"
    wanted = b"<a>x&amp;y<b><![CDATA[http://x.test/?a=1&b=2]]></b>&amp;&amp;nbsp;<![CDATA[]]>&amp;c<![CDATA[d&e"
    assert escaped(body) == wanted
    source = Escaped(io.BytesIO(body))
    assert b"".join(iter(lambda: source.read(size), b"")) == wanted
