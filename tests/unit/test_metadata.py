"""What pages say about themselves: several sources a field, whose word counts, what is kept of quarrels."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import metadata
from pipelines.access import stops_short, walled
from pipelines.dating import AGREED, FEED, JSON_LD, URL, Said, believed
from pipelines.extract import extract
from pipelines.metadata import Metadata

MAY = datetime(2024, 5, 17, 9, 30, tzinfo=UTC)


def page(*, head: str = "", body: str = "", ld: Any = None) -> str:
    script = f'<script type="application/ld+json">{json.dumps(ld)}</script>' if ld is not None else ""
    return f"<html lang=en><head><title>T</title>{head}{script}</head><body>{body}</body></html>"


def about(url: str = "https://news.example/story", *, hint: str = "", **more: Any) -> Metadata:
    return metadata.read(metadata.parse(page(**more)), url, hint=hint)


def article(**values: Any) -> dict[str, Any]:
    return {"@type": "NewsArticle", "headline": "Dredgers leave the harbour", **values}


# dates


def test_a_date_that_two_kinds_of_source_name_is_surer_than_either_alone() -> None:
    told = about("https://news.example/2024/05/17/story", ld=article(datePublished="2024-05-17T09:30:00Z")).published
    assert told is not None
    assert (told.when, told.confidence, told.evidence) == (MAY, AGREED, "json-ld")
    assert told.said == {"json-ld": "2024-05-17T09:30:00Z", "url": "2024-05-17T00:00:00Z"}


def test_what_was_said_of_a_date_keeps_the_zone_it_was_written_in() -> None:
    written = "2024-05-16T22:30:00-11:00"
    told = about("https://news.example/2024/05/16/story", ld=article(datePublished=written)).published
    assert told is not None
    assert (told.when, told.when.tzinfo) == (MAY, UTC)
    assert told.said == {"json-ld": written, "url": "2024-05-16T00:00:00Z"}


def test_a_date_that_another_kind_of_source_denies_is_doubted() -> None:
    told = about("https://news.example/2019/01/02/story", ld=article(datePublished="2024-05-17T09:30:00Z")).published
    assert told is not None
    assert told.when == MAY
    assert told.confidence == JSON_LD - 0.25


def test_address_and_feed_together_overrule_the_markup() -> None:
    told = about("https://news.example/2024/05/17/story", hint="Fri, 17 May 2024 08:00:00 GMT",
                 ld=article(datePublished="2024-11-01T09:30:00Z")).published  # fmt: skip
    assert told is not None
    assert (told.when.date(), told.evidence, told.confidence) == (MAY.date(), "feed", AGREED)
    assert told.said["json-ld"].startswith("2024-11-01")


def test_a_feed_dates_a_page_that_says_nothing() -> None:
    told = about(hint="2024-05-17T09:30:00+00:00").published
    assert told is not None
    assert (told.when, told.confidence, told.evidence) == (MAY, FEED, "feed")
    bare = about("https://news.example/2024/05/17/x").published
    assert bare is not None
    assert bare.confidence == URL
    assert about().published is None


@given(
    st.lists(
        st.builds(
            Said, st.sampled_from(["markup", "url", "feed"]), st.text(max_size=5),
            st.datetimes(datetime(1991, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)), st.floats(0.5, 0.99),
        ),
        max_size=5,
    )
)  # fmt: skip
def test_whatever_is_said_the_believed_date_is_one_of_those_and_its_confidence_a_share(said: list[Said]) -> None:
    told = believed(said)
    assert (told is None) == (not said)
    if told:
        assert told.when in [one.when for one in said]
        assert 0 < told.confidence <= 1


# authors


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ({"name": "Jane Doe"}, ("Jane Doe",)),
        ([{"givenName": "Jane", "familyName": "Doe"}, "Max Roe"], ("Jane Doe", "Max Roe")),
        ([{"name": "Jane Doe"}, [{"name": "Max Roe"}]], ("Jane Doe", "Max Roe")),
        ({"name": ["Jane Doe", "Max Roe"]}, ("Jane Doe", "Max Roe")),
        ("Doe, Jane", ("Jane Doe",)),
        ("Jane Doe (jd), Max Roe (mr)", ("Jane Doe", "Max Roe")),
        ("Jane Doe, MDR SACHSEN-ANHALT", ("Jane Doe",)),
        ([[[[{"name": "too deep"}]]]], ()),
        ({"name": 5}, ()),
    ],
)
def test_authors_are_read_however_json_ld_words_them(author: Any, names: tuple[str, ...]) -> None:
    assert about(ld=article(author=author)).authors == names


def test_the_site_itself_is_the_author_only_when_nobody_else_is_named() -> None:
    told = about(
        ld=article(author={"name": "News Example"}), head='<meta property="og:site_name" content="News Example">',
        body='<p class="story-author">By Jane Doe 17 May 2024</p>',
    )  # fmt: skip
    assert (told.authors, told.evidence["authors"]) == (("Jane Doe",), "by")
    assert told.said["authors"] == {"json-ld": ("News Example",), "by": ("Jane Doe",)}
    assert about(ld=article(author={"name": "News"})).authors == ("News",)


def test_every_author_of_a_paper_is_told() -> None:
    head = "".join(f'<meta name="citation_author" content="{name}">' for name in ("Doe, Jane", "Roe, Max"))
    assert about(head=head).authors == ("Jane Doe", "Max Roe")


def test_names_in_boxes_that_do_not_say_by_are_nobodys() -> None:
    assert about(body='<ul class="authorList"><li class="authorListItem">Jane Doe</li></ul>').authors == ()


# titles, sections, walls


def test_titles_that_differ_are_all_kept_and_the_headline_believed() -> None:
    told = about(ld=article(), head='<meta property="og:title" content="You will not believe what left">')
    assert (told.title, told.evidence["title"]) == ("Dredgers leave the harbour", "json-ld")
    assert told.said["title"]["og:title"] == "You will not believe what left"
    same = about(ld=article(), head='<meta property="og:title" content="Dredgers leave the harbour!">')
    assert "title" not in same.said


@pytest.mark.parametrize(
    "script",
    [
        "{}",
        '{{"@type": "WebPage", "mainEntity": {}}}',
        "{};",
        "//<![CDATA[\n{};\n//]]>",
        "/*<![CDATA[*/{}/*]]>*/",
        "/* <![CDATA[ */\n{}\n/* ]]> */",
    ],
)
def test_json_ld_is_read_where_a_page_names_its_article_and_however_templates_wrap_it(script: str) -> None:
    wrapped = script.format(json.dumps(article(articleSection="Harbour")))
    told = about(head=f'<script type="application/ld+json">{wrapped}</script>')
    assert (told.title, told.section, told.kind) == ("Dredgers leave the harbour", "Harbour", "article")


def test_an_article_that_a_page_only_mentions_is_not_its_own() -> None:
    assert about(ld={"@type": "WebPage", "mentions": article(articleSection="Harbour")}).section == ""


def test_the_section_is_the_first_that_is_named() -> None:
    assert about(ld=article(articleSection=["Harbour", "News"])).section == "Harbour"
    told = about(head='<meta property="article:section" content=" Local  News ">')
    assert (told.section, told.evidence["section"]) == ("Local News", "meta article:section")
    assert "section" not in told.said
    both = about(ld=article(articleSection="Harbour"), head='<meta property="article:section" content="Local News">')
    assert (both.section, both.evidence["section"]) == ("Harbour", "json-ld")
    assert both.said["section"] == {"json-ld": "Harbour", "meta article:section": "Local News"}
    assert about().section == ""


@pytest.mark.parametrize(
    ("metas", "main", "verdict"),
    [
        ({}, {"isAccessibleForFree": False}, True),
        ({}, {"isAccessibleForFree": "http://schema.org/False"}, True),
        ({}, {"isAccessibleForFree": "True"}, False),
        ({"article:content_tier": "metered"}, {}, True),
        ({"article:content_tier": "free"}, {"isAccessibleForFree": 7}, False),
        ({}, {}, None),
    ],
)
def test_a_wall_is_told_from_an_open_page(metas: dict[str, str], main: dict[str, Any], verdict: bool | None) -> None:
    assert walled(metas, main) is verdict


def test_a_teaser_is_told_from_an_article() -> None:
    assert stops_short("Begins…", 300, {}, walls=True)
    assert stops_short("Begins.", 100, {}, walls=True)
    assert not stops_short("Whole.", 600, {}, walls=True)
    assert not stops_short("Short…", 100, {}, walls=None)
    assert stops_short("Begins.", 200, {"wordCount": "900"}, walls=None)
    assert not stops_short("Whole.", 880, {"wordCount": 900}, walls=None)
    for absurd in ("many", -1, float("inf"), float("nan")):
        assert not stops_short("Whole.", 880, {"wordCount": absurd}, walls=None)
    assert stops_short("Whole.", 880, {"wordCount": 10**400}, walls=None)


def test_what_was_read_goes_along_with_the_article() -> None:
    sentence = "The town council met on Tuesday and heard what clearing the winter's snow is going to cost. "
    html = page(ld=article(datePublished="2024-05-17T09:30:00Z", articleSection="Harbour", isAccessibleForFree=False),
                body=f"<article><h1>Dredgers leave the harbour</h1><p>{sentence * 12}</p></article>")  # fmt: skip
    found = extract(html.encode(), "https://news.example/2019/01/02/story").about
    assert (found.section, found.paywalled, found.truncated) == ("Harbour", True, False)
    assert found.evidence == {"title": "json-ld", "section": "json-ld", "published": "json-ld"}
    assert found.disagreement == {"published": {"json-ld": "2024-05-17T09:30:00Z", "url": "2019-01-02T00:00:00Z"}}


@pytest.mark.parametrize(("lang", "said"), [("en-GB", {}), ("", {}), ("de", {"text": "en", "markup": "de"})])
def test_a_language_that_the_markup_denies_is_that_of_the_text(lang: str, said: dict[str, str]) -> None:
    sentence = "The town council met on Tuesday and heard what clearing the winter's snow is going to cost. "
    html = page(body=f"<article><p>{sentence * 12}</p></article>").replace("<html lang=en>", f'<html lang="{lang}">')
    found = extract(html.encode(), "https://news.example/story")
    assert (found.language, found.about.disagreement.get("language", {})) == ("en", said)


_NAMES = st.sampled_from(["name", "author", "@type", "datePublished", "articleSection", "wordCount"])
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=9,
)


@given(_ANYTHING)
def test_no_json_ld_breaks_the_reading(ld: Any) -> None:
    told = about(ld=[article(author=ld, articleSection=ld, datePublished=ld, isAccessibleForFree=ld), ld])
    assert isinstance(told.title, str)
    json.dumps([told.said, told.evidence, told.section, told.walled])
