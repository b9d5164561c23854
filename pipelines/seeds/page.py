"""A saved page: its article, as the parse stage would find it."""

from __future__ import annotations

from pipelines.misfits import UNSURE
from pipelines.seeds.contents import Contents, Draft, Unusable


def from_page(body: bytes) -> Contents:
    """The article of a page; raises Unusable where there is none."""
    from pipelines.extract import NotAnArticle, extract

    try:
        found = extract(body, "", min_words=1)
    except NotAnArticle as error:
        remedy = "save the page of one article, or its text as .txt"
        raise Unusable(f"no article was found in it ({error.reason}: {error.detail}); {remedy}") from error
    url, published = found.canonical_url or "", found.published.date() if found.published else None
    sure = found.published_confidence > UNSURE
    told = Draft(found.text, found.title, url, found.language, plain=False, published=published, sure_of_day=sure)
    return Contents([told])
