"""A scripted web on loopback: an origin, and a forward proxy for any number of host names; it logs every request.

with Site({"news.test/": page(links=["/a"]), "/robots.txt": Answer(404)}) as site:
    ...  # crawl through --proxy site.url, or site.url itself with --allow-private
    site.requests("news.test")
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Self
from urllib.parse import urlsplit

from patience import PATIENCE_S

CHUNK = 64 * 1024
ABOUT_HOST = ("/robots.txt", "/.well-known/tdmrep.json")
# how a host answers for what it does not have is asked for once
PROBED = "/no-such-page"


@dataclass(frozen=True)
class Answer:
    """What one request gets. `hangs`: no answer at all; `breaks`: the connection closes in the middle of the body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    breaks: bool = False


@dataclass(frozen=True)
class Asked:
    """One request as it arrived. Times are seconds since 1970; `answered_at` is 0 while it is being answered.

    That is the moment before its last write, so that whoever has the answer has it later. Of an answer that its client
    gave up nobody here knows when that was, only that it came after the request: it is that moment.
    """

    host: str
    path: str
    headers: Mapping[str, str]
    target: str
    at: float
    answered_at: float = 0.0

    @property
    def url(self) -> str:
        """The address asked for."""
        return f"http://{self.host}{self.path}"


Scripted = Answer | Sequence[Answer] | Callable[[Asked], Answer]


class Site:
    """`answers` by `host/path`, or by `/path` for every host; the n-th request of a path gets the n-th of a sequence.

    What is not scripted is 404, robots.txt too.
    """

    def __init__(self, answers: Mapping[str, Scripted] | None = None) -> None:
        self.answers: dict[str, Scripted] = dict(answers or {})
        self.log: list[Asked] = []
        self._times: dict[str, int] = {}
        self._lock = threading.Lock()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(PATIENCE_S)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`: the origin, and the proxy's address."""
        return f"http://127.0.0.1:{self.port}"

    def requests(self, host: str | None = None, path: str | None = None) -> list[Asked]:
        """What arrived, in order."""
        with self._lock:
            log = list(self.log)
        return [one for one in log if host in (None, one.host) and path in (None, one.path)]

    def paths(self, host: str | None = None) -> list[str]:
        """The paths of pages asked for: without robots.txt, tdmrep.json, and the probe for what is missing."""
        asked = [one.path for one in self.requests(host) if one.path not in ABOUT_HOST]
        return [path for path in asked if not path.startswith(PROBED)]

    def probes(self, host: str) -> int:
        """How often a host was asked for what it cannot have."""
        return sum(one.path.startswith(PROBED) for one in self.requests(host))

    def gaps(self, host: str) -> list[float]:
        """Seconds from each answer of a host to the next request there."""
        asked = self.requests(host)
        return [later.at - earlier.answered_at for earlier, later in itertools.pairwise(asked)]

    def most_at_once(self, host: str) -> int:
        """The most requests of a host that were open at the same moment."""
        asked = [one for one in self.requests(host) if one.answered_at]
        return max((sum(1 for b in asked if b.at <= a.at < b.answered_at) for a in asked), default=0)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        self._clients: set[asyncio.StreamWriter] = set()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port: int = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._done.wait()
        server.close()
        for client in self._clients:
            client.transport.abort()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._one(reader, writer)
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        _method, target, _version = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        parts = urlsplit(target)
        host = parts.netloc or headers.get("host", "")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        asked = Asked(host, path, headers, target, time.time())
        number = self._note(asked)

        def answered(at: float) -> None:
            with self._lock:
                self.log[number] = replace(asked, answered_at=at)

        try:
            await self._answer(self._scripted(asked), writer, answered)
        finally:
            if not self.log[number].answered_at:  # it was given up
                answered(asked.at)

    def _note(self, asked: Asked) -> int:
        with self._lock:
            self.log.append(asked)
            return len(self.log) - 1

    def _scripted(self, asked: Asked) -> Answer:
        key = next((k for k in (asked.host + asked.path, asked.path) if k in self.answers), None)
        if key is None:
            return Answer(404, b"not here")
        script = self.answers[key]
        if isinstance(script, Answer):
            return script
        if callable(script):
            return script(asked)
        with self._lock:
            self._times[key] = self._times.get(key, 0) + 1
            return script[min(self._times[key], len(script)) - 1]

    async def _answer(self, answer: Answer, writer: asyncio.StreamWriter, answered: Callable[[float], None]) -> None:
        if answer.hangs:
            await self._done.wait()
        phrase = HTTPStatus(answer.status).phrase
        fields = {"content-length": str(len(answer.body)), "connection": "close", **answer.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        head = f"HTTP/1.1 {answer.status} {phrase}\r\n{lines}\r\n".encode("latin-1")
        body = answer.body[: len(answer.body) // 2] if answer.breaks else answer.body
        *before, last = [head, *(body[at : at + CHUNK] for at in range(0, len(body), CHUNK))]
        for part in before:
            writer.write(part)
            await writer.drain()
        answered(time.time())
        writer.write(last)
        await writer.drain()


HTML = {"content-type": "text/html; charset=utf-8"}


def page(title: str = "A page", paragraphs: Sequence[str] = (), links: Sequence[str] = (), head: str = "") -> Answer:
    """A page of HTML; links are addresses, or whole `<a>` elements."""
    body = "".join(f"<p>{html.escape(text)}</p>\n" for text in paragraphs)
    elements = [one if one.startswith("<a") else f'<a href="{one}">{one}</a>' for one in links]
    listed = "".join(f"<li>{element}</li>\n" for element in elements)
    text = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>{head}</head>'
        f"<body><article><h1>{html.escape(title)}</h1>\n{body}</article><ul>{listed}</ul></body></html>"
    )
    return Answer(200, text.encode(), HTML)


def moved(to: str, status: int = 301) -> Answer:
    """A redirect."""
    return Answer(status, b"elsewhere", {"location": to})


def robots(*lines: str) -> Answer:
    """A robots.txt for everybody."""
    return Answer(200, "\n".join(["User-agent: *", *lines, ""]).encode(), {"content-type": "text/plain"})


def rss(*urls: str) -> Answer:
    """A feed of these addresses."""
    items = "".join(f"<item><title>About {url}</title><link>{url}</link></item>" for url in urls)
    text = f'<?xml version="1.0"?><rss version="2.0"><channel><title>news</title>{items}</channel></rss>'
    return Answer(200, text.encode(), {"content-type": "application/rss+xml"})


def sitemap(*urls: str, kind: str = "url") -> Answer:
    """A sitemap, or with kind `sitemap` an index of sitemaps."""
    root = "urlset" if kind == "url" else "sitemapindex"
    entries = "".join(f"<{kind}><loc>{url}</loc></{kind}>" for url in urls)
    text = f'<?xml version="1.0"?><{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</{root}>'
    return Answer(200, text.encode(), {"content-type": "application/xml"})


def _set(words: str) -> list[str]:
    return words.split()


_THINGS = _set(
    "bridge winter market teacher engine orchard letter window railway garden council bread lantern valley signal "
    "timber meadow captain ledger quarry ribbon saddle temple velvet willow anchor barrel cellar doctor evening "
    "farmer gallery hammer island journal kitchen library mountain notebook office painter queen river "
    "school tailor umbrella violin wagon yard basket candle dairy errand ferry goose harvest "
    "inn jacket kettle lamp mill nurse oven piano quilt roof sailor tower uncle village well yarn"
)
_DOINGS = _set(
    "carried followed painted measured forgot repaired borrowed counted described hid inherited kept lost moved named "
    "opened praised questioned remembered sold traded visited washed weighed bought cleaned doubted examined found"
)
_KINDS = _set("old quiet green heavy narrow honest broken early distant warm curious patient round silver tall wet")


def prose(number: int, paragraphs: int = 5) -> list[str]:
    """Paragraphs of an invented article, of about 60 words each; every number gives another text."""
    dice = random.Random(number)

    def sentence() -> str:
        one, two, three = dice.sample(_THINGS, 3)
        return (
            f"The {dice.choice(_KINDS)} {one} {dice.choice(_DOINGS)} the {dice.choice(_KINDS)} {two} near the {three}."
        )

    return [" ".join(sentence() for _ in range(6)) for _ in range(paragraphs)]


def story(number: int, links: Sequence[str] = (), head: str = "") -> Answer:
    """A page that holds the invented article of that number."""
    return page(f"What village {number} decided about its {_THINGS[number % len(_THINGS)]}", prose(number), links, head)


@contextlib.contextmanager
def serving(answers: Mapping[str, Scripted] | None = None) -> Iterator[Site]:
    """A Site for as long as a block runs."""
    with Site(answers) as site:
        yield site
