"""The processes of one run: its broker where that is embedded, its crawlers, and the workers of each stage."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Self

from pipelines.config import Config
from pipelines.errors import StoreError
from workers import broker
from workers.keeper import KeptBroker
from workers.queues import Queues
from workers.supervise import Supervisor
from workers.tuning import tuned

# what has imported all that crawlers and workers need
NURSERY = "crawler.cli.warm"
# a process that cannot even start will not start the tenth time
HOPELESS = 6


class Processes:
    """Running while the block runs; `hurry` says at its end that nobody is to be waited for."""

    def __init__(self, config: Config, run: int, *, hurry: Callable[[], bool]) -> None:
        self._config = config
        self._run = run
        self._hurry = hurry
        self._folder = str(config.path)
        self._most = tuned(config).workers
        self._batch = tuned(config).batch
        self._workers = 0
        self._embedded: KeptBroker | None = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as begun:
            if self._config.queue.redis == "embedded":
                self._embedded = begun.enter_context(KeptBroker(self._config.path))
            address = broker.address(self._config)
            broker.require(address)
            self.queues = Queues(address, self._batch)
            begun.callback(self.queues.close)
            environment = {"SUCHLIKE_REDIS": address, **self._config.environment}
            self._supervisor = Supervisor(self._config.path, environment, nursery=NURSERY)
            begun.callback(self._supervisor.stop, ("crawl", "work"), hurry=self._hurry)
            self._start()
            self._ends = begun.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Crawlers first, then workers, then the broker they speak through."""
        self._ends.close()

    def _start(self) -> None:
        # the first page is what the user waits for, so crawlers get the machine first
        self.start_crawlers()
        # where their number is open, one is enough until pages wait for more: each costs memory, and time to start
        for _ in range(self._config.queue.workers or 1):
            self._add_worker()
        for stage in ("dedupe", "store"):
            self._supervisor.start(f"work-{stage}", ["-C", self._folder, "work", stage])

    def start_crawlers(self) -> None:
        """All of them; they end by themselves when the run's budget is spent."""
        for number in range(self._config.crawl.crawlers):
            arguments = ["-C", self._folder, "crawl-worker", "--run", str(self._run)]
            self._supervisor.start(f"crawl-{number}", arguments, again=False)

    def tend(self) -> list[tuple[int, int]]:
        """Starts again what died; the crawlers that ended since the last look, as (process id, exit code).

        Raises StoreError about a process that keeps failing.
        """
        ended = self._supervisor.tick()
        if hopeless := self._supervisor.failing("", HOPELESS):
            log = self._supervisor.log_of(hopeless)
            raise StoreError(f"The process {hopeless} keeps failing; its log is {log}.")
        return [(pid, code) for name, pid, code in ended if name.startswith("crawl")]

    def require_broker(self) -> None:
        """Raises BrokerError while an embedded broker that died cannot be started again."""
        if self._embedded and self._embedded.trouble:
            raise self._embedded.trouble

    def grow(self, unparsed: int) -> None:
        """One extraction worker more while a batch of pages waits for one, up to what the machine takes."""
        if self._workers < self._most and unparsed >= self._batch:
            self._add_worker()

    @property
    def crawled(self) -> bool:
        """Whether every crawler has ended."""
        return self._supervisor.finished("crawl")

    def _add_worker(self) -> None:
        self._supervisor.start(f"work-parse-{self._workers}", ["-C", self._folder, "work", "parse"])
        self._workers += 1
