"""Everything the Procfile names, kept up on one machine and stopped in order: what `suchlike up` does."""

from __future__ import annotations

import logging
import socket

from pipelines.config import Config
from workers import broker
from workers.supervise import Supervisor
from workers.tuning import tuned

logger = logging.getLogger(__name__)

BROKER_S = 20.0


class Procfile:
    """`start_broker()` and `start()`, `tick()` a few times a second, `stop()`."""

    def __init__(self, config: Config, workers: int = 0) -> None:
        """`workers` is the number of processes for parse; 0 decides by the machine's cores."""
        self._config = config
        self._workers = workers or tuned(config).workers
        self._supervisor = Supervisor(config.path)
        self._folder = str(config.path)

    def start_broker(self) -> None:
        """What all others need: the embedded broker, started, or the one that is there. Raises BrokerError."""
        embedded = self._config.queue.redis == "embedded"
        if embedded:
            self._start("broker", "broker")
        broker.require(broker.address(self._config), within_s=BROKER_S if embedded else 0.0)

    def start(self, dashboard: socket.socket) -> None:
        """Starts the others, the dashboard on a socket that stays ours: so its address outlives the process."""
        handle = dashboard.fileno()
        self._start("work", "work", "-n", str(self._workers))
        self._start("crawl", "crawl-worker")
        self._start("clock", "clock")
        self._start("web", "web", "--socket", str(handle), handles=(handle,))
        logger.info("up; logs are in %s", self._supervisor.log_of("clock").parent)

    def tick(self) -> None:
        """Starts again what ended, and says so in the log."""
        for name, _, code in self._supervisor.tick():
            logger.warning("%s ended with %s and is started again; %s", name, code, self._supervisor.log_of(name))

    def stop(self) -> None:
        """Nothing new is begun, then pages under way end, and the broker goes last."""
        self._supervisor.stop(("web", "clock", "crawl", "work", "broker"))

    def _start(self, name: str, *arguments: str, handles: tuple[int, ...] = ()) -> None:
        self._supervisor.start(name, ["-C", self._folder, *arguments], handles=handles)
