"""Bytes of a page to text that is safe to parse: whatever the charset says, it never raises."""

from __future__ import annotations

import codecs
import re
from typing import Final

from pipelines.markup import is_charset

MAX_BODY_BYTES: Final = 8 << 20
# lexbor is quadratic in open elements and in the attributes of one tag: these keep the worst page near a second
MAX_TAGS: Final = 15_000
MAX_ATTRIBUTES: Final = 1_000
_LONG_TAG_CHARS: Final = 16_384
_HEAD_BYTES: Final = 2_048

_DECLARED: Final = re.compile(
    rb"<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE
)
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# browsers read the wider charset where a page names the narrower one (WHATWG Encoding)
_READ_AS: Final = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
# where a name begins; a pattern with the run of spaces before it would read a long one again from each of them
_ATTRIBUTE: Final = re.compile(r"(?<=[\s/])[^\s/=]")
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")


def text_of(body: bytes, encoding: str | None = None) -> str:
    """The text of at most 8 MiB of `body`; `encoding` is what the HTTP header named, if it did.

    The same as extraction reads it (`pipelines.markup.decode`), but for odd cases that cost too much here.
    """
    body = body[:MAX_BODY_BYTES]
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    declared = _codec(encoding) or _codec(_declared(body))
    named = declared if declared != "utf-8" else None
    if named and (body.isascii() or b"\x1b" in body):  # which would all pass for UTF-8
        return body.decode(named, "replace")
    if named:  # right less often than the bytes are: letters beyond ASCII that are UTF-8 are that by no chance
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            return body.decode(named, "replace")
    text = body.decode("utf-8", "replace")
    return body.decode("cp1252", "replace") if _is_not_utf8(text) else text


def _declared(body: bytes) -> str | None:
    found = _DECLARED.search(body[:_HEAD_BYTES])
    name = found[1].decode("ascii", "replace") if found else None
    # a page whose declaration could be read byte by byte is not in a two-byte encoding
    return "utf-8" if name and name.lower().startswith("utf-16") else name


def _codec(name: str | None) -> str | None:
    if not name or "\0" in name:
        return None
    name = name.strip()[:40]
    if not is_charset(name):
        return None
    known = codecs.lookup(name).name
    return _READ_AS.get(known, known)


def _is_not_utf8(text: str) -> bool:
    """One torn character does not make a page Latin; a page whose odd characters are mostly torn is."""
    torn = text.count("\ufffd")
    return torn > 0 and torn * 4 > sum(len(run) for run in re.findall(r"[^\x00-\x7f]+", text))


def tamed(text: str) -> str:
    """`text` cut where it has too many tags, and without tags of thousands of attributes."""
    if text.count("<") > MAX_TAGS:
        text = "<".join(text.split("<", MAX_TAGS)[:MAX_TAGS])
    if not _has_long_tag(text):
        return text
    parts = text.split(">")
    for number, part in enumerate(parts):
        if len(part) >= _LONG_TAG_CHARS and _ends_in_flood(part):
            parts[number] = part[: part.rfind("<")]
    return ">".join(parts)


def _has_long_tag(text: str) -> bool:
    """Whether there may be one: so many characters without a `>`. Most of a text is stepped over, not looked at."""
    at = 0
    while at + _LONG_TAG_CHARS <= len(text):
        end = text.rfind(">", at, at + _LONG_TAG_CHARS)
        if end < 0:
            return True
        at = end + 1
    return False


def _ends_in_flood(part: str) -> bool:
    tag = part[part.rfind("<") :]
    return tag[1:2].isalpha() and len(_ATTRIBUTE.findall(_QUOTED.sub("", tag))) > MAX_ATTRIBUTES
