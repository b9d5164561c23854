"""One quick look at a page: what it finds, what it leaves out, and that odd bytes never stop it."""

from __future__ import annotations

import encodings.aliases
import random

import pytest
from conftest import cpu_within

from crawler.reading.anchors import Link
from crawler.reading.glance import Glance, glance

PAGE = "https://news.test/world/the-night-train"


def seen(html: str, url: str = PAGE) -> Glance:
    return glance(html.encode(), url)


def urls_of(html: str) -> list[str]:
    return [link.url for link in seen(html).links]


PARAGRAPH = (
    "<p>" + "The night train came back to the harbour on a cold morning, and nobody was there to see it. " * 3 + "</p>"
)


def test_a_page_tells_what_it_says_about_itself() -> None:
    page = seen(
        """<html lang="en-GB"><head><title> The  night
        train </title><meta name="description" content="It is &amp; was back.">
        <meta name="Robots" content="NoIndex, NoArchive"><meta name="tdm-reservation" content="1">
        <link rel="canonical" href="/world/the-night-train?utm_source=x"><link rel="amphtml" href="/amp/1">
        <link rel="alternate" type="application/rss+xml" href="/rss"><link rel="alternate" hreflang="de" href="/de">
        <link rel="alternate" type="application/json" href="/wp-json/1"></head><body></body></html>"""
    )
    assert page.title == "The night train"
    assert page.description == "It is & was back."
    assert page.lang == "en"
    assert page.canonical == PAGE
    assert page.robots == "noindex, noarchive"
    assert page.feeds == ["https://news.test/rss"]


def test_an_empty_page_gives_an_empty_glance() -> None:
    assert glance(b"", PAGE) == Glance()


def test_links_come_once_with_their_longest_words_and_what_stands_around_them() -> None:
    page = seen(
        """<div><a href="/a?utm_medium=x">Short</a></div>
        <div>Yesterday <a href="/a#top"><b>A much longer</b> anchor</a> was seen by all.</div>"""
    )
    assert page.links == [Link("https://news.test/a", "A much longer anchor", "Yesterday was seen by all.")]


def test_a_headline_takes_its_teaser_from_the_next_box() -> None:
    page = seen(
        "<li><div><h3><a href='/a'>The night train returns to harbour</a></h3></div><div>After nine years.</div></li>"
    )
    assert page.links[0].context == "After nine years."


def test_a_picture_lends_its_description_to_the_link_around_it() -> None:
    assert seen('<a href="/a"><img src="x.png" alt="A train"></a>').links[0].anchor == "A train"


@pytest.mark.parametrize(
    "href",
    [
        "mailto:a@b.test", "javascript:void(0)", "tel:+123", "data:text/html,x", "file:///etc/passwd", "#top", "",
        "ftp://a.test/x", "/photo.jpg", "/paper.pdf", PAGE, "http://", "https://[::1", "/" + "x" * 3000,
    ],
)  # fmt: skip
def test_what_is_no_page_is_not_a_link(href: str) -> None:
    assert urls_of(f'<a href="{href}">x</a><a href="/kept">y</a>') == ["https://news.test/kept"]


def test_nofollow_links_are_left_out() -> None:
    assert urls_of('<a rel="noopener NoFollow" href="/a">x</a><a rel="noopener" href="/b">y</a>') == [
        "https://news.test/b"
    ]
    assert urls_of('<meta name="robots" content="index,nofollow"><a href="/b">y</a>') == []
    assert urls_of('<meta name="robots" content="none"><a href="/b">y</a>') == []


def test_the_base_of_a_page_counts_only_when_it_is_a_web_address() -> None:
    assert urls_of('<base href="https://other.test/dir/"><a href="x">x</a>') == ["https://other.test/dir/x"]
    assert urls_of('<base href="file:///etc/"><a href="passwd">x</a>') == ["https://news.test/world/passwd"]


def test_the_quick_text_is_the_longer_paragraphs_outside_of_navigation() -> None:
    page = seen(f"<nav>{PARAGRAPH.replace('train', 'menu')}</nav><p>Short.</p>{PARAGRAPH}<footer>{PARAGRAPH}</footer>")
    assert "night train" in page.text
    assert "menu" not in page.text and "Short" not in page.text
    assert len(page.text.split()) < 70
    assert len(seen(PARAGRAPH * 20).text.split()) == 200


def test_text_without_paragraphs_is_read_from_its_box() -> None:
    page = seen(f"<div>{PARAGRAPH[3:-4]}<br><br>{PARAGRAPH[3:-4] * 4}</div>")
    assert "night train" in page.text
    assert page.is_article


@pytest.mark.parametrize(
    "html",
    [
        '<meta property="og:type" content="article">',
        '<script type="application/ld+json">{"@type": "NewsArticle"}</script>',
        '<script type="application/ld+json">{"@graph": [{"@type": ["ReportageNewsArticle"]}]}</script>',
        f"<article>{PARAGRAPH * 2}</article>",
        f"<div>{PARAGRAPH * 4}</div>",
    ],
)
def test_an_article_is_known(html: str) -> None:
    assert seen(html).is_article
    assert not seen(html, "https://news.test/").is_article


@pytest.mark.parametrize(
    "html",
    [
        "<p>Nothing here.</p>",
        "".join(f"<article><a href='/{n}'>A</a>{PARAGRAPH}</article>" for n in range(9)),
        "".join(f"<div class=card>{PARAGRAPH}</div>" for _ in range(9)),
        '<script type="application/ld+json">{"@type":"ItemList","e":[{"@type":"NewsArticle"}]}</script>',
    ],
)
def test_a_list_is_no_article(html: str) -> None:
    assert not seen(html).is_article


def test_everything_is_bounded() -> None:
    long = "word " * 5000
    links = "".join(f"<a href='/{n}'>{long[:500]}</a>" for n in range(1500))
    page = seen(f"<title>{long}</title><meta name=description content='{long}'><p>{long}</p>{links}")
    assert len(page.title) <= 300 and len(page.description) <= 1000
    assert len(page.links) == 1000
    assert max(len(link.anchor) for link in page.links) <= 200
    assert max(len(link.context) for link in page.links) <= 161
    assert len(glance(b"<a href=/a>x</a><a href=/b>x</a>", PAGE, max_links=1).links) == 1


def test_links_that_are_not_wanted_are_left_unread() -> None:
    page = b"<ul><li><a href=/known>Menu</a> of all<li><a href=/new>A headline</a> and its teaser"
    wanted = glance(page, PAGE, wanted=lambda url: not url.endswith("/known")).links
    assert [link.anchor for link in wanted] == ["A headline"]
    assert wanted == [link for link in glance(page, PAGE).links if link.anchor == "A headline"]


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        ("<title>Grüße</title>".encode(), None),
        ("<title>Grüße</title>".encode(), ""),
        ("<title>Grüße</title>".encode("cp1252"), None),
        ("<title>Grüße</title>".encode("cp1252"), "utf-8"),
        ("<title>Grüße</title>".encode("cp1252"), "ISO-8859-1"),
        ('<meta charset="windows-1252"><title>Grüße</title>'.encode("cp1252"), None),
        ("<title>Grüße</title>".encode("utf-16"), None),
        ("<title>Grüße</title>".encode("utf-16-le"), "utf-16-le"),
        (b'<meta charset="utf-16">' + "<title>Grüße</title>".encode(), None),
        ("<title>Grüße</title>".encode("utf-8-sig"), "ascii"),
    ],
)
def test_the_charset_is_found_where_it_is_said_and_guessed_where_not(body: bytes, encoding: str | None) -> None:
    assert glance(body, PAGE, encoding=encoding).title == "Grüße"


def test_one_torn_character_does_not_make_a_page_latin() -> None:
    assert glance("<title>Grüße aus Köln ".encode() + b"\xff</title>", PAGE).title == "Grüße aus Köln \ufffd"


ODD_CHARSETS = sorted(
    {*encodings.aliases.aliases.values(), "idna", "punycode", "undefined", "unicode_escape", "x" * 500, "\0"}
)


@pytest.mark.parametrize("charset", ODD_CHARSETS)
def test_no_charset_makes_it_raise(charset: str) -> None:
    body = f'<meta charset="{charset}"><title>Gr\xfc\xdfe</title><a href="/x">x</a>'.encode("cp1252", "replace")
    assert isinstance(glance(body, PAGE), Glance)
    assert isinstance(glance(body, PAGE, encoding=charset), Glance)


def test_torn_pages_never_raise() -> None:
    chance = random.Random(7)
    whole = f"<html lang=en><head><title>T</title></head><body><div>{PARAGRAPH * 3}<a href='/x'>é</a></div>".encode()
    for _ in range(200):
        body = bytearray(whole[: chance.randrange(len(whole))])
        for _ in range(min(20, len(body))):
            body[chance.randrange(len(body))] = chance.randrange(256)
        assert isinstance(glance(bytes(body), PAGE), Glance)


@pytest.mark.parametrize(
    "body",
    [
        b"<div>" * 200_000,
        b"<a href=/x>" * 100_000,
        b"<div " + b" ".join(b"a%d=x" % n for n in range(100_000)) + b">",
        b"<p>" * 300_000,
        b"x" * 10_000_000,
        b"<table>" * 100_000,
        b"<div>"
        + b"a" * 1_500_000
        + b"".join(b"<a href=/%d>%sb</a>" % (n % 99, b"a" * (n // 40)) for n in range(4_000)),
    ],
    ids=["nested", "anchors", "attributes", "paragraphs", "one-line", "tables", "links-after-much-alike"],
)
def test_a_hostile_page_costs_seconds_at_most(body: bytes) -> None:
    with cpu_within(20):
        glance(body, PAGE)


@pytest.mark.timeout(120)
def test_data_of_nothing_but_spaces_is_read_once() -> None:
    data = f'<script type="application/ld+json">"@type":{" " * 200_000}</script>' * 8
    assert not seen(f'{data}<meta http-equiv="refresh" content="{" " * 4_000}">').is_article


def test_links_that_hold_links_have_words_for_as_long_as_that_costs_little() -> None:
    nested = "".join(f'<a href="/{n}"><object>' for n in range(300))
    links = [link.anchor for link in glance(f"{nested}{'far too many words ' * 5_000}".encode(), PAGE).links]
    assert links[0].startswith("far too many words")
    assert links[-1] == ""


def test_a_long_list_of_headlines_leaves_the_links_after_it_their_context() -> None:
    teasers = "".join(
        f'<div><a href="/story-{n}"><h3>A headline of some length that stands alone, number {n}</h3></a></div>'
        for n in range(600)
    )
    page = f'<body><aside>{teasers}</aside><p>The council said <a href="/ferry">the ferry</a> stays in port.</p></body>'
    (ferry,) = [link for link in glance(page.encode(), "https://a.example/").links if link.url.endswith("/ferry")]
    assert ferry.context == "The council said stays in port."
