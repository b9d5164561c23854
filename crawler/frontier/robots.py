"""What an answer to a request for robots.txt means (RFC 9309): rules, none, or that nothing may be fetched for now."""

from __future__ import annotations

from dataclasses import dataclass

from crawler.frontier.rules import Rules, text_of

KEPT_S = 24 * 3600.0  # RFC 9309, 2.4
AGAIN_S = 900.0
# obeyed up to here; whoever asks for more is asked once a run
MAX_DELAY_S = 3600.0
REDIRECTS = 5  # RFC 9309, 2.3.1.2


@dataclass(frozen=True, slots=True)
class Verdict:
    """`kind`: `rules` (obey `rules`, which `text` says), `disallow` (these forbid everything), `allow` (there are none)
    or `later` (no answer: nothing may be fetched yet)."""

    kind: str
    rules: Rules
    text: str = ""
    delay_s: float | None = None


def judge(status: int | None, body: bytes, agent: str) -> Verdict:
    """What an answer to robots.txt means for a product token; `status` None for no answer.

    4xx allows; 5xx, silence and 429 forbid for now; a redirect that leads nowhere allows.
    """
    if status is None or status >= 500 or status == 429:
        return Verdict("later", Rules(None, agent))
    if status >= 300:
        return Verdict("allow", Rules(None, agent))
    text = text_of(body)
    rules = Rules(text, agent)
    kind = "disallow" if rules.closed else "rules"
    return Verdict(kind, rules, text, min(rules.delay_s, MAX_DELAY_S) if rules.delay_s else None)
