"""robots.txt as RFC 9309 reads it: what may be fetched, how fast, and what a server's failure to answer means."""

from __future__ import annotations

from dataclasses import dataclass

from protego import Protego

MAX_BYTES = 500 * 1024  # RFC 9309, 2.5
KEPT_S = 24 * 3600.0  # RFC 9309, 2.4
AGAIN_S = 900.0
# obeyed up to here; whoever asks for more is asked once a run
MAX_DELAY_S = 3600.0
REDIRECTS = 5
AGENT = "suchlike"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`kind`: `rules` (obey `text`), `allow` (there are none) or `later` (no answer: nothing may be fetched yet)."""

    kind: str
    text: str = ""
    delay_s: float | None = None


def judge(status: int | None, body: bytes) -> Verdict:
    """What an answer to robots.txt means; `status` None for no answer. 4xx allows, 5xx and silence forbid for now."""
    if status is None or status >= 500 or status == 429:
        return Verdict("later")
    if status >= 300:
        return Verdict("allow")
    text = body[:MAX_BYTES].decode("utf-8", "replace")
    return Verdict("rules", text, Rules(text).delay_s)


class Rules:
    """The parsed rules of one host."""

    def __init__(self, text: str | None) -> None:
        self._parsed = Protego.parse(text) if text else None

    def allows(self, url: str) -> bool:
        """Whether we may fetch `url`."""
        return self._parsed is None or bool(self._parsed.can_fetch(url, AGENT))

    @property
    def delay_s(self) -> float | None:
        """Crawl-delay, at most MAX_DELAY_S; None when none is asked for."""
        delay = self._parsed.crawl_delay(AGENT) if self._parsed else None
        return min(float(delay), MAX_DELAY_S) if delay and delay > 0 else None
