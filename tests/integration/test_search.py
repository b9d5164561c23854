"""Search finds the same articles in the same order on both databases, whatever is typed."""

from __future__ import annotations

import contextlib
import itertools
import random
import string
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, event
from sqlalchemy import text as sql
from stocked import Stock, day

from crawler.cli.filters import Filters
from pipelines.asked import understood
from pipelines.errors import UsageError
from pipelines.ranking import rank
from pipelines.stores import articles, browse, fates, search, tallies, tellings
from pipelines.stores.wanted import Wanted
from pipelines.words import places_of, spans_of, words_of


def filler(name: str, words: int = 40) -> str:
    """Words of each article's own, so that none is a copy of another; all say word3."""
    chance = random.Random(name)
    return " ".join(["word3", *("".join(chance.choices(string.ascii_lowercase, k=8)) for _ in range(words - 1))])


TEXTS = {
    "title": ("Dredging begins", f"The harbour waits. {filler('title')}"),
    "often": ("Harbour news", f"Dredging, more dredging and again dredging. {filler('often')}"),
    "once": ("A speech", f"Somebody spoke of dredging once. {filler('once')}"),
    "long": ("A long speech", f"Somebody spoke of dredging once. {filler('long', 800)}"),
    "accent": ("Évry et l'été", f"Le café du port de Zürich. {filler('accent')}"),
    "script": ("港口疏浚工程", "港口的疏浚工程今天开始。" * 20),
    "hindi": ("हिन्दी में समाचार", "बंदरगाह की सफाई शुरू हुई। " * 20),
    "other": ("Football", f"The cup final was played. {filler('other')}"),
}


def stocked(address: str, folder: Path) -> Stock:
    stock = Stock(address, folder)
    for number, (name, (title, text)) in enumerate(TEXTS.items()):
        stock.parsed([(f"https://site.test/{name}", text)], title=title, published=day(number), confidence=0.9,
                     score=0.5 + number / 20, language="en" if number < 4 else "fr")  # fmt: skip
    stock.work("dedupe", [stock.row(f"https://site.test/{name}").id for name in TEXTS])
    return stock


@pytest.fixture
def stock(database: str, tmp_path: Path) -> Iterator[Stock]:
    made = stocked(database, tmp_path)
    yield made
    made.store.close()


def found(stock: Stock, typed: str, **wanted: object) -> list[str]:
    with stock.store.read() as connection:
        hits = search.find(connection, understood(typed), Wanted(everything=True, copies=True, **wanted))  # type: ignore[arg-type]
        urls = articles.of_rows(connection, [hit.row for hit in hits])
    return [urls[hit.row]["url"].rpartition("/")[2] for hit in hits]


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ('title ~ "ÉVRY"', ["accent"]), ("title ~ 'évry et'", ["accent"]), ("text ~ 'ZÜRICH'", ["accent"]),
        ("title ~ 'A%SPEECH' or title ~ 'हिन्दी'", ["hindi"]), ("title ~ 'LONG'", ["long"]),
        ("words > 500", ["long"]), ("words > 39.5 and words < 5000000000 and score < 0.56", ["title", "often"]),
        ("revision < 40000 and revision > -40000 and match = true and score > 0.84 and run < 9999999999", ["other"]),
        ("words > 99999999999999999999999", []), ("revision = 1.5", []), ("score > 1", []),
    ],
)  # fmt: skip
def test_a_condition_finds_the_same_on_both_databases(stock: Stock, where: str, names: list[str]) -> None:
    with stock.store.read() as connection:
        some = articles.chosen(connection, Wanted(everything=True, copies=True, where=where))
        assert {one["url"].rpartition("/")[2] for one in some} == set(names)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("dredging", ["title", "often", "once", "long"]),
        ("DREDGING harbour", ["often", "title"]),
        ('"spoke of dredging"', ["once", "long"]),
        ('"dredging spoke"', []),
        ("dredging -spoke", ["title", "often"]),
        ("evry cafe ZURICH", ["accent"]),
        ("疏浚", ["script"]),
        ("浚疏", []),
        ("सफाई", ["hindi"]),
        ("l'été", ["accent"]),
        ("nothing-of-the-kind", []),
    ],
)
def test_both_databases_find_the_same_in_the_same_order(stock: Stock, typed: str, names: list[str]) -> None:
    assert found(stock, typed) == names


def test_filters_narrow_what_is_found(stock: Stock) -> None:
    assert found(stock, "word3", language="fr") == ["other", "accent"]
    assert found(stock, "dredging", since="2024-01-02", until="2024-01-03") == ["often", "once"]
    assert found(stock, "dredging", least=0.6, most=0.62) == ["once"]
    assert found(stock, "dredging", site="elsewhere.test") == []
    assert found(stock, "dredging", mode="online") == []
    assert found(stock, "dredging", where="title ~ 'SPEECH' and not url ~ 'long'") == ["once"]
    assert found(stock, "dredging", story=stock.row("https://site.test/often").id) == ["often"]


def test_a_condition_on_the_url_counts_each_article_once(stock: Stock) -> None:
    wanted = Wanted(everything=True, where='url ~ "site.test" and not url ~ "once"')
    with stock.store.read() as connection:
        assert tallies.counted(connection, wanted) == len(TEXTS) - 1


@pytest.mark.parametrize("number", [2**31, 2**62, 2**63, -(2**63), 10**30])
def test_a_run_or_story_of_any_number_that_is_none_has_no_articles(stock: Stock, number: int) -> None:
    with stock.store.read() as connection:
        for wanted in (Wanted(run=number), Wanted(story=number)):
            assert tallies.counted(connection, wanted) == 0
        assert fates.count(connection, number)["fetched"] == 0


@pytest.mark.parametrize(
    ("typed", "site"),
    [("München.de", "xn--mnchen-3ya.de"), ("https://www.münchen.de/a?b", "xn--mnchen-3ya.de"),
     ("WWW.Site.Test", "site.test"), ("xn--mnchen-3ya.de", "xn--mnchen-3ya.de")],
)  # fmt: skip
def test_a_site_is_asked_for_as_people_spell_it(typed: str, site: str) -> None:
    assert Filters(site=typed).wanted(profile=None).site == site


def test_what_is_asked_for_is_highlighted_where_it_stands(stock: Stock) -> None:
    with stock.store.read() as connection:
        (hit,) = search.find(connection, understood("evry zurich"), Wanted())
    assert [hit.title.text[a:b] for a, b in hit.title.marks] == ["Évry"]
    assert [hit.text.text[a:b] for a, b in hit.text.marks] == ["Zürich"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_typed_text_breaks_the_syntax(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    address = f"sqlite:///{tmp_path / 'a.db'}" if kind == "sqlite" else str(request.getfixturevalue("postgres"))
    stock = stocked(address, tmp_path)

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(typed=st.one_of(st.text(max_size=40), st.text(alphabet="\"'()-*:^&|!<>~+\\ aé疏😀\0", max_size=20)))
    def ask(typed: str) -> None:
        try:
            asked = understood(typed)
        except UsageError:
            return
        with stock.store.read() as connection:
            search.find(connection, asked, Wanted())

    ask()
    with pytest.raises(UsageError, match="There is no word to search for in '😀 -- '"):
        understood("😀 -- ")
    stock.store.close()


@given(
    text=st.text(string.printable + "é\u2019", max_size=60), words=st.lists(st.text(string.ascii_lowercase), min_size=1)
)
def test_words_are_marked_where_the_index_has_them(text: str, words: list[str]) -> None:
    wanted = {word for word in words if word} | {word for word, _, _ in spans_of(text[:20])} or {"a"}
    assert places_of(wanted, text) == [one for one in spans_of(text) if one[0] in wanted]


@pytest.mark.parametrize(("walked", "rare"), [(1, 0), (1, 1_000_000), (1_000_000, 0)])
def test_of_more_articles_than_are_put_in_order_the_best_and_those_meant_are_found(
    stock: Stock, monkeypatch: pytest.MonkeyPatch, walked: int, rare: int
) -> None:
    # PostgreSQL: by its index, by its index among the latest, or without it where that is enough
    monkeypatch.setattr(search, "WALKED", walked)
    monkeypatch.setattr(search, "RARE", rare)
    monkeypatch.setattr(search, "ENTRIES_A_ROW", rare)
    monkeypatch.setattr(search, "POOL", 2)
    monkeypatch.setattr(search, "MEASURED", 6)
    assert found(stock, "dredging") == ["title", "long"], "in the title; of the others, most like the seeds"
    assert found(stock, "dredging", site="site.test") == ["title", "long"]
    monkeypatch.setattr(search, "MEASURED", 4)
    assert found(stock, "word3", language="fr") == ["other", "accent"]
    assert found(stock, "word3", where='url ~ "once" or url ~ "long"') == ["once", "long"]
    monkeypatch.setattr(search, "MEASURED", 3)
    assert found(stock, "dredging") == ["once", "long"], "of the three that came last"


def test_what_is_written_again_is_found_by_its_new_words_alone(stock: Stock) -> None:
    row = stock.row("https://site.test/other").id
    with stock.store.write() as connection:
        articles.put(
            connection, stock.draft(row, "https://site.test/other", f"A regatta was sailed. {filler('regatta')}")
        )
    assert found(stock, "regatta") == ["other"]
    assert found(stock, "football") == []
    with stock.store.write() as connection:
        search.take_out(connection, [row])
    assert found(stock, "regatta") == []


def test_scores_are_counted_by_hundredths_whatever_functions_a_database_was_built_with(
    database: str, tmp_path: Path
) -> None:
    stock = Stock(database, tmp_path)
    if stock.store.is_sqlite:
        event.listen(stock.store.engine, "connect", lambda made, _: made.create_function("floor", 1, None))
    for number, score in enumerate((0.0, 0.29, 0.2999, 0.57, 1.0)):
        stock.parsed([(f"https://site.test/{number}", filler(str(number)))], score=score)
    with stock.store.read() as connection:
        assert tallies.scores(connection) == {0: 1, 29: 2, 57: 1, 100: 1}
    stock.store.close()


def test_more_articles_than_memory_would_hold_are_streamed(database: str, tmp_path: Path) -> None:
    stock = Stock(database, tmp_path)
    _repeat(stock, "x" * 20_000)
    with stock.store.read() as connection, peak_below(3_000_000):  # of 60 MB of text
        number = sum(1 for _ in articles.chosen(connection, Wanted()))
        limited = list(articles.chosen(connection, Wanted(), limit=7))
    stock.store.close()
    assert (number, len(limited)) == (3001, 7)


def test_more_stories_with_copies_than_memory_would_hold_are_streamed(database: str, tmp_path: Path) -> None:
    stock = Stock(database, tmp_path)
    first = _repeat(stock, "x", title="y" * 20_000)
    with stock.store.write() as connection:
        connection.execute(sql("UPDATE articles SET story = id / 2, copy_of = CASE id % 2 WHEN 1 THEN id - 1 END"))
    with stock.store.read() as connection, peak_below(25_000_000):  # of 60 MB of titles
        number = sum(len(story["copies"]) == 1 for story in tellings.retold(connection))
    stock.store.close()
    assert number == 1500
    assert first == 1


def test_long_texts_are_found_and_told_apart_in_little_memory(database: str, tmp_path: Path) -> None:
    stock = Stock(database, tmp_path)
    long = f"Dredging begins. {filler('long', 600)} {'z' * 4_000_000}"
    rows = stock.parsed([(f"https://site{number}.test/{number}", f"{long} {number}") for number in range(12)])
    *copies, last = rows
    stock.dedupe(copies)
    with peak_below(10_000_000):  # of 48 MB of texts
        stock.dedupe([last])
        with stock.store.read() as connection:
            assert len(search.find(connection, understood("dredging"), Wanted(copies=True))) == 12
    assert stock.fates()["duplicate"] == 11
    stock.store.close()


@contextlib.contextmanager
def peak_below(held_bytes: int) -> Iterator[None]:
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < held_bytes


def _repeat(stock: Stock, text: str, **more: Any) -> int:
    """An article, and 3,000 more like it behind it; gives its row."""
    (first,) = stock.parsed([("https://site.test/a", text)], **more)
    stock.work("dedupe", [first])
    with stock.store.write() as connection:
        columns = "key, host, url, kind, state, expected, depth, source, anchor, context, published, run, found_at"
        connection.execute(sql(f"INSERT INTO urls (id, {columns}) SELECT id + n, key + n, {columns[5:]} FROM urls, "
                               f"({_numbers(stock)}) AS many"))  # fmt: skip
        kept = [c.name for c in articles.articles.columns if c.name != "id"]
        connection.execute(sql(f"INSERT INTO articles (id, {', '.join(kept)}) SELECT id + n, {', '.join(kept)} "
                               f"FROM articles, ({_numbers(stock)}) AS many"))  # fmt: skip
    return first


def test_a_page_that_ends_early_among_equal_scores_is_followed_by_the_rest_and_nothing_twice(stock: Stock) -> None:
    with stock.store.write() as connection:
        connection.execute(sql("UPDATE articles SET score = 0.5"))
    pages: list[list[int]] = []
    after = None
    with stock.store.read() as connection:
        while not pages or after is not None:
            leaf = browse.leaf(connection, Wanted(language="fr"), after=after, looked=2)
            pages.append(list(leaf.rows))
            after = leaf.after
    rows = [stock.row(f"https://site.test/{name}").id for name in list(TEXTS)[4:]]
    assert [row for page in pages for row in page] == rows
    assert len(pages) > 2


def test_a_page_of_results_is_read_in_two_statements_and_counts_each_ones_copies(stock: Stock) -> None:
    rows = [stock.row(f"https://site.test/{name}").id for name in TEXTS]
    asked: list[str] = []
    with stock.store.write() as connection:
        told = {"of": rows[0], "copies": tuple(rows[1:3])}
        connection.execute(
            sql("UPDATE articles SET copy_of = :of WHERE id IN :copies").bindparams(
                bindparam("copies", expanding=True)
            ),
            told,
        )
        event.listen(connection, "before_cursor_execute", lambda *said: asked.append(said[2]))
        shown = browse.shown(connection, rows)
    assert [one["copies"] for one in shown] == [2] + [0] * (len(rows) - 1)
    assert len(asked) == 2


def _numbers(stock: Stock) -> str:
    if not stock.store.is_sqlite:
        return "SELECT generate_series(1, 3000) AS n"
    return "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3000) SELECT n FROM c"


@given(title=st.text(max_size=30), text=st.text(max_size=200))
def test_a_rank_is_a_share_and_grows_with_what_is_said(title: str, text: str) -> None:
    wanted = (("harbour",),)
    words = len(words_of(text, 100))
    assert 0 <= rank(title, text, wanted, words) <= 1
    assert rank(f"{title} harbour", text, wanted, words) > rank(title, text, wanted, words)


@given(text=st.text("abA -9.\n\u00e9", max_size=40), word=st.text("ab9", min_size=1, max_size=3))
def test_a_word_that_is_looked_for_is_found_as_often_as_among_the_words_of_the_text(text: str, word: str) -> None:
    alone = rank("", text, ((word,),), 0)
    once = rank("", " ".join([word] * words_of(text, 100).count(word)), ((word,),), 0)
    assert alone == once


def test_an_article_of_more_different_words_than_postgresql_takes_is_stored_and_found(stock: Stock) -> None:
    signs = "\ufdf2\ufdf3\ufdf4\ufdf6\ufdf7\ufdf8\ufdf9"  # each is written with a word of its own
    words = ["".join(some) + signs[0] * 9 for some in itertools.islice(itertools.product(signs, repeat=6), 15_000)]
    (row,) = stock.parsed([("https://site.test/made", f"Dredging {' '.join(words)}")], title="A wall of words")
    stock.dedupe([row])
    with stock.store.read() as connection:
        assert row in {hit.row for hit in search.find(connection, understood("wall dredging"), Wanted())}
