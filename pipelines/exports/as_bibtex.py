"""BibTeX (biblatex's @online), for Zotero, JabRef and papers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import BinaryIO, Final
from urllib.parse import quote

from pipelines.exports.article import Article
from pipelines.exports.choice import Choice

_ESCAPED: Final = {
    # braces are counted even behind a backslash, and one alone would swallow the entries after it
    "\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}",
    "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
# of which a key may consist, whatever reads it
_KEY: Final = re.compile(r"[^a-z0-9]+")
# a name with one of these would be taken for several, or for one turned round
_JOINED: Final = re.compile(r",|\band\b", re.IGNORECASE)
_URL_SIGNS: Final = "!$&'()*+,-./:;=?@[]_~%#"


def write(articles: Iterable[Article], out: BinaryIO, choice: Choice) -> int:
    """Writes an @online entry an article; returns how many."""
    number = 0
    for number, article in enumerate(articles, 1):  # noqa: B007  # the last number is the result
        fields = "".join(f"  {name} = {{{value}}},\n" for name, value in _fields(article).items() if value)
        out.write(f"@online{{{_key(article)},\n{fields}}}\n\n".encode("utf-8", "replace"))
    return number


def _fields(article: Article) -> dict[str, str]:
    day = (article["published"] or "")[:10]
    return {
        "author": " and ".join(_name(one) for one in article["authors"]),
        "title": f"{{{_escaped(article['title'] or article['url'])}}}",  # braces keep its capitals
        "organization": _escaped(article["site"]),
        "date": day,
        "year": day[:4],
        "url": quote(article["url"], safe=_URL_SIGNS),
        "urldate": (article["fetched_at"] or "")[:10],
        "langid": _escaped(article["language"]),
        "note": f"text sha256 {article['sha256']}",
    }


def _key(article: Article) -> str:
    """Such as `news2024warning3f1a9c02`: site, year, first long word, and what makes it the only one."""
    title = unicodedata.normalize("NFKD", article["title"]).encode("ascii", "ignore").decode().lower()
    word = next((one for one in _KEY.split(title) if len(one) > 3), "")
    site = _KEY.sub("", article["site"].lower().partition(".")[0])
    return f"{site}{(article['published'] or '')[:4]}{word[:20]}{article['id']}"


def _name(name: str) -> str:
    return f"{{{_escaped(name)}}}" if _JOINED.search(name) else _escaped(name)


def _escaped(text: str) -> str:
    return "".join(_ESCAPED.get(sign, sign) for sign in " ".join(text.split()))
