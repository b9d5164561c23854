"""Ampersands as XML wants them: whoever writes a feed or a sitemap by hand, or from HTML, forgets."""

from __future__ import annotations

import re
from typing import Final, Protocol

# `?a=1&b=2` in an address, and what only HTML knows (`&nbsp;`): a parser would leave out the name behind it
_BARE: Final = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});)")
# what stands between these is taken as it is, to the end where the second is missing
_BEGIN, _END = b"<![CDATA[", b"]]>"
_TAKEN_OR_BARE: Final = re.compile(rb"(<!\[CDATA\[(?s:.*?)(?:\]\]>|\Z))|" + _BARE.pattern)
# of the longest that is none
_LONGEST: Final = 9
# more than anybody forgets
_MOST: Final = 100_000


class Readable(Protocol):
    """What gives bytes, piece by piece, and at its end none."""

    def read(self, size: int = ..., /) -> bytes: ...


def escaped(body: bytes) -> bytes:
    """The body with its first 100,000 bare ampersands as `&amp;`; one in UTF-16 or UTF-32 stays as it is."""
    return body if b"\0" in body[:256] else _TAKEN_OR_BARE.sub(lambda one: one[1] or b"&amp;", body, count=_MOST)


class Escaped:
    """The same, of all there are, for what is read in pieces."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._rest = b""
        self._wide: bool | None = None
        self._taken = False

    def read(self, size: int = -1) -> bytes:
        """The next piece; empty at the end."""
        while piece := self._source.read(size):
            if self._wide is None:
                self._wide = b"\0" in piece[:256]
            if self._wide:
                return piece
            piece = self._rest + piece
            late = max(0, len(piece) - _LONGEST)
            # the beginning of what may go on in the next piece
            at = min((at for sign in (b"&", b"<", b"]") if (at := piece.find(sign, late)) >= 0), default=len(piece))
            at -= len(piece[:at][-2:]) - len(piece[:at][-2:].rstrip(b"]"))  # not in the middle of an end
            piece, self._rest = piece[:at], piece[at:]
            if piece:
                return self._part(piece)
        rest, self._rest = self._rest, b""
        return self._part(rest)

    def _part(self, piece: bytes) -> bytes:
        done, at = [], 0
        while at < len(piece):
            end = piece.find(_END if self._taken else _BEGIN, at)
            until = len(piece) if end < 0 else end + len(_END if self._taken else _BEGIN)
            done.append(piece[at:until] if self._taken else _BARE.sub(b"&amp;", piece[at:until]))
            self._taken, at = self._taken != (end >= 0), until
        return b"".join(done)
