"""Looking again: what waits again and when, and that what is stored stays stored."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from beside import beside, in_a_write
from sqlalchemy import select, update
from stocked import Stock, day

from pipelines.rhythm import FIRST_S, Bounds
from pipelines.stores import (
    allotment,
    failures,
    fates,
    fetches,
    leases,
    rhythms,
    runs,
    sites,
    stories,
    tallies,
    visits,
    waking,
)
from pipelines.stores.fetches import Fetched
from pipelines.stores.hosts import BLOCKED, GIVEN_UP
from pipelines.stores.schema import articles, hosts, urls
from pipelines.stores.schema import rhythms as table
from pipelines.stores.schema import runs as run_rows
from pipelines.stores.states import State
from pipelines.stores.visits import Came, Visited

# of this run of the tests: later than whatever the clock shows in it
NOW = time.time() + 12 * 3600
LATER = NOW + 2 * FIRST_S
BOUNDS = Bounds(600.0, 7 * 86_400.0, 3 * 86_400.0, 9)
FEED, PAGE, SECTION = "https://a.test/feed.xml", "https://a.test/story", "https://a.test/section/"
ONE_WRITER = "SQLite has one writer at a time"
TEXT = "The council voted on Tuesday to rebuild the old bridge over the river before the next winter comes."


@pytest.fixture
def stock(database: str, tmp_path: Path) -> Iterator[Stock]:
    made = Stock(database, tmp_path)
    yield made
    made.store.close()


def rhythm_of(stock: Stock, url: str) -> Any:
    with stock.store.read() as connection:
        query = select(table).join(urls, urls.c.id == table.c.url).where(urls.c.url == url)
        return connection.execute(query).first()


def read(stock: Stock, url: str, *, news: bool, at: float, etag: str = "") -> None:
    """A list was read; whether it named anything new."""
    row = stock.row(url).id
    with stock.store.write() as connection:
        visited = [Visited(row, Came.READ, again=rhythm_of(stock, url) is not None, etag=etag)]
        visits.note(connection, visited, {row} if news else set(), BOUNDS, run=stock.run, now=at)


def wake(stock: Stock, at: float) -> int:
    with stock.store.write() as connection:
        return waking.wake_due(connection, BOUNDS, now=at)


def lease(stock: Stock, at: float = NOW) -> list[allotment.Waiting]:
    with stock.store.write() as connection:
        leases = allotment.lease(connection, "me", run=stock.run, now=at, number=9, rows_each=9, at_most=99, worth=0.0)
    return [row for one in leases for row in one.rows]


def stored(stock: Stock, url: str = PAGE, found_at: float = NOW, text: str = TEXT, **more: Any) -> int:
    """A match in the corpus, as the stages leave it."""
    row = stock.parsed([(url, text)], **more)[0]
    with stock.store.write() as connection:
        connection.execute(update(urls).where(urls.c.id == row).values(found_at=found_at))
    stock.work("dedupe", [row])
    assert stock.states()[url] == State.STORED
    return row


def test_a_list_is_due_after_an_hour_and_waits_with_what_to_ask_its_server(stock: Stock) -> None:
    stock.fetched({FEED: b"x"}, state=State.LISTED)
    read(stock, FEED, news=True, at=NOW, etag='"1"')
    assert wake(stock, NOW + FIRST_S - 1) == 0
    assert wake(stock, NOW + FIRST_S) == 1
    assert wake(stock, NOW + FIRST_S) == 0, "it waits already"
    (row,) = lease(stock)
    assert row.visit is not None
    assert (row.url, row.visit.was, row.visit.etag) == (FEED, State.LISTED, '"1"')


def test_news_halves_the_wait_and_none_doubles_it(stock: Stock) -> None:
    stock.fetched({FEED: b"x"}, state=State.LISTED)
    read(stock, FEED, news=False, at=NOW)
    assert rhythm_of(stock, FEED).interval_s == FIRST_S
    read(stock, FEED, news=True, at=NOW)
    assert rhythm_of(stock, FEED).interval_s == FIRST_S / 2
    read(stock, FEED, news=False, at=NOW)
    read(stock, FEED, news=False, at=NOW)
    assert rhythm_of(stock, FEED).interval_s == FIRST_S * 2
    assert rhythm_of(stock, FEED).due_at == pytest.approx(NOW + FIRST_S * 2)


def test_what_is_gone_is_never_asked_again(stock: Stock) -> None:
    row = stock.fetched({FEED: b"x"}, state=State.LISTED)[0]
    with stock.store.write() as connection:
        visits.note(connection, [Visited(row, Came.GONE, again=False)], set(), BOUNDS, run=stock.run, now=NOW)
    assert wake(stock, NOW + 1e9) == 0


def test_what_was_not_looked_at_in_time_is_as_it_was_and_still_due(stock: Stock) -> None:
    stock.fetched({FEED: b"x"}, state=State.LISTED)
    read(stock, FEED, news=False, at=NOW)
    stored(stock)
    assert wake(stock, LATER) == 2
    assert set(stock.states().values()) == {State.WAITING}
    with stock.store.write() as connection:
        assert waking.put_back(connection, now=LATER) == 2
    assert stock.states() == {FEED: State.LISTED, PAGE: State.STORED}
    assert lease(stock, LATER) == []
    assert wake(stock, LATER) == 2


def test_another_look_that_failed_at_first_changes_nothing_of_what_a_page_was(stock: Stock) -> None:
    stock.fetched({SECTION: b"x"}, state=State.DROPPED, reason="not-article", detail="a list", quick=0.3)
    read(stock, SECTION, news=False, at=NOW)
    before = stock.row(SECTION)
    assert wake(stock, LATER) == 1
    (row,) = lease(stock, LATER)
    failed = Fetched(row.row, State.WAITING, 503, "http-503", "busy", fetched_at=LATER)
    with stock.store.write() as connection:
        fetches.record(connection, [failed], run=stock.run, ring_after=LATER)
        visit = visits.of_rows(connection, [row.row])[row.row]
        assert (visit.reason, visit.detail, visit.quick) == ("not-article", "a list", 0.3)
        assert stock.fates()["dropped"] == {}
        waking.put_back(connection, now=LATER)
    after = stock.row(SECTION)
    for name in ("state", "status", "reason", "detail", "quick", "fetched_at"):
        assert getattr(after, name) == getattr(before, name), name
    assert stock.fates()["dropped"] == {"not-article": 1}


def test_a_match_and_the_page_that_named_it_are_looked_at_again(stock: Stock) -> None:
    section = stock.fetched({SECTION: b"x"}, state=State.DROPPED, reason="not-article")[0]
    stock.find(PAGE)
    with stock.store.write() as connection:
        connection.execute(update(urls).where(urls.c.url == PAGE).values(parent=section))
    stored(stock)
    assert wake(stock, LATER) == 2
    assert stock.states() == {SECTION: State.WAITING, PAGE: State.WAITING}
    with stock.store.read() as connection:
        assert tallies.matches(connection) == 1, "waiting for another look takes nothing from the corpus"


@pytest.mark.parametrize("why", ["old", "no match", "undated and found long ago"])
def test_articles_that_may_not_change_any_more_are_left_alone(stock: Stock, why: str) -> None:
    published = day(0) if why == "old" else None
    long_ago = NOW - 9 * 86_400.0 if why.startswith("undated") else NOW
    stored(stock, published=published, confidence=0.9, found_at=long_ago)
    with stock.store.write() as connection:
        if why == "no match":
            connection.exec_driver_sql("UPDATE articles SET matched = 0")
    assert wake(stock, LATER) == 0
    assert rhythm_of(stock, PAGE) is None


def test_only_so_many_articles_wait_to_be_looked_at_again(stock: Stock) -> None:
    for number in range(12):
        stored(stock, f"{PAGE}-{number}", text=" ".join(f"{chr(97 + number) * 3}{chr(97 + at)}" for at in range(26)))
    assert wake(stock, LATER) == BOUNDS.articles
    assert wake(stock, LATER) == 0


@pytest.mark.parametrize("end", [State.DROPPED, State.DEAD])
def test_a_stored_article_stays_stored_whatever_its_page_answers_now(stock: Stock, end: State) -> None:
    row = stored(stock)
    assert wake(stock, LATER) == 1
    assert [one.row for one in lease(stock)] == [row]
    with stock.store.write() as connection:
        fetches.record(connection, [Fetched(row, end, 404, "http-404", "gone", fetched_at=LATER)], run=stock.run,
                      ring_after=0.0)  # fmt: skip
        visits.note(connection, [Visited(row, Came.GONE, again=True)], set(), BOUNDS, run=stock.run, now=LATER)
        assert rhythms.counted(connection, stock.run)["revisited"] == 1
    assert stock.row(PAGE).state == State.STORED
    assert stock.row(PAGE).reason is None
    assert wake(stock, LATER + 1e9) == 0


def test_an_article_looked_at_again_while_it_becomes_a_copy_is_one(stock: Stock) -> None:
    if stock.store.is_sqlite:
        pytest.skip(ONE_WRITER)
    original = stored(stock, "https://b.test/story")
    row = stored(stock, text=TEXT + " Two engineers had warned of it before.")
    with stock.store.write() as connection:
        connection.execute(update(urls).where(urls.c.id == row).values(state=State.DROPPED, reason="not-article"))
    with stock.store.write() as connection:
        stories.lock(connection)  # as dedupe does
        connection.execute(update(articles).where(articles.c.id == row).values(copy_of=original))
        ended = beside(stock.store, in_a_write(stock.store, lambda other: rhythms.keep_known(other, [row])))
    ended()
    assert (stock.row(PAGE).state, stock.row(PAGE).reason) == (State.DUPLICATE, "copy")


def test_who_judges_again_and_who_looks_again_do_not_lock_each_other_out(stock: Stock) -> None:
    if stock.store.is_sqlite:
        pytest.skip(ONE_WRITER)
    first = stored(stock)
    second = stored(stock, "https://a.test/other", text=f"Another. {TEXT} Nobody had asked for that in a year.")
    with stock.store.write() as connection:  # so that they are woken in the other order
        connection.execute(update(urls).values(fetched_at=NOW - urls.c.id))
    with stock.store.write() as connection:
        stories.lock(connection)
        connection.execute(update(urls).where(urls.c.id == first).values(reason="copy"))
        ended = beside(
            stock.store, in_a_write(stock.store, lambda other: waking.wake_all(other, BOUNDS, limit=0, now=LATER))
        )
        connection.execute(update(urls).where(urls.c.id == second).values(reason="copy"))
    ended()
    assert set(stock.states().values()) == {State.WAITING}


@pytest.mark.parametrize("deed", ["block", "unblock", "boost", "retry"])
def test_who_decides_about_a_site_and_a_crawler_do_not_lock_each_other_out(stock: Stock, deed: str) -> None:
    if stock.store.is_sqlite:
        pytest.skip(ONE_WRITER)
    stock.find(PAGE)
    row = stock.row(PAGE)
    if deed in ("unblock", "retry"):
        ends = {"state": State.REFUSED, "reason": GIVEN_UP, "detail": BLOCKED}
        dead = {"state": State.DEAD, "reason": "timeout"}
        with stock.store.write() as connection:
            connection.execute(update(urls).values(ends if deed == "unblock" else dead))
            connection.execute(update(hosts).values(given_up=BLOCKED if deed == "unblock" else None))
    does: dict[str, Callable[[Any], Any]] = {
        "block": lambda other: sites.block(other, "a.test"),
        "unblock": lambda other: sites.unblock(other, "a.test"),
        "boost": lambda other: sites.boost(other, "a.test"),
        "retry": lambda other: failures.retry(other, failures.Choice(site="a.test")),
    }  # fmt: skip
    with stock.store.write() as connection:
        # what a crawler hands over: its run, URLs, hosts
        runs.get(connection, stock.run, lock=True)
        connection.execute(update(urls).where(urls.c.id == row.id).values(expected=0.7))
        ended = beside(stock.store, in_a_write(stock.store, does[deed]))
        connection.execute(update(hosts).where(hosts.c.id == row.host).values(pages=1))
    ended()
    assert stock.row(PAGE).state == (State.REFUSED if deed == "block" else State.WAITING)


def test_an_article_robots_now_forbids_stays_and_is_left_alone(stock: Stock) -> None:
    row = stored(stock)
    wake(stock, LATER)
    lease(stock)
    with stock.store.write() as connection:
        fetches.refuse(connection, [(row, "robots", "")], now=LATER)
        visits.refused(connection, [row])
    assert stock.states() == {PAGE: State.STORED}
    assert wake(stock, LATER + 1e9) == 0


def test_who_asks_again_gets_every_list_and_match_whatever_their_rhythm(stock: Stock) -> None:
    old = stored(stock, found_at=NOW - 90 * 86_400.0)
    gone, other, unlike = "https://a.test/gone.xml", "https://a.test/other", "https://a.test/unlike"
    stock.fetched({FEED: b"x", gone: b"x"}, state=State.LISTED)
    stock.fetched({unlike: b"x"}, state=State.DROPPED, reason="unlike")
    stored(stock, other, text=f"No match. {TEXT} And so it went on for a year, until nobody asked.", matched=False)
    read(stock, FEED, news=False, at=NOW, etag='"1"')
    with stock.store.write() as connection:
        visits.note(connection, [Visited(stock.row(gone).id, Came.GONE, again=True)], set(), BOUNDS, run=1, now=NOW)
        assert waking.wake_all(connection, BOUNDS, limit=9, now=time.time()) == 0, "not sooner than the shortest wait"
        assert waking.wake_all(connection, BOUNDS, limit=1, now=LATER) == 1, "lists first"
        assert waking.wake_all(connection, BOUNDS, limit=0, now=LATER) == 1
    waiting = {row.url: row.visit for row in lease(stock)}
    assert waiting.keys() == {FEED, PAGE}
    assert waiting[FEED] is not None
    assert waiting[FEED].etag == '"1"'
    assert stock.row(PAGE).id == old


def test_what_is_stored_of_a_blocked_site_stays_and_is_not_looked_at_again(stock: Stock) -> None:
    other = "https://b.test/story"
    stored(stock)
    stored(stock, other, text=f"Another. {TEXT} Nobody had asked for that in a year, said the mayor of the town.")
    with stock.store.write() as connection:
        assert waking.wake_all(connection, BOUNDS, limit=0, now=LATER) == 2
        sites.block(connection, "a.test")
    assert stock.states() == {PAGE: State.STORED, other: State.WAITING}
    with stock.store.write() as connection:
        assert waking.wake_all(connection, BOUNDS, limit=0, now=LATER) == 0
        assert waking.wake_due(connection, BOUNDS, now=LATER + 1e6) == 0
        sites.unblock(connection, "a.test")
        assert waking.wake_all(connection, BOUNDS, limit=0, now=LATER) == 1


def test_a_match_that_is_looked_at_again_is_none_that_the_run_found(stock: Stock) -> None:
    stored(stock)
    with stock.store.write() as connection:
        second = runs.start(connection, stock.config, "", now=NOW).id
        connection.execute(update(urls).values(run=second))  # as one that leased it again
        told = {run: fates.sites(connection, run) for run in (None, stock.run, second)}
        assert sum(site["matches"] for site in told[second]) == tallies.matches(connection, second)
    assert told == {
        None: [{"site": "a.test", "pages": 1, "matches": 1}],
        stock.run: [],
        second: [{"site": "a.test", "pages": 1, "matches": 0}],
    }


@pytest.mark.parametrize("end", ["put back", "refused", "failed once"])
def test_what_a_run_was_to_look_at_again_and_did_not_fetch_is_no_page_of_it(stock: Stock, end: str) -> None:
    row = stored(stock)
    with stock.store.write() as connection:
        # what was fetched before it began is not its own
        connection.execute(update(urls).values(fetched_at=NOW - 60.0))
        connection.execute(update(run_rows).values(started_at=NOW - 120.0))
        second = runs.start(connection, stock.config, "", now=NOW).id
        waking.wake_all(connection, BOUNDS, limit=0, now=LATER)
        allotment.lease(connection, "me", run=second, now=NOW, number=9, rows_each=9, at_most=99, worth=0.0)
        if end == "refused":
            fetches.refuse(connection, [(row, "robots", "")], now=LATER)
            visits.refused(connection, [row])
        elif end == "failed once":
            fetches.record(connection, [Fetched(row, State.WAITING, 503)], run=second, ring_after=LATER)
        else:
            leases.give_back(connection, {stock.row(PAGE).host: ([row], NOW)}, holder="me")
        waking.put_back(connection, now=LATER)
        pages = [(fates.count(connection, run)["fetched"], runs.pages_fetched(connection, run)) for run in (1, second)]
    assert stock.states() == {PAGE: State.STORED}
    assert pages == [(1, 1), (0, 0)]


def test_a_page_that_turns_out_to_be_a_feed_is_no_page_of_the_run(stock: Stock) -> None:
    stock.fetched({FEED: b"x"}, state=State.LISTED)
    with stock.store.read() as connection:
        ends = fates.count(connection, stock.run)
        assert (ends["fetched"], ends["lists"], runs.pages_fetched(connection, stock.run)) == (0, 1, 0)


def test_starting_points_of_an_earlier_run_wait_again_but_not_at_once(stock: Stock) -> None:
    start, page = "https://a.test/", "https://a.test/story"
    stock.fetched({start: b"x", page: b"x"}, state=State.DROPPED, reason="not-article")
    with stock.store.write() as connection:
        waking.wake_starts(connection, [start], BOUNDS, now=time.time() + BOUNDS.soonest_s / 2)
    assert set(stock.states().values()) == {State.DROPPED}
    with stock.store.write() as connection:
        # the run after it, by a schedule of as many minutes, begins some seconds early
        waking.wake_starts(connection, [start], BOUNDS, now=time.time() + BOUNDS.soonest_s - 5)
    assert stock.states() == {start: State.WAITING, page: State.DROPPED}
    (row,) = lease(stock)
    assert row.visit is not None
    assert row.visit.reason == "not-article"
