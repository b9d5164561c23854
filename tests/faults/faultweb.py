"""A web whose every page has one right fate: articles, copies, redirects, torn and failing answers, made by number."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from scripted_site import HTML, Answer, Asked, Site, moved, page, prose, robots

HOSTS = 12
_HOST = re.compile(r"r(\d+)h(\d+)\.test")


@dataclass(frozen=True)
class Expected:
    """What must become of a URL: the fates it may end in, and the number of the text it tells (or None)."""

    fates: tuple[str, ...]
    text: int | None = None


def kind_of(number: int) -> str:
    """What the page of this number is like."""
    return {
        3: "copy", 5: "forbidden", 7: "moved", 11: "gone", 13: "torn", 17: "flaky", 19: "failing", 20: "no page",
    }.get(number % 21, "article")  # fmt: skip


class FaultWeb(Site):
    """Rounds of HOSTS hosts with `pages` numbered pages each; hosts of round 2 are `r2h0.test`, `r2h1.test` …

    Every page links to the next three of its host, and to the same page of the next host.
    """

    def __init__(self, pages: int) -> None:
        super().__init__()
        self.pages = pages
        self._asked_before: set[str] = set()

    def starts(self, number: int) -> list[str]:
        """Where a round begins."""
        return [f"http://r{number}h{host}.test/" for host in range(HOSTS)]

    def expected(self, number: int) -> dict[str, Expected]:
        """Every URL of a round with its right fate."""
        found: dict[str, Expected] = {}
        for host in range(HOSTS):
            found[f"http://r{number}h{host}.test/"] = Expected(("dropped",))
            for at in range(self.pages):
                kind, text = kind_of(at), self._text(number, host, at)
                fates = {
                    "copy": ("stored", "duplicate"), "moved": ("dropped",), "gone": ("dropped",),
                    "failing": ("dead",), "no page": ("dropped",), "forbidden": ("refused",),
                }.get(kind, ("stored", "duplicate"))  # fmt: skip
                tells = text if "stored" in fates else None
                found[f"http://r{number}h{host}.test/{kind.replace(' ', '-')}/{at}"] = Expected(fates, tells)
                if kind == "moved":
                    told = Expected(("stored", "duplicate"), text)
                    found[f"http://r{number}h{host}.test/article/{at}"] = told
        return found

    def _text(self, number: int, host: int, at: int) -> int:
        """The text a page tells: a copy tells that of the page before it, on the host before it."""
        if kind_of(at) == "copy":
            host, at = (host - 1) % HOSTS, at - 1
        return (number * HOSTS + host) * 10_000 + at

    def _scripted(self, asked: Asked) -> Answer:
        name = _HOST.fullmatch(asked.host)
        if asked.path == "/robots.txt" and name is not None:
            return robots("Disallow: /forbidden/")
        if asked.path.startswith("/.well-known/") or name is None:
            return Answer(404, b"none")
        number, host = name.groups()
        kind, _, at = asked.path.strip("/").partition("/")
        if not at:
            return page("Front page", links=self._links(int(number), int(host), 0, 3))
        return self._page(asked, int(number), int(host), int(at), kind.replace("-", " "))

    def _page(self, asked: Asked, number: int, host: int, at: int, kind: str) -> Answer:
        with self._lock:
            first = asked.url not in self._asked_before
            self._asked_before.add(asked.url)
        if kind == "moved":
            return moved(f"/article/{at}")
        if kind == "gone":
            return Answer(404, b"gone")
        if kind == "failing" or (kind == "flaky" and first):
            return Answer(503, b"try later")
        if kind == "no page":
            return Answer(200, b"%PDF-1.4 \x00\x01", {"content-type": "application/pdf"})
        text = self._text(number, host, at)
        links = self._links(number, host, at + 1, 3) + self._links(number, (host + 1) % HOSTS, at, 1)
        title = f"What village {text} decided" if kind != "copy" else f"Village {text}: what was decided"
        whole = page(title, prose(text), links, '<meta property="og:type" content="article">')
        return Answer(200, whole.body, HTML, breaks=kind == "torn" and first)

    def _links(self, number: int, host: int, start: int, count: int) -> list[str]:
        return [
            f"http://r{number}h{host}.test/{kind_of(at).replace(' ', '-')}/{at}"
            for at in range(start, min(start + count, self.pages))
        ]

    def write_log(self, file: Path) -> int:
        """Writes every request down as `doctor --requests` reads it; returns how many."""
        asked = self.requests()
        lines = (json.dumps({"t": one.at, "host": one.host, "path": one.path}) + "\n" for one in asked)
        file.write_text("".join(lines), encoding="utf-8")
        return len(asked)
