"""Keeps the embedded broker up, whatever the process that runs it is waiting for."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

from pipelines.errors import BrokerError
from workers.broker import Broker

LOOK_S = 0.5


class KeptBroker:
    """The embedded broker of a folder, while the block runs. `trouble` says why it could not be started again.

    A thread looks after it: a run may wait long for a database that somebody has locked.
    """

    def __init__(self, folder: Path) -> None:
        self._broker = Broker(folder)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="broker", daemon=True)
        self.trouble: BrokerError | None = None

    def __enter__(self) -> Self:
        """Raises BrokerError where it cannot be started at all."""
        self._broker.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._broker.stop()

    def _keep(self) -> None:
        while not self._over.wait(LOOK_S):
            try:
                self._broker.keep()
                self.trouble = None
            except BrokerError as error:
                self.trouble = error
            except OSError as error:  # a disk that takes nothing for a while, or no more processes
                self.trouble = BrokerError(f"The embedded broker cannot be started: {error.strerror or error}.")
