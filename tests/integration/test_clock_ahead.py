"""A clock that is set ahead ends every lease by the time of day: whoever loses a host by that asks it nothing more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import until
from crawling import begin, settings
from sqlalchemy import text

from crawler.crawl import Crawl
from crawler.frontier.batch import Batch
from crawler.frontier.exchange import FENCE_S, Exchange
from crawler.frontier.guests import Guests
from crawler.frontier.handoff import RENEW_S, Handoff, Wanted
from crawler.frontier.owned import Owned
from crawler.project import Project
from pipelines.errors import StoreError
from pipelines.stores import leases
from pipelines.stores.allotment import LEASE_S
from pipelines.walltime import Walltime
from workers.queues import Queues

HOUR_S = 3600.0


class Crawling:
    """A crawler process as far as it owns hosts, with a clock that can be set."""

    def __init__(self, folder: Path, sender: Queues) -> None:
        overrides = settings()
        self._sender = sender
        self._store, run = begin(folder, overrides, sites=[f"http://a.test/{n}" for n in range(9)])
        self.set_by_s = 0.0
        self.crawl = Crawl.of_run(Project(folder).config(overrides), run)
        self.owned = self.crawl.owned = Owned(Walltime(self.clock))
        self.crawl.handoff = self.handoff_of(self.crawl.holder)
        self.exchange = Exchange(self.crawl, self.owned, Guests(self.owned, pace_by="host"))

    def clock(self) -> float:
        return time.time() + self.set_by_s

    def handoff_of(self, holder: str) -> Handoff:
        """The door of a process that begins now, to which the clock was always as it is."""
        return Handoff(self.crawl.store, self._sender, run=self.crawl.run, holder=holder, clock=self.clock)

    def talk(self) -> None:
        asyncio.run(self.exchange.run())

    def close(self) -> None:
        self.crawl.store.close()
        self._store.close()


@pytest.fixture
def crawling(tmp_path: Path, sender: Queues) -> Iterator[Crawling]:
    process = Crawling(tmp_path, sender)
    process.talk()
    assert process.owned.hosts and not process.exchange.is_fenced
    yield process
    process.close()


def test_nobody_is_asked_until_the_ledger_has_said_whose_the_hosts_are(crawling: Crawling) -> None:
    crawling.set_by_s = HOUR_S
    crawling.owned.look_at_clock()
    assert crawling.exchange.is_fenced and crawling.exchange.is_due
    crawling.talk()
    assert not crawling.exchange.is_fenced and crawling.owned.hosts
    assert not crawling.handoff_of("another").exchange(Batch(), Wanted(1, 4, held=0)).leases, "its leases were renewed"


def test_who_could_not_say_for_long_that_he_lives_asks_nobody(
    crawling: Crawling, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert FENCE_S + RENEW_S < LEASE_S, "others take the hosts later than that"
    with monkeypatch.context() as sooner:
        sooner.setattr("crawler.frontier.exchange.FENCE_S", 0.01)
        until(lambda: crawling.exchange.is_fenced, "its silence")
    crawling.talk()
    assert not crawling.exchange.is_fenced and crawling.owned.hosts


def test_a_talk_that_fails_has_told_nobody_that_the_process_lives(crawling: Crawling) -> None:
    crawling.set_by_s = HOUR_S
    crawling.owned.look_at_clock()
    with crawling.crawl.store.write() as connection:
        connection.execute(text("ALTER TABLE hosts RENAME TO away"))
    with pytest.raises(StoreError):
        crawling.talk()
    with crawling.crawl.store.write() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO hosts"))
    assert crawling.exchange.is_fenced
    crawling.talk()
    assert not crawling.exchange.is_fenced and crawling.owned.hosts
    assert not crawling.handoff_of("another").exchange(Batch(), Wanted(1, 4, held=0)).leases, "its leases were renewed"


@pytest.mark.parametrize("busy", [False, True])
def test_a_host_that_another_process_took_meanwhile_is_asked_nothing_more(crawling: Crawling, busy: bool) -> None:
    (held,) = crawling.owned.hosts.values()
    if busy:  # a request is on its way
        held.rows.popleft()
        held.pace.sent()
        crawling.owned.flying += 1
    crawling.set_by_s = HOUR_S
    taken = crawling.handoff_of("another").exchange(Batch(), Wanted(1, 4, held=0))
    assert [one.name for one in taken.leases] == ["a.test"]
    assert taken.leases[0].rest_s == pytest.approx(held.pace.delay_s, rel=0.01), "it may just have been asked"
    crawling.owned.look_at_clock()
    crawling.talk()
    if busy:
        assert held.closed and not held.rows and not crawling.exchange.is_fenced
        crawling.owned.answered(held.id)
        crawling.talk()
    assert not crawling.owned.hosts
    with crawling.crawl.store.read() as connection:
        assert leases.held_by(connection, "another") == {held.id}
