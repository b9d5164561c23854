"""Files about a host that lie on another one, as a robots.txt that redirects there: asked for at that host's pace."""

from __future__ import annotations

import time
from collections.abc import Iterable

from crawler.frontier.held import Held
from crawler.frontier.owned import Owned
from pipelines import urls as identity

# a host that may be asked for one file is asked within this time
WELCOME_S = 5.0
AGAIN_S = 0.25


class Guests:
    """Where this process would ask for one file of a host it does not own; the ledger says when it may."""

    def __init__(self, owned: Owned, *, pace_by: str) -> None:
        self._owned = owned
        self._pace_by = pace_by
        self._wanted: set[str] = set()
        self._welcome: dict[str, float] = {}

    def __bool__(self) -> bool:
        return bool(self._wanted)

    def take(self) -> tuple[str, ...]:
        """The hosts the ledger is to be asked about; asked about once."""
        wanted, self._wanted = tuple(self._wanted), set()
        return wanted

    def welcome(self, names: Iterable[str]) -> None:
        """These may be asked for one file now: in the ledger their next request waits for it."""
        self._welcome |= dict.fromkeys(names, time.monotonic())

    def may_ask(self, held: Held, url: str) -> bool:
        """Whether a file about `held` may be asked for at `url` now; where that is, the next request waits for it."""
        name, now = identity.host_of(url), time.time()
        if name == held.name:
            return True
        other = self._owned.named(name)
        if other is None:
            welcome = time.monotonic() - self._welcome.pop(name, -WELCOME_S) < WELCOME_S
            if welcome or self._paced_as_one(held.name, name):
                return True
            self._wanted.add(name)
            held.pace.next_at = now + AGAIN_S
            return False
        if not other.pace.ready(now, time.monotonic()):
            held.pace.next_at = max(other.pace.next_at, now + AGAIN_S)
            return False
        other.pace.next_at = now + other.pace.delay_s
        return True

    def _paced_as_one(self, one: str, other: str) -> bool:
        return self._pace_by == "domain" and identity.site_of(one) == identity.site_of(other)
