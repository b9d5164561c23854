"""The desk every page works at: one project's store, its latest run, background counts, and learned profiles."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from crawler.project import Project
from crawler.web.counting import Count, Counting
from pipelines.errors import ConfigError, UsageError
from pipelines.likeness.grouping import closenesses
from pipelines.likeness.profile import Profile
from pipelines.stores import Connection, Store, census, editions, runs
from pipelines.stores.census import Census
from pipelines.stores.editions import Edition
from pipelines.stores.runs import Run
from workers.report import Told, told

KEPT_PROFILES = 3
LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class Learned:
    """An edition and the profile it holds."""

    edition: Edition
    profile: Profile
    threshold: float


class NothingYet(UsageError):
    """Nothing has run in this project; what does is said in the message."""


class Desk:
    """Opened once a process; every thread may use it. Raises NothingYet while there is nothing to show."""

    def __init__(self, project: Project, mode: str | None = None) -> None:
        self.project = project
        self.census: Counting[Census] = Counting(self._count)
        # a broker that is frozen answers nobody for seconds, which costs nothing
        self._broker: Counting[Told] = Counting(lambda: told(project.config()), share=1.0)
        self._mode = mode
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._address = ""
        self._looked_at = 0.0
        self._matrices: dict[str, Counting[list[list[float]]]] = {}
        self._profiles: OrderedDict[tuple[str, str], Learned] = OrderedDict()

    @property
    def store(self) -> Store:
        """The store of the mode asked for, else of the one used last."""
        with self._lock:
            if self._store is None or time.monotonic() - self._looked_at > LOOK_S:
                address = self._used()
                if self._store is None or address != self._address:
                    self._store, self._address = self.project.store(self._mode), address
                    self.census.forget()
                self._looked_at = time.monotonic()
            return self._store

    def _used(self) -> str:
        try:
            return self.project.address(self._mode)
        except ConfigError:
            raise
        except UsageError as error:
            raise NothingYet(str(error)) from None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self.store.read() as connection:
            yield connection

    def run(self, connection: Connection) -> Run:
        """The run begun last. Raises NothingYet when there was none."""
        found = runs.latest(connection)
        if found is None:
            raise NothingYet("Nothing has run here yet; `suchlike run` brings something to look at.")
        return found

    def counted(self) -> Count[Census] | None:
        """The last totals; None while they are counted for the first time."""
        return self.census.latest()

    def queued(self) -> Told | None:
        """What the broker said last; None where it has said nothing yet."""
        found = self._broker.latest()
        return found.value if found else None

    def learned(self, connection: Connection, run: Run) -> Learned | None:
        """What judges now: the newest edition of the run's profile, kept in memory."""
        if not run.profile:
            return None
        name = editions.newest(connection, run.profile)
        wanted = str(run.config.only_profile()[1].threshold)
        with self._lock:
            held = self._profiles.get((name, wanted))
        if held is None:
            edition = editions.get(connection, name)
            try:
                profile = Profile.from_bytes(edition.learned)
            except UsageError:  # another version learned it: what is stored is shown, only not explained anew
                return None
            held = Learned(edition, profile, profile.threshold(run.config.only_profile()[1].threshold))
            with self._lock:
                self._profiles[name, wanted] = held
                while len(self._profiles) > KEPT_PROFILES:
                    self._profiles.popitem(last=False)
        return held

    def resemblance(self, learned: Learned) -> list[list[float]] | None:
        """How surely each two seeds are alike; None while that is worked out."""
        name = learned.profile.digest
        with self._lock:
            if name not in self._matrices:
                self._matrices = {name: Counting(lambda: _alike(learned), fresh_s=math.inf)}
            counting = self._matrices[name]
        found = counting.latest()
        return found.value if found else None

    def _count(self) -> Census:
        with self.read() as connection:
            return census.take(connection, self.run(connection).id)


def _alike(learned: Learned) -> list[list[float]]:
    return closenesses(learned.edition.seeds, learned.profile.grain, model=learned.profile.reader.model)
