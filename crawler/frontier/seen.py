"""The URLs that a crawler process has come across, by their keys: millions of them, at eight bytes each."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

import numpy as np

# keys known; a set of as many numbers would hold ten times the memory
MOST: Final = 4_000_000
# the latest are in a set, which is quicker to ask; putting them in order with four millions takes ten milliseconds
LATELY: Final = 25_000


class Seen:
    """A set of signed 64-bit keys. Beyond MOST it begins anew: a URL may then seem new again; the ledger knows better.

    May be asked from any thread, and added to from one.
    """

    def __init__(self, most: int = MOST, lately: int = LATELY) -> None:
        self._most, self._lately = most, lately
        self._late: set[int] = set()
        self._new: list[int] = []  # of these, what is not in order yet
        self._sorted = np.empty(0, np.int64).data

    def __contains__(self, key: int) -> bool:
        if key in self._late:
            return True
        known = self._sorted
        at = bisect_left(known, key)
        if at == len(known) or known[at] != key:
            return False
        self._late.add(key)  # what pages name, they name again: menus above all
        return True

    def add(self, key: int) -> bool:
        """Remembers a key; whether it was new."""
        if key in self:
            return False
        self._late.add(key)
        self._new.append(key)
        if len(self._late) >= self._lately:
            self._settle()
        return True

    def _settle(self) -> None:
        known = np.concatenate((np.asarray(self._sorted), np.array(self._new, np.int64)))
        known.sort(kind="stable")  # which sees that most is in order
        self._sorted = (known if len(known) <= self._most else known[:0]).data
        self._new, self._late = [], set()
