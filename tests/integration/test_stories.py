"""Which articles tell the same story, who is the original, and that neither depends on who came first."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patience import PATIENCE_S
from racing import race
from sqlalchemy import select
from sqlalchemy import update as update_rows
from stocked import Stock, adds_up, day

from pipelines.signature import signature
from pipelines.stages import unwatched
from pipelines.stores import articles, forgotten, invariants, ledger, revisions, signatures, stories
from pipelines.stores.ledger import MAX_ATTEMPTS
from pipelines.stores.schema import articles as table
from pipelines.stores.schema import urls
from pipelines.stores.states import State
from pipelines.stores.tellings import retold, story_of
from workers.inline import Inline
from workers.reconcile import reconcile

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
    (copy,) = story["copies"]
    assert (story["canonical"], copy["url"]) == ("https://first.test/a", "https://the-second.test/b")
    assert (copy["similarity"], copy["published"], copy["kind"]) == (1.0, None, "same")


def _retold(stock: Stock) -> list[dict[str, Any]]:
    with stock.store.read() as connection:
        return list(retold(connection))


def test_copies_are_told_in_the_order_they_were_published_and_undated_ones_last(stock: Stock) -> None:
    dates = {"first": day(1), "undated": None, "late": day(9), "early": day(2)}
    for name, published in dates.items():
        told_at = stock.parsed([(f"https://{name}.test/{name}", prose(1))], published=published, confidence=0.9)
        stock.dedupe(told_at)
    with stock.store.read() as connection:
        story = story_of(connection, told_at[0])
    assert story is not None and story["canonical"] == "https://first.test/first"
    assert [one["site"] for one in story["copies"]] == ["early.test", "late.test", "undated.test"]


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
    monkeypatch.setattr(signatures, "MOST", 5)
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


def test_of_articles_without_a_date_the_one_fetched_first_is_the_original_also_after_it_changed(stock: Stock) -> None:
    text = prose(1)
    rows = stock.parsed([("https://a.test/late", text)], fetched_at=3000.0)
    rows += stock.parsed([("https://b.test/of-a-longer-name", text)], fetched_at=1000.0)
    stock.dedupe(rows)
    assert copies(stock) == {"late": "of-a-longer-name"}
    with stock.store.write() as connection:
        again = stock.draft(rows[1], "https://b.test/of-a-longer-name", edited(text, 0.02), fetched_at=9000.0)
        articles.revise(connection, again)
        stories.place(connection, rows[1], signature(again.article.text))
    assert copies(stock) == {"late": "of-a-longer-name"}


def test_a_match_is_the_original_of_a_copy_that_is_none(stock: Stock) -> None:
    text = prose(1)
    rows = stock.parsed([("https://a.test/no", text)], matched=False, published=day(1), confidence=1.0)
    stock.dedupe(rows + stock.parsed([("https://b.test/yes", text)], matched=True))
    assert copies(stock) == {"no": "yes"}


def test_stories_that_turn_out_to_be_one_are_merged(stock: Stock) -> None:
    words = prose(1, 400).split()
    one, other = " ".join(words[:260]), " ".join(words[140:])
    stock.dedupe(stock.parsed([("https://a.test/one", one), ("https://b.test/other", other)]))
    apart = told(stock)
    whole = stock.parsed([("https://c.test/whole", " ".join(words))], published=day(0), confidence=1.0)
    stock.dedupe(whole)
    assert apart == [{"one"}, {"other"}]
    assert told(stock) == [{"one", "other", "whole"}]
    assert copies(stock) == {"one": "whole", "other": "whole"}
    assert {one["kind"] for one in _retold(stock)[0]["copies"]} == {"syndicated"}
    assert stock.row("https://a.test/one").state == State.DUPLICATE


def test_a_live_blog_that_quotes_whole_articles_ties_none_of_them_together(stock: Stock) -> None:
    parts = [prose(number, 220) for number in range(4)]
    blog = stock.parsed([("https://live.test/blog", "\n".join(parts))], published=day(0), confidence=1.0)
    stock.dedupe(blog + stock.parsed([(f"https://a{at}.test/{at}", text) for at, text in enumerate(parts)]))
    assert told(stock) == [{"0"}, {"1"}, {"2"}, {"3"}, {"blog"}]


def test_furniture_of_a_publisher_under_short_articles_of_two_sites_ties_none_together(stock: Stock) -> None:
    furniture = prose(999, 80)
    pages = [(f"https://site{at % 5}.test/{at}", f"{prose(at, 120)}\n{furniture}") for at in range(20)]
    stock.dedupe(stock.parsed(pages))
    assert len(told(stock)) == 20


def test_a_revision_leaves_the_story_it_told_no_more_and_the_story_finds_another_head(stock: Stock) -> None:
    text = prose(1)
    rows = stock.parsed([("https://a.test/first", text)], published=day(0), confidence=1.0)
    rows += stock.parsed([("https://b.test/second", text), ("https://c.test/third", text)])
    stock.dedupe(rows)
    assert copies(stock) == {"second": "first", "third": "first"}
    with stock.store.write() as connection:
        articles.revise(connection, stock.draft(rows[0], "https://a.test/first", prose(2), title="Another headline"))
        stories.place(connection, rows[0], signature(prose(2)))
    assert told(stock) == [{"first"}, {"second", "third"}]
    assert copies(stock) == {"third": "second"}
    assert stock.row("https://b.test/second").state == State.STORED
    with stock.store.read() as connection:
        before, now = revisions.of(connection, rows[0])
    assert (before.number, before.text, now.number, now.title) == (1, text, 2, "Another headline")


@pytest.mark.parametrize(("most", "gone"), [(5, [0]), (5, [3]), (5, [0, 1, 5]), (1000, [0, 1, 5])])
def test_a_story_finds_another_head_however_often_it_is_told_and_however_many_go_at_once(
    stock: Stock, monkeypatch: pytest.MonkeyPatch, most: int, gone: list[int]
) -> None:
    monkeypatch.setattr(stories, "MOST_KIN", most)
    rows = stock.parsed([(f"https://site{number}.test/{number:02}", prose(1)) for number in range(12)])
    stock.dedupe(rows)
    assert set(copies(stock).values()) == {"00"}
    with stock.store.write() as connection:
        forgotten.forget(connection, [rows[number] for number in gone], now=time.time())
    left = {f"{number:02}" for number in range(12) if number not in gone}
    head = min(left)
    assert told(stock) == [left]
    assert copies(stock) == dict.fromkeys(left - {head}, head)
    fates = stock.fates()
    assert (fates["stored"], fates["duplicate"]) == (1, len(left) - 1)
    with stock.store.read() as connection:
        assert [name for name, some in invariants.broken(connection) if some] == []


# the order of arrival

_DATES: list[datetime | None] = [None, day(5), day(3), None, day(3), day(8), None, None]


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
            [(f"https://site{number}.test/{number}", text)], published=date, confidence=0.9 if date else 0.0,
            fetched_at=9000.0 - number,
        )  # fmt: skip
    # nobody dates it nor its copy, and it was fetched first
    rows += stock.parsed([("https://the-longest.test/8", "short but the same everywhere")], fetched_at=100.0)
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
    assert copies(stock) == {"0": "2", "1": "2", "3": "4", "5": "4", "7": "8"}
    with stock.store.read() as connection:
        similar = dict(row for row in connection.execute(select(table.c.id, table.c.similarity)))
    assert similar[rows[7]] == 1.0
    assert similar[rows[3]] == similar[rows[5]] >= 0.9
    assert similar[rows[2]] is similar[rows[4]] is similar[rows[8]] is None
    fates = stock.fates()
    assert (fates["stored"], fates["duplicate"]) == (4, 5)
    assert adds_up(fates)
    stock.store.close()


def test_no_order_changes_stories_of_parts_and_wholes_round_ups_and_shared_addresses(stock: Stock) -> None:
    whole, parts, update = prose(1, 400), [prose(number, 220) for number in (41, 42, 43)], prose(20)
    words = whole.split()
    pages = [
        ("a", whole), ("b", " ".join(words[:260])), ("c", " ".join(words[140:])), ("d", edited(whole, 0.09)),
        ("blog", "\n".join(parts)), ("e", parts[0]), ("f", parts[1]), ("g", f"{parts[1]} {prose(30, 60)}"),
        ("h", update), ("h/amp", edited(update, 0.22)), ("h/other", prose(21)), ("i", "short"), ("j", "short"),
    ]  # fmt: skip
    rows = []
    for number, (name, text) in enumerate(pages):
        url = f"https://{name[0]}.test/{name}"
        rows += stock.parsed([(url, text)], canonical="https://h.test/h" if "h/" in name else url,
                             fetched_at=100.0 - number, title="One headline")  # fmt: skip
    dedupe, seen = stock.stages()["dedupe"], list[Any]()
    for seed in range(5):
        order = random.Random(seed).sample(rows, len(rows))
        for row in order:
            dedupe.run([row], unwatched)
        with stock.store.write() as connection:
            held = select(table.c.id, table.c.copy_of, table.c.kind, table.c.similarity, table.c.evidence)
            seen.append(sorted(map(tuple, connection.execute(held))))
            stories.leave(connection, rows)
            connection.execute(update_rows(urls).values(state=State.PARSED))
    assert seen[1:] == seen[:1] * 4
    of = {pages[rows.index(row)][0]: copy and pages[rows.index(copy)][0] for row, copy, *_ in seen[0]}
    assert {name: head for name, head in of.items() if head} == {
        "a": "d", "b": "d", "c": "d", "f": "g", "h/amp": "h", "i": "j",
    }  # fmt: skip


# processes


def _dedupe(address: str, folder: str, rows: list[int]) -> None:
    stock = Stock(address, Path(folder), open_run=False)
    stages = stock.stages()
    for row in rows:
        stages["dedupe"].run([row], unwatched)
        stages["store"].run([row], unwatched)
    stock.store.close()


ROUNDS, PROCESSES = 20, 4


def _dedupe_in_rounds(address: str, folder: str, rows: list[int], together: Any) -> None:
    stock = Stock(address, Path(folder), open_run=False)
    stages = stock.stages()
    for row in rows:
        together.wait(PATIENCE_S)
        stages["dedupe"].run([row], unwatched)
    for row in rows:
        stages["store"].run([row], unwatched)
    stock.store.close()


@pytest.mark.slow
def test_copies_that_processes_dedupe_at_the_same_moment_are_one_story(stock: Stock, tmp_path: Path) -> None:
    pages = [
        (f"https://s{process}.test/{number}", edited(prose(number), 0.02, process))
        for number in range(ROUNDS) for process in range(PROCESSES)
    ]  # fmt: skip
    rows = stock.parsed(pages)
    together = multiprocessing.get_context("spawn").Barrier(PROCESSES)
    race(
        _dedupe_in_rounds,
        [(stock.address, str(tmp_path), rows[process::PROCESSES], together) for process in range(PROCESSES)],
    )
    fates = stock.fates()
    assert (fates["stored"], fates["duplicate"], fates["in_flight"]) == (ROUNDS, ROUNDS * (PROCESSES - 1), 0)
    assert told(stock) == sorted([{str(number)} for number in range(ROUNDS)], key=min)
    assert all(url.startswith("https://s0.") for url, one in stock.articles().items() if not one["copy_of"])


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


def test_the_copies_of_an_article_that_dies_before_it_is_stored_choose_another_original(stock: Stock) -> None:
    urls = [f"https://{name}.test/{name}" for name in ("dies", "second", "third")]
    dies, *others = stock.parsed([(url, prose(1)) for url in urls])
    stock.stages()["dedupe"].run([dies], unwatched)
    stock.dedupe(others)
    with stock.store.write() as connection:
        for _ in range(MAX_ATTEMPTS):
            ledger.take(connection, State.JUDGED, [dies], now=time.time(), lease_s=-1.0)
    assert reconcile(stock.store, Inline({}), None)["dead"] == 1
    assert stock.states() == dict(zip(urls, (State.DEAD, State.STORED, State.DUPLICATE), strict=True))
    assert copies(stock) == {"third": "second"}
    with stock.store.read() as connection:
        assert not any(found for _, found in invariants.broken(connection))
