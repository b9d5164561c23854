"""The versions of one article, and how a copy differs from its story's canonical article: facts for every front end."""

from __future__ import annotations

from typing import Any

from crawler.explaining import row_of
from pipelines import difference
from pipelines.errors import UsageError
from pipelines.moments import iso_at
from pipelines.stores import Store, articles, fates, revisions, tellings


def history(store: Store, what: str) -> dict[str, Any]:
    """Every version of an article, as contract.md words `show --history`. UsageError when there is no article."""
    with store.read() as connection:
        row = row_of(connection, what)
        found = revisions.of(connection, row)
        url = fates.tell(connection, row)["url"]
    if not found:
        raise UsageError(f"No article was taken out of {url}, so it has no versions.")
    told: list[dict[str, Any]] = []
    for number, one in enumerate(found):
        before = found[number - 1] if number else None
        changes = difference.changes(before.text, one.text) if before else []
        told.append({
            "revision": one.number, "title": one.title, "published": one.published, "sha256": one.sha256,
            "fetched_at": iso_at(one.fetched_at), "words": len(one.text.split()),
            "headline_before": before.title if before and before.title != one.title else None,
            "changes": difference.as_told(changes),
        })  # fmt: skip
    return {"url": url, "revisions": told}


def differences(store: Store, what: str) -> dict[str, Any]:
    """How a copy differs from its canonical article, as contract.md words `show --diff`."""
    with store.read() as connection:
        row = row_of(connection, what)
        own, story = articles.one(connection, row), tellings.story_of(connection, row)
        of = own["copy_of"] if own else None
        canonical_row = fates.find(connection, of) if of else None
        canonical = articles.one(connection, canonical_row) if canonical_row else None
    if own is None or story is None:
        raise UsageError(f"No article was taken out of {what}, so it is no copy.")
    if canonical is None:
        told = "the canonical article of its story" if story["copies"] else "in a story of its own"
        raise UsageError(f"{own['url']} is {told}: there is nothing to compare it with.")
    return {
        "url": own["url"], "canonical": canonical["url"], "kind": story["kind"], "similarity": story["similarity"],
        "evidence": story["evidence"], "headline": own["title"], "canonical_headline": canonical["title"],
        "changes": difference.as_told(difference.changes(canonical["text"], own["text"])),
    }  # fmt: skip
