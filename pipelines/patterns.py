"""The path patterns of robots.txt (RFC 9309, 2.2.3), which tdmrep.json shares: how they are held against URLs. Pure."""

from __future__ import annotations

import re
from typing import Final

_ENCODED: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


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


def matches(path: str, pattern: str) -> bool:
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
