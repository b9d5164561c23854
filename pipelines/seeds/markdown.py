"""Markdown, with or without front matter."""

from __future__ import annotations

import re
from typing import Final

from pipelines.hygiene import unwrapped
from pipelines.seeds.contents import Contents, Draft, day, decoded

_FRONT_MATTER: Final = re.compile(r"---[ \t]*\n(.*?)\n---[ \t]*(?:\n|$)", re.DOTALL)
_FIELD: Final = re.compile(r"^(\w+)[ \t]*:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_MARKDOWN: Final = (
    (re.compile(r"^(?:```|~~~).*$", re.MULTILINE), ""),
    (re.compile(r"!\[[^\]\n]{0,300}\]\([^)\n]{0,2000}\)"), ""),
    (re.compile(r"\[([^\]\n]{1,300})\]\([^)\n]{0,2000}\)"), r"\1"),
    (re.compile(r"(\*\*|__|`)(\S(?:[^\n]{0,300}?\S)?)\1"), r"\2"),
)
_MARKS: Final = re.compile(r"^[ \t]{0,3}(?:#{1,6}|>)[ \t]+", re.MULTILINE)


def from_markdown(body: bytes) -> Contents:
    """The text without its marks; title, address, language and day of its front matter."""
    text = decoded(body)
    front = _FRONT_MATTER.match(text)
    fields = {name.lower(): value.strip("\"'") for name, value in _FIELD.findall(front[1])} if front else {}
    text = text[front.end() :] if front else text
    for pattern, replacement in _MARKDOWN:
        text = pattern.sub(replacement, text)
    heading = re.search(r"^#[ \t]+(.+?)[ \t#]*$", text, re.MULTILINE)
    title = fields.get("title") or (heading[1] if heading else "")
    url = fields.get("url", "") or fields.get("canonical_url", "")
    language = fields.get("language", "") or fields.get("lang", "")
    published = day(fields.get("published", "") or fields.get("date", ""))
    return Contents([Draft(unwrapped(_MARKS.sub("", text)), title, url, language, published=published)])
