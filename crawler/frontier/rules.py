"""robots.txt's own language (RFC 9309): groups, rules, and which of them decides about a URL. Pure.

Beyond the RFC, as most crawlers read what webmasters write: a missing colon, frequent misspellings, spaces after the
product token, `Crawl-delay`, and an allowed `index.html` that means its folder too.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Final

from pipelines.patterns import encoded, matches, path_of
from pipelines.rights import product_token

MAX_BYTES: Final = 500 * 1024  # RFC 9309, 2.5
MAX_LINE_CHARS: Final = 16_663
_LINE_ENDS: Final = re.compile(r"\r\n|\r|\n")
_EVERYTHING: Final = ("/", "*", "/*")
_NAMES: Final = {
    "agent": ("user-agent", "useragent", "user agent"),
    "allow": ("allow",),
    "disallow": ("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"),
    "delay": ("crawl-delay", "crawldelay", "crawl delay"),
}


def text_of(body: bytes) -> str:
    """The text of a robots.txt: its first 500 KiB without a line torn there; what is no UTF-8 becomes %XX."""
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if body.startswith(mark):
            return body[2:MAX_BYTES].decode(name, "replace")
    if len(body) > MAX_BYTES:
        body = body[:MAX_BYTES]
        body = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
    for length in (3, 2, 1):  # torn marks occur too
        if body.startswith(codecs.BOM_UTF8[:length]):
            body = body[length:]
            break
    text = body.decode("utf-8", "surrogateescape")
    return re.sub("[\udc80-\udcff]", lambda found: f"%{ord(found[0]) - 0xDC00:02X}", text)


class Rules:
    """The rules of one robots.txt for one product token (None or empty text: everything is allowed)."""

    def __init__(self, text: str | None, agent: str) -> None:
        own, everyones = _Group(), _Group()
        named = False
        for_us = for_all = closed = False
        for name, value in _lines(text or ""):
            if name == "agent":
                if closed:
                    for_us = for_all = closed = False
                if re.match(r"\*(?:\s|$)", value):
                    for_all = True
                elif agent and product_token(value).lower() == agent.lower():
                    for_us = named = True
                continue
            # a group closes with its first rule; other lines do not concern the grouping
            closed = closed or name != "delay"
            if for_us or for_all:
                (own if for_us else everyones).take(name, value)
        self._group = own if named else everyones

    def allows(self, url: str) -> bool:
        """Whether `url` may be fetched: the longest rule that matches decides; of equals, the one that allows."""
        return self._group.allows(encoded(path_of(url)))

    @property
    def closed(self) -> bool:
        """Whether they forbid every page."""
        return self._group.closed

    @property
    def delay_s(self) -> float | None:
        """The longest Crawl-delay asked for, in seconds; None when there is none."""
        return self._group.delay_s


class _Group:
    """Rules that hold together: plain ones by their text, those with wildcards one by one."""

    def __init__(self) -> None:
        self._plain: dict[str, bool] = {}
        self._lengths: list[int] | None = None
        self._wild: dict[str, bool] = {}
        self.delay_s: float | None = None

    def take(self, name: str, value: str) -> None:
        """One line of the group."""
        if name == "delay":
            delay = _seconds(value)
            if delay is not None:
                self.delay_s = max(delay, self.delay_s or 0.0)
            return
        if not value:
            return
        pattern, allows = encoded(value), name == "allow"
        self._add(pattern, allows)
        folder, slash, file = pattern.rpartition("/")
        if allows and slash and file.startswith("index.htm"):
            self._add(f"{folder}/$", True)

    @property
    def closed(self) -> bool:
        """Whether something forbids everything, and nothing allows anything."""
        rules = self._plain | self._wild
        return not any(rules.values()) and not rules.keys().isdisjoint(_EVERYTHING)

    def _add(self, pattern: str, allows: bool) -> None:
        wild = "*" in pattern or pattern.endswith("$")
        rules = self._wild if wild else self._plain
        rules[pattern] = allows or rules.get(pattern, False)

    def allows(self, path: str) -> bool:
        if self._lengths is None:
            self._lengths = sorted({len(pattern) for pattern in self._plain}, reverse=True)
            self._wild = dict(sorted(self._wild.items(), key=lambda rule: (-len(rule[0]), not rule[1])))
        longest, allowed = 0, True
        for length in self._lengths:
            decided = self._plain.get(path[:length]) if length <= len(path) else None
            if decided is not None:
                longest, allowed = length, decided
                break
        for pattern, allows in self._wild.items():
            if len(pattern) < longest or (len(pattern) == longest and allowed):
                break
            if matches(path, pattern):
                return allows or (len(pattern) == longest and allowed)
        return allowed


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """`(agent | allow | disallow | delay, value)` of every line that is one of these."""
    for line in _LINE_ENDS.split(text):
        said = line[:MAX_LINE_CHARS].partition("#")[0].strip()
        key, colon, value = said.partition(":")
        if not colon:  # forgotten, and clear all the same
            words = said.split()
            if len(words) != 2:
                continue
            key, value = words
        key = key.strip().lower()
        for name, spellings in _NAMES.items():
            if key.startswith(spellings):
                yield name, value.strip()
                break


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if 0 < seconds < float("inf") else None
