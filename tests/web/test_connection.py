"""Connections of the dashboard: who does not come to the end of a request takes nothing from others."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from threading import Thread

import pytest
import uvicorn
from patience import PATIENCE_S
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from crawler.web import connection
from crawler.web.connection import Connection
from crawler.web.served import bound

ASKED = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
SECOND = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"


async def said(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"said {len(await request.body())}")


@pytest.fixture
def port() -> Iterator[int]:
    listening = bound("127.0.0.1", None)
    app = Starlette(routes=[Route("/", said, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, http=Connection, log_config=None, lifespan="off", ws="none"))
    serving = Thread(target=server.run, kwargs={"sockets": [listening]})
    serving.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    serving.join(PATIENCE_S)
    listening.close()


def to_its_end(visitor: socket.socket) -> bytes:
    """Everything that comes until the other side hangs up."""
    visitor.settimeout(PATIENCE_S)
    got = b""
    try:
        while part := visitor.recv(65536):
            got += part
    except ConnectionResetError:
        pass
    return got


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET / HT", ASKED[:-2], b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n1234", ASKED + b"GET /"],
    ids=["nothing", "half a line", "half a head", "half a body", "half of the next"],
)
def test_a_request_that_does_not_end_is_hung_up_on(port: int, begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "WHOLE_S", 0.2)
    with socket.create_connection(("127.0.0.1", port)) as visitor:
        visitor.sendall(begun)
        assert to_its_end(visitor).count(b"200 OK") == begun.startswith(ASKED)
    assert not Connection._unfinished


def test_of_too_many_that_do_not_end_the_oldest_goes_and_whoever_asks_is_answered(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST", 3)
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    try:
        with socket.create_connection(("127.0.0.1", port)) as visitor:
            visitor.sendall(SECOND)
            assert to_its_end(visitor).endswith(b"said 0")
        assert to_its_end(slow[0]) == b""
        slow[2].sendall(SECOND)
        assert to_its_end(slow[2]).endswith(b"said 0")
    finally:
        for one in slow:
            one.close()


def test_a_connection_is_kept_for_the_next_request(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_connection(("127.0.0.1", port)) as visitor:
        visitor.sendall(ASKED)
        visitor.settimeout(PATIENCE_S)
        assert b"200 OK" in visitor.recv(65536)
        visitor.sendall(SECOND)
        assert to_its_end(visitor).endswith(b"said 0")
