"""On PostgreSQL, who changes the same rows takes turns: nobody waits for somebody who waits for him."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from beside import beside
from scripted_site import prose
from sqlalchemy import select, update
from stocked import Stock

from crawler.forgetting import forget
from crawler.frontier.handoff import give_back_all
from pipelines.stages import unwatched
from pipelines.stores import allotment, bodies, fetches, ledger, replayed, runs, stories
from pipelines.stores.fetches import Fetched
from pipelines.stores.schema import hosts, urls
from pipelines.stores.states import State

SITE = "harbour.test"
URLS = [f"https://{SITE}/{number}" for number in range(3)]


def page(number: int, told: str = "") -> bytes:
    said = f"<p>{told}</p>" + "".join(f"<p>{prose(number * 10 + n)}</p>" for n in range(3))
    return (
        f'<!doctype html><html lang="en"><head><title>Berth {number}</title><meta property="og:type" content="article">'
        f"</head><body><article><h1>Berth {number}</h1>{said}</article></body></html>"
    ).encode()


@pytest.fixture
def stock(postgres: str, tmp_path: Path) -> Iterator[Stock]:
    held = Stock(postgres, tmp_path, archive="none")
    yield held
    held.store.close()


def forgets(stock: Stock) -> Callable[[], None]:
    """Begins to forget the site; gives what waits for its end."""
    return beside(stock.store, lambda: forget(stock.store, Path(stock.config.folder) / "warc", SITE))


def test_a_site_is_forgotten_beside_a_crawler_that_hands_its_pages_over(stock: Stock) -> None:
    stock.find(*URLS)
    with stock.store.write() as connection:
        rows = replayed.lease(connection, dict.fromkeys(URLS, 0.0), run=stock.run, now=time.time())
        runs.end(connection, stock.run, "exhausted", now=time.time())
    came = [Fetched(row, State.FETCHED, 200, body=b"<html>", fetched_at=1.0) for row in rows.values()]
    with stock.store.write() as connection:
        runs.get(connection, stock.run, lock=True)
        fetches.record(connection, came, run=stock.run, ring_after=0.0)
        ended = forgets(stock)
        stories.lock(connection)
    ended()
    assert stock.fates()["refused"] == {"forgotten": len(URLS)}
    assert stock.fates()["in_flight"] == 0


def test_a_site_is_forgotten_beside_a_worker_that_writes_its_pages_down(stock: Stock) -> None:
    rows = stock.fetched({url: page(number) for number, url in enumerate(URLS)})
    with stock.store.write() as connection:
        taken = ledger.take(connection, State.FETCHED, rows, now=time.time(), lease_s=60.0)
        runs.end(connection, stock.run, "exhausted", now=time.time())
    with stock.store.write() as connection:
        ledger.move(connection, rows[0], State.FETCHED, taken[0].attempt, to=State.DROPPED, reason="unlike")
        ended = forgets(stock)
        bodies.discard(connection, rows[:1])
        assert ledger.move(connection, rows[1], State.FETCHED, taken[1].attempt, to=State.PARSED)
    ended()
    assert stock.fates()["refused"] == {"forgotten": len(URLS)}


def test_a_site_is_forgotten_beside_a_worker_at_pages_it_led_to(stock: Stock) -> None:
    rows = stock.fetched({url: page(number) for number, url in enumerate(URLS)})
    led_to = stock.fetched({"https://other.test/": page(9), f"https://{SITE}/last": page(8)})
    with stock.store.write() as connection:
        connection.execute(update(urls).where(urls.c.id.in_(led_to[:1])).values(parent=rows[0], anchor="more"))
        taken = ledger.take(connection, State.FETCHED, led_to, now=time.time(), lease_s=60.0)
        runs.end(connection, stock.run, "exhausted", now=time.time())
    with stock.store.write() as connection:
        ledger.move(connection, led_to[0], State.FETCHED, taken[0].attempt, to=State.PARSED)
        ended = forgets(stock)
        ledger.move(connection, led_to[1], State.FETCHED, taken[1].attempt, to=State.PARSED)
    ended()
    assert stock.row("https://other.test/").anchor == ""


def test_a_crawler_gives_back_beside_whoever_changes_what_waits(stock: Stock) -> None:
    stock.find(*URLS)
    now = time.time()
    with stock.store.write() as connection:
        (held,) = allotment.lease(connection, "me", run=stock.run, now=now, number=1, rows_each=3, at_most=3, worth=0.0)
        runs.end(connection, stock.run, "user", now=now)
    rows = [row.row for row in held.rows]
    with stock.store.write() as connection:
        runs.take_turn(connection)
        connection.execute(select(urls.c.id).where(urls.c.id == rows[2]).with_for_update())
        gives_back = beside(stock.store, lambda: give_back_all(stock.store, "me", [(held.id, rows, now)]))
        connection.execute(select(hosts.c.id).where(hosts.c.id == held.id).with_for_update())
    gives_back()
    assert set(stock.states().values()) == {State.WAITING}


def test_pages_that_came_again_are_compared_beside_a_crawler(stock: Stock) -> None:
    stock.work("parse", stock.fetched({url: page(number) for number, url in enumerate(URLS)}))
    assert set(stock.states().values()) == {State.STORED}
    later = time.time() + 3600
    with stock.store.write() as connection:
        rows = replayed.lease(connection, dict.fromkeys(URLS, later), run=stock.run, now=later)
        came = [
            Fetched(rows[url], State.FETCHED, 200, final_url=url, headers={"content-type": "text/html"},
                    fetched_at=later, body=page(number, prose(99 + number) if number else ""))
            for number, url in enumerate(URLS)
        ]  # fmt: skip
        fetches.record(connection, came, run=stock.run, ring_after=0.0)
    with stock.store.write() as connection:
        runs.get(connection, stock.run, lock=True)
        compares = beside(stock.store, lambda: stock.stages()["parse"].run(list(rows.values()), unwatched))
        stories.lock(connection)
    compares()
    assert [int(stock.states()[url]) for url in URLS] == [State.STORED, State.PARSED, State.PARSED]
