"""What the kinds of export that are XML have in common: which characters it can hold, and how an element is written."""

from __future__ import annotations

import re
from typing import Any

# what XML 1.0 cannot hold
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def plain(text: str) -> str:
    """A text without the characters XML has no way to write."""
    return _NO_XML.sub("", text)


def say(xml: Any, name: str, text: str = "", **attributes: str) -> None:
    """Writes an element that holds nothing but text to one of lxml's incremental files."""
    with xml.element(name, attributes):
        xml.write(plain(text))
