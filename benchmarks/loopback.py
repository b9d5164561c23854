"""How the webs of benchmarks are served: at a free port of this machine, as a forward proxy's answers."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nnot found"
# from a request's head to the whole answer
Answer = Callable[[bytes], bytes]


class Connection(asyncio.Protocol):
    """Answers the requests of one connection, one after the other."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody asks."""
        assert isinstance(transport, asyncio.Transport)
        self._out = transport

    def data_received(self, data: bytes) -> None:
        """A part of a request, or several."""
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            asked, self._held = self._held[: end + 2], self._held[end + 4 :]
            self._out.write(self._answer(asked))


async def serve(answer: Answer) -> None:
    """Prints the address and serves until told to stop."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, done.set)
    server = await loop.create_server(lambda: Connection(answer), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await done.wait()
    server.close()
