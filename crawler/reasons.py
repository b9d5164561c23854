"""Why pages did not become articles, in the words of the guide: for verbs, summary, report and dashboard."""

from __future__ import annotations

import re
import signal
from typing import Final

WORDS: Final = {
    "unlike": "below the threshold, or clearly unlike at the first look",
    "language": "like the seeds, but in another language than asked for",
    "too-old": "like the seeds, but from before the day asked for",
    "not-article": "a list, a tag, a front page: no article",
    "too-short": "too little text to judge",
    "no-text": "no text could be taken out",
    "empty": "an empty answer",
    "not-html": "no web page",
    "too-large": "larger than a page may be",
    "too-many-tags": "more tags than parsers bear",
    "node-too-large": "a piece of text larger than parsers bear",
    "extraction-error": "its text could not be taken out",
    "extraction-killed": "its parsers were killed, and a scan without them brought too little",
    "soft-404": "its host answers so where there can be no page",
    "redirect": "it leads to another URL, which has a row of its own",
    "robots": "robots.txt forbids it",
    "timeout": "no answer in time, three times",
    "dns": "its name leads nowhere",
    "connection": "no connection",
    "certificate": "its certificate cannot be verified; crawl.trust_certificates can record it",
    "unreadable": "its answer cannot be read",
    "crawler-error": "a fault of suchlike's own; the log has it",
    "private-address": "no address of the public internet",
    "host-given-up": "its host was given up, or blocked by you",
    "forgotten": "it was forgotten (`suchlike forget`), and is not fetched again",
    "trap": "pages like it lead a crawl round in circles",
    "template-budget": "enough pages like it were asked for",
}
# what ended a run -> in words
_ENDED: Final = {
    "budget": "the page budget is spent", "matches": "enough matches", "time": "the time is up",
    "exhausted": "nothing is left to fetch now", "user": "stopped by you; the same command goes on",
    "stalled": "the stages stopped moving; see `suchlike status`",
}  # fmt: skip
# exit code of a run that the clock started -> in words
_LEFT: Final = {
    0: "found something", 1: "nothing matched", 2: "failed: wrong usage or configuration", 3: "stopped; it goes on",
    4: "failed: broker or storage away", 5: "every source refused",
}  # fmt: skip
_STATUS: Final = re.compile(r"http-(\d+)")
_STATUSES: Final = {
    "401": "its site asks for a password", "403": "its site refuses us", "404": "it is gone", "410": "it is gone",
    "429": "its site wants fewer requests", "451": "its site may not show it",
}  # fmt: skip


def left(exit_code: int) -> str:
    """How a run that the clock started came out, in words."""
    if exit_code < 0:  # by a signal, before or after it could heed one
        asked = -exit_code in (signal.SIGTERM, signal.SIGINT)
        return _LEFT[3] if asked else f"killed (signal {-exit_code}); it goes on"
    return _LEFT.get(exit_code, f"failed, exit code {exit_code}")


def ended(stopped_by: str) -> str:
    """What ended a run, in words; what nobody knows as it is."""
    return _ENDED.get(stopped_by, stopped_by)


def meaning(reason: str) -> str:
    """A reason in words that fit one page and many; one that nobody knows as it is."""
    if status := _STATUS.fullmatch(reason):
        broken = "its site is broken" if status[1].startswith("5") else "its site gives no page"
        return f"{_STATUSES.get(status[1], broken)} (status {status[1]})"
    if reason.endswith("-killed") and reason not in WORDS:
        return "working on it killed the process eight times"
    return WORDS.get(reason, reason)
