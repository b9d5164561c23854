"""Ampersands as XML wants them: whoever writes a feed or a sitemap by hand, or from HTML, forgets."""

from __future__ import annotations

import re
from typing import Final, Protocol

# `?a=1&b=2` in an address, and what only HTML knows (`&nbsp;`): a parser would leave out the name behind it
_BARE: Final = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});)")
# of the longest that is none
_LONGEST: Final = 9
# more than anybody forgets
_MOST: Final = 100_000


class Readable(Protocol):
    """What gives bytes, piece by piece, and at its end none."""

    def read(self, size: int = ..., /) -> bytes: ...


def escaped(body: bytes) -> bytes:
    """The body with its first 100,000 bare ampersands as `&amp;`; one in UTF-16 or UTF-32 stays as it is."""
    return body if b"\0" in body[:256] else _BARE.sub(b"&amp;", body, count=_MOST)


class Escaped:
    """The same, of all there are, for what is read in pieces."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._rest = b""
        self._wide: bool | None = None

    def read(self, size: int = -1) -> bytes:
        """The next piece; empty at the end."""
        while piece := self._source.read(size):
            if self._wide is None:
                self._wide = b"\0" in piece[:256]
            if self._wide:
                return piece
            piece = self._rest + piece
            at = piece.rfind(b"&", max(0, len(piece) - _LONGEST))
            piece, self._rest = (piece[:at], piece[at:]) if at >= 0 else (piece, b"")
            if piece:
                return _BARE.sub(b"&amp;", piece)
        rest, self._rest = self._rest, b""
        return _BARE.sub(b"&amp;", rest)
