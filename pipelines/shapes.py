"""What the shape of a URL tells without a fetch: its words, its template, and whether it looks like a trap."""

from __future__ import annotations

import re
from itertools import pairwise
from time import gmtime
from typing import Final
from urllib.parse import unquote

MAX_SEGMENTS: Final = 12
MAX_YEARS_AWAY: Final = 30
# nobody reads the hundredth page of a list; its articles are older than what it was followed for
MAX_PAGE: Final = 100
_MAX_WORDS: Final = 40
_MAX_TEMPLATE_CHARS: Final = 300


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_BINARY_ENDINGS: Final = _set(
    "jpg jpeg png gif webp avif svg bmp tif tiff ico heic psd eps mp3 m4a aac ogg oga wav flac wma mp4 m4v "
    "webm avi mov mkv wmv flv mpg mpeg 3gp m3u8 ts zip gz tgz bz2 xz 7z rar tar zst dmg iso exe msi apk ipa deb rpm "
    "jar bin pdf doc docx xls xlsx ppt pptx odt ods odp epub mobi rtf css js mjs wasm woff woff2 ttf otf eot "
    "swf csv ics torrent"
)
_DATE_PATH: Final = re.compile(r"/(\d{4})[/-](0?[1-9]|1[0-2])(?:[/-](0?[1-9]|[12]\d|3[01]))?(?=/|$)")
_DATE_QUERY: Final = re.compile(
    r"(?:^|&)[^=&]*(?:date|month|year|day|week|calendar|kalender)[^=&]*=(\d{4})(?:-?\d{2}){0,2}(?=&|$)", re.IGNORECASE
)
_CALENDAR: Final = _set("calendar calendars kalender calendrier calendario agenda events")
_PAGE: Final = re.compile(
    r"[/?&](?:page|paged|pg|pagina|pagenum|page_?no|seite|strona|sida|halaman)[/=-](\d{1,9})(?=[/&?]|$)", re.IGNORECASE
)
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_ENDING: Final = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}$")
_DIGITS: Final = re.compile(r"\d+")
_YEAR: Final = re.compile(r"\d{4}")


def _path_of(url: str) -> tuple[str, str]:
    rest = url.partition("://")[2].partition("#")[0]
    address, _, query = rest.partition("?")
    return "/" + address.partition("/")[2], query


def words_of(url: str) -> list[str]:
    """The lower-case words of the path, without digits and file ending; at most 40."""
    path = _ENDING.sub("", _path_of(url)[0])
    return _WORD.findall((unquote(path) if "%" in path else path).lower())[:_MAX_WORDS]


def template_of(url: str) -> str:
    """The shape of path and query (`/news/N/S?id`): numbers N, slugs S, short words as they are. Without the host."""
    path, query = _path_of(url)
    shape = "/".join(_shape(segment) for segment in path.split("/")[: MAX_SEGMENTS + 1])
    names = {part.partition("=")[0] for part in query.split("&") if part}
    return f"{shape}?{'&'.join(sorted(names))}"[:_MAX_TEMPLATE_CHARS] if names else shape


def _shape(segment: str) -> str:
    if segment.isdigit():
        return "N"
    if len(segment) > 24 or segment.count("-") >= 3 or _YEAR.search(segment):
        return "S"
    return _DIGITS.sub("N", segment.lower())


def is_file(url: str) -> bool:
    """Whether the path ends like a picture, a film, an archive or a script: nothing to read there."""
    address, _, name = url.partition("?")[0].rpartition("/")
    _, dot, ending = name.rpartition(".")
    return bool(dot) and ending.lower() in _BINARY_ENDINGS and not address.endswith("/")


def looks_like_trap(url: str) -> str | None:
    """Why a canonical URL is not worth a fetch, or None.

    One of `not-a-page`, `too-deep`, `repeated-segments`, `calendar`, `pagination`.
    """
    if is_file(url):
        return "not-a-page"
    path, query = _path_of(url)
    segments = [segment for segment in path.split("/") if segment]
    if len(segments) > MAX_SEGMENTS:
        return "too-deep"
    if _repeats([segment for segment in segments if not segment.isdigit()]):
        return "repeated-segments"
    if _is_calendar(path, query):
        return "calendar"
    return "pagination" if any(int(found[1]) > MAX_PAGE for found in _PAGE.finditer(f"{path}?{query}")) else None


def _repeats(names: list[str]) -> bool:
    if len(names) == len(set(names)):
        return False
    pairs = list(pairwise(names))
    return len(pairs) != len(set(pairs)) or any(names.count(name) >= 3 for name in set(names))


def _is_calendar(path: str, query: str) -> bool:
    dated = _DATE_PATH.search(path)
    years = [int(dated[1])] if dated else []
    if query:
        years += map(int, _DATE_QUERY.findall(query))
    if not years:
        return False
    now = gmtime().tm_year
    if min(years) < now - MAX_YEARS_AWAY or max(years) > now + MAX_YEARS_AWAY:
        return True
    ends_in_date = dated is None or path.rstrip("/").endswith(dated[0])
    return ends_in_date and not _CALENDAR.isdisjoint(path.lower().split("/"))
