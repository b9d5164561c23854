"""The dashboard beside a run: its address stands at once, and its process starts when somebody looks."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import threading
from types import TracebackType

from crawler.web.access import Access
from crawler.web.served import access_for, bound
from pipelines.config import Config
from workers.lifeline import PARENT_VARIABLE

# whoever looked first waits no longer than Python takes to start; who never looks costs nothing
_STOP_S = 3.0


class Beside:
    """Holds the socket from the start; a connection to it starts `suchlike web` on it. Ends with the block."""

    def __init__(self, config: Config) -> None:
        host = config.web.host
        self._config = config
        self._listening: socket.socket = bound(host, config.web.port or None)
        try:
            self.access: Access = access_for(config, host, self._listening)
        except BaseException:
            self._listening.close()
            raise
        self.address = self.access.address(host)
        self._process: subprocess.Popen[bytes] | None = None
        self._bell, self._rung = socket.socketpair()
        self._watch = threading.Thread(target=self._wait, daemon=True, name="dashboard")

    def __enter__(self) -> Beside:
        self._watch.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._rung.close()
        self._watch.join()
        self._bell.close()
        self._listening.close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()

    def _wait(self) -> None:
        """Until somebody connects, or the run ends."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._listening, selectors.EVENT_READ, True)
            selector.register(self._bell, selectors.EVENT_READ, False)
            found = [key.data for key, _ in selector.select()]
        if all(found):
            self._start()
            # its process is tied to this thread (a kernel's parent is a thread), which so must live as long
            self._bell.recv(1)

    def _start(self) -> None:
        logs = self._config.path / ".suchlike" / "log"
        logs.mkdir(parents=True, exist_ok=True)
        handle = self._listening.fileno()
        command = [sys.executable, "-m", "crawler", "-C", str(self._config.path), "--mode", self._config.mode, "web",
                   "--socket", str(handle)]  # fmt: skip
        environment = {**os.environ, PARENT_VARIABLE: str(os.getpid())}
        with (logs / "web.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, pass_fds=[handle],
                start_new_session=True,
            )  # fmt: skip
