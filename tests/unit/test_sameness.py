"""What counts as the same text, how it is shown, what never is, and that the order of arrival changes nothing."""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import cpu_within
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "benchmarks"))

import retold

from crawler.web.diff import compare
from pipelines import sameness
from pipelines.agencies import credited
from pipelines.difference import changes
from pipelines.folding import fold
from pipelines.passages import LITTLE, Reading, shared
from pipelines.sameness import Link, Told, link
from pipelines.urls import key, variant_of

WORDS = [f"{a}{b}{c}{d}" for a in "bdfgk" for b in "aeiou" for c in "lmnrst" for d in ("ar", "en", "os")]


def prose(seed: int, words: int = 200) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


def told(text: str, url: str = "https://a.test/1", *, title: str = "", site: str = "", **more: Any) -> Told:
    made = {"canonical_key": key(url), "agency": "", "rank": (url,), **more}
    site = site or url.split("/")[2]
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return Told(row=abs(key(url)), url=url, site=site, title=title or text[:30], sha256=sha256, text=text, **made)


def found(one: Told, other: Told) -> Link | None:
    assert link(one, other) == link(other, one)
    return link(one, other)


def kind(one: Told, other: Told) -> str | None:
    made = found(one, other)
    return made.kind if made else None


def edited(text: str, share: float, seed: int = 0) -> str:
    words, dice = text.split(), random.Random(seed)
    for at in dice.sample(range(len(words)), round(share * len(words))):
        words[at] = f"edit{dice.randrange(10**6)}"
    return " ".join(words)


def test_each_of_the_five_steps_says_what_shows_it() -> None:
    text = prose(1)
    first = told(text)
    print_page = told(edited(text, 0.02), "https://a.test/print/1", title="Something else")
    assert kind(first, print_page) == "variant"
    amp = told(text, "https://a.test/amp/other", canonical_key=first.canonical_key)
    made = found(first, amp)
    assert made and (made.kind, made.similarity, made.evidence["address"]) == ("variant", 1.0, "canonical")
    assert kind(first, told(text, "https://b.test/1")) == "same"
    assert kind(first, told(edited(text, 0.2), "https://a.test/2", canonical_key=first.canonical_key)) == "revision"
    assert kind(first, told(edited(text, 0.03), "https://b.test/1")) == "near"
    agency = found(first, told(edited(text, 0.03), "https://b.test/1", agency="AFP"))
    assert agency and (agency.kind, agency.evidence["agency"]) == ("syndicated", "AFP")


def test_copies_to_which_outlets_add_a_third_of_their_own_are_syndicated() -> None:
    text = prose(1, 400)
    one = f"{prose(2, 100)} {text} {prose(3, 100)}"
    other = f"{text[: len(text) // 2]} {prose(4, 200)} {text[len(text) // 2 :]}"
    made = found(told(one), told(other, "https://b.test/1"))
    assert made and made.kind == "syndicated"
    assert made.evidence["of_shorter"] == pytest.approx(2 / 3, abs=0.03)
    assert made.evidence["longest"] > 150


def test_an_address_shared_by_different_articles_proves_nothing() -> None:
    assert found(told(prose(1), canonical_key=7), told(prose(2), "https://a.test/2", canonical_key=7)) is None


def test_reports_that_quote_the_same_speech_are_two() -> None:
    speech = prose(9, 90)
    one, other = (f"{prose(at, 100)} {speech} {prose(at + 10, 100)}" for at in (1, 2))
    assert found(told(one), told(other, "https://b.test/1")) is None


def test_what_every_page_of_a_site_says_is_no_article() -> None:
    wall = "Subscribe now to go on reading this article. " * 12
    pages = [
        told(wall, f"https://a.test/{at}", title=title) for at, title in enumerate(["Bridge shut", "Votes counted"])
    ]
    assert found(*pages) is None


@pytest.mark.parametrize("of", ["weather", "prices", "fixtures"])
def test_forms_filled_in_twice_are_two_pages(of: str) -> None:
    pages = [
        told(one.text, one.url, title=one.title, site=one.site)
        for one in retold.forms(90, 5) if one.subject == f"form-{of}"
    ]  # fmt: skip
    assert [one.url for at, one in enumerate(pages) for other in pages[:at] if found(one, other)] == []


def test_a_page_at_home_that_is_half_alike_is_a_copy_only_under_the_same_headline() -> None:
    text = prose(1)
    half = edited(text, 0.12)
    assert kind(told(text), told(half, "https://a.test/2", title=text[:30])) == "near"
    assert found(told(text), told(half, "https://a.test/2", title="Another thing")) is None


def test_names_are_compared_only_where_a_link_is_possible() -> None:
    assert (
        min(sameness.SAME_ADDRESS, sameness.NEAR_UNDER_ONE_HEADLINE, sameness.COPY[0], sameness.ABRIDGED[0]) >= LITTLE
    )
    ours, theirs, common = prose(1), prose(2), prose(3)
    much = shared(Reading(f"{ours} {common}"), Reading(f"{common} {theirs}"))
    assert much.of_shorter >= LITTLE and much.alike > 0
    words = common.split()
    little = shared(Reading(f"{ours} {' '.join(words[: len(words) // 10])}"), Reading(f"{theirs} {common}"))
    assert 0 < little.of_longer < little.of_shorter < LITTLE and little.alike == 0


def test_passages_are_the_same_whichever_text_comes_first() -> None:
    one, other = Reading(prose(1) * 2), Reading(f"{prose(2)} {prose(1)}")
    assert shared(one, other) == shared(other, one)
    assert shared(one, Reading("short")).of_shorter == 0


@pytest.mark.parametrize(
    ("authors", "text", "agency"),
    [
        (("Ada B.", "Reuters"), "Text", "Reuters"),
        (("The Associated Press",), "Text", "AP"),
        (("Agence France-Presse",), "Text", "AFP"),
        ((), "PARIS (Agence France Presse) - The minister", "AFP"),
        ((), "PARIS (AFP) - The minister said on Monday", "AFP"),
        ((), "BERLIN (dpa/lno) - Der Minister", "dpa"),
        ((), "One.\nTwo.\n(Reuters)", "Reuters"),
        ((), "The minister told Reuters (a news agency) that he would go.", ""),
        (("Pat Apple",), "The app (APP) is out, the PA system (loud) broke", ""),
    ],
)
def test_agencies_are_known_by_bylines_and_datelines(authors: tuple[str, ...], text: str, agency: str) -> None:
    assert credited(authors, text) == agency


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://www.a.test/news/1.html", "https://amp.a.test/news/1.html", True),
        ("https://a.test/news/1", "https://a.test/amp/news/1/", True),
        ("https://a.test/news?id=7", "https://m.a.test/news?id=7&view=print", True),
        ("https://a.test/news/1.html", "https://a.test/news/1.amp.html", True),
        ("https://a.test/news?id=7", "https://a.test/news?id=8", False),
        ("https://a.test/news/lamp/1", "https://a.test/news/1", False),
        ("https://a.test/printers", "https://a.test/ers", False),
    ],
)
def test_variants_of_an_address(one: str, other: str, same: bool) -> None:
    assert (variant_of(one) == variant_of(other)) == same


_BASE = [prose(at, 160) for at in range(4)]
_TEXTS = [
    _BASE[0], edited(_BASE[0], 0.1, 1), edited(_BASE[0], 0.25, 2), _BASE[1], f"{_BASE[1]} {prose(20, 80)}",
    "\n".join(_BASE), " ".join(_BASE[2].split()[:100]), _BASE[2], _BASE[3],
]  # fmt: skip
_RANKS = st.permutations(range(len(_TEXTS)))


@settings(max_examples=40, deadline=None)
@given(order=_RANKS, ranks=_RANKS)
def test_stories_do_not_depend_on_the_order_of_arrival(order: list[int], ranks: list[int]) -> None:
    members = [told(text, f"https://s{at}.test/{at}", rank=(ranks[at],)) for at, text in enumerate(_TEXTS)]

    def folded(some: list[Told]) -> set[tuple[str, frozenset[str]]]:
        stories = fold(some, link)
        return {(one.canonical.url, frozenset(copy.url for copy, _ in one.copies)) for one in stories}

    assert folded(members) == folded([members[at] for at in order])
    for story in fold(members, link):
        for copy, made in story.copies:
            assert made == link(story.canonical, copy)
            assert story.canonical.rank < copy.rank
    together = [{one.canonical.url, *(copy.url for copy, _ in one.copies)} for one in fold(members, link)]
    apart = [f"https://s{at}.test/{at}" for at in (0, 3, 7, 8)]
    assert all(len(urls.intersection(apart)) <= 1 for urls in together)


def test_a_difference_names_paragraphs_and_words() -> None:
    before = "The bridge is shut until May.\nBuses go another way.\nNobody was hurt."
    after = "The bridge is shut until June.\nNobody was hurt.\nThe council meets on Monday."
    told_ = [(one.mark, one.at, one.text) for one in changes(before, after)]
    assert told_ == [
        ("~", 1, "The bridge is shut until June."), ("-", 2, "Buses go another way."),
        ("+", 3, "The council meets on Monday."),
    ]  # fmt: skip
    (first, *_) = changes(before, after)
    assert [(piece.mark, piece.text) for piece in first.pieces][-2:] == [("-", "May."), ("+", "June.")]
    assert changes(before, before) == []


def test_a_difference_of_hostile_texts_ends() -> None:
    assert changes("a\n" * 50_000, "b\n" * 50_000)


def test_a_copy_in_turkish_is_known_behind_a_dateline() -> None:
    # some of whose capitals have a dot, which is a character by itself in lower case
    names = [f"{name}{number} Bey" for number, name in enumerate(["Ankara", "Bursa", "Konya", "Edirne"] * 10)]
    words = prose(1, 200).split()
    for at, name in enumerate(names):
        words[at * 5 + 2] = name
    text = " ".join(words)
    ours = told(text, "https://a.test/1")
    copied = told(f"İZMİR (AA) - {text}", "https://b.test/1")
    assert kind(ours, copied) == "near"


@pytest.mark.parametrize("told", [changes, compare])
def test_texts_of_few_words_do_not_keep_a_comparison_busy(told: Callable[[str, str], object]) -> None:
    chance = random.Random(7)
    one, other = ("\n".join(" ".join(chance.choices("abcdefgh", k=390)) for _ in range(120)) for _ in range(2))
    with cpu_within(20):
        told(one, other)


def test_an_edited_word_is_the_only_one_that_is_marked() -> None:
    (line,) = compare("The old bridge fell.", "The new bridge fell.").lines
    assert [(piece.strip(), sort) for piece, sort in line.left] == [
        ("The", "same"),
        ("old", "gone"),
        ("bridge fell.", "same"),
    ]
    assert "".join(piece for piece, _ in line.right) == "The new bridge fell."
