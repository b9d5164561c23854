"""Whatever charset a page or its server names, its bytes become text: every codec Python knows, and what is none."""

from __future__ import annotations

import encodings
import pkgutil
import random
from encodings.aliases import aliases

import pytest
from conftest import cpu_within

from crawler.reading import charsets
from crawler.reading.charsets import tamed, text_of
from crawler.reading.gate import Gate
from crawler.reading.glance import glance
from pipelines.extract import NotAnArticle, extract
from pipelines.markup import charset_of, decode

NAMES = sorted(
    {one.name for one in pkgutil.iter_modules(encodings.__path__)} | set(aliases.values())
    | {"", "x", "x-user-defined", "utf8mb4", "none", "null", "../../etc/passwd", "a" * 200, "utf-8\x00", "é", "mbcs"}
)  # fmt: skip
BODY = (
    "<html><head><title>Der Hafen</title></head><body><article>"
    + "<p>The harbour board voted on Tuesday to dredge the channel: vierzehn Millionen für den Schlick.</p>" * 8
    + '<a href="/next">next</a></article></body></html>'
).encode()
RUSSIAN = "Причал закрыт до весны"


@pytest.mark.parametrize("name", NAMES)
def test_every_charset_gives_text_and_none_raises(name: str) -> None:
    declared = BODY.replace(b"<head>", f'<head><meta charset="{name[:40]}">'.encode("utf-8", "replace"))
    for body in (BODY, declared, BODY[:-7] + b"\xff\xfe\x00\x80"):
        assert isinstance(text_of(body, name), str)
        assert isinstance(decode(body, f"text/html; charset={name}"), str)
        glance(body, "http://a.test/x", encoding=name)
    try:
        extract(BODY, "http://a.test/x", headers={"content-type": f"text/html; charset={name}"})
    except NotAnArticle as drop:
        assert drop.reason


@pytest.mark.parametrize("name", ["rot13", "hex", "zlib_codec", "base64", "bz2", "idna", "punycode", "undefined", "x"])
def test_what_is_no_charset_of_the_web_is_passed_over(name: str) -> None:
    assert "dredge the channel" in text_of(BODY, name)
    assert [link.url for link in glance(BODY, "http://a.test/x", encoding=name).links] == ["http://a.test/next"]


@pytest.mark.parametrize(
    "kind",
    ["text/html; charset=windows-1251", "text/html; Charset=windows-1251", "text/html;CHARSET=Windows-1251;x=y",
     "text/html; charset = windows-1251", 'text/html; charset="windows-1251"', "text/html; charset='cp1251'"],
)  # fmt: skip
def test_the_charset_of_a_header_is_read_however_it_is_spelt(kind: str) -> None:
    body = f"<title>{RUSSIAN}</title><article>{f'<p>{RUSSIAN}: {RUSSIAN}, {RUSSIAN}.</p>' * 20}</article>"
    look = Gate(None, keeps_all=True).look(body.encode("cp1251"), "http://a.test/x", {"content-type": kind})
    assert look.glance is not None and look.glance.title == RUSSIAN
    assert RUSSIAN in decode(body.encode("cp1251"), kind)


@pytest.mark.parametrize("kind", ["text/html; charset=iso-8859-1", "text/html; charset=windows-1251", "text/html"])
def test_a_page_in_utf8_is_read_as_such_whatever_is_said_of_it(kind: str) -> None:
    for inside in ("utf-8", "iso-8859-5"):
        body = f"<meta charset={inside}><title>{RUSSIAN}</title><p>{RUSSIAN}</p>".encode()
        look = Gate(None, keeps_all=True).look(body, "http://a.test/x", {"content-type": kind})
        assert look.glance is not None and look.glance.title == RUSSIAN
        assert RUSSIAN in decode(body, kind)


def test_a_header_may_name_no_charset() -> None:
    assert {charset_of(kind) for kind in ("", "text/html", "text/html; charset=", "text/html; x=charset")} == {None}


@pytest.mark.parametrize("before", [0, 1, 16_383, 16_384, 40_000])
def test_a_tag_of_thousands_of_attributes_is_cut_off_wherever_it_begins(before: int) -> None:
    flood = "<a" + " b=1" * 5_000
    for text in ("x" * before, "<p>" * (before // 3)):
        assert tamed(f"{text}{flood}>end") == f"{text}>end"
        for short in ("<p>", "<a" + " b=1" * 1_000 + ">"):
            assert tamed(f"{text}{short}end") == f"{text}{short}end"


def test_a_long_tag_is_found_as_cutting_the_text_would_find_it() -> None:
    chance = random.Random(4)
    for _ in range(500):
        letters = ["x"] * chance.choice((100, 16_383, 16_384, 16_385, 40_000))
        for _ in range(chance.randrange(6)):
            letters[chance.randrange(len(letters))] = ">"
        text = "".join(letters)
        assert charsets._has_long_tag(text) == (max(map(len, text.split(">"))) >= 16_384)


@pytest.mark.parametrize("filled", [" ", "/", "= ", "\n", "\"'"])
def test_a_tag_of_nothing_but_spaces_costs_no_more_than_its_length(filled: str) -> None:
    tag = "<a" + filled * (200_000 // len(filled))
    with cpu_within(5.0):
        assert tamed(f"{tag}>end").endswith(">end")
        tamed(tag)
