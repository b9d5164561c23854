"""A proxy between a broker and those who use it, which passes every request on and loses some of the replies."""

from __future__ import annotations

import contextlib
import random
import select
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import redis


class Mute:
    """While entered, new connections to the Unix socket `at` go through it, and those there were are cut.

    Of a hundred replies `lost` never come, and with as many others the connection is cut instead: the request was
    carried out, and whoever made it cannot know.
    """

    def __init__(self, at: Path, dice: random.Random, *, lost: int = 10) -> None:
        self._at, self._real = at, at.with_suffix(".real")
        self._dice, self._lost = dice, lost
        self._listener = socket.socket(socket.AF_UNIX)
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self.replies = self.dropped = 0

    def __enter__(self) -> Self:
        self._at.rename(self._real)  # who listens there goes on listening
        self._listener.bind(str(self._at))
        self._at.chmod(0o700)
        self._inode = self._at.stat().st_ino
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        with contextlib.closing(redis.Redis(unix_socket_path=str(self._real), socket_timeout=2)) as client:
            client.client_kill_filter(_type="normal", skipme=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        # where one was started meanwhile, it has made a socket of its own there
        if self._at.exists() and self._at.stat().st_ino == self._inode:
            self._real.replace(self._at)
        _cut(self._listener)  # closing it alone would leave its thread waiting
        self._listener.close()
        with self._lock:
            for one in self._open:
                _cut(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._between, args=(client,), daemon=True).start()

    def _between(self, client: socket.socket) -> None:
        """One connection, until either side or our dice end it."""
        with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
            server.connect(str(self._real))
            with self._lock:
                self._open += [client, server]
            while True:
                for side in select.select([client, server], [], [])[0]:
                    data = side.recv(1 << 16)
                    if not data or (side is server and not self._answered(client, data)):
                        return
                    if side is client:
                        server.sendall(data)

    def _answered(self, client: socket.socket, data: bytes) -> bool:
        """Whether the connection goes on after a reply, which may not have been passed on."""
        with self._lock:
            self.replies += 1
            fate = self._dice.random() * 100
            self.dropped += fate < 2 * self._lost
        if fate >= 2 * self._lost:
            client.sendall(data)
        return fate < self._lost or fate >= 2 * self._lost


def _cut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
