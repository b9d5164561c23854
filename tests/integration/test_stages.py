"""Pages through parse, dedupe and store: what is kept, what only leaves its score, and what a crash leaves behind."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, update
from stocked import Stock, adds_up
from warcio.archiveiterator import ArchiveIterator

from pipelines import dating
from pipelines.likeness.profile import Profile
from pipelines.records import Candidate
from pipelines.stages import TAKES, unwatched
from pipelines.stores import articles, bodies, discovery, editions, failures, fates, runs, tallies
from pipelines.stores.discovery import Found
from pipelines.stores.failures import Choice
from pipelines.stores.ledger import MAX_ATTEMPTS
from pipelines.stores.schema import articles as article_table
from pipelines.stores.schema import bodies as body_table
from pipelines.stores.schema import urls as url_table
from pipelines.stores.states import State
from workers.inline import Inline
from workers.reconcile import reconcile

TRAINS = [
    "The night train to Belforet left on time for the first time in eleven years, with every one of its berths sold.",
    "The sleeper company says that it will order forty new couchette cars before the end of the summer timetable.",
    "Railway unions want the conductors of sleeping cars to be paid for the hours that they lie awake in the corridor.",
    "Passengers complained on Tuesday that the dining car had run out of coffee long before the border was reached.",
    "The ministry pays for the locomotive, the cooperative pays for the coaches, and nobody pays for the empty track.",
    "Booking for sleeper compartments opens six months ahead, and the best of the berths are gone within a few hours.",
]
BREAD = [
    "Knead the dough for ten minutes until it is smooth, then leave it in a warm bowl under a clean and damp towel.",
    "Rye flour takes up more water than wheat flour does, so add it by the spoon until the dough comes off the wall.",
    "Bake the loaf on a hot stone with a little steam, and turn the oven down as soon as the crust begins to brown.",
    "A sourdough starter wants to be fed every day with equal parts of water and flour, and to be kept in the shade.",
    "Let the bread cool on a rack for at least an hour before you slice it, however good the kitchen smells by then.",
    "Sprinkle the crumb with salt and butter, and eat the first slice by the window with nobody there to watch you.",
]


def page(title: str, sentences: list[str], *, again: str = "") -> bytes:
    body = "".join(f"<p>{sentence} {again}</p>" for sentence in sentences)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta property="og:type" content="article"></head><body><article><h1>{title}</h1>{body}</article></body>'
    ).encode()


PAGES = {
    "https://rail.test/train": page("Night train leaves on time", TRAINS),
    "https://agency.test/train": page("Night train on time at last", TRAINS),
    "https://food.test/bread": page("How to bake a loaf of rye", BREAD),
    "https://rail.test/empty": b"<html><body><p>Nothing here.</p></body></html>",
    "https://rail.test/broken": b"\x00\x01\x02 not a page at all",
}

Make = Callable[..., Stock]


@pytest.fixture
def make(database: str, tmp_path: Path) -> Iterator[Make]:
    """Makes a store whose run looks for night trains (`keep="all"`: for anything)."""
    made: list[Stock] = []

    def stocked(**store: Any) -> Stock:
        stock = Stock(database, tmp_path, **store)
        made.append(stock)
        profile = Profile.learn([("seed", "Sleeper trains return", "\n".join(TRAINS[::-1]), "en")])
        with stock.store.write() as connection:
            editions.keep(connection, profile.edition, "main", "trains", [], profile.to_bytes())
            stock.run = runs.start(connection, stock.config, profile.edition, now=time.time()).id
        return stock

    yield stocked
    for stock in made:
        stock.store.close()


def bodies_left(stock: Stock) -> int:
    with stock.store.read() as connection:
        return connection.execute(select(func.count()).select_from(body_table)).scalar() or 0


def told(stock: Stock, url: str) -> dict[str, Any]:
    with stock.store.read() as connection:
        row = fates.find(connection, url)
        assert row is not None
        return fates.tell(connection, row)


def warcs(stock: Stock) -> list[Path]:
    return sorted((stock.config.path / "warc").glob("*.warc.gz"))


def test_each_page_ends_as_it_deserves(make: Make) -> None:
    stock = make(keep="matches")
    stock.work("parse", stock.fetched(PAGES))
    ends = {url: (told(stock, url)["fate"], told(stock, url)["reason"]) for url in PAGES}
    assert ends == {
        "https://rail.test/train": ("stored", None),
        "https://agency.test/train": ("duplicate", "copy"),
        "https://food.test/bread": ("dropped", "unlike"),
        "https://rail.test/empty": ("dropped", ends["https://rail.test/empty"][1]),
        "https://rail.test/broken": ("dropped", ends["https://rail.test/broken"][1]),
    }
    assert ends["https://rail.test/empty"][1] in ("no-text", "too-short")
    assert ends["https://rail.test/broken"][1] == "not-html"
    assert adds_up(stock.fates())
    assert stock.fates()["in_flight"] == bodies_left(stock) == 0


def test_an_article_unlike_the_seeds_leaves_its_text_and_its_score(make: Make) -> None:
    stock = make(keep="matches")
    stock.work("parse", stock.fetched(PAGES))
    bread = told(stock, "https://food.test/bread")
    assert bread["article"]["text"].count("\n") == len(BREAD) - 1
    assert 0 < bread["article"]["score"] < told(stock, "https://rail.test/train")["article"]["score"]
    assert "is below the threshold" in bread["detail"]
    assert not bread["article"]["match"]
    # but it is no part of the corpus
    assert set(stock.articles()) == {"https://rail.test/train", "https://agency.test/train"}
    with stock.store.read() as connection:
        assert tallies.matches(connection, stock.run) == 2
        assert tallies.stories(connection, stock.run) == 1
        assert [title for _, title, _ in fates.closest_misses(connection, stock.run)] == ["How to bake a loaf of rye"]
        (best,) = tallies.best(connection, stock.run, 0.0, 5)
        assert best[1:3] == ("Night train leaves on time", "rail.test")
        assert articles.at_place(connection, 1) == told(stock, "https://rail.test/train")["article"]["id"]
        assert articles.at_place(connection, 2) is None


def test_with_keep_all_every_article_is_stored_and_only_matches_match(make: Make) -> None:
    stock = make(keep="all")
    stock.work("parse", stock.fetched(PAGES))
    assert {url: one["match"] for url, one in stock.articles().items()} == {
        "https://rail.test/train": True, "https://agency.test/train": True, "https://food.test/bread": False,
    }  # fmt: skip


def test_the_day_that_a_feed_gave_a_page_dates_its_article(make: Make) -> None:
    stock = make(keep="all")
    url = "https://rail.test/train"
    named = Candidate(url, "feed", published="Fri, 17 May 2024 08:00:00 GMT")
    with stock.store.write() as connection:
        discovery.discover(connection, [Found(named, 0.5)], run=stock.run, now=1.0)
    stock.work("parse", stock.fetched({url: PAGES[url]}))
    article = stock.articles()[url]
    assert (article["published"], article["published_confidence"]) == ("2024-05-17T08:00:00Z", dating.FEED)
    assert article["evidence"]["published"] == "feed"


def test_the_address_a_page_gives_as_its_own_counts_within_its_site_alone(make: Make) -> None:
    stock = make(keep="all")
    pages = {}
    for url, target in (("https://rail.test/print/1", "/train"), ("https://food.test/1", "https://rail.test/train")):
        link = f'<head><link rel="canonical" href="{target}">'.encode()
        pages[url] = PAGES["https://rail.test/train"].replace(b"<head>", link)
    stock.work("parse", stock.fetched(pages))
    assert {url: one["canonical_url"] for url, one in stock.articles().items()} == {
        "https://rail.test/print/1": "https://rail.test/train", "https://food.test/1": "https://food.test/1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("archive", "kept"),
    [
        ("none", set()),
        ("kept", {"https://rail.test/train", "https://agency.test/train"}),
        ("all", set(PAGES)),
    ],
)
def test_the_archive_holds_what_was_asked_for_where_the_row_says(make: Make, archive: str, kept: set[str]) -> None:
    stock = make(keep="matches", archive=archive)
    stock.work("parse", stock.fetched(PAGES))
    places = {url: told(stock, url)["archive"] for url in PAGES}
    assert {url for url, place in places.items() if place} == kept
    for url in kept:
        with (stock.config.path / "warc" / places[url]["file"]).open("rb") as stream:
            stream.seek(places[url]["offset"])
            record = next(iter(ArchiveIterator(stream)))
            assert record.rec_headers.get_header("WARC-Target-URI") == url
            assert record.content_stream().read() == PAGES[url]
    assert bodies_left(stock) == 0
    assert bool(warcs(stock)) == bool(kept)


@pytest.mark.parametrize("stage", ["parse", "dedupe", "store"])
def test_running_a_stage_twice_is_running_it_once(make: Make, stage: str) -> None:
    stock = make(keep="matches")
    rows = stock.fetched(PAGES)
    stages = stock.stages()
    for name in ("parse", "dedupe", "store"):
        stages[name].run(rows, unwatched)
        if name == stage:
            before = (stock.states(), stock.articles(), stock.fates())
            assert not any(stages[name].run(rows, unwatched).values())
            assert (stock.states(), stock.articles(), stock.fates()) == before
    assert stock.fates()["stored"] == 1
    assert stock.fates()["duplicate"] == 1
    stages["store"].close()


def test_a_batch_costs_a_stage_as_many_transactions_as_one_page(make: Make) -> None:
    stock = make(keep="all")
    committed: list[str] = []
    stages = stock.stages()
    for batch in (1, 12):
        sentences = [[f"{one} {batch} {number}" for one in TRAINS] for number in range(batch)]
        rows = stock.fetched({f"https://s{at}-{batch}.test/": page(f"{at}", s) for at, s in enumerate(sentences)})
        for name in TAKES:
            event.listen(stock.store.engine, "commit", note := lambda _, name=name: committed.append(name))
            stages[name].run(rows, unwatched)
            event.remove(stock.store.engine, "commit", note)
        assert Counter(committed) == dict.fromkeys(TAKES, 2)
        committed.clear()
    stages["store"].close()


@pytest.mark.parametrize("dies_in", ["parse", "dedupe", "store"])
def test_a_process_that_dies_between_taking_and_moving_loses_nothing(make: Make, dies_in: str) -> None:
    stock = make(keep="matches")
    rows = stock.fetched(PAGES)
    stages = stock.stages()
    for name in ("parse", "dedupe", "store"):
        if name == dies_in:
            break
        stages[name].run(rows, unwatched)

    class Killed(BaseException):
        pass

    def die(row: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        stages[dies_in].run(rows, die)
    taken = [row for row in rows if _state(stock, row) == TAKES[dies_in]]
    assert taken
    sender = Inline(stages)
    assert reconcile(stock.store, sender, None) == {"urls": 0, "dead": 0}
    with stock.store.write() as connection:
        connection.execute(update(url_table).where(url_table.c.id.in_(taken)).values(due_at=time.time() - 1))
    assert reconcile(stock.store, sender, None)[dies_in] == len(taken)
    assert stock.fates()["in_flight"] == 0
    assert (stock.fates()["stored"], stock.fates()["duplicate"]) == (1, 1)
    assert all(told(stock, url)["archive"] for url in ("https://rail.test/train", "https://agency.test/train"))
    stages["store"].close()


def _state(stock: Stock, row: int) -> State:
    with stock.store.read() as connection:
        return State(connection.execute(select(url_table.c.state).where(url_table.c.id == row)).scalar_one())


def test_a_page_that_kills_every_process_ends_as_dead_with_its_body_gone(make: Make) -> None:
    stock = make()
    (row, other) = stock.fetched({"https://a.test/poison": PAGES["https://rail.test/train"], "https://a.test/b": b"x"})
    with stock.store.write() as connection:
        connection.execute(update(url_table).where(url_table.c.id == row).values(attempts=MAX_ATTEMPTS))
    stages = stock.stages()
    assert reconcile(stock.store, Inline(stages), None) == {"urls": 0, "dead": 1, "parse": 1}
    poison = told(stock, "https://a.test/poison")
    assert (poison["fate"], poison["reason"]) == ("dead", "parse-killed")
    assert stock.fates()["dead"] == {"parse-killed": 1}
    assert _state(stock, other) == State.DROPPED
    assert bodies_left(stock) == 0
    stages["store"].close()


def test_pages_dropped_by_the_crawler_are_archived_when_everything_is(make: Make) -> None:
    stock = make(archive="all")
    rows = stock.fetched({"https://a.test/1": b"<p>one", "https://a.test/2": b"<p>two"}, state=State.DROPPED,
                         reason="unlike")  # fmt: skip
    stages = stock.stages()
    reconcile(stock.store, Inline(stages), None)
    with stock.store.read() as connection:
        assert bodies.left_over(connection) == []
    assert all(told(stock, url)["archive"] for url in ("https://a.test/1", "https://a.test/2"))
    assert told(stock, "https://a.test/1")["fate"] == "dropped"
    assert len(rows) == 2
    stages["store"].close()


def test_a_page_that_is_fetched_anew_while_its_last_body_is_archived_keeps_the_new_one(make: Make) -> None:
    stock = make(archive="all")
    train, again, *_ = PAGES
    stages = stock.stages()
    rows = stock.fetched({train: PAGES[train]})
    stages["dedupe"].run(stages["parse"].run(rows, unwatched)["dedupe"], unwatched)
    rows += stock.fetched({again: b""}, state=State.DROPPED, reason="empty")

    def tried_again(_row: int) -> None:
        with stock.store.write() as connection:
            assert failures.retry(connection, Choice(reason="empty")) == 1
        stock.fetched({again: PAGES[again]})

    stages["store"].run(rows, tried_again)
    assert stock.row(again).state == State.FETCHED
    with stock.store.read() as connection:
        assert [row for (row,) in connection.execute(select(body_table.c.url))] == rows[1:]
    stages["parse"].run(rows[1:], unwatched)
    assert stock.row(again).state == State.PARSED
    stages["store"].close()


def test_a_body_that_cannot_be_read_costs_no_other_page(make: Make) -> None:
    stock = make(archive="all")
    train, torn, ended, other, _ = PAGES
    rows = stock.fetched({url: PAGES[url] for url in (train, torn)})
    stock.fetched({url: PAGES[url] for url in (ended, other)}, state=State.DROPPED, reason="unlike")
    with stock.store.write() as connection:
        spoiled = [stock.row(torn).id, stock.row(ended).id]
        connection.execute(update(body_table).where(body_table.c.url.in_(spoiled)).values(body=b"nonsense"))
    stock.work("parse", rows)
    sender = Inline(stock.stages())
    for _ in range(MAX_ATTEMPTS):
        with stock.store.write() as connection:
            connection.execute(update(url_table).where(url_table.c.state == State.FETCHED).values(due_at=0.0))
        reconcile(stock.store, sender, None)
    sender.close()
    assert stock.fates()["dead"] == {"parse-killed": 1}
    assert [stock.row(url).archive_file is not None for url in (train, ended, other)] == [True, False, True]
    assert bodies_left(stock) == 0


def test_a_page_with_half_characters_and_nuls_is_kept_without_them(make: Make) -> None:
    stock = make(keep="all")
    odd = page("Night&#0; train &#xD800; late", TRAINS, again="on\x00time &#xDFFF; \x00").replace(b"on time", b"o\x00n")
    stock.work("parse", stock.fetched({"https://a.test/odd": odd}))
    assert stock.fates()["stored"] == 1
    stored = stock.articles()["https://a.test/odd"]
    assert not re.search("[\x00\ud800-\udfff]", stored["text"] + stored["title"])


def test_half_characters_and_nuls_in_what_a_page_says_of_itself_cost_no_page(make: Make) -> None:
    stock = make(keep="matches")
    said = r"""{"@type": "NewsArticle", "headline": "Trains \ud83d of \u0000 the night",
        "articleSection": "Rail\ud83d\u0000",
        "author": [{"name": "Jane \ud83d Doe"}, {"name": "Jo\u0000hn Roe"}]}"""
    metas = '<meta name="author" content="Ann Poe">'
    head = f'<script type="application/ld+json">{said}</script>{metas}</head>'.encode()
    odd = page("Night train", TRAINS).replace(b"</head>", head)
    stock.work("parse", stock.fetched({"https://rail.test/odd": odd, **PAGES}))
    stored = stock.articles()
    assert stored["https://rail.test/odd"]["authors"] == ["Jane Doe", "John Roe"]
    assert "https://agency.test/train" in stored
    assert stored["https://rail.test/odd"]["title"] == "Trains of the night"
    with stock.store.read() as connection:
        for about in connection.execute(select(article_table.c.about)).scalars():
            assert not re.search(r"[\x00\ud800-\udfff]|\\u0000", about)


def test_what_a_stage_writes_as_json_may_hold_half_characters(make: Make) -> None:
    stock = make()
    rows = stock.parsed([("https://a.test/odd", "It was told.")], authors=("Jane \ud83d Doe",))
    stock.dedupe(rows)
    assert stock.articles()["https://a.test/odd"]["authors"] == ["Jane  Doe"]


def test_a_very_long_article_of_unusual_words_is_stored(make: Make) -> None:
    # PostgreSQL indexes no more than a megabyte of different words
    stock = make(keep="all")
    letters = "абвгдежзиклмнопрстуфхцчшэюя"
    words = [f"{a}{b}{c}{d}словополотно" for a in letters for b in letters for c in letters for d in "абв"]
    text = "\n".join(" ".join(words[at : at + 60]) for at in range(0, len(words), 60))
    assert len(text) > 800_000
    stock.dedupe(stock.parsed([("https://a.test/long", text)], title="ж" * 5_000))
    assert stock.fates()["stored"] == 1
    assert stock.articles()["https://a.test/long"]["text"] == text


def test_a_stored_article_can_be_searched(make: Make) -> None:
    stock = make(keep="matches")
    stock.work("parse", stock.fetched(PAGES))
    with stock.store.read() as connection:
        if stock.store.is_sqlite:
            query = "SELECT count(*) FROM articles_search WHERE articles_search MATCH 'couchette'"
        else:
            query = "SELECT count(*) FROM articles WHERE search @@ to_tsquery('simple', 'couchette')"
        assert connection.exec_driver_sql(query).scalar() == 2


def test_a_likeness_is_kept_as_it_was_judged(make: Make) -> None:
    stock = make()
    stock.work("parse", stock.fetched(PAGES))
    row = told(stock, "https://rail.test/train")["article"]["id"]
    with stock.store.read() as connection:
        query = select(article_table.c.likeness, article_table.c.score).where(article_table.c.id == row)
        held, score = connection.execute(query).one()
    judged = json.loads(held)
    assert (judged["score"], judged["nearest_seed"]) == (score, "seed")
