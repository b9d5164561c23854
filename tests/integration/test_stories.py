"""Which articles tell the same story, who is the original, and that neither depends on who came first."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from racing import race
from sqlalchemy import select
from stocked import Stock, adds_up, day

from pipelines.stages import unwatched
from pipelines.stores import articles, stories
from pipelines.stores.schema import State
from pipelines.stores.schema import articles as table

_LETTERS = "bdfgklmnprstvz"
WORDS = [f"{a}a{b}o{c}" for a in _LETTERS for b in _LETTERS[::3] for c in _LETTERS[::4]]


def prose(seed: int, words: int = 300) -> str:
    chosen = random.Random(seed).choices(WORDS, k=words)
    return " ".join(word + "." if at % 12 == 11 else word for at, word in enumerate(chosen))


def edited(text: str, share: float, seed: int = 0) -> str:
    """The text with this share of its words replaced, anywhere."""
    words, dice = text.split(), random.Random(seed)
    for at in dice.sample(range(len(words)), round(share * len(words))):
        words[at] = f"edit{dice.randrange(10**6)}"
    return " ".join(words)


@pytest.fixture
def stock(database: str, tmp_path: Path) -> Iterator[Stock]:
    made = Stock(database, tmp_path)
    yield made
    made.store.close()


def told(stock: Stock) -> list[set[str]]:
    """The stories, each as the last parts of its articles' URLs."""
    groups: dict[int, set[str]] = {}
    for url, article in stock.articles().items():
        groups.setdefault(article["story"], set()).add(url.rpartition("/")[2])
    return sorted(groups.values(), key=min)


def copies(stock: Stock) -> dict[str, str]:
    """`copy: original`, by the last parts of their URLs."""
    found = {url: one["copy_of"] for url, one in stock.articles().items()}
    return {url.rpartition("/")[2]: of.rpartition("/")[2] for url, of in found.items() if of}


def test_the_same_text_elsewhere_is_a_copy(stock: Stock) -> None:
    text = prose(1)
    stock.dedupe(stock.parsed([("https://first.test/a", text), ("https://the-second.test/b", text)]))
    assert told(stock) == [{"a", "b"}]
    assert copies(stock) == {"b": "a"}
    fates = stock.fates()
    assert (fates["stored"], fates["duplicate"]) == (1, 1)
    assert stock.row("https://the-second.test/b").reason == "copy"
    (story,) = _retold(stock)
    assert (story["canonical"], story["copies"]) == (
        "https://first.test/a",
        [{"url": "https://the-second.test/b", "similarity": 1.0, "published": None}],
    )


def _retold(stock: Stock) -> list[dict[str, Any]]:
    with stock.store.read() as connection:
        return list(articles.retold(connection))


@pytest.mark.parametrize("percent", [0, 1, 2, 5, 7])
def test_copies_with_a_few_edits_are_found(stock: Stock, percent: int) -> None:
    pairs = [(number, prose(number)) for number in range(12)]
    rows = stock.parsed(
        [(f"https://a.test/{number}", text) for number, text in pairs]
        + [(f"https://b.test/{number}", edited(text, percent / 100, number)) for number, text in pairs]
    )
    stock.dedupe(rows)
    assert told(stock) == sorted([{str(number)} for number in range(12)], key=min)
    assert stock.fates()["duplicate"] == 12


def test_of_copies_with_one_word_in_ten_changed_nearly_all_are_found(stock: Stock) -> None:
    pairs = [(number, prose(number)) for number in range(20)]
    rows = stock.parsed(
        [(f"https://a.test/{number}", text) for number, text in pairs]
        + [(f"https://b.test/{number}", edited(text, 0.1, number)) for number, text in pairs]
    )
    stock.dedupe(rows)
    assert stock.fates()["duplicate"] >= 18


def test_a_short_version_of_an_article_is_a_copy_of_the_long_one(stock: Stock) -> None:
    text = prose(1, 600)
    short = " ".join(text.split()[:250])
    stock.dedupe(stock.parsed([("https://a.test/long", text), ("https://b.test/short", short)]))
    assert told(stock) == [{"long", "short"}]


def test_unrelated_articles_are_stories_of_their_own(stock: Stock) -> None:
    stock.dedupe(stock.parsed([(f"https://a.test/{number}", prose(number)) for number in range(30)]))
    assert stock.fates()["stored"] == 30
    assert _retold(stock) == []


def test_the_same_furniture_round_other_texts_makes_no_story(stock: Stock) -> None:
    furniture = prose(999, 60)
    stock.dedupe(
        stock.parsed([(f"https://a.test/{number}", f"{furniture} {prose(number, 240)}") for number in range(30)])
    )
    assert stock.fates()["stored"] == 30


def test_a_copy_is_found_however_many_share_its_furniture(stock: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stories, "MAX_CANDIDATES", 5)
    furniture = prose(999, 120)
    crowd = [(f"https://a.test/{number}", f"{furniture} {prose(number, 180)}") for number in range(40)]
    twin = ("https://b.test/twin", edited(crowd[39][1], 0.02))
    stock.dedupe(stock.parsed([*crowd, twin]))
    assert copies(stock) in ({"twin": "39"}, {"39": "twin"})


def test_two_versions_of_one_canonical_address_are_one_story(stock: Stock) -> None:
    text = prose(1)
    amp = edited(text, 0.22)
    own = stock.parsed([("https://a.test/story", text)])
    stock.dedupe([*own, *stock.parsed([("https://a.test/amp/story.amp", amp)], canonical="https://a.test/story")])
    assert copies(stock) == {"story.amp": "story"}


def test_a_canonical_address_shared_by_all_pages_of_a_site_joins_nothing(stock: Stock) -> None:
    pages = [(f"https://a.test/{number}", prose(number)) for number in range(10)]
    stock.dedupe(stock.parsed(pages, canonical="https://a.test/"))
    assert stock.fates()["stored"] == 10


def test_short_texts_are_copies_only_when_they_are_the_same(stock: Stock) -> None:
    flash = "The harbour council of Northhaven has closed the old bridge until further notice"
    told_by = [("https://a.test/1", flash), ("https://a.test/2", f"{flash} today"), ("https://b.test/3", flash)]
    stock.dedupe(stock.parsed(told_by))
    assert told(stock) == [{"1", "3"}, {"2"}]


def test_the_earliest_credible_date_makes_the_original(stock: Stock) -> None:
    text = prose(1)
    rows = stock.parsed([("https://a.test/late", text)], published=day(9), confidence=0.9)
    rows += stock.parsed([("https://a.test/guess", text)], published=day(1), confidence=0.2)
    rows += stock.parsed([("https://a.test/undated", text)])
    rows += stock.parsed([("https://longer-name.test/early", text)], published=day(3), confidence=0.9)
    stock.dedupe(rows)
    assert copies(stock) == {"late": "early", "guess": "early", "undated": "early"}
    assert stock.row("https://a.test/late").state == State.DUPLICATE


def test_a_match_is_the_original_of_a_copy_that_is_none(stock: Stock) -> None:
    text = prose(1)
    rows = stock.parsed([("https://a.test/no", text)], matched=False, published=day(1), confidence=1.0)
    stock.dedupe(rows + stock.parsed([("https://b.test/yes", text)], matched=True))
    assert copies(stock) == {"no": "yes"}


def test_a_text_between_two_stories_joins_them(stock: Stock) -> None:
    text = prose(1, 400)
    one, other = edited(text, 0.09, 1), edited(text, 0.09, 2)
    stock.dedupe(stock.parsed([("https://a.test/one", one), ("https://b.test/other", other)]))
    apart = told(stock)
    stock.dedupe(stock.parsed([("https://c.test/middle", text)], published=day(0), confidence=1.0))
    assert apart == [{"one"}, {"other"}]
    assert told(stock) == [{"middle", "one", "other"}]
    assert copies(stock) == {"one": "middle", "other": "middle"}
    assert {one["similarity"] is not None for one in _retold(stock)[0]["copies"]} == {True}


# the order of arrival

_DATES: list[datetime | None] = [None, day(5), day(3), None, day(3), day(8), None, day(1)]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    """A store with articles of three stories, chained, and a loner, all still to be deduped."""
    folder = tmp_path_factory.mktemp("prepared")
    stock = Stock(f"sqlite:///{folder / 'store.db'}", folder)
    base, second = prose(1, 400), prose(2)
    texts = [
        edited(base, 0.09, 1), base, edited(base, 0.09, 2), second, edited(second, 0.05), second,
        prose(3), "short but the same everywhere",
    ]  # fmt: skip
    rows = []
    for number, (text, date) in enumerate(zip(texts, _DATES, strict=True)):
        rows += stock.parsed(
            [(f"https://site{number}.test/{number}", text)], published=date, confidence=0.9 if date else 0.0
        )
    rows += stock.parsed([("https://site8.test/8", "short but the same everywhere")])
    stock.store.close()
    return folder / "store.db", rows


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(order=st.permutations(range(9)))
def test_neither_stories_nor_originals_nor_fates_depend_on_the_order(
    prepared: tuple[Path, list[int]], tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    template, rows = prepared
    folder = tmp_path_factory.mktemp("order")
    shutil.copy(template, folder / "store.db")
    stock = Stock(f"sqlite:///{folder / 'store.db'}", folder, open_run=False)
    stock.dedupe(rows[at] for at in order)
    assert told(stock) == [{"0", "1", "2"}, {"3", "4", "5"}, {"6"}, {"7", "8"}]
    assert copies(stock) == {"0": "2", "1": "2", "3": "4", "5": "4", "8": "7"}
    with stock.store.read() as connection:
        similar = dict(row for row in connection.execute(select(table.c.id, table.c.similarity)))
    assert similar[rows[7]] == similar[rows[8]] == similar[rows[3]] == similar[rows[5]] == 1.0
    fates = stock.fates()
    assert (fates["stored"], fates["duplicate"]) == (4, 5)
    assert adds_up(fates)
    stock.store.close()


# processes


def _dedupe(address: str, folder: str, rows: list[int]) -> None:
    stock = Stock(address, Path(folder), open_run=False)
    stages = stock.stages()
    for row in rows:
        stages["dedupe"].run([row], unwatched)
        stages["store"].run([row], unwatched)
    stock.store.close()


@pytest.mark.slow
def test_processes_that_dedupe_copies_at_once_make_one_story(stock: Stock, tmp_path: Path) -> None:
    text = prose(1)
    rows = stock.parsed([(f"https://s{number:02}.test/{number}", edited(text, 0.02, number)) for number in range(30)])
    race(_dedupe, [(stock.address, str(tmp_path), rows[number::3]) for number in range(3)])
    fates = stock.fates()
    assert (fates["stored"], fates["duplicate"], fates["in_flight"]) == (1, 29, 0)
    assert len(told(stock)) == 1
    assert set(copies(stock).values()) == {"0"}


@pytest.mark.slow
def test_a_row_that_two_processes_work_on_is_deduped_and_stored_once(stock: Stock, tmp_path: Path) -> None:
    rows = stock.parsed([(f"https://a.test/{number}", prose(number)) for number in range(10)])
    race(_dedupe, [(stock.address, str(tmp_path), rows)] * 2)
    # an attempt that was overtaken leaves its row to the one that overtook it
    left = [row for row in rows if stock.row(f"https://a.test/{rows.index(row)}").state < State.STORED]
    stock.dedupe(left)
    fates = stock.fates()
    assert (fates["stored"], fates["duplicate"], fates["in_flight"]) == (10, 0, 0)
    assert len(stock.articles()) == 10
