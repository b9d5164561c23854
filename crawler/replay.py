"""Recorded pages in place of the network: through the same gate and the same stages."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from crawler.frontier.focus import START_EXPECTED
from crawler.rating import learn_on
from crawler.reading.gate import Gate
from crawler.starting import edition_of
from pipelines import urls as identity
from pipelines.config import Config
from pipelines.likeness.profile import Profile
from pipelines.records import Candidate
from pipelines.seeds import SeedSet
from pipelines.stores import Store, discovery, fetches, ledger, replayed, rhythms, runs
from pipelines.stores.discovery import Found
from pipelines.stores.fetches import Fetched
from pipelines.stores.states import State
from pipelines.warc import Recorded
from workers.drain import drain
from workers.inline import Inline
from workers.pooled import Pooled
from workers.queues import Sender
from workers.tuning import tuned

BATCH = 32
# pages that may be at their stages when the next ones enter; beyond, all are waited for
UNDER_WAY = 4_096


def replay_run(
    pages: Iterator[Recorded], *, store: Store, config: Config, profile: Profile | None, seed_set: SeedSet | None
) -> tuple[int, int]:
    """A run of its own over recorded pages; gives its number, and how many pages there were.

    Without `profile` and `seed_set` nothing is judged.
    """
    with store.write() as connection:
        edition = edition_of(connection, config, profile, seed_set) if profile and seed_set else ""
        run = runs.start(connection, config, edition, now=time.time()).id
    sender = Pooled(store, config, tuned(config).workers)
    stopped_by = "exhausted"
    try:
        number = replay(pages, store=store, config=config, run=run, profile=profile, sender=sender)
        if profile:
            learn_on(store, run, last=True)
            drain(store, sender)
    except KeyboardInterrupt:
        stopped_by = runs.USER
        raise
    finally:
        sender.close()
        with store.write() as connection:
            runs.end(connection, run, stopped_by, now=time.time())
    return run, number


def replay(
    pages: Iterator[Recorded], *, store: Store, config: Config, run: int, profile: Profile | None,
    sender: Inline | Pooled,
) -> int:  # fmt: skip
    """Puts recorded pages through the gate and every stage; returns how many there were.

    A page this store has already is looked at again only by a later record of it: another text is its next revision.
    """
    with store.write() as connection:  # a replay that was killed left pages half-way
        ledger.unrung(connection, now=time.time())
    drain(store, sender)
    threshold = config.only_profile()[1].threshold if profile else "auto"
    gate = Gate(
        profile, keeps_all=config.store.keep == "all", threshold=threshold, agent=config.agent, follows=False
    )  # fmt: skip
    number = 0
    batch: dict[str, Recorded] = {}
    under_way: set[str] = set()

    def enter() -> None:
        # what a page is to be compared with must have come to its end
        if len(under_way) > UNDER_WAY or not under_way.isdisjoint(batch):
            sender.drain()
            under_way.clear()
        _enter(batch, store, config, run, gate, sender)
        under_way.update(batch)

    for page in pages:
        number += 1
        url = identity.canonical(page.url)
        if url is None:
            continue
        # a record of another moment is another version; of those of one moment the first page counts
        if len(batch) >= BATCH or (url in batch and _is_later(page, batch[url])):
            enter()
            batch = {}
        if url not in batch or (batch[url].status != 200 and page.status == 200):
            batch[url] = page
    enter()
    sender.drain()
    return number


def _is_later(page: Recorded, than: Recorded) -> bool:
    return than.status == page.status == 200 and (page.fetched_at or 0.0) >= (than.fetched_at or 0.0) + replayed.LATER_S


def _enter(
    batch: Mapping[str, Recorded], store: Store, config: Config, run: int, gate: Gate, sender: Sender
) -> None:  # fmt: skip
    now = time.time()
    found = [Found(Candidate(url, "replay"), START_EXPECTED) for url in batch]
    # what is not a page says nothing new of a page
    moments = {url: (page.fetched_at or 0.0) if page.status == 200 else 0.0 for url, page in batch.items()}
    with store.write() as connection:
        discovery.discover(connection, found, run=run, now=now)
        rows = replayed.lease(connection, moments, run=run, now=now)
        fetched = [_fetched(rows[url], page, config, gate, now) for url, page in batch.items() if url in rows]
        parse = fetches.record(connection, fetched, run=run, ring_after=now)
        dropped = [one for one in fetched if one.state == State.DROPPED]
        rhythms.keep_known(connection, [one.row for one in dropped])
    sender.send("parse", parse)
    if archived := [one.row for one in dropped if one.body is not None]:
        sender.send("store", archived)


def _fetched(row: int, page: Recorded, config: Config, gate: Gate, now: float) -> Fetched:
    moment = page.fetched_at or now
    if page.status != 200:
        detail = f"the record says {page.status}"
        return Fetched(row, State.DROPPED, page.status, f"http-{page.status}", detail, fetched_at=moment)
    look = gate.look(page.body, page.url, page.headers)
    keeps = look.state == State.FETCHED or config.store.archive == "all"
    return Fetched(
        row, look.state, 200, look.reason, look.detail, look.quick, final_url=page.url, headers=page.headers,
        fetched_at=moment, body=page.body if keeps else None,
    )  # fmt: skip
