"""Serves the dashboard on a socket until it is asked to stop."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterable

import uvicorn

from crawler.project import Project
from crawler.web.access import Access, check_bind, is_loopback, name_of, token_of
from crawler.web.app import build
from crawler.web.connection import Connection
from crawler.web.desk import Desk
from pipelines.config import Config
from pipelines.errors import UsageError

PORT = 7420
# pages that are open when we stop are let go after so long
LEAVE_S = 1
BACKLOG = 128


def bound(host: str, port: int | None) -> socket.socket:
    """A listening socket: of PORT or, where that is taken, any. Raises UsageError for a port that was named."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for wanted in (PORT, 0) if port is None else (port,):
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # what is accepted inherits it; asyncio sets it on sockets of its own making only, and a page on a connection
        # that stays open would wait 40 ms for its head to be acknowledged
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            made.bind((host, wanted))
        except (OSError, OverflowError) as error:
            made.close()
            if port is not None or wanted == 0:
                why = getattr(error, "strerror", None) or str(error)
                raise UsageError(
                    f"The dashboard cannot listen on {host} port {wanted}: {why}; name another --port."
                ) from None
            continue
        made.listen(BACKLOG)
        return made
    raise AssertionError("the loop returns or raises")


def access_for(config: Config, host: str, listening: socket.socket) -> Access:
    """Who may look at this project's dashboard on this socket. Raises UsageError for a bind that is open to all."""
    check_bind(host, config.web.token)
    names = {"localhost", "127.0.0.1", "::1", host.lower(), *map(name_of, config.web.hosts)}
    token = token_of(config.path, config.web.token)
    return Access(token, listening.getsockname()[1], frozenset(names), is_loopback(host))


class _Server(uvicorn.Server):
    """Tells streams that we leave."""

    def __init__(self, config: uvicorn.Config, leaving: Callable[[], None]) -> None:
        super().__init__(config)
        self._leaving = leaving

    def handle_exit(self, sig: int, frame: object) -> None:
        """Stops in order; not raised again afterwards, as uvicorn would: having stopped when asked is no failure."""
        self._leaving()
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def serve(project: Project, access: Access, listening: Iterable[socket.socket], *, mode: str | None = None) -> None:
    """Serves until SIGTERM or SIGINT."""
    app = build(Desk(project, mode), access)

    def leave() -> None:
        app.state.leaving = True

    # no proxy headers: anybody can write them; no log of addresses: there are tokens in some
    config = uvicorn.Config(
        app, http=Connection, ws="none", lifespan="off", log_config=None, access_log=False, proxy_headers=False,
        server_header=False, timeout_graceful_shutdown=LEAVE_S, timeout_keep_alive=20,
    )  # fmt: skip
    _Server(config, leave).run(sockets=list(listening))
