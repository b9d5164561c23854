"""Serves the demo web on loopback: a forward proxy that is itself the origin of every site it knows.

It never opens a connection. Run it as a process with `python -m crawler.demo.server --port-file PATH`; it prints
its address, and ends on SIGTERM or when the pipe on its standard input is closed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from crawler.demo.answers import Answer, refused
from crawler.demo.web import DemoWeb

MAX_HEADER_BYTES = 16 * 1024
MAX_CONNECTIONS = 256
IDLE_S = 60.0


class BadRequest(Exception):
    """The request cannot be read."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request's first line and headers (lower-case names); there is never a body."""

    method: str
    target: str
    version: str
    headers: dict[str, str]

    @property
    def url(self) -> str:
        """The address asked for, from the absolute form or from the Host header."""
        if self.target.startswith("/"):
            return f"http://{self.headers.get('host', '')}{self.target}"
        return self.target

    @property
    def keep_alive(self) -> bool:
        """Whether the client wants to go on using the connection."""
        wish = self.headers.get("connection", self.headers.get("proxy-connection", "")).lower()
        return wish != "close" and (self.version == "HTTP/1.1" or wish == "keep-alive")


def parse(head: bytes) -> Request:
    """Read the head of a request. Raises BadRequest."""
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest("not an HTTP/1 request")
    pairs = [line.partition(":") for line in lines]
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        raise BadRequest("requests with a body are not taken")
    return Request(words[0], words[1], words[2], headers)


def payload(answer: Answer, keep_alive: bool) -> bytes:
    """Write an answer as bytes."""
    fields = {"content-length": str(len(answer.body)), **answer.headers}
    fields["connection"] = "keep-alive" if keep_alive else "close"
    phrase = HTTPStatus(answer.status).phrase
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {answer.status} {phrase}\r\n{lines}\r\n".encode("latin-1") + answer.body


@dataclass(slots=True)
class Origin:
    """Answers connections from the demo web; writes one JSON line a request to `log` if there is one."""

    web: DemoWeb
    log: TextIO | None = None
    clients: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, one after the other."""
        if len(self.clients) >= MAX_CONNECTIONS:
            writer.write(payload(refused(503, "too many connections"), keep_alive=False))
            writer.close()
            return
        if task := asyncio.current_task():
            self.clients[task] = writer
        # a client may go away at any point; that concerns nobody but its own connection
        try:
            with suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError):
                while await self._one(reader, writer):
                    pass
        finally:
            if task:
                self.clients.pop(task, None)
            writer.close()

    async def hang_up(self) -> None:
        """Close all connections and wait until their answers, some of them slow, have been given up."""
        for writer in self.clients.values():
            writer.close()
        if self.clients:
            await asyncio.wait(list(self.clients), timeout=2.0)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; returns whether the connection stays open."""
        try:
            request = parse(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_S))
        except (asyncio.LimitOverrunError, BadRequest) as error:
            status = 400 if isinstance(error, BadRequest) else 431
            writer.write(payload(refused(status, str(error)), keep_alive=False))
            await writer.drain()
            return False
        answer = self._answer(request)
        if answer.delay_s:
            await asyncio.sleep(answer.delay_s)
        keep_alive = request.keep_alive and request.method != "CONNECT"
        writer.write(payload(answer, keep_alive))
        await writer.drain()
        return keep_alive

    def _answer(self, request: Request) -> Answer:
        if request.method == "CONNECT":
            host, path, answer = request.target, "", refused(403, "not in the demo web: no tunnels")
        else:
            try:
                parts = urlsplit(request.url)
                host, path = parts.netloc, parts.path + (f"?{parts.query}" if parts.query else "")
                answer = self.web.answer(request.method, request.url, request.headers)
            except ValueError as error:
                host, path, answer = "", request.target, refused(400, str(error))
        if self.log:
            line = {"t": round(time.time(), 4), "host": host, "path": path, "status": answer.status}
            self.log.write(json.dumps(line) + "\n")
            self.log.flush()
        return answer


@asynccontextmanager
async def serve(
    web: DemoWeb, host: str = "127.0.0.1", port: int = 0, *, log: TextIO | None = None
) -> AsyncIterator[str]:
    """Serve while the context is open; gives the address, such as `http://127.0.0.1:40123`."""
    origin = Origin(web, log)
    server = await asyncio.start_server(origin.connection, host, port, limit=MAX_HEADER_BYTES)
    try:
        yield f"http://{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await origin.hang_up()
        await server.wait_closed()


def watch_parent(loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
    """Set `done` when the pipe on standard input is closed; anything but a pipe is left alone."""
    with suppress(OSError):
        mode = os.fstat(0).st_mode
        if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
            return

        def wait() -> None:
            # os.read, not sys.stdin: a thread in a buffered read would hold up the interpreter's end
            with suppress(OSError):
                while os.read(0, 4096):
                    pass
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=wait, daemon=True).start()


async def run(port: int, port_file: Path | None, log: TextIO | None) -> None:
    """Serve until told to stop."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, done.set)
    watch_parent(loop, done)
    async with serve(DemoWeb.build(), port=port, log=log) as address:
        if port_file:
            fresh = port_file.with_name(f"{port_file.name}.{os.getpid()}")
            fresh.write_text(address.rpartition(":")[2] + "\n", "utf-8")
            fresh.replace(port_file)
        print(address, flush=True)
        await done.wait()


def main(port: int = 0, port_file: Path | None = None, log_file: Path | None = None) -> None:
    """Serve in this process until SIGTERM, SIGINT or the end of a piped standard input."""
    if log_file is None:
        asyncio.run(run(port, port_file, None))
        return
    with log_file.open("a", encoding="utf-8") as log:
        asyncio.run(run(port, port_file, log))


if __name__ == "__main__":
    options = argparse.ArgumentParser(prog="crawler.demo.server", description=__doc__)
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--port-file", type=Path)
    options.add_argument("--log", type=Path)
    chosen = options.parse_args(sys.argv[1:])
    main(chosen.port, chosen.port_file, chosen.log)
