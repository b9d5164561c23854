"""The ledger: every URL has one row, nobody moves what is not theirs, and the fates add up. On both databases."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from sqlite3 import SQLITE_LIMIT_VARIABLE_NUMBER as LIMIT_VARIABLE_NUMBER

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from racing import race
from sqlalchemy import event, select, update
from stocked import Stock, adds_up

from crawler.frontier.batch import Batch, HostNote
from crawler.frontier.handoff import Handoff, Wanted
from pipelines.records import Candidate
from pipelines.stages import RING_S
from pipelines.stores import (
    allotment,
    bodies,
    discovery,
    failures,
    fates,
    fetches,
    forgotten,
    hosts,
    leases,
    ledger,
    open_store,
    runs,
    sites,
)
from pipelines.stores.allotment import LEASE_S, HostLease
from pipelines.stores.discovery import Found
from pipelines.stores.failures import Choice
from pipelines.stores.fetches import Fetched
from pipelines.stores.schema import hosts as host_table
from pipelines.stores.schema import urls as url_table
from pipelines.stores.states import Kind, State
from pipelines.urls import key
from workers.inline import Inline

NOW = 1_000_000.0


@pytest.fixture
def stock(database: str, tmp_path: Path) -> Iterator[Stock]:
    made = Stock(database, tmp_path)
    yield made
    made.store.close()


def lease(stock: Stock, holder: str = "me", *, now: float = NOW, number: int = 10, rows_each: int = 10,
          at_most: int = 100, worth: float = 0.0, max_per_site: int = 0) -> list[HostLease]:  # fmt: skip
    with stock.store.write() as connection:
        return allotment.lease(
            connection, holder, run=stock.run, now=now, number=number, rows_each=rows_each, at_most=at_most,
            worth=worth, max_per_site=max_per_site,
        )  # fmt: skip


def names(leases: list[HostLease]) -> list[str]:
    return [one.name for one in leases]


def paths(leases: list[HostLease]) -> list[str]:
    return [row.url.rpartition("/")[2] for one in leases for row in one.rows]


def best_of(stock: Stock, name: str) -> float | None:
    with stock.store.read() as connection:
        return connection.execute(select(host_table.c.best).where(host_table.c.name == name)).scalar()


# what is known


def test_a_url_is_discovered_once_however_often_it_is_named(stock: Stock) -> None:
    assert stock.find("https://a.test/1", "https://a.test/2", "https://a.test/1") == 2
    assert stock.find("https://a.test/2", "https://b.test/1", expected=0.9) == 1
    assert stock.find() == 0
    assert stock.row("https://a.test/2").expected == 0.5
    assert (best_of(stock, "a.test"), best_of(stock, "b.test")) == (0.5, 0.9)


def test_a_host_knows_the_best_that_waits_at_it(stock: Stock) -> None:
    stock.find("https://a.test/1", expected=0.3)
    stock.find("https://a.test/2", expected=0.8)
    stock.find("https://a.test/3", expected=0.1)
    assert best_of(stock, "a.test") == 0.8
    with stock.store.write() as connection:
        discovery.rescore(connection, [(key("https://a.test/2"), 0.2), (key("https://a.test/1"), 0.4)])
    assert best_of(stock, "a.test") == 0.4


def test_more_hosts_than_a_statement_takes_parameters_are_discovered_at_once(stock: Stock) -> None:
    assert stock.find(*(f"https://h{number}.test/" for number in range(33_000))) == 33_000


def test_a_site_of_more_hosts_than_a_statement_takes_parameters_is_blocked_and_given_up(stock: Stock) -> None:
    if stock.store.is_sqlite:  # 32,766 where it was built without a word
        event.listen(stock.store.engine, "connect", lambda made, _: made.setlimit(LIMIT_VARIABLE_NUMBER, 5_100))
    number = 5_200
    stock.find(*(f"https://h{one}.blogs.test/" for one in range(number)))
    with stock.store.write() as connection:
        assert sites.block(connection, "blogs.test") == number
        sites.unblock(connection, "blogs.test")
        sites.boost(connection, "blogs.test")
        connection.execute(update(host_table).values(given_up="gone", best=None))
        connection.execute(update(url_table).values(state=State.REFUSED, reason=hosts.GIVEN_UP))
        assert hosts.frontier(connection)["urls"] == 0
        hosts.begin_anew(connection)
        assert hosts.frontier(connection) == {"hosts": number, "urls": number, "leased": 0}
    assert best_of(stock, "h7.blogs.test") == 0.75


def test_what_the_web_says_cannot_break_the_ledger(stock: Stock) -> None:
    # PostgreSQL refuses NUL and anything longer than its column; no database takes half a character
    odd = Candidate("https://a.test/odd", "link", anchor="N\x00UL \ud800" + "x" * 1000, published="\x002024" * 40)
    with stock.store.write() as connection:
        found = [Found(odd, 0.5, depth=10**6)]
        assert len(discovery.discover(connection, found, run=stock.run, now=NOW)) == 1
    (held,) = lease(stock)
    ended = Fetched(held.rows[0].row, State.DROPPED, 99_999, "http-" + "9" * 90, "was \x00 \udfff", fetched_at=NOW,
                    final_url="https://a.test/\x00", headers={"server": "\x00\ud800"}, body=b"\x00")  # fmt: skip
    with stock.store.write() as connection:
        fetches.record(connection, [ended], run=stock.run, ring_after=NOW)
        hosts.note_robots(connection, held.id, verdict="rules", text="User-agent: *\x00", delay_s=None, now=NOW)
    row = stock.row("https://a.test/odd")
    assert row.anchor.startswith("NUL x")
    assert (row.status, row.detail, len(row.reason)) == (999, "was  ", 40)


# leases


@pytest.mark.parametrize("typed", ["a\0.test", "a\udcff.test", 400 * "a"])
def test_nor_can_what_somebody_asks_for(stock: Stock, typed: str) -> None:
    with stock.store.write() as connection:
        assert fates.find(connection, f"https://{typed}/") is None
        assert sites.of_site(connection, typed) == sites.of_site(connection, "b.test") == []
        assert (sites.block(connection, typed), forgotten.of_site(connection, typed)) == (0, [])
        assert list(failures.grouped(connection, Choice(reason=typed, site=typed))) == []


def test_the_most_promising_hosts_and_urls_are_leased_first(stock: Stock) -> None:
    for host, expected in (("low", 0.2), ("high", 0.9), ("middle", 0.5)):
        for number in range(3):
            stock.find(f"https://{host}.test/{host}{number}", expected=expected - number / 100)
    taken = lease(stock, number=2, rows_each=2)
    assert paths(taken) == ["high0", "high1", "middle0", "middle1"]
    assert best_of(stock, "high.test") == pytest.approx(0.88)
    assert all(stock.states()[row.url] == State.LEASED for one in taken for row in one.rows)


def test_a_leased_host_is_nobody_elses_until_its_time_is_over(stock: Stock) -> None:
    stock.find("https://a.test/1", "https://a.test/2")
    assert names(lease(stock, "me", rows_each=1)) == ["a.test"]
    assert lease(stock, "you", now=NOW + LEASE_S - 1) == []
    with stock.store.write() as connection:
        leases.renew(connection, "me", now=NOW + LEASE_S - 1)
    assert lease(stock, "you", now=NOW + LEASE_S + 1) == []
    assert names(lease(stock, "you", now=NOW + 2 * LEASE_S)) == ["a.test"]


def test_who_takes_a_dead_owners_host_takes_what_it_was_fetching(stock: Stock) -> None:
    stock.find("https://a.test/1", "https://a.test/2")
    lease(stock, "dead", rows_each=1)
    assert sorted(paths(lease(stock, "heir", now=NOW + LEASE_S + 1))) == ["1", "2"]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"number": 1}, ["a1", "a2", "a3"]),
        ({"rows_each": 1}, ["a1", "b1"]),
        ({"at_most": 2}, ["a1", "a2"]),
        ({"at_most": 4}, ["a1", "a2", "a3", "b1"]),
        ({"at_most": 0}, []),
        ({"worth": 0.6}, ["a1", "a2"]),
        ({"worth": 0.95}, []),
        ({"max_per_site": 2}, ["a1", "a2", "b1", "b2"]),
    ],
)
def test_a_lease_keeps_to_its_limits(stock: Stock, limits: dict[str, float], expected: list[str]) -> None:
    for url, yields in (("a1", 0.9), ("a2", 0.7), ("a3", 0.5), ("b1", 0.4), ("b2", 0.3), ("b3", 0.2)):
        stock.find(f"https://{url[0]}.test/{url}", expected=yields)
    assert paths(lease(stock, **limits)) == expected  # type: ignore[arg-type]


def test_a_host_gives_no_more_pages_than_max_per_site(stock: Stock) -> None:
    stock.find(*(f"https://a.test/{number}" for number in range(9)))
    fetched = 0
    for turn in range(5):
        for one in lease(stock, now=NOW + turn, rows_each=2, max_per_site=5):
            fetched += len(one.rows)
            with stock.store.write() as connection:
                done = [Fetched(row.row, State.DROPPED, 200, "unlike", fetched_at=NOW) for row in one.rows]
                fetches.record(connection, done, run=stock.run, ring_after=NOW)
                hosts.note_paces(connection, {one.id: (NOW, 0, len(one.rows))})
                leases.give_back(connection, {one.id: ([], NOW)}, holder="me")
    assert fetched == 5
    with stock.store.read() as connection:
        assert not allotment.anything_left(connection, before=NOW + 9, max_per_site=5)


def test_a_host_not_due_or_given_up_is_passed_over(stock: Stock) -> None:
    stock.find("https://later.test/1", "https://hopeless.test/1", "https://open.test/1")
    ids = {one.name: one.id for one in lease(stock)}
    with stock.store.write() as connection:
        for name, host in ids.items():
            rows = [stock.row(f"https://{name}/1").id]
            leases.give_back(connection, {host: (rows, NOW + (99 if name == "later.test" else 0))}, holder="me")
        hosts.give_up(connection, ids["hopeless.test"], "8 failures in a row")
    assert names(lease(stock)) == ["open.test"]
    told = stock.row("https://hopeless.test/1")
    assert (told.state, told.reason, told.detail) == (State.REFUSED, "host-given-up", "8 failures in a row")
    assert stock.find("https://hopeless.test/2") == 1
    assert lease(stock) == []


def test_what_is_given_back_waits_again(stock: Stock) -> None:
    stock.find("https://a.test/1", "https://a.test/2")
    (held,) = lease(stock, "me")
    with stock.store.write() as connection:
        leases.give_back(connection, {held.id: ([row.row for row in held.rows[1:]], NOW + 2)}, holder="me")
    assert set(stock.states().values()) == {State.LEASED, State.WAITING}
    assert best_of(stock, "a.test") == 0.5
    (again,) = lease(stock, "you", now=NOW + 1)
    assert again.next_at == NOW + 2


def test_of_hosts_given_back_together_only_ones_own_are_freed(stock: Stock) -> None:
    stock.find("https://a.test/1", "https://b.test/1", "https://c.test/1")
    held = {one.name: one for one in lease(stock, "me")}
    with stock.store.write() as connection:
        connection.execute(update(host_table).where(host_table.c.name == "b.test").values(holder="you"))
        returned = {one.id: ([row.row for row in one.rows], NOW + one.id) for one in held.values()}
        leases.give_back(connection, returned, holder="me")
    states = stock.states()
    assert [states[f"https://{name}.test/1"] for name in "abc"] == [State.WAITING, State.LEASED, State.WAITING]
    again = {one.name: one.next_at for one in lease(stock, "me", now=NOW + 1)}
    assert again == {name: NOW + held[name].id for name in ("a.test", "c.test")}


def test_of_more_hosts_than_are_asked_for_together_each_gives_its_best(stock: Stock) -> None:
    hosts_ = [f"h{at}.test" for at in range(2 * allotment.TOGETHER + 1)]
    stock.find(*[f"https://{name}/{page}" for name in hosts_ for page in (1, 2, 3)])
    leased = lease(stock, number=len(hosts_), rows_each=2, at_most=100)
    assert sorted(names(leased)) == sorted(hosts_)
    assert all([row.url for row in one.rows] == [f"https://{one.name}/1", f"https://{one.name}/2"] for one in leased)


def test_who_lost_a_host_can_neither_free_it_nor_hurry_it(stock: Stock) -> None:
    stock.find("https://a.test/1", "https://a.test/2")
    (slow,) = lease(stock, "slow", rows_each=1)
    (heir,) = lease(stock, "heir", now=NOW + LEASE_S + 1)
    with stock.store.write() as connection:
        hosts.note_paces(connection, {heir.id: (NOW + 500, 0, 1)})
        hosts.note_paces(connection, {slow.id: (NOW + 1, 0, 1)})
        leases.give_back(connection, {slow.id: ([row.row for row in slow.rows], NOW)}, holder="slow")
    assert lease(stock, "third", now=NOW + LEASE_S + 2) == []
    assert set(stock.states().values()) == {State.LEASED}
    with stock.store.read() as connection:
        held = connection.execute(select(host_table)).one()
    assert (held.holder, held.next_at) == ("heir", NOW + 500)


def test_the_urls_of_a_dead_process_come_back_and_the_living_keep_theirs(stock: Stock) -> None:
    stock.find("https://a.test/1", "https://b.test/1")
    (dead,) = lease(stock, "dead", number=1)
    (alive,) = lease(stock, "alive", now=NOW + LEASE_S - 1)
    with stock.store.write() as connection:
        assert leases.any_lost(connection, now=NOW + LEASE_S + 1)
        assert leases.reclaim(connection, now=NOW + LEASE_S + 1) == 1
        assert not leases.any_lost(connection, now=NOW + LEASE_S + 1)
        assert leases.reclaim(connection, now=NOW + LEASE_S + 1) == 0
    states = stock.states()
    assert states[dead.rows[0].url] == State.WAITING
    assert states[alive.rows[0].url] == State.LEASED
    assert names(lease(stock, "next", now=NOW + LEASE_S + 2)) == [dead.name]


def test_a_host_that_changed_hands_stays_with_its_new_owner_when_old_urls_come_back(stock: Stock) -> None:
    stock.find("https://a.test/1", "https://a.test/2")
    lease(stock, "dead", rows_each=1)
    with stock.store.write() as connection:
        # as if the heir's lease had come before the dead one's URLs were noticed
        connection.execute(update(host_table).values(holder="heir", lease_until=NOW + 99))
        assert leases.reclaim(connection, now=NOW + LEASE_S + 1) == 1
        held = connection.execute(select(host_table)).one()
    assert (held.holder, held.lease_until) == ("heir", NOW + 99)


def test_a_named_dead_holder_is_freed_at_once(stock: Stock) -> None:
    stock.find("https://a.test/1", "https://b.test/1")
    lease(stock, "dead", number=1)
    lease(stock, "alive", number=1)
    with stock.store.write() as connection:
        assert leases.reclaim(connection, now=NOW + 1, holder="dead") == 1
        leases.free_leases(connection, now=NOW + 1, holder="dead")
        assert leases.holders(connection) == ["alive"]
    assert len(lease(stock, "next", now=NOW + 1)) == 1


def _lease_until_none(address: str, holder: str, run: int) -> list[str]:
    store, mine = open_store(address), []
    while True:
        with store.write() as connection:
            leases = allotment.lease(connection, holder, run=run, now=NOW, number=3, rows_each=2, at_most=6, worth=0.0)
        if not leases:
            break
        mine += [one.name for one in leases]
    store.close()
    return mine


@pytest.mark.slow
def test_processes_that_lease_at_the_same_time_never_share_a_host(stock: Stock) -> None:
    wanted = [f"h{number}.test" for number in range(40)]
    stock.find(*(f"https://{name}/{page}" for name in wanted for page in range(2)))
    taken = race(_lease_until_none, [(stock.address, f"p{number}", stock.run) for number in range(3)])
    assert sorted(itertools.chain(*taken)) == sorted(wanted)


def _exchange(address: str, holder: str, run: int, turns: int) -> int:
    """A crawler's side of the ledger: fetches what it leases, and finds and rescores URLs everywhere."""
    store, leased = open_store(address), 0

    class Nobody:
        def send(self, *_: object, **__: object) -> bool:
            return False

    handoff = Handoff(store, Nobody(), run=run, holder=holder)
    batch = Batch()
    for turn in range(turns):
        given = handoff.exchange(batch, Wanted(hosts=4, rows_each=2, held=0))
        everywhere = [f"https://h{number}.test/{turn}" for number in range(30)]
        ordered = everywhere if holder == "p0" else everywhere[::-1]
        batch = Batch(
            fetched=[
                Fetched(row.row, State.DROPPED, 200, "unlike", fetched_at=NOW)
                for one in given.leases for row in one.rows
            ],
            found=[Found(Candidate(url, "link"), 0.5) for url in ordered],
            rescored=[(key(url), 0.4) for url in ordered],
            notes={one.id: HostNote(0.0, 0, len(one.rows), give_back=True) for one in given.leases},
        )  # fmt: skip
        leased += sum(len(one.rows) for one in given.leases)
    handoff.exchange(batch, Wanted(hosts=0, rows_each=0, held=1))
    store.close()
    return leased


@pytest.mark.slow
def test_crawlers_that_find_the_same_urls_at_the_same_time_do_not_block_each_other(stock: Stock) -> None:
    stock.find(*(f"https://h{number}.test/start" for number in range(30)))
    with stock.store.write() as connection:
        asked = runs.get(connection, stock.run).config
        config = type(asked)(mode="replay", crawl=type(asked.crawl)(pages=0))
        runs.resume(connection, stock.run, config, "", now=NOW)
    leased = race(_exchange, [(stock.address, f"p{number}", stock.run, 25) for number in range(2)])
    with stock.store.read() as connection:
        told = fates.count(connection)
        held = {row.name: row.best for row in connection.execute(select(host_table))}
        waiting = set(
            connection.execute(
                select(host_table.c.name).join(url_table, url_table.c.host == host_table.c.id)
                .where(url_table.c.state == State.WAITING)
            ).scalars()
        )  # fmt: skip
    assert told["fetched"] == sum(leased)
    assert told["fetched"] + told["frontier"] == 30 * 26
    # a host at which something waits says so, or nobody would ever ask it again
    assert {name for name, best in held.items() if best is not None} >= waiting


# fetches


def test_a_fetch_is_recorded_once_and_only_while_leased(stock: Stock) -> None:
    stock.find("https://a.test/1")
    (held,) = lease(stock)
    row = held.rows[0].row
    first = Fetched(row, State.FETCHED, 200, final_url="https://a.test/1", fetched_at=NOW, body=b"first")
    second = Fetched(row, State.DROPPED, 500, "http-500", fetched_at=NOW + 1, body=b"second")
    with stock.store.write() as connection:
        assert fetches.record(connection, [first], run=stock.run, ring_after=0.0) == [row]
        assert fetches.record(connection, [second], run=stock.run, ring_after=0.0) == []
        (taken,) = ledger.take(connection, State.FETCHED, [row], now=NOW, lease_s=60)
    assert (taken.page.body, taken.page.status) == (b"first", 200)


def test_a_page_fetched_again_has_its_newest_body(stock: Stock) -> None:
    (row,) = stock.fetched({"https://a.test/1": b"old"}, state=State.DROPPED, reason="unlike")
    with stock.store.write() as connection:
        connection.execute(update(url_table).values(state=State.LEASED))
        fetches.record(connection, [Fetched(row, State.FETCHED, 200, fetched_at=NOW, body=b"new")], run=1, ring_after=0)
        assert ledger.take(connection, State.FETCHED, [row], now=NOW, lease_s=60)[0].page.body == b"new"


def test_a_page_that_failed_once_waits_behind_the_others(stock: Stock) -> None:
    stock.find("https://a.test/1", expected=0.8)
    (held,) = lease(stock)
    with stock.store.write() as connection:
        fetches.record(connection, [Fetched(held.rows[0].row, State.WAITING, 503)], run=stock.run, ring_after=0.0)
        leases.give_back(connection, {held.id: ([], NOW)}, holder="me")
    row = stock.row("https://a.test/1")
    assert (row.state, row.fetches, row.expected) == (State.WAITING, 1, 0.4)
    assert names(lease(stock)) == ["a.test"]


def test_what_may_not_be_fetched_ends_as_refused_and_was_never_fetched(stock: Stock) -> None:
    stock.find("https://a.test/1", "https://a.test/2")
    (held,) = lease(stock)
    first, second = (row.row for row in held.rows)
    with stock.store.write() as connection:
        fetches.record(connection, [Fetched(second, State.DROPPED, 200, "unlike", fetched_at=NOW)], run=1, ring_after=0)
        fetches.refuse(connection, [(first, "robots", "it says no"), (second, "robots", "too late")], now=NOW)
    told = stock.fates()
    assert (told["refused"], told["fetched"], told["dropped"]) == ({"robots": 1}, 1, {"unlike": 1})


# stages


def test_an_attempt_is_counted_before_any_work(stock: Stock) -> None:
    rows = stock.fetched({"https://a.test/1": b"1", "https://a.test/2": b"2"})
    with stock.store.write() as connection:
        taken = ledger.take(connection, State.FETCHED, [rows[0]], now=NOW, lease_s=60)
    assert [(one.page.body, one.attempt, one.run) for one in taken] == [(b"1", 1, stock.run)]
    held = stock.row("https://a.test/1")
    assert (held.attempts, held.due_at, held.state) == (1, NOW + 60, State.FETCHED)
    with stock.store.write() as connection:
        assert ledger.take(connection, State.PARSED, rows, now=NOW, lease_s=60) == []
        again = ledger.take(connection, State.FETCHED, rows, now=NOW, lease_s=60, bodies_too=False)
    assert [(one.page.body, one.attempt) for one in again] == [(b"", 2), (b"", 1)]


def test_an_older_attempt_cannot_move_what_a_newer_one_works_on(stock: Stock) -> None:
    (row,) = stock.fetched({"https://a.test/1": b"1"})
    with stock.store.write() as connection:
        (old,) = ledger.take(connection, State.FETCHED, [row], now=NOW, lease_s=60)
        (new,) = ledger.take(connection, State.FETCHED, [row], now=NOW + 61, lease_s=60)
        assert not ledger.move(connection, row, old.state, old.attempt, to=State.DROPPED, reason="unlike")
        assert ledger.move(connection, row, new.state, new.attempt, to=State.PARSED)
        assert not ledger.move(connection, row, new.state, new.attempt, to=State.DROPPED, reason="unlike")
    assert (stock.row("https://a.test/1").state, stock.row("https://a.test/1").attempts) == (State.PARSED, 0)


def test_what_a_living_process_is_at_is_no_others_until_it_dies_lets_go_or_is_silent(stock: Stock) -> None:
    row, other = stock.fetched({"https://a.test/1": b"1", "https://a.test/2": b"2"})

    def taken(by: str, rows: list[int], now: float = NOW) -> list[int]:
        some = ledger.take(connection, State.FETCHED, rows, now=now, lease_s=60, by=by)
        return [one.page.row for one in some]

    with stock.store.write() as connection:
        assert taken("a", [row]) == [row]
        assert taken("b", [row, other], NOW + 59) == [other]
        assert ledger.workers(connection) == ["a", "b"]
        # what is late, or meant for its own rows, changes nothing of others'
        ledger.release(connection, [row, other], now=NOW, by="b")
        ledger.begin_not(connection, [row, other], state=State.FETCHED, until=NOW, by="b")
        ledger.renew(connection, [row, other], until=NOW + 999, by="b")
        ledger.postpone(connection, [row], until=NOW + 30)
        ledger.unrung(connection, now=NOW)
        assert taken("b", [row], NOW + 59) == []
        assert taken("b", [row], NOW + 60) == [row], "it was silent"
        ledger.free(connection, "a", now=NOW)
        assert taken("a", [row], NOW + 61) == []
        ledger.free(connection, "b", now=NOW + 61)
        assert ledger.overdue(connection, State.FETCHED, now=NOW + 61, limit=9)[-1][0] == row
        assert taken("a", [row], NOW + 61) == [row], "it died"
        assert ledger.move(connection, row, State.FETCHED, 3, to=State.PARSED)
        assert ledger.workers(connection) == [], "nobody is at what has moved"


def test_a_stage_that_comes_late_cannot_move_what_the_next_one_works_on(stock: Stock) -> None:
    (row,) = stock.fetched({"https://a.test/1": b"1"})
    with stock.store.write() as connection:
        (late,) = ledger.take(connection, State.FETCHED, [row], now=NOW, lease_s=60)
        (again,) = ledger.take(connection, State.FETCHED, [row], now=NOW + 61, lease_s=60)
        assert ledger.move(connection, row, again.state, again.attempt, to=State.PARSED)
        (its,) = ledger.take(connection, State.PARSED, [row], now=NOW + 62, lease_s=60)
        assert its.attempt == late.attempt  # counted a stage
        assert not ledger.move(connection, row, late.state, late.attempt, to=State.DROPPED, reason="unlike")
        assert ledger.move(connection, row, its.state, its.attempt, to=State.JUDGED)


def test_of_many_rows_moved_at_once_only_those_still_ours_are(stock: Stock) -> None:
    rows = stock.fetched({f"https://a.test/{number}": b"1" for number in range(4)})
    with stock.store.write() as connection:
        ledger.take(connection, State.FETCHED, rows[:1], now=NOW, lease_s=60)
        taken = ledger.take(connection, State.FETCHED, rows, now=NOW, lease_s=60)
        ledger.take(connection, State.FETCHED, rows[1:2], now=NOW + 61, lease_s=60)  # another's by now
        ledger.move(connection, rows[2], State.FETCHED, 1, to=State.DROPPED, reason="unlike")
        assert [one.attempt for one in taken] == [2, 1, 1, 1]
        assert ledger.move_all(connection, taken, to=State.DUPLICATE, reason="copy") == {rows[0], rows[3]}
        assert ledger.move_all(connection, taken, to=State.STORED) == set()
        assert ledger.move_all(connection, [], to=State.STORED) == set()
    ended = [stock.row(f"https://a.test/{number}").state for number in range(4)]
    assert ended == [State.DUPLICATE, State.FETCHED, State.DROPPED, State.DUPLICATE]
    assert (stock.row("https://a.test/0").reason, stock.row("https://a.test/0").attempts) == ("copy", 0)


def test_a_row_that_ended_is_moved_by_nobody(stock: Stock) -> None:
    (row,) = stock.fetched({"https://a.test/1": b"1"}, state=State.DROPPED, reason="unlike")
    with stock.store.write() as connection:
        assert not ledger.move(connection, row, State.DROPPED, 0, to=State.STORED)
        ledger.release(connection, [row], now=5.0)
        ledger.postpone(connection, [row], until=5.0)
    assert stock.row("https://a.test/1").due_at == 0.0


def test_only_rows_whose_lease_ran_out_are_overdue_oldest_first(stock: Stock) -> None:
    rows = stock.fetched({f"https://a.test/{number}": b"x" for number in range(4)})
    with stock.store.write() as connection:
        for number, row in enumerate(rows):
            ledger.postpone(connection, [row], until=NOW + 10 - number)
        assert ledger.overdue(connection, State.FETCHED, now=NOW + 8.5, limit=9) == [(rows[3], 0), (rows[2], 0)]
        assert ledger.overdue(connection, State.FETCHED, now=NOW + 99, limit=1) == [(rows[3], 0)]
        assert ledger.overdue(connection, State.PARSED, now=NOW + 99, limit=9) == []
        ledger.unrung(connection, now=NOW)
        assert len(ledger.overdue(connection, State.FETCHED, now=NOW, limit=9)) == 4


# budgets


def test_the_floor_is_what_the_requests_left_can_still_reach(stock: Stock) -> None:
    for number in range(10):
        stock.find(f"https://h{number % 2}.test/{number}", expected=(number + 1) / 10)
    with stock.store.read() as connection:
        assert allotment.floor(connection, 3, before=NOW) == pytest.approx(0.8)
        # what waits for a slow host's turn is worth waiting for, down to half of it
        assert allotment.floor(connection, 1000, before=NOW) == pytest.approx(allotment.PATIENCE)


def test_hosts_nobody_waits_for_do_not_raise_the_floor(stock: Stock) -> None:
    stock.find(*(f"https://capped.test/{number}" for number in range(20)), expected=0.9)
    stock.find(*(f"https://closed.test/{number}" for number in range(20)), expected=0.8)
    stock.find("https://open.test/1", expected=0.2)
    with stock.store.write() as connection:
        connection.execute(update(host_table).where(host_table.c.name == "capped.test").values(pages=5))
        connection.execute(update(host_table).where(host_table.c.name == "closed.test").values(next_at=NOW + 999))
        worth = allotment.floor(connection, 5, before=NOW + 100, max_per_site=5)
    assert names(lease(stock, worth=worth, max_per_site=5)) == ["open.test"]


def test_the_frontier_of_an_empty_ledger_is_empty(stock: Stock) -> None:
    with stock.store.read() as connection:
        assert allotment.floor(connection, 10, before=NOW) == 0.0
        assert not allotment.anything_left(connection, before=NOW)
        assert hosts.frontier(connection) == {"hosts": 0, "urls": 0, "leased": 0}
        assert ledger.in_flight(connection) == {State.FETCHED: 0, State.PARSED: 0, State.JUDGED: 0}
        assert runs.pages_fetched(connection, stock.run) == 0


# fates

_MOVES = st.lists(
    st.tuples(st.sampled_from(["lease", "fetch", "fail", "refuse", "list", "take", "move", "late", "bury", "reclaim"]),
              st.integers(0, 7), st.integers(0, 9)),
    max_size=60,
)  # fmt: skip


class _Walk:
    """Does to the ledger what processes do, in any order, remembering attempts as a slow worker would."""

    def __init__(self, stock: Stock) -> None:
        self.stock = stock
        with stock.store.write() as connection:
            found = [
                Found(Candidate(f"https://h{number % 3}.test/{time.monotonic_ns()}", "link",
                                kind="feed" if number == 7 else "page"), 0.5)
                for number in range(8)
            ]  # fmt: skip
            discovery.discover(connection, found, run=stock.run, now=NOW)
            wanted = [key(one.candidate.url) for one in found]
            self.rows = list(connection.execute(select(url_table.c.id).where(url_table.c.key.in_(wanted))).scalars())
        self.attempts: dict[int, list[tuple[State, int]]] = {row: [] for row in self.rows}
        self.now = NOW

    def step(self, kind: str, which: int, how: int) -> None:
        row, self.now = self.rows[which], self.now + how
        with self.stock.store.write() as connection:
            match kind:
                case "lease":
                    allotment.lease(connection, f"p{how % 2}", run=self.stock.run, now=self.now, number=2, rows_each=2,
                                at_most=4, worth=0.0)  # fmt: skip
                case "fetch" | "fail" | "list":
                    state = {"fetch": State.FETCHED, "list": State.LISTED}.get(
                        kind, (State.WAITING, State.DEAD, State.DROPPED)[how % 3]
                    )
                    reason = None if state in (State.FETCHED, State.WAITING, State.LISTED) else f"why-{how}"
                    done = Fetched(row, state, 200, reason, fetched_at=self.now, body=b"x")
                    fetches.record(connection, [done], run=self.stock.run, ring_after=self.now)
                case "refuse":
                    fetches.refuse(connection, [(row, "robots", "")], now=self.now)
                case "take":
                    state = (State.FETCHED, State.PARSED, State.JUDGED)[how % 3]
                    for one in ledger.take(connection, state, self.rows, now=self.now, lease_s=5):
                        self.attempts[one.page.row].append((one.state, one.attempt))
                case "move" | "late":
                    tried = self.attempts[row]
                    state, attempt = (tried[-1] if kind == "move" else tried[0]) if tried else (State.FETCHED, 0)
                    to = list(State)[3 + how % 6]
                    ledger.move(connection, row, state, attempt, to=to, reason="why" if to >= State.DROPPED else None)
                case "bury":
                    bodies.discard(connection, [row])
                case "reclaim":
                    leases.reclaim(connection, now=self.now)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(moves=_MOVES)
def test_the_fates_add_up_whatever_happens_in_whatever_order(stock: Stock, moves: list[tuple[str, int, int]]) -> None:
    walk = _Walk(stock)
    ended: dict[int, int] = {}
    for move in moves:
        walk.step(*move)
        with stock.store.read() as connection:
            held = connection.execute(
                select(url_table.c.id, url_table.c.state, url_table.c.kind).where(url_table.c.id.in_(walk.rows))
            ).all()
            told = fates.count(connection)
            every = connection.execute(select(url_table.c.id)).all()
        assert adds_up(told)
        known = told["fetched"] + told["frontier"] + told["lists"] + sum(told["refused"].values())
        assert known == len(every)
        for row, state, kind in held:
            # no end is left again, except that dedupe may later make a stored article a copy
            assert ended.get(row, state) == state
            if state >= State.STORED:
                ended[row] = state
            assert kind in (Kind.PAGE, Kind.FEED)


def test_rows_rung_too_early_wait_for_their_own_bell(stock: Stock) -> None:
    (row,) = stock.fetched({"https://a.test/1": b"1"})
    with stock.store.write() as connection:
        ledger.postpone(connection, [row], until=NOW + RING_S)
        assert ledger.overdue(connection, State.FETCHED, now=NOW, limit=9) == []
        ledger.release(connection, [row], now=NOW)
        assert ledger.overdue(connection, State.FETCHED, now=NOW, limit=9) == [(row, 0)]


def test_a_crawler_hears_of_a_low_quick_score_among_the_matches_of_its_run(stock: Stock) -> None:
    def heard(handoff: Handoff) -> tuple[int, float] | None:
        return handoff.exchange(Batch(), Wanted(hosts=0, rows_each=0, held=1)).matched

    def crawler() -> Handoff:
        return Handoff(stock.store, Inline({}), run=stock.run, holder="me")

    assert heard(crawler()) == (0, 1.0)
    told = [
        (f"https://a.test/{number}", f"A text of its own, number {number}, about something else") for number in range(3)
    ]
    rows = stock.parsed(told[:2]) + stock.parsed(told[2:], matched=False)
    with stock.store.write() as connection:
        for row, quick in zip(rows, (0.7, 0.4, 0.1), strict=True):
            connection.execute(update(url_table).where(url_table.c.id == row).values(quick=quick))
    assert heard(crawler()) == (2, pytest.approx(0.4))


def test_a_crawler_looks_through_the_matches_less_often_the_longer_that_takes(stock: Stock) -> None:
    moment = 0.0

    def takes_ten_seconds(_: object, __: object, statement: str, *___: object) -> None:
        nonlocal moment
        if "ORDER BY urls.quick" in statement:
            moment += 10.0

    def looks() -> bool:
        return crawler.exchange(Batch(), Wanted(hosts=0, rows_each=0, held=1)).matched is not None

    event.listen(stock.store.engine, "after_cursor_execute", takes_ten_seconds)
    crawler = Handoff(stock.store, Inline({}), run=stock.run, holder="me", monotonic=lambda: moment)
    assert looks()
    moment = 499.0
    assert not looks()
    moment = 501.0
    assert looks()
