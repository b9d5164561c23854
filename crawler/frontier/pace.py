"""Politeness to one host: one request at a time, a delay after each, longer when the host asks for it. Pure."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime

JITTER = 0.25
MAX_RETRY_AFTER_S = 3600.0
# an unreachable host is left alone longer each time, and for good after this many failures in a row
GIVE_UP_AFTER = 8
BACKOFF_S = 5.0


@dataclass(slots=True)
class Pace:
    """When a host may be asked again. Times are seconds since 1970, as other processes know them; `steady` ones are of
    a clock that is never set, since one that is set ahead must not make every delay pass at once."""

    delay_s: float
    next_at: float = 0.0
    failures: int = 0
    busy: bool = False
    _rests_until: float = 0.0
    _random: random.Random = field(default_factory=random.Random)

    def ready(self, now: float, steady: float = math.inf) -> bool:
        """Whether a request may go out."""
        return not self.busy and self.wait_s(now, steady) <= 0

    def wait_s(self, now: float, steady: float) -> float:
        """The seconds until one may, as far as the last answer says."""
        return max(self.next_at - now, self._rests_until - steady)

    def sent(self) -> None:
        """A request is on its way."""
        self.busy = True

    def answered(
        self, now: float, steady: float = 0.0, *, failed: bool = False, retry_after_s: float | None = None
    ) -> None:  # fmt: skip
        """It came back. The delay counts from here, so that no two requests arrive closer than it."""
        self.busy = False
        self.failures = self.failures + 1 if failed else 0
        wait = self.delay_s * (1.0 + JITTER * self._random.random())
        if failed:
            wait = max(wait, self.delay_s * 2**self.failures, min(BACKOFF_S, self.delay_s * 10))
        if retry_after_s is not None:
            wait = max(wait, min(retry_after_s, MAX_RETRY_AFTER_S))
        self.next_at, self._rests_until = now + wait, steady + wait

    def taken_over(self, steady: float, rest_s: float, known_since: float) -> None:
        """Somebody else asked it before, and told by the clock that may be set that it is to rest for `rest_s` now.

        How long before `known_since` that was, nobody knows: a whole delay counts from there.
        """
        self._rests_until = max(steady + rest_s, known_since + self.delay_s)

    def not_sent(self, next_at: float) -> None:
        """It never left: this says nothing of the host."""
        self.busy = False
        self.next_at = next_at

    def slow_down(self, delay_s: float) -> None:
        """The host asks for at least this delay, from its last answer on."""
        if delay_s > self.delay_s:
            self.next_at += delay_s - self.delay_s
            self._rests_until += delay_s - self.delay_s
            self.delay_s = delay_s

    @property
    def hopeless(self) -> bool:
        """Whether the host should be given up."""
        return self.failures >= GIVE_UP_AFTER


def retry_after_s(header: str, now: float) -> float | None:
    """The seconds a Retry-After header asks for (RFC 9110, 10.2.3: seconds or a date); None when it says nothing."""
    text = header.strip()
    if text.isascii() and text.isdigit() and len(text) < 9:  # "¹" is a digit too, and no number
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now)
    except (TypeError, ValueError, OverflowError):  # the last is for years and zones of many digits
        return None
