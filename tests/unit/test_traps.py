"""Traps: what a URL tells, what pages that repeat tell, and what is no trap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_site import prose

from crawler.frontier.traps import EARLIEST, Traps, near, no_such_page, print_of, print_of_body
from pipelines import urls as identity


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://a.test/news/2026/council-votes", None),
        ("http://a.test/a/b/a/b/c", "repeated-segments"),
        ("http://a.test/x/x/x", "repeated-segments"),
        ("http://a.test/" + "/".join("abcdefghijklm"), "too-deep"),
        ("http://a.test/calendar/2026/11/05", "calendar"),
        ("http://a.test/day?date=2999-01-01", "calendar"),
        ("http://a.test/archive?page=7", None),
        ("http://a.test/archive?page=4711", "pagination"),
        ("http://a.test/archive/page/101", "pagination"),
        ("http://a.test/archive/page/100", None),
        ("http://a.test/archiv/seite-250", "pagination"),
        ("http://a.test/?paged=900&s=x", "pagination"),
        ("http://a.test/homepage/4711", None),
        ("http://a.test/page/about-us", None),
        ("http://a.test/news?id=4711", None),
        ("http://a.test/a.jpg", "not-a-page"),
    ],
)
def test_what_a_url_tells(url: str, why: str | None) -> None:
    assert identity.looks_like_trap(url) == why


def test_session_ids_are_no_part_of_a_url_and_too_many_parameters_are_no_url() -> None:
    assert identity.canonical("http://a.test/x?sid=0123456789abcdef0123&id=7") == "http://a.test/x?id=7"
    assert identity.canonical("http://a.test/x;jsessionid=AB12?id=7") == "http://a.test/x?id=7"
    assert identity.canonical("http://a.test/x?" + "&".join(f"p{n}={n}" for n in range(9))) is None


def _text(number: int) -> str:
    return " ".join(prose(number))


def test_prints_are_near_where_texts_are() -> None:
    one = print_of(_text(1))
    assert near(one, print_of(f"{_text(1)} Updated at noon."))
    assert not any(near(one, print_of(_text(number))) for number in range(2, 60))
    assert print_of("not found") == 0 and not near(0, 0)


@given(st.text(max_size=300), st.binary(max_size=300))
def test_anything_has_a_print(text: str, body: bytes) -> None:
    for mark in (print_of(text), print_of_body(body)):
        assert -(1 << 63) <= mark < 1 << 63


def test_what_is_no_text_of_a_page_is_not_in_its_print() -> None:
    text, script = _text(3), f"<script>{_text(4)}"
    page = f"<p>{text}</p><STYLE>{_text(5)}</style><p title='{_text(6)}'>"
    one = print_of(text)
    assert print_of_body(page.encode()) == print_of_body(f"<body>{script}</script>{page}".encode()) == one
    # what is never closed goes on to the end, as in a browser
    assert print_of_body(f"{page}{script}".encode()) == print_of_body(f"{page}<p {_text(7)}".encode()) == one


@pytest.mark.timeout(120)
@pytest.mark.parametrize("again", [b"<script>", b"<style ", b"<script></style>", b"<"])
def test_a_body_of_nothing_but_markup_is_read_once(again: bytes) -> None:
    assert print_of_body(again * (1 << 20)) == 0


def test_a_template_of_only_repeats_is_closed_and_others_are_not() -> None:
    traps = Traps()
    marks = [print_of(f"{_text(1)} Day {number}.") for number in range(EARLIEST)]
    closed = [traps.came("a.test", f"http://a.test/day/{n}", mark) for n, mark in enumerate(marks)]
    assert closed == [None] * (EARLIEST - 1) + ["/day/N"]
    assert traps.closed("a.test", "http://a.test/day/999") and not traps.closed("a.test", "http://a.test/news/1")
    assert not traps.closed("b.test", "http://b.test/day/1")
    assert traps.refuses("a.test", "http://a.test/day/999") == ("trap", "repeats: pages like /day/N")
    fresh = [traps.came("b.test", f"http://b.test/day/{n}", print_of(_text(n))) for n in range(60)]
    assert set(fresh) == {None}


def test_a_template_has_a_budget_that_counts_what_the_ledger_knows() -> None:
    traps = Traps(max_per_template=5)
    traps.know("a.test", "/day/N", 3, None)
    for n in range(2):
        assert traps.refuses("a.test", f"http://a.test/day/{n}") is None
        assert traps.sent("a.test", f"http://a.test/day/{n}") == "/day/N"
    assert traps.refuses("a.test", "http://a.test/day/9") == ("template-budget", "5 pages like /day/N were asked for")
    assert traps.refuses("a.test", "http://a.test/news/9") is None
    traps.know("b.test", "/x", 0, "repeats")
    assert traps.refuses("b.test", "http://b.test/x") == ("trap", "repeats: pages like /x")


@pytest.mark.parametrize(("twin", "says"), [("b.test", "a.test"), ("www.a.test", "www.a.test"), ("m.a.test", "")])
def test_a_host_that_serves_anothers_pages_is_its_mirror(twin: str, says: str) -> None:
    traps = Traps()
    said = []
    for n in range(8):
        mark = print_of(_text(n))
        assert traps.mirrored("a.test", f"http://a.test/{n}", mark) is None
        said.append(traps.mirrored(twin, f"http://{twin}/{n}", mark, says))
        # an agency's report on many sites is no mirror
        assert traps.mirrored("c.test", f"http://c.test/{n}", print_of(_text(100 + n)) if n % 2 else mark) is None
    assert said == [None] * 4 + ["a.test"] + [None] * 3, "once is enough"


@pytest.mark.parametrize("says", ["", "paper.test", "www.paper.test"])
def test_who_serves_a_papers_pages_before_it_does_not_end_the_paper(says: str) -> None:
    traps = Traps()
    for n in range(50):
        mark = print_of(_text(n))
        assert traps.mirrored("thief.test", f"http://thief.test/{n}", mark, "thief.test") is None
        assert traps.mirrored("paper.test", f"http://paper.test/{n}", mark, says) is None


def test_a_page_that_cannot_be_there_is_the_same_for_a_host_each_time() -> None:
    assert no_such_page("a.test") == no_such_page("a.test") != no_such_page("b.test")
    assert identity.canonical(f"http://a.test{no_such_page('a.test')}")
