"""What a page is called: the title each source gives, made fit to cite, and which to believe.

Sources are the structured data (`headline`), the tags written for networks, and the heading that readers see.
"""

# ruff: noqa: RUF001 -- the dashes and colons of other scripts are meant
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from pipelines.citation import MAX_TITLE_CHARS, letters, one_line

_MAX_HEADINGS: Final = 12
_MAX_PARTS: Final = 8
# letters; what is shorter may begin or end another title by chance
_TELLING: Final = 12
# so many times as long as a site's name, words are more than a form of it
_FAR: Final = 3
# a heading that shares fewer of its pairs of letters with every title is that of a box or of the site
_AKIN: Final = 0.3
# characters at which sources cut titles off (schema.org's readers ask for 110), and letters that make a description
_CUT_AT: Final = 100
_SENTENCE: Final = 60
_LAST_BAR: Final = re.compile(r"(?:\s+(?:[|–—·•»⋆~:›]|-|::)\s+|\s*[：｜]\s*)(?=[^|–—·•»⋆：｜]*$)")
_LAST_COLON: Final = re.compile(r"(?:\s:\s+|：)[^|–—·•»⋆：｜]*$")
_KICKER: Final = re.compile(r"^[^:|–—]{2,40}?(?::|\s[|–—-])\s+")
_EDGES: Final = " |–—·•»⋆~-:›：｜"
_WRITTEN: Final = ("json-ld", "og:title", "twitter:title")


def stated(
    tree: LexborHTMLParser, metas: Mapping[str, str], headline: str, site: str, house: frozenset[str]
) -> dict[str, str]:
    """Source -> the title it gives, without the site's name; the one to believe stands first.

    `headline` is that of the JSON-LD, `site` the site's name, `house` all it may be called, as `letters`.
    """
    raw = dict(zip(_WRITTEN, (headline, metas.get("og:title", ""), metas.get("twitter:title", "")), strict=True))
    written = {source: title for source, text in raw.items() if (title := _readable(text))}
    tab = _readable(_text(tree.css_first("title")))
    heading = _heading(tree, [*written.values()] or [tab], site, house)
    told = {source: _fit(title, heading, site, house) for source, title in (written or {"title": tab}).items()}
    told["h1"] = _spelled(without_site(heading, site, house), told.values())
    said = {source: title for source, title in told.items() if title and letters(title) not in house}
    about = letters(metas.get("description", "") or metas.get("og:description", ""))
    titles = {source: title for source, title in said.items() if len(about) < _SENTENCE or letters(title) != about}
    return _ordered(titles or said)


def without_site(title: str, site: str, house: frozenset[str]) -> str:
    """A title without the name of the site at its end, or what stands there behind a bar."""
    *_, suffix = parts = _LAST_BAR.split(title)
    if len(parts) < 2:
        return title
    front, plain = title[: -len(suffix)].rstrip(_EDGES), letters(suffix)
    # what follows a colon may be half of a sentence that names the site
    akin = not _LAST_COLON.search(title) and _names(plain, letters(site))
    barred = "|" in title and len(suffix.split()) <= 4 and len(front.split()) >= 3
    return without_site(front, site, house) if front and (plain in house or akin or barred) else title


def _names(suffix: str, site: str) -> bool:
    """Whether the one holds the other and is not far longer: what only happens to hold it is part of the headline."""
    short, long = sorted((suffix, site), key=len)
    return bool(short) and short in long and _FAR * len(short) > len(long)


def _spelled(heading: str, written: Iterable[str]) -> str:
    """The heading as a source writes it that has the same letters: markup parts words, and may shout."""
    return next((title for title in written if letters(title) == letters(heading)), heading)


def _fit(title: str, heading: str, site: str, house: frozenset[str]) -> str:
    """The title without its suffix: the site's name, or what readers do not see behind the heading."""
    bare = without_site(title, site, house)
    if bare.casefold() == heading.casefold():
        return bare if _is_flat(heading) else heading
    goes_on = bare.casefold().startswith(heading.casefold()) and letters(bare) != letters(heading)
    return heading if goes_on and len(letters(heading)) > _TELLING else bare


def _is_flat(text: str) -> bool:
    return text in {text.upper(), text.lower()}


def _ordered(said: Mapping[str, str]) -> dict[str, str]:
    """The newsroom's headline first; where there is none, what readers see before what is written for networks."""
    order = [*_WRITTEN, "h1", "title"] if "json-ld" in said else ["h1", *_WRITTEN, "title"]
    told = {source: said[source] for source in order if source in said}
    whole = next((source for source in told if _continues(told[source], next(iter(told.values())))), None)
    return {whole: told[whole], **told} if whole else told


def _continues(title: str, other: str) -> bool:
    """Whether `title` is the whole of another that was cut off."""
    cut = other.removesuffix("…").removesuffix("...").rstrip()
    return len(title) > len(other) and title.startswith(cut) and (cut != other or len(other) >= _CUT_AT)


def _heading(tree: LexborHTMLParser, titles: Sequence[str], site: str, house: frozenset[str]) -> str:
    """The <h1> that is most like the titles, for sites put their names and boxes into some; "" if none is like them."""
    plain = [own for title in titles if (own := letters(without_site(title, site, house)))]
    best, found = 0.0, ""
    for node in _headings(tree):
        shown = _without_kicker(node, plain)
        own = letters(shown)
        akin = 0.0 if not own or own in house else max((_akin(own, other) for other in plain), default=1.0)
        if akin > best:
            best, found = akin, shown
        if best == 1.0:
            break
    return found if best >= _AKIN else ""


def _headings(tree: LexborHTMLParser) -> Iterator[LexborNode]:
    # the first is mostly the one, and found in half the time that it takes to look for all
    if first := tree.css_first("h1"):
        yield first
        yield from tree.css("h1")[1:_MAX_HEADINGS]


def _without_kicker(node: LexborNode, plain: Sequence[str]) -> str:
    """A heading, or what follows its kicker where a title ends with just that; `plain` are the titles' letters."""
    shown = _readable(_text(node))
    whole = letters(shown)
    if any(whole in other for other in plain):
        return shown
    for part in _parts(node):
        own = letters(part)
        if len(own) > _TELLING and 2 * len(own) > len(whole) and any(other.endswith(own) for other in plain):
            return part
    rest = _KICKER.sub("", shown)
    return rest if letters(rest) in plain else shown


def _parts(node: LexborNode) -> Iterator[str]:
    children = list(node.iter())[:_MAX_PARTS]
    return (_readable(child.text()) for child in children) if len(children) > 1 else iter(())


def _akin(one: str, other: str) -> float:
    """How many of their pairs of letters two texts share, 0 to 1 (Dice's coefficient); 1 if one begins or ends so."""
    short, long = sorted((one, other), key=len)
    if one == other or (len(short) > _TELLING and (long.startswith(short) or long.endswith(short))):
        return 1.0
    mine, others = _pairs(one), _pairs(other)
    return 2 * len(mine & others) / (len(mine) + len(others) or 1)


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text))}


def _readable(text: str) -> str:
    return one_line(text, MAX_TITLE_CHARS)


def _text(node: LexborNode | None) -> str:
    return node.text(separator=" ", strip=True) if node else ""
