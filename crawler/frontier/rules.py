"""robots.txt's own language (RFC 9309): groups, rules, and which of them decides about a URL. Pure.

Beyond the RFC, as most crawlers read what webmasters write: a missing colon, frequent misspellings, spaces after the
product token, `Crawl-delay`, and an allowed `index.html` that means its folder too.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Final

MAX_BYTES: Final = 500 * 1024  # RFC 9309, 2.5
MAX_LINE_CHARS: Final = 16_663
_TOKEN: Final = re.compile(r"[A-Za-z_-]*")
_LINE_ENDS: Final = re.compile(r"\r\n|\r|\n")
_ENCODED: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
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


def product_token(user_agent: str) -> str:
    """The name a crawler goes by in robots.txt: the letters, `-` and `_` its User-Agent begins with; may be empty."""
    found = _TOKEN.match(user_agent)
    return found[0] if found else ""


def path_of(url: str) -> str:
    """What rules are held against: path, parameters and query of `url`, beginning with `/`."""
    start = 2 if url.startswith("//") else 0
    scheme = url.find("://", start)
    if scheme >= 0 and not re.search(r"[/?;]", url[start:scheme]):
        start = scheme + 3
    found = re.search(r"[/?;#]", url[start:])
    if not found or found[0] == "#":
        return "/"
    path = url[start + found.start() :].partition("#")[0]
    return path if path.startswith("/") else f"/{path}"


def encoded(path: str) -> str:
    """`path` in the one spelling in which URLs and rules are compared (RFC 9309, 2.2.2; RFC 3986, 6.2.2)."""
    if "%" in path:
        path = _ENCODED.sub(_plainest, path)
    if path.isascii():
        return path
    return "".join(c if c.isascii() else "".join(f"%{b:02X}" for b in c.encode("utf-8", "replace")) for c in path)


def _plainest(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character in _UNRESERVED else found[0].upper()


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
            if _matches(path, pattern):
                return allows or (len(pattern) == longest and allowed)
        return allowed


def _matches(path: str, pattern: str) -> bool:
    """Whether `pattern` with `*` and a final `$` matches from the beginning of `path`; linear in each part's search."""
    ends = pattern.endswith("$")
    first, *parts = (pattern[:-1] if ends else pattern).split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    if not parts:
        return not ends or at == len(path)
    last = parts.pop() if ends else ""
    for part in parts:
        at = path.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return not ends or (len(path) - len(last) >= at and path.endswith(last))


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
