"""The fields of an article that leaves, and what each holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from pipelines.errors import UsageError

Article = Mapping[str, Any]
# texts is a list of text; moment a time in ISO 8601, UTC; json whatever it may be, in tables as text
Holds = Literal["text", "texts", "number", "count", "truth", "moment", "place", "rights", "json"]

# as contract.md words an article, in its order
FIELDS: Final[dict[str, Holds]] = {
    "url": "text", "canonical_url": "text", "title": "text", "text": "text", "authors": "texts", "published": "moment",
    "published_confidence": "number", "language": "text", "site": "text", "fetched_at": "moment", "score": "number",
    "lexical": "number", "dense": "number", "match": "truth", "nearest_seed": "text", "story": "count",
    "copy_of": "text", "revision": "count", "words": "count", "sha256": "text", "mode": "text", "run": "count",
    "archive": "place", "rights": "rights", "section": "text", "paywalled": "truth", "truncated": "truth",
    "evidence": "json", "disagreement": "json",
}  # fmt: skip


def chosen_fields(asked: Iterable[str] = (), *, text: bool = True) -> tuple[str, ...]:
    """The fields to write, in the order asked for; all of them when none is. UsageError names one that there is not."""
    wanted = tuple(dict.fromkeys(asked)) or tuple(FIELDS)
    for name in wanted:
        if name not in FIELDS:
            raise UsageError(f"An article has no field {name!r}; it has {', '.join(FIELDS)}.")
    return tuple(name for name in wanted if text or name != "text")
