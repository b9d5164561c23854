"""Pages become articles, or say why not; hostile ones are refused before they cost anything."""

# ruff: noqa: RUF001 -- pages have such dashes in their titles

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import cpu_within
from lxml.html import HtmlElementClassLookup, fromstring

from pipelines import extract as subject
from pipelines import metadata
from pipelines.citation import authors_of, date_in_url, date_of
from pipelines.extract import Extracted, NotAnArticle, extract
from pipelines.language import Detector, count_words, detect, fasttext, langid
from pipelines.markup import decode

SENTENCES = [
    "The harbour board voted on Tuesday to dredge the northern channel twice a year, at a cost of four million crowns.",
    "Ingrid Solle, who chairs it, said that the silt had come faster than anyone expected after such a wet autumn.",
    "Fishermen had asked for the work to wait until the herring were gone, and were told on Friday that it could not.",
    "The contract goes to a firm from the next port along, whose dredger is to arrive before the end of the month.",
    "Ships are charged by their size whenever they enter, and two-fifths of what they pay is spent on taking out mud.",
]
TITLE = "Harbour board will dredge twice a year"
URL = "https://paper.test/news/harbour-board"
PARAGRAPHS = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)
HEADLINES = [f"Councillors argue over road number {n} and its many lamps" for n in range(30)]


def page(main: str = PARAGRAPHS, *, head: str = "", title: str = TITLE) -> bytes:
    menu = '<nav><a href="/">Home</a> <a href="/sport">Sport</a></nav>'
    html = f"<html lang='en'><head><title>{title} | The Paper</title>{head}</head>"
    return f"{html}<body>{menu}<h1>{title}</h1><article>{main}</article></body></html>".encode()


def json_ld(**fields: object) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@context": "https://schema.org", **fields})}</script>'


def reason_of(body: bytes, url: str = URL) -> str:
    with pytest.raises(NotAnArticle) as caught:
        extract(body, url)
    assert caught.value.reason in subject.REASONS
    assert caught.value.detail
    return caught.value.reason


def test_a_plain_page_gives_its_article() -> None:
    found = extract(page(), URL)
    assert found.text.splitlines() == SENTENCES
    assert (found.title, found.language, found.canonical_url) == (TITLE, "en", None)
    assert found.words == count_words(found.text)


def test_metadata_comes_from_json_ld_first() -> None:
    head = json_ld(
        **{"@type": ["NewsArticle"]}, headline=TITLE, datePublished="2024-03-12T09:30:00+01:00",
        author=[{"@type": "Person", "name": "By Jane Doe"}, {"name": "Max Roe"}], publisher={"name": "The Paper"},
    )  # fmt: skip
    head += '<meta property="article:published_time" content="2020-01-01"><link rel="canonical" href="/news/h">'
    found = extract(page(head=head), URL)
    assert found.published == datetime(2024, 3, 12, 8, 30, tzinfo=UTC)
    assert (found.published_confidence, found.evidence) == (0.95, "json-ld")
    assert found.authors == ("Jane Doe", "Max Roe")
    assert (found.site_name, found.canonical_url) == ("The Paper", "https://paper.test/news/h")


def test_a_date_only_in_the_text_is_guessed_and_says_so() -> None:
    found = extract(page(main=f"<time datetime='2023-05-04'>4 May 2023</time>{PARAGRAPHS}"), URL)
    assert found.published == datetime(2023, 5, 4, tzinfo=UTC)
    assert (found.published_confidence, found.evidence) == (0.5, "htmldate")


def test_no_date_is_no_date() -> None:
    found = extract(page(), URL)
    assert (found.published, found.published_confidence, found.evidence) == (None, 0.0, "")


@pytest.mark.parametrize(
    ("head", "headers", "noindex", "reserved"),
    [
        ("", {}, False, False),
        ('<meta name="robots" content="noindex, nofollow">', {}, True, False),
        ('<meta name="robots" content="index"><meta name="ROBOTS" content="none">', {}, True, False),
        ("", {"X-Robots-Tag": "noindex"}, True, False),
        ("", {"x-robots-tag": "googlebot: noindex"}, False, False),
        ('<meta name="tdm-reservation" content="1">', {}, False, True),
        ("", {"TDM-Reservation": "1"}, False, True),
        ("", {"tdm-reservation": "0"}, False, False),
        ('<meta name="robots" content="noai">', {}, False, True),
    ],
)
def test_what_a_page_says_of_being_kept(head: str, headers: dict[str, str], noindex: bool, reserved: bool) -> None:
    rights = extract(page(head=head), URL, headers=headers).rights
    assert (rights.noindex, bool(rights.tdm_reserved)) == (noindex, reserved)


@pytest.mark.parametrize(
    ("charset", "words"),
    [
        ("utf-8", "Grüße aus Łódź"), ("utf-8-sig", "Grüße aus Łódź"), ("utf-16", "Grüße aus Łódź"),
        ("utf-16-le", "Grüße"), ("cp1251", "Причал закрыт"), ("koi8-r", "Причал закрыт"), ("cp1252", "Grüße — “so”"),
        ("shift_jis", "港の記事"), ("iso2022_jp", "港の記事"), ("gb18030", "港口文章"), ("big5", "港口文章"),
        ("euc_kr", "항구 기사"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("declared", ["in the header", "in the page"])
def test_no_charset_loses_a_page(charset: str, words: str, declared: str) -> None:
    meta = f'<meta charset="{charset}">' if declared == "in the page" else ""
    html = page(f"<p>{words} {words}.</p>{PARAGRAPHS}", head=meta).decode()
    headers = {"Content-Type": f"text/html; charset={charset}"} if declared == "in the header" else {}
    assert words in extract(html.encode(charset), URL, headers=headers).text


def test_the_bytes_overrule_a_wrong_charset_and_one_stray_byte_spoils_nothing() -> None:
    body = page(f"<p>Grüße, Łódź, çà et là.</p>{PARAGRAPHS}")
    assert "Łódź" in extract(body, URL, encoding="iso-8859-1").text
    assert "Łódź" in extract(body.replace(b"<h1>", b"<h1>\xe9 "), URL).text
    assert decode(b"\xff\xfe\xfd", "no-such-charset")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not-html"),
        (b"just words and nothing else", "not-html"),
        (b"%PDF-1.7 <p>no</p>", "not-html"),
        (gzip.compress(page(), mtime=0), "not-html"),
        (b"<html><body></body></html>", "no-text"),
        (page("<p>Too little to be an article.</p>"), "too-short"),
        (b"<p>" + b"x" * (8 * 1024 * 1024), "too-large"),
        (b"<p>" + b"x" * 6_000_000, "node-too-large"),
        (b"<p>a" * 60_001, "too-many-tags"),
        (b"<div " + b" ".join(b"a%d=1" % n for n in range(40_000)) + b">x</div>", "too-many-tags"),
        (b"<div " + b"".join(b'a%d=">"' % n for n in range(40_000)) + b">x</div>", "too-many-tags"),
        (b"<div x=it's " + b" ".join(b"a%d='<'" % n for n in range(4_000)) + b">x</div>", "too-many-tags"),
        (b"<script " + b"/".join(b"a%d" % n for n in range(40_000)) + b">x</script>", "too-many-tags"),
    ],
)
def test_what_is_no_article_says_why(body: bytes, reason: str) -> None:
    with cpu_within(5):
        assert reason_of(body) == reason


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>" + b"<b>" * 59_000 + b"x",
        b"<table>" + b"<tr><td>a b" * 12_000,
        b"<ul><li>" * 20_000 + b"x",
        b"<!--" * 50_000,
        b"<!--" + b"-" * 4_000_000,
        b"<a href='" * 50_000,
        b"<a ='" + b"= '" * 500_000,
        b"<p>" + b"x" * 4_000_000 + b"</p>",
        b"<meta name=author content=a>" * 59_000,
        b'<script type="application/ld+json">' + b"[" * 100_000 + b"</script><p>x",
        page(head=json_ld(**{"@type": "Article"}, author="By " * 100_000)),
        page("<p>" + "(C) " * 100_000),
        page("<p>" + "1" * 1_000_000),
    ],
    ids=range(13),
)
def test_hostile_pages_end_soon_and_with_an_outcome(body: bytes) -> None:
    with cpu_within(30):
        try:
            assert extract(body, URL).text
        except NotAnArticle as outcome:
            assert outcome.reason in subject.REASONS


def teasers(count: int) -> str:
    return "".join(
        f"<h2><a href='/{n}'>{HEADLINES[n]}</a></h2><p>{SENTENCES[n % 5][:90]}… <a href='/{n}'>Read more</a></p>"
        for n in range(count)
    )


@pytest.mark.parametrize(
    ("main", "head", "url"),
    [
        ("".join(f"<p><a href='/{n}'>{line}</a></p>" for n, line in enumerate(HEADLINES)), "", URL),
        ("<ul>" + "".join(f"<li><a href='/{n}'>{h}</a></li>" for n, h in enumerate(HEADLINES)) + "</ul>", "", URL),
        (teasers(20), "", "https://paper.test/"),
        (teasers(20), "", "https://paper.test/tag/harbour"),
        (teasers(20), '<meta property="og:type" content="website">', URL),
        (teasers(20), '<meta property="og:type" content="article">' + json_ld(**{"@type": "CollectionPage"}), URL),
        (teasers(12), json_ld(**{"@graph": [{"@type": "NewsArticle", "headline": h} for h in HEADLINES[:12]]}), URL),
    ],
)
def test_lists_of_links_are_no_articles(main: str, head: str, url: str) -> None:
    assert reason_of(page(main, head=head, title="All about the harbour"), url) in {"not-article", "too-short"}


def test_links_inside_an_article_do_not_make_it_a_list() -> None:
    linked = PARAGRAPHS.replace("silt", '<a href="/silt">silt</a>').replace("dredger", '<a href="/d">dredger</a>')
    tail = "<ul>" + "".join(f"<li><a href='/{n}'>{line}</a></li>" for n, line in enumerate(HEADLINES[:5])) + "</ul>"
    assert extract(page(linked + tail), URL).text.splitlines() == SENTENCES


@pytest.mark.parametrize(
    "url", ["https://paper.test/", "https://paper.test/tag/mud", "https://paper.test/author/mara-quill/"]
)
def test_a_page_at_the_address_of_a_list_must_say_that_it_is_an_article(url: str) -> None:
    assert reason_of(page(PARAGRAPHS), url) == "not-article"
    assert extract(page(PARAGRAPHS, head=json_ld(**{"@type": "NewsArticle"})), url).text.splitlines() == SENTENCES


def test_teasers_with_dates_between_them_are_a_list() -> None:
    rows = "".join(f"<h2><a href='/{n}'>{h}</a></h2><p>{SENTENCES[n % 3]}</p><p>{n + 1} November 2026</p>"
                   for n, h in enumerate(HEADLINES[:8]))  # fmt: skip
    assert reason_of(page(rows), URL) == "not-article"


def test_title_cues_and_trailing_links_are_no_text() -> None:
    main = f"<p>{TITLE}</p>{PARAGRAPHS}<p>Related: What the mud costs</p><p><a href='/m'>Where the mud goes now</a></p>"
    assert extract(page(main), URL).text.splitlines() == SENTENCES


def test_what_stands_beside_an_article_is_no_text_of_it_and_one_inside_a_menu_never_closed_is_found() -> None:
    beside = f"<p>{'Subscribers read the paper without its many advertisements. ' * 12}</p>"
    around = f"<nav>{beside}</nav>{PARAGRAPHS}<aside>{beside}</aside><footer>{beside}</footer>"
    assert extract(page(around), URL).text.splitlines() == SENTENCES
    unclosed = f"<html><body><nav><a href='/'>Home</a><h1>{TITLE}</h1>{PARAGRAPHS}</body></html>"
    assert "".join(SENTENCES[1:3]) in extract(unclosed.encode(), URL).text.replace("\n", "")


def test_what_holds_no_text_is_taken_out_of_an_article_and_its_words_stay() -> None:
    held = "<img src='/a.png'><button>Share</button><input name='q'><script>track()</script>"
    assert extract(page(PARAGRAPHS.replace(" ", f" {held}", 4)), URL).text.splitlines() == SENTENCES
    told = json_ld(**{"@type": "NewsArticle", "articleBody": " ".join(SENTENCES)})
    assert SENTENCES[-1] in extract(page("<div id='app'></div>", head=told), URL).text


def test_no_element_of_a_page_is_looked_up_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[str] = []
    known = HtmlElementClassLookup.lookup
    spy = lambda self, kind, doc, ns, name: looked_up.append(name) or known(self, kind, doc, ns, name)  # noqa: E731
    monkeypatch.setattr(HtmlElementClassLookup, "lookup", spy)
    assert fromstring("<form><p>x</p></form>").tag == "form" and looked_up
    looked_up.clear()
    dated = json_ld(**{"@type": "NewsArticle", "datePublished": "2026-03-04"})  # or htmldate would look for a date
    assert extract(page(f"<form><input></form>{PARAGRAPHS}", head=dated), URL).text.splitlines() == SENTENCES
    assert not looked_up


@pytest.mark.parametrize(
    "named", [f"&#{code};" for code in (1, 8, 11, 12, 14, 27, 31)] + ["&#x1B;", "&#X0c", "&#65534;"]
)
def test_a_control_character_that_a_page_names_costs_no_article(named: str) -> None:
    found = extract(page(PARAGRAPHS.replace("Solle,", f"Solle,{named}"), title=f"{TITLE}{named}"), URL)
    assert (found.text.splitlines(), found.title) == (SENTENCES, TITLE)


def test_a_page_that_says_it_is_an_article_may_be_short() -> None:
    short = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES[:3])
    assert reason_of(page(short)) == "too-short"
    assert extract(page(short, head=json_ld(**{"@type": "NewsArticle"})), URL).words < subject.MIN_WORDS


def test_a_timeout_is_never_taken_for_a_bad_page(monkeypatch: pytest.MonkeyPatch) -> None:
    class JobTimeoutException(Exception):
        pass

    def late(*_: object, **__: object) -> None:
        raise JobTimeoutException

    monkeypatch.setattr(subject, "bare_extraction", late)
    with pytest.raises(JobTimeoutException):
        extract(page(), URL)


def test_what_trafilatura_cannot_digest_is_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise AttributeError("NoneType")

    monkeypatch.setattr(subject, "bare_extraction", broken)
    assert reason_of(page()) == "extraction-error"


@pytest.mark.parametrize("read", [extract, subject.extract_plainly])
@pytest.mark.parametrize("error", [OverflowError("int too large"), RecursionError("too deep"), KeyError("author")])
def test_metadata_that_cannot_be_read_is_an_outcome(
    monkeypatch: pytest.MonkeyPatch, read: Callable[..., object], error: Exception
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(metadata, "read", broken)
    with pytest.raises(NotAnArticle) as caught:
        read(page(), URL)
    assert caught.value.reason == "extraction-error"


@pytest.mark.parametrize("read", [extract, subject.extract_plainly])
def test_no_number_in_the_metadata_is_too_large(read: Callable[..., Extracted]) -> None:
    said = '{"@type": "NewsArticle", "wordCount": 1e999, "datePublished": "Mon, 06 May 2024 07:08:09 +99999999999999"}'
    head = f'<script type="application/ld+json">{said}</script>'
    assert read(page(head=head), URL, hint="Mon, 06 May 99999999999999999999 07:08:09 GMT").title == TITLE


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        (["By Jane Doe and Max Roe"], ("Jane Doe", "Max Roe")),
        (["Jane Doe, Max Roe, Sports Writer"], ("Jane Doe", "Max Roe")),
        (["Doe, Jane"], ("Jane Doe",)),
        (["https://social.test/jane", "jane@paper.test", "admin"], ()),
        (["Jane Doe", "JANE DOE"], ("Jane Doe",)),
        (["Von Anna Muster und Eva Roe"], ("Anna Muster", "Eva Roe")),
        (["x" * 1000], ()),
    ],
)
def test_authors_are_people(raw: list[str], names: tuple[str, ...]) -> None:
    assert authors_of(raw) == names


@pytest.mark.parametrize(
    ("raw", "day"),
    [
        ("2024-03-12T09:30:00Z", "2024-03-12"),
        ("2024-03-12T01:00:00+0300", "2024-03-11"), ("2024-03-12", "2024-03-12"),
        ("Tue, 12 Mar 2024 09:30:00 GMT", "2024-03-12"), ("1710235800", "2024-03-12"), ("1710235800000", "2024-03-12"),
        ("published 2024-3-12 at noon", "2024-03-12"), ("", None), ("soon", None), ("1883-03-12", None),
        ("9999-12-31T23:59:59-10:00", None), ("2999-01-01", None), ("2024-13-45", None), ("Tue, 99 Mar", None),
    ],
)  # fmt: skip
def test_dates_as_machines_write_them(raw: str, day: str | None) -> None:
    found = date_of(raw)
    assert (found.astimezone(UTC).date().isoformat() if found else None) == day


def test_a_day_in_the_address() -> None:
    assert date_in_url("https://paper.test/2024/03/12/mud") == datetime(2024, 3, 12, tzinfo=UTC)
    assert date_in_url("https://paper.test/mud-20240399-x") is None


def test_languages_are_told_without_a_network() -> None:
    german = "Die Hafenbehörde will zweimal im Jahr baggern lassen."
    assert [detect(text) for text in (SENTENCES[0], german, "…", "42")] == ["en", "de", "und", "und"]
    # a beginning that tells nothing
    assert detect(f"{'1, 22, 333; ' * 30}{german * 6}") == "de"
    assert count_words("港の記事を読む") == 3
    assert count_words("समुद्र तट पर जहाज़") == 4


def test_broken_json_ld_is_passed_over() -> None:
    head = '<script type="application/ld+json">{"@type": "Article", "headline": }</script>'
    head += (
        '<script type="application/ld+json">{"@type":"Article","author":[null,3,{"name":["x"]}],"publisher":7}</script>'
    )
    tree = metadata.parse(page(head=head).decode())
    assert metadata.read(tree, URL).kind == "article"


def test_warming_makes_the_first_page_cheap() -> None:
    code = """
import sys, time
from pipelines import extract
extract.warm()
loaded, began = set(sys.modules), time.process_time()
extract.extract(sys.stdin.buffer.read(), "https://news.example/2026/11/it")
took = time.process_time() - began
assert set(sys.modules) == loaded, set(sys.modules) - loaded
assert took < 1, took  # of a hundredth, where loading takes three
"""
    html = page("<p class='date'>3 March 2020</p>" + PARAGRAPHS)
    done = subprocess.run([sys.executable, "-c", code], input=html, capture_output=True, check=False,
                          cwd=Path(__file__).parents[2])  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("teller", [fasttext, langid])
def test_both_tellers_of_languages_know_the_common_ones(teller: Callable[[], Detector]) -> None:
    if teller is fasttext and sys.version_info >= (3, 14):
        pytest.skip("fastText has no wheel for Python 3.14 yet")
    told = teller()
    for language, text in {
        "en": "The harbour board approved the change on Tuesday evening after a long debate.",
        "de": "Die Baggerleute von Northhaven fahren nach zweiundzwanzig Tagen wieder aus.",
        "fr": "Le conseil du port a approuvé mardi soir le changement après un long débat.",
        "es": "La junta del puerto aprobó el cambio el martes por la noche tras un largo debate.",
        "uk": "Рада порту схвалила зміни у вівторок увечері після тривалих дебатів.",
        "ru": "Совет порта одобрил изменения во вторник вечером после долгих дебатов.",
        "ar": "وافق مجلس الميناء على التغيير مساء الثلاثاء بعد نقاش طويل.",
        "sw": "Bodi ya bandari iliidhinisha mabadiliko hayo Jumanne jioni baada ya mjadala mrefu.",
    }.items():
        found, confidence = told(text)
        assert found == language
        assert 0.25 < confidence <= 1.001
    assert told("qqq 17")[1] < 0.4
