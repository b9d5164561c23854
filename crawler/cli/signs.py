"""What is written in place of signs that a terminal has not: ASCII that says the same, so far as any does."""

# ruff: noqa: RUF001 -- the signs are meant
from __future__ import annotations

import codecs
import io
import sys
import unicodedata
from typing import Final, TextIO

_MADE_DO: Final = "suchlike.made-do"
# the signs of our own lines; letters fall back on those they are written with
_INSTEAD: Final = {
    "✓": "+", "✗": "x", "…": "...", "·": "-", "–": "-", "—": "-", "─": "-", "━": "-", "│": "|", "÷": "/", "×": "x",
    "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "«": '"', "»": '"', "→": "->", "←": "<-", "↑": "^", "↓": "v",
    "≥": ">=", "≤": "<=", "−": "-", "ß": "ss", "ø": "o", "æ": "ae", "ł": "l", "€": "EUR",
    **dict.fromkeys("▁▂▃", "."), **dict.fromkeys("▄▅▆", "o"), **dict.fromkeys("▇█", "#"),
}  # fmt: skip


def make_do() -> None:
    """Lets this process write any text to stdout and stderr, whatever their encoding: nothing fails for a sign.

    Half a character, as Python writes what is none in a file's name, is in no encoding.
    """
    codecs.register_error(_MADE_DO, _made_do)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_MADE_DO)


def has_all(stream: TextIO) -> bool:
    """Whether a stream's encoding has every sign there is."""
    return (stream.encoding or "utf-8").lower().startswith("utf")


def _made_do(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(sign: str) -> str:
    if sign in _INSTEAD:
        return _INSTEAD[sign]
    return unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode() or "?"
