"""What is settled about a page's bytes before a parser sees them: whether they are safe to parse, and their letters.

A parser runs in C, where no Python exception can stop it; some shapes cost it quadratic time (attributes in
one tag above all). They are counted here first, in time linear in the bytes.
"""

from __future__ import annotations

import codecs
import re
from typing import Final, Literal

from w3lib.encoding import (
    html_body_declared_encoding,
    http_content_type_encoding,
    read_bom,
    resolve_encoding,
    to_unicode,
)

MAX_PAGE_BYTES: Final = 8 * 1024 * 1024
MAX_TAGS: Final = 60_000
MAX_ATTRIBUTES: Final = 500
MAX_NODE_BYTES: Final = 5_000_000
_DECLARED_WITHIN_BYTES: Final = 4096
_WIDE_SAMPLE_BYTES: Final = 400

Refusal = Literal["too-large", "too-many-tags", "node-too-large", "not-html"]

# A comment from its first byte to its end. Like this, without a lookahead, since Python before 3.11.5 loses its place
# after one in a possessive group (https://github.com/python/cpython/issues/106052).
COMMENT: Final = rb"[^-]*+-(?:[^-]++-|-++[^->][^-]*+-)*+-++>"
# Nothing is read twice, whatever the bytes are: what is repeated is possessive, or has nothing behind it.
_VALUE: Final = rb"""=[\s]*+(?:"[^"]*+"?+|'[^']*+'?+)"""
_ATTRIBUTES: Final = rb"""(?:[^>=]++|""" + _VALUE + rb"""|=)*+"""
_TAG: Final = re.compile(
    rb"<(?:!--(?:" + COMMENT + rb"|(?s:.*+))"
    rb"|(?:(script|style)\b|[a-z])(" + _ATTRIBUTES + rb")(?(1)>?+[^<]*+(?:<(?!/script|/style)[^<]*+)*))",
    re.IGNORECASE,
)
_BETWEEN_ATTRIBUTES: Final = re.compile(_VALUE + rb"|/")
_MIN_BYTES_AN_ATTRIBUTE: Final = 2

_ANY_ELEMENT: Final = re.compile(
    r"<(?:html|head|body|title|meta|article|main|section|div|p|span|a|h[1-6]|table|br)\b", re.IGNORECASE
)
_BINARY_STARTS: Final = (
    b"%PDF", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"\x1f\x8b", b"\x7fELF",
    b"OggS", b"ID3", b"\x00\x00\x00", b"\xd0\xcf\x11\xe0", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"Rar!",
)  # fmt: skip
# Python knows these as text encodings; some are quadratic, and none is a charset of the web
NO_CHARSETS: Final = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "utf-7"})


def refusal(body: bytes) -> tuple[Refusal, str] | None:
    """Why bytes must not be given to a parser (reason, detail), or None if they may."""
    if len(body) > MAX_PAGE_BYTES:
        return "too-large", f"{len(body)} bytes; at most {MAX_PAGE_BYTES} are parsed"
    if body.startswith(_BINARY_STARTS):
        return "not-html", "the bytes are those of another kind of file"
    tags = body.count(b"<")
    if tags > MAX_TAGS:
        return "too-many-tags", f"{tags} tags; at most {MAX_TAGS} are parsed"
    if len(body) > MAX_NODE_BYTES and (longest := max(map(len, body.split(b"<")))) > MAX_NODE_BYTES:
        return "node-too-large", f"{longest} bytes without a tag; at most {MAX_NODE_BYTES} are parsed"
    attributes = _most_attributes(body)
    if attributes > MAX_ATTRIBUTES:
        return "too-many-tags", f"{attributes} attributes in one tag; at most {MAX_ATTRIBUTES} are parsed"
    return None


def is_html(text: str) -> bool:
    """Whether a decoded page has any element at all that a text could stand in."""
    return _ANY_ELEMENT.search(text) is not None


def decode(body: bytes, declared: str | None = None) -> str:
    """The text of a page; never fails, and puts U+FFFD only for bytes that no reading explains.

    `declared` is the charset, or the Content-Type, of the HTTP header. It is right less often than the bytes
    are: a body that is valid UTF-8 is UTF-8. Otherwise header, then <meta>, then windows-1252, as browsers do.
    """
    mark, bom = read_bom(body)
    if mark is not None and bom is not None:
        return to_unicode(body[len(bom) :], mark)
    text = body.decode("utf-8", "replace")
    # in these, what is not ASCII is written with ASCII bytes, so that they pass for UTF-8
    suspicious = b"\x1b" in body or b"\x00" in body[:_WIDE_SAMPLE_BYTES]
    if not suspicious and _is_mostly_utf8(body, text):
        return text
    named = _named(body, declared)
    wide = next((name for name in named if name.startswith(("iso2022", "utf-16", "utf-32"))), _wide(body))
    if wide or not _is_mostly_utf8(body, text):
        return to_unicode(body, wide or next((name for name in named if name != "utf-8"), "cp1252"))
    return text


def _named(body: bytes, declared: str | None) -> list[str]:
    header = (charset_of(declared) or resolve_encoding(declared)) if declared else None
    inside = html_body_declared_encoding(body[:_DECLARED_WITHIN_BYTES])
    return [name for name in (header, inside) if name and is_charset(name)]


def charset_of(content_type: str) -> str | None:
    """The charset a Content-Type names, as Python calls it, or None; spaces around `=` and single quotes may stand."""
    tight = "=".join(part.strip() for part in content_type.split("="))
    return http_content_type_encoding(tight.replace("'", '"'))


def is_charset(name: str) -> bool:
    """Whether Python has a codec of this name that turns the bytes of a page into text, whatever they are."""
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)
    except (LookupError, UnicodeError, ValueError):
        return False
    return codec.name not in NO_CHARSETS


def _wide(body: bytes) -> str | None:
    """UTF-16 that nobody declared: in text, every second byte is zero."""
    start = body[:_WIDE_SAMPLE_BYTES]
    if start.count(0) * 3 < len(start) or len(start) < 8:
        return None
    return "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"


def _is_mostly_utf8(body: bytes, text: str) -> bool:
    """One stray or cut-off byte must not turn a whole UTF-8 page into gibberish."""
    strays = text.count("\ufffd")
    return strays == 0 or strays * 3 <= len(body) - len(text)


def _most_attributes(body: bytes) -> int:
    most = 0
    for tag in _TAG.finditer(body):
        start, end = tag.span(2)
        if end - start > MAX_ATTRIBUTES * _MIN_BYTES_AN_ATTRIBUTE:
            most = max(most, len(_BETWEEN_ATTRIBUTES.sub(b" ", tag[2]).split()))
    return most
