"""What the three kinds of feed tell of an article, as each of them may tell it."""

from __future__ import annotations

import html
import uuid
from datetime import datetime
from typing import Any

from pipelines.exports.article import Article
from pipelines.exports.choice import Choice
from pipelines.exports.xml import plain

SUMMARY_CHARS = 400


def title(article: Article) -> str:
    """Its title, or its address where it has none."""
    return str(article["title"] or article["url"])


def summary(article: Article, choice: Choice) -> str:
    """The beginning of its text, cut at a word; nothing where texts are not told."""
    if not choice.text:
        return ""
    text = " ".join(plain(article["text"][: 2 * SUMMARY_CHARS]).split())
    return text if len(text) <= SUMMARY_CHARS else text[:SUMMARY_CHARS].rpartition(" ")[0] + " …"


def markup(article: Article) -> str:
    """Its text as HTML, a paragraph a line."""
    return "".join(f"<p>{html.escape(line, quote=False)}</p>" for line in plain(article["text"]).split("\n") if line)


def moment(article: Article) -> datetime:
    """When it was published, else fetched."""
    return datetime.fromisoformat(article["published"] or article["fetched_at"])


def revised(article: Article) -> str | None:
    """When it was seen to have another text than it first had; None while it has its first."""
    return str(article["fetched_at"]) if article["revision"] > 1 else None


def identity(choice: Choice) -> str:
    """A name for the feed that stays the same from one export to the next."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"suchlike:{choice.title}").urn


def judged(article: Article) -> dict[str, Any]:
    """Why it is there."""
    return {name: article[name] for name in ("score", "nearest_seed", "story", "copy_of", "site", "sha256")}
