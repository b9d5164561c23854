"""No question asked while crawling reads a whole table: each finds its rows by an index, however many there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, update
from stocked import Stock

from pipelines.records import Candidate, Page
from pipelines.rhythm import Bounds
from pipelines.signature import KEYS, SKETCH, Signature
from pipelines.stores import (
    allotment,
    articles,
    bodies,
    census,
    discovery,
    editions,
    fates,
    fetches,
    hosts,
    leases,
    ledger,
    replayed,
    rhythms,
    runs,
    schema,
    signatures,
    starts,
    tallies,
    visits,
    waking,
)
from pipelines.stores.discovery import Found
from pipelines.stores.fetches import Fetched
from pipelines.stores.ledger import Taken
from pipelines.stores.states import State
from pipelines.stores.visits import Came, Visited

NOW = 1_000_000.0
URL = "https://a.test/1"
BOUNDS = Bounds(600.0, 86_400.0, 3_600.0, 9)
FOUND = [Found(Candidate(URL, "link"), 0.5)]
ENDED = [Fetched(1, State.WAITING, 503, fetched_at=NOW, body=b"x")]
PAGES = [Page(row, URL, URL, 200, {}, NOW, b"x") for row in (1, 2)]
LEASE: dict[str, Any] = {"run": 1, "now": NOW, "number": 8, "rows_each": 4, "at_most": 9, "worth": 0.1}


def woken_and_put_back(connection: Connection, host: int | None = None) -> None:
    """One row waits to be looked at again."""
    known = {"url": 1, "sort": int(rhythms.Sort.LIST), "interval_s": 60.0, "was": int(State.LISTED)}
    connection.execute(insert(schema.rhythms).values(known))
    connection.execute(update(schema.urls).where(schema.urls.c.id == 1).values(state=int(State.WAITING)))
    assert waking.put_back(connection, now=NOW, host=host) == 1


ASKED: dict[str, Callable[[Connection], object]] = {
    "discover": lambda c: discovery.discover(c, FOUND, run=1, now=NOW),
    "rescore": lambda c: discovery.rescore(c, [(1, 0.5)]),
    "floor": lambda c: allotment.floor(c, 10, before=NOW, max_per_site=5),
    "lease": lambda c: allotment.lease(c, "me", **LEASE),
    "lease where sites are capped": lambda c: allotment.lease(c, "me", **LEASE, max_per_site=5),
    "renew": lambda c: leases.renew(c, "me", now=NOW),
    "record": lambda c: fetches.record(c, ENDED, run=1, ring_after=NOW),
    "note visits": lambda c: visits.note(c, [Visited(1, Came.READ, again=True)], {1}, BOUNDS, run=1, now=NOW),
    "keep known": lambda c: rhythms.keep_known(c, [1, 2]),
    "found matches": lambda c: rhythms.found_matches(c, [Page(1, URL, URL, 200, {}, NOW, b"")], BOUNDS, now=NOW),
    "refuse": lambda c: fetches.refuse(c, [(1, "robots", "")], now=NOW),
    "give back": lambda c: leases.give_back(c, {1: ([1, 2], NOW)}, holder="me"),
    "give up": lambda c: hosts.give_up(c, 1, "failures"),
    "reclaim": lambda c: leases.reclaim(c, now=NOW),
    "reclaim what one held": lambda c: leases.reclaim(c, now=NOW, holder="me"),
    "free leases": lambda c: leases.free_leases(c, now=NOW),
    "holders": leases.holders,
    "best waiting": lambda c: hosts.best_waiting(c, 100),
    "note paces": lambda c: hosts.note_paces(c, {1: (NOW, 0, 1)}),
    "anything left": lambda c: allotment.anything_left(c, before=NOW),
    "any lost": lambda c: leases.any_lost(c, now=NOW),
    "frontier": hosts.frontier,
    "take": lambda c: ledger.take(c, State.FETCHED, [1, 2], now=NOW, lease_s=60),
    "move": lambda c: ledger.move(c, 1, State.FETCHED, 1, to=State.PARSED),
    "move many": lambda c: ledger.move_all(c, [Taken(page, State.FETCHED, 1, 1) for page in PAGES], to=State.PARSED),
    "overdue": lambda c: ledger.overdue(c, State.FETCHED, now=NOW, limit=9),
    "in flight": ledger.in_flight,
    "workers": ledger.workers,
    "free": lambda c: ledger.free(c, "me", now=NOW),
    "unrung": lambda c: ledger.unrung(c, now=NOW),
    "wake starts": lambda c: waking.wake_starts(c, [URL], BOUNDS, now=NOW),
    "wake due": lambda c: waking.wake_due(c, BOUNDS, now=NOW),
    "put back": woken_and_put_back,
    "put back at a host": lambda c: woken_and_put_back(c, 1),
    "lease recorded pages": lambda c: replayed.lease(c, {URL: 0.0}, run=1, now=NOW),
    "bodies left over of some": lambda c: bodies.ended(c, [1, 2]),
    "pages fetched": lambda c: runs.pages_fetched(c, 1),
    "pages leased": lambda c: runs.pages_leased(c, 1),
    "matches": lambda c: tallies.matches(c, 1),
    "stories": lambda c: tallies.stories(c, 1),
    "best": lambda c: tallies.best(c, 1, NOW, 5),
    "seal": lambda c: articles.seal(c, [1], now=NOW),
    "alike": lambda c: signatures.alike(c, Signature((5,) * KEYS, b"x" * SKETCH)),
    "fates of a run": lambda c: fates.count(c, 1),
    "closest misses": lambda c: fates.closest_misses(c, 1, below=0.5),
    "where a URL led": lambda c: fates.follow(c, URL),
    "starting points": starts.urls,
    "what waits": starts.waiting,
}


# what reads an index from its beginning, and why that is no whole table
BEST_FIRST = "SCAN urls USING INDEX urls_best"
WAITING = "SCAN urls USING INDEX urls_waiting"
CRAWLED = "SCAN hosts USING COVERING INDEX hosts_crawled"
ALLOWED = {
    ("floor", BEST_FIRST): "best first, and no more than its LIMIT",
    ("best waiting", BEST_FIRST): "best first, and no more than its LIMIT",
    ("what waits", BEST_FIRST): "best first, and no more than its LIMIT",
    ("floor", CRAWLED): "sums what each site gave, of hosts asked so far; only where sites are capped",
    ("lease where sites are capped", CRAWLED): "sums what each site gave, of hosts asked so far",
    ("frontier", WAITING): "counts all that waits, for whoever asks how a crawl stands",
    ("fates of a run", WAITING): "counts all that waits, for whoever asks how a crawl stands",
    ("starting points", "SCAN urls USING INDEX urls_starts"): "an index of nothing else",
}


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    folder: Path = tmp_path_factory.mktemp("plans")
    made = Stock(f"sqlite:///{folder / 'store.db'}", folder)
    # without statistics SQLite plans by the shape of tables and indexes alone, so a few rows stand for millions
    made.parsed([(f"https://a.test/{number}", f"text {number}") for number in range(3)])
    yield made
    made.store.close()


def plans(stock: Stock, ask: Callable[[Connection], object]) -> list[tuple[str, list[str]]]:
    """`(statement, steps)` of each that is asked."""
    found: list[tuple[str, list[str]]] = []

    def explain(connection: Any, _: object, statement: str, parameters: Any, __: object, many: bool) -> None:
        if not statement.startswith(("BEGIN", "EXPLAIN")):
            one = parameters[0] if many else parameters
            cursor = connection.connection.dbapi_connection.execute(f"EXPLAIN QUERY PLAN {statement}", one)
            found.append((statement, [step[3] for step in cursor.fetchall()]))

    event.listen(stock.store.engine, "before_cursor_execute", explain)
    try:
        with stock.store.write() as connection:
            ask(connection)
            connection.rollback()
    finally:
        event.remove(stock.store.engine, "before_cursor_execute", explain)
    assert found
    return found


@pytest.mark.parametrize("name", ASKED)
def test_nothing_asked_while_crawling_reads_a_whole_table(stock: Stock, name: str) -> None:
    for statement, plan in plans(stock, ASKED[name]):
        whole = [step for step in plan if re.match(r"SCAN (urls|hosts|articles|bodies|signatures)\b", step)]
        assert not [step for step in whole if (name, step) not in ALLOWED], statement


def test_the_last_page_that_failed_for_a_reason_is_found_without_looking_through_the_others(stock: Stock) -> None:
    ((_, plan),) = plans(stock, lambda c: fates.example(c, 1, State.DEAD, "dns"))
    assert plan == ["SEARCH urls USING INDEX urls_ended (run=? AND kind=? AND state=? AND reason=?)"]


CAME_OUT: dict[str, Callable[[Connection], object]] = {
    "census of sites": census.sites,
    "sites": lambda c: fates.sites(c, 1),
    "sites of all runs": fates.sites,
    "harvest": lambda c: list(runs.harvest(c, 1)),
}


@pytest.mark.parametrize("name", CAME_OUT)
def test_how_a_run_came_out_is_counted_without_looking_at_each_of_its_articles(stock: Stock, name: str) -> None:
    ((_, plan),) = plans(stock, CAME_OUT[name])
    assert not [step for step in plan if re.match(r"SEARCH articles .*\bid=", step)]
    assert not [step for step in plan if re.match(r"SCAN articles(?! USING INDEX articles_results)", step)]


def test_scores_are_counted_by_an_index_of_nothing_else(stock: Stock) -> None:
    ((_, plan),) = plans(stock, census.threshold_curve)
    assert plan[0] == "SCAN articles USING COVERING INDEX articles_score"


@pytest.mark.parametrize("but", [None, "edition"])
def test_a_batch_of_articles_to_judge_again_is_found_without_looking_at_those_behind_it(
    stock: Stock, but: str | None
) -> None:
    ((_, plan),) = plans(stock, lambda c: editions.judged(c, "main", after=0, limit=9, but=but))
    assert plan[0] == "SEARCH articles USING INDEX sqlite_autoindex_articles_1 (id>?)"
    assert not [step for step in plan if "TEMP" in step]
