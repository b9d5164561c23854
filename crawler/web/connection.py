"""A connection to the dashboard: a request that does not come to its end is not waited for."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# a request must be here, head and body, within so many seconds of its first sign, and a connection have brought one
WHOLE_S: Final = 30.0
# more than these at a time and the oldest is let go: well below the handles a process may have
MOST: Final = 200
_COMING: Final = (h11.IDLE, h11.SEND_BODY)


class Connection(H11Protocol):
    """Uvicorn's own, but that whoever opens it and says nothing, or a byte now and then, is hung up on."""

    _unfinished: ClassVar[dict[Connection, asyncio.TimerHandle]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Of asyncio."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Of asyncio."""
        super().data_received(data)
        if self.conn.their_state in _COMING:
            self._wait()
        else:
            self._finished()

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio."""
        self._finished()
        super().connection_lost(exc)

    def _wait(self) -> None:
        """From the first sign of a request on; what else comes of it gives it no more time."""
        if self in self._unfinished:
            return
        if len(self._unfinished) >= MOST:
            next(iter(self._unfinished)).transport.abort()
        self._unfinished[self] = self.loop.call_later(WHOLE_S, self.transport.abort)

    def _finished(self) -> None:
        timer = self._unfinished.pop(self, None)
        if timer:
            timer.cancel()
