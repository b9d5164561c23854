"""Rings again for every row whose lease ran out: what makes a lost job, worker or broker harmless."""

from __future__ import annotations

import time

from pipelines import holders, stages
from pipelines.stages import LEASE_S, RING_S
from pipelines.stores import Store, articles, bodies, leases, ledger, rhythms, stories
from pipelines.stores.ledger import MAX_ATTEMPTS
from pipelines.stores.states import State
from workers.queues import Sender

LIMIT = 2_000
# jobs in a queue from which on no more rows are rung that may be among them: as many as LIMIT rows make
DEEP = 100
# rows that failed before are tried in ever smaller company, until the one that kills its process is alone
BATCH_AFTER = {0: 32, 1: 8, 2: 1}
# rows that a death has cost their turn go before all others, until it looks as if the death were their own doing
FIRST_UNTIL = 4


def reconcile(
    store: Store, sender: Sender, waiting: dict[str, int] | None, *, ahead_s: float = 0.0
) -> dict[str, int]:  # fmt: skip
    """One round; returns rows rung a stage, `dead` ends and `urls` that came back from dead crawlers.

    `waiting` is the depth of each queue (None: unknown). Rows never tried yet are not rung again while their
    queue still holds jobs: theirs is most likely among them. Where the clock was set ahead lately, by `ahead_s`,
    crawlers whose leases have run out by that may live.
    """
    free_of_the_dead(store)
    now = time.time()
    done = {"urls": 0, "dead": 0}
    depths = {name: (waiting or {}).get(name, 0) for name in stages.NAMES}
    with store.read() as connection:
        overdue = {
            name: ledger.overdue(connection, stages.TAKES[name], now=now, limit=LIMIT, begun=depth > 0)
            for name, depth in depths.items() if depth < DEEP
        }  # fmt: skip
        lost = leases.any_lost(connection, now=now - ahead_s)
        left = [] if depths["store"] else bodies.left_over(connection)
    if lost:
        with store.write() as connection:
            done["urls"] = leases.reclaim(connection, now=now - ahead_s)
    for name, rows in overdue.items():
        if rows:
            done["dead"] += _bury(store, name, [row for row, attempts in rows if attempts >= MAX_ATTEMPTS])
            done[name] = _ring(store, sender, name, [one for one in rows if one[1] < MAX_ATTEMPTS], now)
    if left:
        sender.send("store", left)
    return done


def free_of_the_dead(store: Store) -> None:
    """What processes of this machine were at when they died is due at once, whoever they were."""
    with store.read() as connection:
        dead = [one for one in ledger.workers(connection) if holders.is_dead(one)]
    if dead:
        with store.write() as connection:
            for one in dead:
                ledger.free(connection, one, now=time.time())


def ring_all(store: Store) -> None:
    """The broker has lost what it was told: every row that nobody is at is rung again by the next round."""
    with store.write() as connection:
        ledger.unrung(connection, now=time.time())


def clock_set_back(store: Store, seconds: float, *, hosts_too: bool) -> None:
    """This machine's clock was set back: nothing waits so much longer.

    Several may see it, and see to the rows, which is harmless; the hosts' times are moved once, by the conductor.
    """
    now = time.time()
    with store.write() as connection:
        ledger.due_by(connection, now + max(LEASE_S, RING_S))
        if hosts_too:
            leases.set_back(connection, seconds, now=now)


def _ring(store: Store, sender: Sender, name: str, rows: list[tuple[int, int]], now: float) -> int:
    with store.write() as connection:
        ledger.postpone(connection, [row for row, _ in rows], until=now + RING_S)
    alike: dict[tuple[int, bool], list[int]] = {}
    for row, attempts in rows:
        alike.setdefault((min(attempts, 2), 0 < attempts < FIRST_UNTIL), []).append(row)
    for (attempts, first), together in sorted(alike.items()):
        sender.send(name, together, batch=BATCH_AFTER[attempts], first=first)
    return len(rows)


def _bury(store: Store, name: str, rows: list[int]) -> int:
    if not rows:
        return 0
    with store.write() as connection:
        stories.lock(connection)
        # asked again: a row that has meanwhile moved on counts its attempts from the beginning
        buried = [
            row for row, attempt in ledger.attempts_of(connection, rows)
            if attempt >= MAX_ATTEMPTS
            and ledger.move(connection, row, stages.TAKES[name], attempt, to=State.DEAD, reason=f"{name}-killed",
                            detail=f"its process died or failed {attempt} times")
        ]  # fmt: skip
        rhythms.keep_known(connection, buried)
        # what never became part of the corpus is nobody's original
        unstored = [row for row, held in articles.known(connection, buried).items() if not held.sealed]
        stories.leave(connection, unstored)
        bodies.discard(connection, buried)
    return len(buried)
