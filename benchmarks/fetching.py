"""What a hostile server can cost, by the handler that fetches: memory, time, and whether it ends as it should.

    python benchmarks/fetching.py [--plain 2000] [--cases headers,bomb-br] [--handlers ours,twisted]

Each case is a fresh process that fetches one page of a hostile server on loopback (`plain`: many small ones), with our
settings, through one of three handlers: Scrapy's own on Twisted (`twisted`), the same with lines of headers counted and
the connection cut (`twisted-capped`), and ours (`crawler/fetching/transport.py`). Prints a table of peak memory beyond
what the process had before its first request, seconds, and the outcome.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import json
import resource
import subprocess
import sys
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import brotli
import zstandard

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

TIMEOUT_S = 8
HANDLERS = ("twisted", "twisted-capped", "ours")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
BOMB_BYTES = 1 << 28
PAGE = b"<html><body>" + b"<p>Nothing happened in the harbour today, and the tide went out again.</p>" * 40
# one process that cannot be bounded would end the machine
LIMIT_S = 60

Case = Callable[[asyncio.StreamWriter], Awaitable[None]]


# the hostile server


async def _forever(writer: asyncio.StreamWriter, block: bytes) -> None:
    while True:
        writer.write(block)
        await writer.drain()


async def headers(writer: asyncio.StreamWriter) -> None:
    """Headers that never end."""
    writer.write(HEAD)
    await _forever(writer, b"".join(b"X-%d: %s\r\n" % (n, b"y" * 200) for n in range(100)))


async def one_header(writer: asyncio.StreamWriter) -> None:
    """One header that never ends."""
    writer.write(HEAD + b"X-Long: ")
    await _forever(writer, b"y" * 65_536)


async def cookies(writer: asyncio.StreamWriter) -> None:
    """Four hundred cookies, and a page."""
    writer.write(HEAD + b"".join(b"Set-Cookie: c%d=%s\r\n" % (n, b"y" * 200) for n in range(400)))
    writer.write(b"Content-Length: 2\r\n\r\nhi")


async def slow_headers(writer: asyncio.StreamWriter) -> None:
    """A header a second."""
    writer.write(HEAD)
    while True:
        writer.write(b"X-Slow: y\r\n")
        await writer.drain()
        await asyncio.sleep(1)


async def slow_body(writer: asyncio.StreamWriter) -> None:
    """A byte a second."""
    writer.write(HEAD + b"Content-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b"y")
        await writer.drain()
        await asyncio.sleep(1)


async def endless_body(writer: asyncio.StreamWriter) -> None:
    """Chunks without end."""
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    await _forever(writer, b"10000\r\n" + b"y" * 65_536 + b"\r\n")


async def trailers(writer: asyncio.StreamWriter) -> None:
    """A short body, and trailers without end."""
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n")
    await _forever(writer, b"".join(b"X-%d: %s\r\n" % (n, b"y" * 200) for n in range(100)))


async def early_answers(writer: asyncio.StreamWriter) -> None:
    """103 Early Hints without end."""
    await _forever(writer, b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * 500)


def bomb(coding: str, packed: bytes) -> Case:
    """A body that unpacks to 256 MiB."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + f"Content-Encoding: {coding}\r\nContent-Length: {len(packed)}\r\n\r\n".encode() + packed)

    return answer


async def plain(writer: asyncio.StreamWriter) -> None:
    """A page."""
    writer.write(HEAD + f"Content-Length: {len(PAGE)}\r\nConnection: close\r\n\r\n".encode() + PAGE)


def _zeros(compress: Any, finish: Callable[[], bytes]) -> bytes:
    return b"".join([compress(bytes(1 << 20)) for _ in range(BOMB_BYTES >> 20)]) + finish()


def cases() -> dict[str, Case]:
    """All of them; making the bombs takes seconds."""
    squeeze, br = zlib.compressobj(6, zlib.DEFLATED, 31), brotli.Compressor(quality=5)
    zstd = zstandard.ZstdCompressor(level=3).compressobj()
    packed = _zeros(squeeze.compress, squeeze.flush)
    return {
        "plain": plain, "headers": headers, "one-header": one_header, "cookies": cookies, "slow-headers": slow_headers,
        "slow-body": slow_body, "endless-body": endless_body, "trailers": trailers, "early-answers": early_answers,
        "bomb-gzip": bomb("gzip", packed), "bomb-gzip-twice": bomb("gzip, gzip", gzip.compress(packed)),
        "bomb-br": bomb("br", _zeros(br.process, br.finish)),
        "bomb-zstd": bomb("zstd", _zeros(zstd.compress, zstd.flush)),
    }  # fmt: skip


@contextlib.asynccontextmanager
async def serving(chosen: dict[str, Case]) -> AsyncIterator[int]:
    """The server's port; each case at its own path."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(30):
                line = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
                await chosen[line.split("/")[1]](writer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


# the fetching process


def _cap_twisted() -> None:
    """Counts what Twisted's client reads of headers, and fails the answer beyond 256 lines or 64 KiB."""
    from twisted.web import _newclient

    read = _newclient.HTTPParser.lineReceived

    def counted(self: Any, line: bytes) -> None:
        self.seen = getattr(self, "seen", 0) + len(line) + 2
        self.lines = getattr(self, "lines", 0) + 1
        if self.lines > 256 or self.seen > 65_536:
            self.clearLineBuffer()
            raise _newclient.ParseError("too many headers", line[:100])
        read(self, line)

    _newclient.HTTPParser.lineReceived = counted


def fetch(handler: str, url: str, number: int) -> dict[str, Any]:
    """Fetches `url` (`number` times); run in a process of its own."""
    from scrapy import Request, Spider
    from scrapy.crawler import AsyncCrawlerProcess

    from crawler import settings
    from pipelines.config import Config
    from pipelines.sections import Crawl

    wanted = settings.settings(Config(crawl=Crawl(allow_private_addresses=True)))
    for ours in ("SCHEDULER", "EXTENSIONS"):
        wanted.pop(ours)
    wanted |= {"DOWNLOAD_TIMEOUT": TIMEOUT_S, "CONCURRENT_REQUESTS": 32, "CONCURRENT_REQUESTS_PER_DOMAIN": 32}
    if handler != "ours":
        wanted["DOWNLOAD_HANDLERS"] = {}
    if handler == "twisted-capped":
        _cap_twisted()
    ends: list[str] = []
    began: list[Any] = []

    class One(Spider):
        name = "one"

        async def start(self) -> AsyncIterator[Any]:
            began.extend((time.monotonic(), time.process_time(), _peak_mb()))
            for _ in range(number):
                yield Request(url, self.parse, dont_filter=True, errback=self.failed)

        def parse(self, response: Any, **_: Any) -> None:
            ends.append(f"{response.status}, {len(response.body)} bytes")

        def failed(self, failure: Any) -> None:
            ends.append(f"{getattr(failure.value, 'reason', type(failure.value).__name__)}: {failure.value}"[:60])

    with settings.quietly():
        process = AsyncCrawlerProcess(wanted)
        process.crawl(One)
        process.start()
    at, cpu, peak = began
    spent = {"seconds": time.monotonic() - at, "cpu": time.process_time() - cpu, "mb": _peak_mb() - peak}
    return {**spent, "end": ends[-1]}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plain", type=int, default=2_000)
    parser.add_argument("--cases", default="")
    parser.add_argument("--handlers", default=",".join(HANDLERS))
    parser.add_argument("--fetch", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    known = cases()
    chosen = asked.cases.split(",") if asked.cases else list(known)
    print(f"{'case':<16} {'handler':<15} {'MB':>6} {'seconds':>8} {'CPU s':>6}  end")
    async with serving(known) as port:
        for name in chosen:
            for handler in asked.handlers.split(","):
                number = asked.plain if name == "plain" else 1
                told = await _in_a_process(handler, f"http://127.0.0.1:{port}/{name}/", number)
                print(f"{name:<16} {handler:<15} {told}", flush=True)


async def _in_a_process(handler: str, url: str, number: int) -> str:
    command = [sys.executable, "-m", "benchmarks.fetching", "--fetch", handler, url, str(number)]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
        told = json.loads(out)
    except (TimeoutError, ValueError):
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        return f"{'?':>6} {LIMIT_S:>8} {'?':>6}  did not end"
    return f"{told['mb']:>6.0f} {told['seconds']:>8.1f} {told['cpu']:>6.1f}  {told['end']}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fetch"]:
        print(json.dumps(fetch(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
    else:
        asyncio.run(main())
