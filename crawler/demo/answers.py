"""What the demo web answers to a request, and the few shapes answers come in."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from html import escape


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `delay_s` is how long the server waits before sending it. Header names are lower-case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_s: float = 0.0


def typed(body: bytes, kind: str, status: int = 200) -> Answer:
    """Answer with a body of a content type."""
    return Answer(status, {"content-type": kind}, body)


def html(text: str, status: int = 200) -> Answer:
    """Answer with an HTML page in UTF-8."""
    return typed(text.encode(), "text/html; charset=utf-8", status)


def latin1(text: str) -> Answer:
    """Answer with a page in Latin-1; what it lacks, such as German quotes, is written as references."""
    body = text.replace("charset=utf-8", "charset=iso-8859-1").replace('charset="utf-8"', 'charset="iso-8859-1"')
    return typed(body.encode("iso-8859-1", "xmlcharrefreplace"), "text/html; charset=ISO-8859-1")


def page(title: str, content: str, status: int = 200) -> Answer:
    """Answer with a bare page, as programs beside the content system write them."""
    return html(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="generator" content="suchlike demo web"></head>\n'
        f"<body><h1>{escape(title)}</h1>\n{content}\n<footer>Everything here is fictional.</footer></body></html>\n",
        status,
    )


def moved(target: str, status: int = 301) -> Answer:
    """Answer with a redirect."""
    return Answer(status, {"location": target, "content-type": "text/plain"}, b"moved\n")


def refused(status: int, why: str) -> Answer:
    """Answer with an error in one line of plain text."""
    return Answer(status, {"content-type": "text/plain; charset=utf-8"}, f"{why}\n".encode())


def packed(body: bytes) -> bytes:
    """Compress as gzip; unlike the gzip module, every Python version writes the same header."""
    return zlib.compress(body, wbits=31)
