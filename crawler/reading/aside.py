"""Reads a body without holding up what else a crawler is at: a large one in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

# bytes from which on reading a page, and a list or a robots.txt, takes longer than handing it to a thread is worth
LARGE_PAGE, LARGE_LIST = 64 * 1024, 32 * 1024

GZIP = b"\x1f\x8b"

Read = TypeVar("Read")


async def aside(read: Callable[..., Read], body: bytes, *about: Any, large: int) -> Read:
    """What `read(body, *about)` gives; from `large` bytes on it reads in a thread, and what is packed, too: a few
    kilobytes may unpack to megabytes."""
    if len(body) > large or body.startswith(GZIP):
        return await asyncio.to_thread(read, body, *about)
    return read(body, *about)
