"""Where a site leads a crawler round in circles: recognised by URLs, by pages that repeat, and by hosts that do. Pure.

What a URL alone tells is in `pipelines.shapes`. Here a page's quick text has a print (simhash: Charikar 2002; Manku,
Jain, Das Sarma 2007), and prints tell a template of only repeats, a host that serves another's pages, and an answer
that says "not found" with status 200.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, deque
from typing import Final

import numpy as np
import xxhash

from pipelines import urls as identity
from pipelines.likeness.tokens import words

# of 64 bits; so near are texts that share nearly all their runs of words
NEAR: Final = 3
MIN_WORDS: Final = 12
SHINGLE_WORDS: Final = 3
MAX_WORDS: Final = 2_000
# of the last LATELY pages of a template more than BRAKE were repeats: it is closed, once EARLIEST were seen
LATELY, EARLIEST, BRAKE = 50, 20, 0.6
# a host of which so many pages, and most of all, are admittedly those of one other host at the same paths
MIRRORED, MOSTLY = 5, 0.8
# what is remembered, at about 100 bytes each
MAX_PAGES: Final = 200_000
MAX_TEMPLATES: Final = 20_000
# pages of a host after which it is asked once for one that cannot be there
PROBED_AFTER: Final = 8
# what is not closed goes on to the end, as browsers read it: looked for again and again it would cost quadratic time
_MARKUP: Final = re.compile(rb"<(?:(script|style)\b.*?(?:</\1|\Z)|[^>]*+)", re.DOTALL | re.IGNORECASE)
_ALL: Final = (1 << 64) - 1


def print_of(text: str) -> int:
    """The simhash, a signed 64-bit number, of a text's runs of three words; 0 for one too short to tell anything."""
    found = words(text)[:MAX_WORDS]
    if len(found) < MIN_WORDS:
        return 0
    runs = set(map(" ".join, zip(*(found[at:] for at in range(SHINGLE_WORDS)), strict=False)))
    hashed = np.fromiter(map(xxhash.xxh3_64_intdigest, map(str.encode, runs)), "<u8", len(runs))
    ones = np.unpackbits(hashed.view(np.uint8), bitorder="little").reshape(-1, 64).sum(axis=0, dtype=np.uint16)
    return int.from_bytes(np.packbits(ones * 2 > len(runs), bitorder="little").tobytes(), "little", signed=True) or 1


def print_of_body(body: bytes) -> int:
    """The print of all words of a page, menus too: what "not found" looks like on a site."""
    return print_of(_MARKUP.sub(b" ", body[:262_144]).decode("utf-8", "replace"))


def near(one: int, other: int) -> bool:
    """Whether two prints are of nearly the same text."""
    return bool(one and other) and ((one ^ other) & _ALL).bit_count() <= NEAR


def no_such_page(host: str) -> str:
    """A path that nobody's site has; the same for a host each time."""
    return f"/no-such-page-{identity.key(host) & 0xFFFFFFFFFFFF:012x}"


class Traps:
    """What this process knows of templates and hosts. Names of hosts and URLs as the ledger has them."""

    def __init__(self, max_per_template: int = 0) -> None:
        self._most = max_per_template
        self._prints: dict[tuple[str, str], deque[tuple[int, bool]]] = {}
        self._closed: dict[tuple[str, str], str] = {}
        self._sent: Counter[tuple[str, str]] = Counter()
        self._at: dict[int, str] = {}
        self._pages: Counter[str] = Counter()
        self._same: Counter[frozenset[str]] = Counter()
        self._mirrors: set[str] = set()

    def know(self, host: str, template: str, pages: int, closed: str | None) -> None:
        """What the ledger knows of a template: pages asked for in this run, and why it was closed."""
        key = (host, template)
        self._sent[key] = max(pages, self._sent[key])
        if closed:
            self._closed[key] = closed

    def refuses(self, host: str, url: str) -> tuple[str, str] | None:
        """`(reason, detail)` why a URL of this host is not to be asked for, or None."""
        template = identity.template_of(url)
        if (host, template) in self._closed:
            return "trap", f"{self._closed[host, template]}: pages like {template}"
        if self._most and self._sent[host, template] >= self._most:
            return "template-budget", f"{self._most} pages like {template} were asked for"
        return None

    def sent(self, host: str, url: str) -> str:
        """A page is asked for; gives its template."""
        template = identity.template_of(url)
        self._sent[host, template] += 1
        return template

    def closed(self, host: str, url: str) -> bool:
        """Whether links of this URL's template are not worth keeping."""
        return bool(self._closed) and (host, identity.template_of(url)) in self._closed

    def came(self, host: str, url: str, mark: int) -> str | None:
        """A page came and its text has this print; gives its template when that is closed by it."""
        if not mark:
            return None
        template = identity.template_of(url)
        if len(self._prints) >= MAX_TEMPLATES:
            self._prints.clear()
        seen = self._prints.setdefault((host, template), deque(maxlen=LATELY))
        seen.append((mark, any(near(mark, known) for known, _ in seen)))
        repeats = sum(again for _, again in seen)
        if len(seen) < EARLIEST or repeats <= BRAKE * len(seen) or (host, template) in self._closed:
            return None
        self._closed[host, template] = "repeats"
        return template

    def mirrored(self, host: str, url: str, mark: int, says: str = "") -> str | None:
        """The host whose pages this one serves, once that is sure; `says` is the host that the page calls its own.

        Another owner's copy proves nothing: whoever serves a paper's pages, and is fetched first, would end the paper.
        """
        if not mark:
            return None
        if len(self._at) >= MAX_PAGES:
            self._at.clear()
        path = url.partition("://")[2].partition("/")[2]
        first = self._at.setdefault(identity.key(f"{mark} {path}"), sys.intern(host))
        self._pages[host] += 1
        if first == host or host in self._mirrors or first in self._mirrors:
            return None
        if first != says and identity.variant_of(f"http://{host}/") != identity.variant_of(f"http://{first}/"):
            return None
        both = frozenset((host, first))
        self._same[both] += 1
        if self._same[both] < max(MIRRORED, MOSTLY * self._pages[host]):
            return None
        self._mirrors.add(host)
        return first
