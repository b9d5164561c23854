"""Plain text: an article, or a list of addresses; and a browser's shortcut, which holds one."""

from __future__ import annotations

import re
from typing import Final

from pipelines.hygiene import unwrapped
from pipelines.seeds.contents import Contents, Draft, Unusable, decoded, is_url

_SHORTCUT: Final = re.compile(r"^URL=(\S+)\s*$", re.MULTILINE | re.IGNORECASE)


def from_text(body: bytes) -> Contents:
    """An article or, where most lines (but for comments) are addresses, those."""
    text = decoded(body)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if sum(map(is_url, lines)) * 2 > len(lines):
        return _from_lines(text.splitlines())
    return Contents([Draft(unwrapped(text))])


def _from_lines(lines: list[str]) -> Contents:
    """Blank lines and those that begin with # are passed over."""
    contents = Contents()
    for number, line in enumerate(lines, 1):
        address = line.strip().lstrip("\ufeff")
        if not address or address.startswith("#"):
            continue
        if is_url(address) and len(address) <= 2083:
            contents.urls.append(address)
        else:
            contents.complaints.append(
                f'line {number} "{address[:40]}" is no address; begin it with https:// or remove it'
            )
    return contents


def from_shortcut(body: bytes) -> Contents:
    """The address of a shortcut; raises Unusable where it has none."""
    found = _SHORTCUT.search(decoded(body))
    if not found or not is_url(found[1]):
        raise Unusable("it is a shortcut without a line URL=https://…; make it again in the browser")
    return Contents(urls=[found[1]])


def from_addresses(body: bytes) -> Contents:
    """Addresses, one a line."""
    return _from_lines(decoded(body).splitlines())
