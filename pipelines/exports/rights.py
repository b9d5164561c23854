"""Which articles may go into a corpus made for research, or for training, by what their pages say."""

from __future__ import annotations

from typing import Final

from pipelines.errors import UsageError
from pipelines.exports.article import Article

# what keeps an article out, by purpose, in the order in which it is counted
PROFILES: Final[dict[str, tuple[str, ...]]] = {
    "research": ("tdm_reserved", "noindex"),
    "training": ("tdm_reserved", "noindex", "noarchive", "nosnippet", "paywalled"),
}


def known_purpose(purpose: str | None) -> str | None:
    """The purpose as given; UsageError when there is none of that name."""
    if purpose is not None and purpose not in PROFILES:
        raise UsageError(f"There is no profile of rights {purpose!r}; there are {', '.join(PROFILES)}.")
    return purpose


def forbidden(article: Article, purpose: str | None) -> str | None:
    """Why an article may not be used for this purpose (`tdm_reserved`, `noindex` …), or None."""
    if purpose is None:
        return None
    rights = article["rights"]
    said = {part.strip() for part in rights.get("robots", "").split(",")}
    for reason in PROFILES[purpose]:
        if rights.get(reason) or reason in said or (reason == "paywalled" and article.get("paywalled")):
            return reason
    return None
