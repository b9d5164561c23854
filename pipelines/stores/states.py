"""Where a row is on its path, and what it is expected to be: numbers that stand in the database."""

from __future__ import annotations

from enum import IntEnum


class State(IntEnum):
    """Where a URL's row is on its path. From STORED on, the row has ended."""

    WAITING = 0
    LEASED = 1
    FETCHED = 2  # waits for parse
    PARSED = 3  # waits for dedupe
    JUDGED = 4  # waits for store
    STORED = 5
    DUPLICATE = 6
    DROPPED = 7
    DEAD = 8
    REFUSED = 9  # robots or our own guard: never fetched
    LISTED = 10  # a feed or sitemap that was read


ENDED = (State.STORED, State.DUPLICATE, State.DROPPED, State.DEAD, State.REFUSED, State.LISTED)
IN_STORE = (State.STORED, State.DUPLICATE)
IN_FLIGHT = (State.FETCHED, State.PARSED, State.JUDGED)


class Kind(IntEnum):
    """What a URL is expected to be."""

    PAGE = 0
    FEED = 1
    SITEMAP = 2
