"""What a run has come to, looked at every now and then: its pages, its matches, its budget, and what was said to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from crawler.running.forecast import AHEAD, Forecast, Promise
from pipelines.config import Config
from pipelines.stores import Connection, Store, bodies, hosts, ledger, marks, runs, tallies
from pipelines.stores.runs import Run
from pipelines.stores.states import State

LATEST = 5


@dataclass(slots=True)
class Progress:
    """What the watcher of a run is told."""

    pages: int = 0
    matches: int = 0
    in_flight: int = 0
    seconds: float = 0.0
    stage: str = "crawling"
    latest: list[tuple[float, str, str]] = field(default_factory=list)
    promise: Promise | None = None
    trouble: str = ""
    budget: int = 0
    paused: bool = False
    stopping: bool = False


class Lookout:
    """Looks at one run, notes its harvest curve, and tells `tell` what it `seen`.

    `unparsed` pages wait for extraction; `told_to_stop` by the dashboard or the command line; `raised` that more pages
    were asked for than it began with.
    """

    def __init__(self, config: Config, store: Store, run: int, tell: Callable[[Progress], None]) -> None:
        self._config = config
        self._store = store
        self._run = run
        self._tell = tell
        self._stored_until = time.time()
        self._marked = -marks.STEP
        self._rested_s = 0.0
        self.seen = Progress(budget=config.crawl.pages)
        self.unparsed = 0
        self.raised = False
        self.told_to_stop = False
        self.forecast = Forecast()

    @property
    def wants_more(self) -> bool:
        """Whether pages of a raised budget are left, for crawlers that ended with the old one."""
        return self.raised and not self.told_to_stop and self.seen.pages < self.seen.budget

    def look(self, seconds: float) -> None:
        """Looks, `seconds` after the run began, and tells."""
        with self._store.read() as connection:
            asked = runs.get(connection, self._run)
            self.seen.pages = runs.pages_fetched(connection, self._run)
            self.seen.matches = tallies.matches(connection, self._run)
            moving = ledger.in_flight(connection)
            self.unparsed = moving[State.FETCHED]
            self.seen.in_flight = sum(moving.values()) or self._unarchived(connection)
            latest = tallies.best(connection, self._run, self._stored_until, LATEST)
            judged, matched = tallies.judged(connection, self._run)
            waiting = hosts.best_waiting(connection, AHEAD)
        if latest:
            self._stored_until = max(at for *_, at in latest)
        self.seen.latest = [(score, title, site) for score, title, site, _ in latest]
        self._heed(asked, seconds)
        # pages that wait for extraction match as often as those that came through it
        coming = self.unparsed * matched / judged if judged else 0.0
        left = self.seen.budget - self.seen.pages if self.seen.budget else None
        self.seen.promise = self.forecast.look(self.seen.pages, matched + coming, waiting, left=left)
        # what is in flight may still match
        self._mark(max(0, self.seen.pages - self.seen.in_flight))
        self.seen.seconds = seconds
        self._tell(self.seen)

    def trouble(self, what: str, seconds: float) -> None:
        """Tells that storage or broker is away."""
        self.seen.trouble = what
        self._tell_again(seconds)

    def stopping(self, seconds: float) -> None:
        """Tells that its user has asked for the end."""
        self.seen.stopping = True
        self._tell_again(seconds)

    def spent(self) -> str | None:
        """Which budget other than that of pages is spent, or that the run was told to stop; None while it goes on."""
        crawl = self._config.crawl
        if self.told_to_stop:
            return runs.USER
        if crawl.matches and self.seen.matches >= crawl.matches:
            return "matches"
        if self._config.time_s and self.seen.seconds - self._rested_s >= self._config.time_s:
            return "time"
        return None

    def end(self) -> None:
        """Notes the last point of the harvest curve."""
        if self.seen.pages >= self._marked:
            self._note(self.seen.pages)

    def _tell_again(self, seconds: float) -> None:
        """Tells what was seen last; its latest matches were told then."""
        self.seen.latest, self.seen.seconds = [], seconds
        self._tell(self.seen)

    def _heed(self, asked: Run, seconds: float) -> None:
        """What was said to the run meanwhile: rest, stop, or fetch more."""
        self.raised = self.raised or asked.config.crawl.pages > self.seen.budget
        self.seen.budget = asked.config.crawl.pages
        self.told_to_stop = asked.stopped_by == runs.USER
        if self.seen.paused:
            self._rested_s += seconds - self.seen.seconds
        self.seen.paused = asked.stopped_by == runs.PAUSED

    def _mark(self, ended: int) -> None:
        if marks.due(ended, self._marked):
            self._note(ended)

    def _note(self, ended: int) -> None:
        self._marked = ended
        with self._store.write() as connection:
            marks.note(connection, self._run, ended, self.seen.matches, now=time.time())

    def _unarchived(self, connection: Connection) -> int:
        """Pages that have ended but still wait for the archive; one stands for all."""
        return len(bodies.left_over(connection, limit=1)) if self._config.store.archive == "all" else 0
