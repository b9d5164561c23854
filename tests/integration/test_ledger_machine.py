"""Whatever is leased, crashes, returns and comes late, in any order: each page ends once; what is late is fenced."""

from __future__ import annotations

import contextlib
import tempfile
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from pipelines.config import Config
from pipelines.records import Candidate
from pipelines.stores import Connection, allotment, discovery, fetches, leases, ledger, open_store, runs
from pipelines.stores.allotment import LEASE_S, HostLease
from pipelines.stores.discovery import Found
from pipelines.stores.fetches import Fetched
from pipelines.stores.invariants import broken
from pipelines.stores.ledger import MAX_ATTEMPTS, Taken
from pipelines.stores.schema import hosts as host_rows
from pipelines.stores.schema import runs as run_rows
from pipelines.stores.schema import urls
from pipelines.stores.states import ENDED, IN_FLIGHT, State

HOLDERS = st.sampled_from(["crawler-1", "crawler-2"])
STAGES = {State.FETCHED: State.PARSED, State.PARSED: State.JUDGED, State.JUDGED: State.STORED}
WORK_S = 30.0


@cache
def _empty() -> bytes:
    """The file of a store with nothing in it, whose tables need not be made for every example."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store.db"
        store = open_store(f"sqlite:///{file}")
        store.settle()
        store.close()
        return file.read_bytes()


class Ledger(RuleBasedStateMachine):
    """Two crawlers and any number of workers over one store; a clock that only goes on when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.cleaning = contextlib.ExitStack()
        # in memory where there is such a folder: nothing here is about the disk
        memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
        folder = self.cleaning.enter_context(tempfile.TemporaryDirectory(dir=memory))
        file = Path(folder) / "store.db"
        file.write_bytes(_empty())
        self.store = open_store(f"sqlite:///{file}")
        self.cleaning.callback(self.store.close)
        self.now = 1_800_000_000.0
        self.known: set[str] = set()
        # what each crawler and worker believes to have, whatever has become of it
        self.leases: dict[str, list[HostLease]] = {"crawler-1": [], "crawler-2": []}
        self.taken: list[Taken] = []
        self.moves: set[tuple[int, State]] = set()
        self.ended: dict[int, int] = {}
        self.body_of: dict[int, State] = {}

    @initialize()
    def begin(self) -> None:
        """Some pages wait, some are with a crawler, some are fetched: what is rare would otherwise hardly be met."""
        with self.store.write() as connection:
            self.run = runs.start(connection, Config(), "", now=self.now).id
        for number in range(6):
            self.discover(number % 3, number // 3, 0.5)
        self.lease("crawler-1", 2)
        self.record("crawler-1", State.FETCHED)

    @rule(host=st.integers(0, 2), page=st.integers(0, 4), expected=st.floats(0, 1))
    def discover(self, host: int, page: int, expected: float) -> None:
        url = f"https://h{host}.test/{page}"
        with self.store.write() as connection:
            new = discovery.discover(connection, [Found(Candidate(url, "links"), expected)], run=self.run, now=self.now)
        assert bool(new) == (url not in self.known)
        self.known.add(url)

    @rule(seconds=st.sampled_from([0.5, 5.0, LEASE_S / 2, LEASE_S + 1, WORK_S + 1]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(holder=HOLDERS, rows=st.integers(1, 3))
    def lease(self, holder: str, rows: int) -> None:
        with self.store.write() as connection:
            owned = {one.id: one for leased in self.leases.values() for one in leased}
            live = set(connection.execute(select(host_rows.c.id).where(host_rows.c.lease_until > self.now)).scalars())
            given = allotment.lease(
                connection, holder, run=self.run, now=self.now, number=2, rows_each=rows, at_most=8, worth=0.0
            )
        # nobody is given what a live crawler has
        assert not {one.id for one in given} & live, owned
        self.leases[holder] += given

    @rule(holder=HOLDERS)
    def renew(self, holder: str) -> None:
        with self.store.write() as connection:
            mine = leases.renew(connection, holder, now=self.now)
        self.leases[holder] = [one for one in self.leases[holder] if one.id in mine]

    @rule(holder=HOLDERS, end=st.sampled_from([State.FETCHED, State.DROPPED, State.DEAD, State.WAITING]))
    def record(self, holder: str, end: State) -> None:
        """A crawler hands over what it fetched, even if it was taken for dead meanwhile."""
        rows = [row.row for one in self.leases[holder] for row in one.rows][:2]
        if not rows:
            return
        reason = None if end in (State.FETCHED, State.WAITING) else "because"
        with self.store.write() as connection:
            before = _states(connection)
            again = fetches.record(
                connection,
                [Fetched(row, end, 200, reason, fetched_at=self.now, body=b"x" if end == State.FETCHED else None)
                 for row in rows],
                run=self.run, ring_after=self.now,
            )  # fmt: skip
            after = _states(connection)
        for row in rows:
            assert after[row][0] == (end if before[row][0] == State.LEASED else before[row][0])
        assert set(again) == {row for row in rows if before[row][0] == State.LEASED and end == State.FETCHED}

    @rule(holder=HOLDERS)
    def give_back(self, holder: str) -> None:
        with self.store.write() as connection:
            given = {one.id: ([row.row for row in one.rows], self.now) for one in self.leases[holder]}
            leases.give_back(connection, given, holder=holder)
        self.leases[holder] = []

    @rule(holder=HOLDERS)
    def die(self, holder: str) -> None:
        """The machine's own supervisor knows that it died."""
        with self.store.write() as connection:
            leases.reclaim(connection, now=self.now, holder=holder)
        self.leases[holder] = []

    @rule()
    def reclaim(self) -> None:
        with self.store.write() as connection:
            leases.reclaim(connection, now=self.now)

    @rule(stage=st.sampled_from([*STAGES]), everything=st.booleans())
    def take(self, stage: State, everything: bool) -> None:
        """A job of a stage names rows; jobs may be doubled, late and wrong."""
        with self.store.write() as connection:
            before = _states(connection)
            rows = [row for row, (state, _) in before.items() if everything or state == stage]
            taken = ledger.take(connection, stage, rows, now=self.now, lease_s=WORK_S)
        for one in taken:
            assert before[one.page.row] == (stage, one.attempt - 1) and one.attempt <= MAX_ATTEMPTS
            assert stage != State.FETCHED or one.page.body == b"x"
        self.taken += taken

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), ends=st.booleans())
    def move(self, data: st.DataObject, ends: bool) -> None:
        """A worker ends its attempt, perhaps long after its row was given to another."""
        one = data.draw(st.sampled_from(self.taken))
        with self.store.write() as connection:
            state, attempts = _states(connection)[one.page.row]
            to = State.DROPPED if ends else STAGES[one.state]
            moved = ledger.move(
                connection,
                one.page.row,
                one.state,
                one.attempt,
                to=to,
                reason="because" if ends else None,
                ring_after=self.now,
            )
        assert moved == ((state, attempts) == (one.state, one.attempt))

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), how=st.sampled_from(["release", "renew", "begin_not", "forget"]))
    def leave(self, data: st.DataObject, how: str) -> None:
        """A worker goes on, could not begin, hands back, or dies."""
        one = data.draw(st.sampled_from(self.taken))
        with self.store.write() as connection:
            if how == "release":
                ledger.release(connection, [one.page.row], now=self.now)
            elif how == "renew":
                ledger.renew(connection, [one.page.row], until=self.now + WORK_S)
            elif how == "begin_not" and _states(connection)[one.page.row][1] == one.attempt:
                ledger.begin_not(connection, [one.page.row], state=one.state, until=self.now)
        self.taken.remove(one)

    @invariant()
    def what_ended_stays(self) -> None:
        with self.store.read() as connection:
            states = _states(connection)
            counted = connection.execute(select(run_rows.c.pages)).scalar() or 0
        for row, state in self.ended.items():
            assert states[row][0] == state
        self.ended |= {row: state for row, (state, _) in states.items() if state in ENDED}
        assert all(0 <= attempts <= MAX_ATTEMPTS for _, attempts in states.values())
        assert len(states) == len(self.known)
        assert counted == sum(state in IN_FLIGHT or state in ENDED for state, _ in states.values())

    def teardown(self) -> None:
        """With everybody gone, others bring every page to its end."""
        if not hasattr(self, "run"):
            self.cleaning.close()
            return
        for _ in range(12):
            self.now += LEASE_S + WORK_S + 3700
            with self.store.read() as connection:
                if all(state in ENDED for state, _ in _states(connection).values()):
                    break
            with self.store.write() as connection:
                leases.reclaim(connection, now=self.now)
                given = allotment.lease(
                    connection, "last", run=self.run, now=self.now, number=9, rows_each=9, at_most=99, worth=0.0
                )
                rows = [row.row for one in given for row in one.rows]
                ends = [Fetched(row, State.FETCHED, 200, fetched_at=self.now, body=b"x") for row in rows]
                fetches.record(connection, ends, run=self.run, ring_after=self.now)
                for stage, to in STAGES.items():
                    overdue = ledger.overdue(connection, stage, now=self.now, limit=99)
                    for row, attempts in overdue:
                        if attempts >= MAX_ATTEMPTS:
                            ledger.move(connection, row, stage, attempts, to=State.DEAD, reason="killed")
                    for one in ledger.take(
                        connection, stage, [row for row, _ in overdue], now=self.now, lease_s=WORK_S
                    ):
                        assert ledger.move(connection, one.page.row, stage, one.attempt, to=to, ring_after=self.now)
        with self.store.read() as connection:
            left = {row: state for row, (state, _) in _states(connection).items() if state not in ENDED}
            found = [(name, one) for name, some in broken(connection) for one in some if name == "frontier"]
        self.cleaning.close()
        assert left == {} and found == []


def _states(connection: Connection) -> dict[int, tuple[int, int]]:
    return {
        row.id: (row.state, row.attempts)
        for row in connection.execute(select(urls.c.id, urls.c.state, urls.c.attempts))
    }  # fmt: skip


TestLedger = Ledger.TestCase
TestLedger.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
