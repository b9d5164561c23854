"""What an alert says: the story with the evidence it was taken for, or what became of a site."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Any

from crawler.explaining import explained
from pipelines.errors import UsageError
from pipelines.moments import iso_at
from pipelines.stores import Store, articles
from pipelines.stores.troubles import Held

logger = logging.getLogger(__name__)

_WHAT = {
    "silent": "fell silent",
    "shorter": "brings much shorter texts",
    "undated": "shows no dates any more",
    "unsigned": "names no authors any more",
}
SAID_TERMS = 6


@dataclass(frozen=True, slots=True)
class Message:
    """One alert in words (`title`, `body`) and as an event: `type`, `at`, `event`. `id` is its own for ever."""

    id: str
    type: str
    at: str
    title: str
    body: str
    event: dict[str, Any]


def of_story(store: Store, row: int, id: str, *, now: float) -> Message | None:
    """A story by its original; None when that is gone."""
    with store.read() as connection:
        article = articles.one(connection, row)
        copies = articles.copies_of(connection, row)
    if article is None:
        return None
    try:
        why = explained(store, article["url"])
    except UsageError as error:  # what judged it cannot be had here, of another version say: it is news all the same
        logger.warning("An alert goes without its evidence: %s", error)
        why = {}
    terms = [term["word"] for term in why.get("terms", ()) if term["weight"] > 0][:SAID_TERMS]
    nearest = why["nearest_seeds"][0]["seed"] if why.get("nearest_seeds") else article["nearest_seed"]
    lines = [
        f"{article['site']}" + (f", {article['published'][:10]}" if article["published"] else ""),
        article["url"],
        f"like {nearest}" + (f"; words: {', '.join(terms)}" if terms else ""),
    ]
    if copies:
        lines.append(f"also at {', '.join(copies[:3])}" + (f" and {len(copies) - 3} more" if len(copies) > 3 else ""))
    shown = {key: value for key, value in article.items() if key not in ("text", "id")}
    evidence = {key: why.get(key) for key in ("parts", "nearest_seeds", "terms", "threshold", "percentile")}
    event = {"article": shown, "evidence": evidence, "copies": copies}
    title = f"{article['score']:.2f} {_line(article['title'])}"
    return Message(id, "story.new", iso_at(now) or "", title, "\n".join(map(_line, lines)), event)


def of_trouble(held: Held, id: str, *, now: float) -> Message:
    """A site in trouble, before and after."""
    was, is_now = held.trouble.before, held.trouble.after
    body = (
        f"before: {was.articles / was.days:.1f} articles a day, {was.words:.0f} words, "
        f"{was.dated:.0%} with a date, {was.signed:.0%} with authors\n"
        f"now:    {is_now.articles / is_now.days:.1f} articles a day, {is_now.words:.0f} words, "
        f"{is_now.dated:.0%} with a date, {is_now.signed:.0%} with authors"
    )
    event = {"site": held.site, "kind": held.trouble.kind, "before": asdict(was), "after": asdict(is_now)}
    return Message(id, "site.changed", iso_at(now) or "", f"{held.site} {_WHAT[held.trouble.kind]}", body, event)


def of_trial(*, now: float) -> Message:
    """To see whether a channel works."""
    return Message(f"trial-{int(now)}", "trial", iso_at(now) or "", "suchlike can reach you", "This is a trial.", {})


def _line(text: str) -> str:
    """Text from the web as one printable line."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
