"""One idea of what a URL is: its canonical form, its key, its host and site. Its shape is in `pipelines.shapes`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urljoin, urlsplit

import xxhash
from w3lib.url import canonicalize_url

from pipelines.shapes import looks_like_trap, template_of, words_of

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

__all__ = [
    "canonical", "digest", "host_named", "host_of", "key", "looks_like_trap", "site_of", "template_of", "words_of",
]  # fmt: skip

MAX_URL_CHARS: Final = 2083
MAX_PARAMETERS: Final = 8
_MAX_RAW_PARAMETERS: Final = 64
_MAX_PASSES: Final = 5

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\]")
_NETLOC: Final = re.compile(r"(?:.*@)?(\[[^\[\]]*\]|[^:\[\]@]*)(?::([0-9]{0,5}))?", re.DOTALL)
_PLAIN: Final = re.compile(
    rf"(https?://{_LABEL}(?:\.{_LABEL})*)((?:/(?:[A-Za-z0-9_~-][A-Za-z0-9_~.-]*)?)*)(?:\?([A-Za-z0-9_.~&=-]*))?"
)
# invisible, direction-changing and lone surrogate characters are no part of an honest address either
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SLASHES: Final = re.compile(r"(?<!:)/{2,}")
_SESSION_PATH: Final = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/;?]*", re.IGNORECASE)
_PERCENT: Final = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PLAIN_PART: Final = re.compile(r"[A-Za-z0-9_.~=+,:/-]*")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# courlan's list is not used: it also takes cid, uid, eid, keyword, gallery, reference and a bare ?12345,
# and each of those selects the article on some site
_TRACKER_PREFIXES: Final = tuple(_set("utm_ mtm_ matomo_ piwik_ hsa_ _hs __hs at_custom wt. aspsessionid"))
_TRACKERS: Final = _set(
    "fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid ysclid twclid ttclid li_fat_id igshid igsh epik irclickid "
    "mc_cid mc_eid mkt_tok vero_id vero_conv oly_enc_id oly_anon_id _ga _gl _gac _openstat xtor s_kwcid wt_mc wt_zmc "
    "pk_campaign pk_kwd pk_keyword pk_source pk_medium pk_content itm_source itm_medium itm_campaign itm_term "
    "itm_content ns_mchannel ns_source ns_campaign ns_linkname ns_fee at_medium at_campaign at_format at_link_origin "
    "fb_action_ids fb_action_types fb_source fb_ref ref_src ref_url __twitter_impression wickedid rb_clickid "
    "guccounter guce_referrer guce_referrer_sig ml_subscriber ml_subscriber_hash replytocom "
    "jsessionid phpsessid cfid cftoken zenid oscsid"
)
_TRACKERS_UNLESS_NUMBER: Final = _set("cmpid icid ncid ocid smid srnd sr_share trk trkinfo")
_CHANNEL_KEYS: Final = _set("ref referrer referer source src from via share cmp")
_CHANNELS: Final = _set(
    "rss feed home homepage frontpage nav navbar menu footer header sidebar related trending mostread twitter "
    "facebook fb linkedin whatsapp telegram reddit pinterest instagram bluesky mastodon email mail newsletter app "
    "push social share share_btn_tw share_btn_fb share_btn_link google googlenews"
)
_SESSIONS_IF_HEX: Final = _set("sid session sessionid session_id sess sessid")
_LONG_HEX: Final = re.compile(r"[0-9a-fA-F-]{16,}")


def canonical(url: str, base: str | None = None) -> str | None:
    """The one spelling of `url` (joined to `base` when relative), or None when it cannot name a page.

    Only http and https; without fragment, user name, default port, tracker or session id; the query sorted.
    A parameter that may select the article stays. At most 2,083 characters and 8 parameters.
    """
    url = url.partition("#")[0].strip()
    if base and 0 < len(url) <= MAX_URL_CHARS and not url.startswith(("https://", "http://")):
        url = _joined(url, base)
    if not url or len(url) > MAX_URL_CHARS:
        return None
    plain = _PLAIN.fullmatch(url)
    return _from_plain(plain[1], plain[2], plain[3]) if plain else _from_any(url)


def _joined(url: str, base: str) -> str:
    if url[:1] == "/" and url[1:2] not in ("/", "\\"):
        return "/".join(base.split("/", 3)[:3]) + url
    try:
        return urljoin(base, url).partition("#")[0]
    except ValueError:
        return ""


def _from_plain(origin: str, path: str, query: str | None) -> str | None:
    """The fast way for what is mostly canonical already; tests hold it equal to `_from_any`."""
    if "//" in path:
        path = _SLASHES.sub("/", path)
    if not query:
        return origin + (path or "/")
    cleaned = _clean_query(query)
    return None if cleaned is None else origin + (path or "/") + cleaned


def _from_any(url: str) -> str | None:
    """The slow way, repeated until nothing changes: what one pass uncovers (`&amp;amp;`) the next one cleans."""
    for _ in range(_MAX_PASSES):
        try:
            again = _once(url)
        except ValueError:
            return None
        if again is None or again == url:
            return again
        url = again
    return None


def _once(url: str) -> str | None:
    if _CONTROL.search(url):
        return None
    address, _, query = url.replace("&amp;", "&").partition("?")
    scheme, netloc, path, _, _ = urlsplit(address.replace("\\", "/"))
    host, cleaned = _clean_host(netloc, scheme), _clean_query(query)
    if scheme not in ("http", "https") or host is None or cleaned is None:
        return None
    path = _SLASHES.sub("/", _SESSION_PATH.sub("", path))
    # w3lib is given no query: it would turn `?12345` into `?12345=`
    found = canonicalize_url(f"{scheme}://{host}{path}") + cleaned
    return found if len(found) <= MAX_URL_CHARS else None


def _clean_host(netloc: str, scheme: str) -> str | None:
    parts = _NETLOC.fullmatch(netloc)
    if parts is None:
        return None
    host = parts[1].lower()
    if not host.isascii():
        host = host.encode("idna").decode("ascii").lower()
    host = host.removesuffix(".")
    port = int(parts[2]) if parts[2] else (80 if scheme == "http" else 443)
    if len(host) > 253 or not _HOST.fullmatch(host) or not 0 < port < 65536:
        return None
    return host if port == (80 if scheme == "http" else 443) else f"{host}:{port}"


def _clean_query(query: str) -> str | None:
    """`?` and the sorted parameters that are left, or nothing; None when there are too many."""
    if query.count("&") >= _MAX_RAW_PARAMETERS:
        return None
    kept = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if part and not _says_nothing(name.lower(), value):
            kept.append(part if _PLAIN_PART.fullmatch(part) else _quoted(part))
    if len(kept) > MAX_PARAMETERS:
        return None
    kept.sort()
    return "?" + "&".join(kept) if kept else ""


def _says_nothing(name: str, value: str) -> bool:
    """Whether the parameter is about the reader or the visit, never about which article is meant."""
    if name in _TRACKERS or name.startswith(_TRACKER_PREFIXES):
        return True
    if name in _CHANNEL_KEYS:
        return value.lower() in _CHANNELS
    if name in _SESSIONS_IF_HEX:
        return _LONG_HEX.fullmatch(value) is not None
    return name in _TRACKERS_UNLESS_NUMBER and not value.isdigit()


def _quoted(part: str) -> str:
    return quote(_PERCENT.sub(_escape, part), safe="%!$'()*+,;:@/?=~[]|")


def _escape(found: re.Match[str]) -> str:
    if found[1] is None:
        return "%25"
    character = chr(int(found[1], 16))
    return character if character in _UNRESERVED else found[0].upper()


_VARIANT_HOST: Final = re.compile(r"^(?:(?:www|m|mobile|amp|print)\d?\.)+(?=[^.]+\.)")
_VARIANT_PATH: Final = re.compile(
    r"/(?:amp|print|mobile|drucken|imprimer|singlepage)(?=/|$)|[.-](?:amp|print)(?=\.html?$|$)|/index\.(?:html?|php)$"
)
_VARIANT_QUERY: Final = re.compile(
    r"(?<=[?&])(?:amp(?:=1?)?|outputtype=amp|output=amp|view=(?:amp|print)|print(?:=[a-z0-9]{0,4})?|printable=[a-z0-9]{0,4}"
    r"|mobile=[a-z0-9]{0,4}|m=1|singlepage=[a-z0-9]{0,4})(?:&|$)"
)


def variant_of(url: str) -> str:
    """What a canonical URL and its AMP, print and mobile variants have in common: evidence, if texts are alike too."""
    rest = url.partition("://")[2].lower()
    address, _, query = rest.partition("?")
    host, _, path = address.partition("/")
    query = _VARIANT_QUERY.sub("", f"?{query}").strip("?&")
    path = _VARIANT_PATH.sub("", f"/{path}").rstrip("/")
    return f"{_VARIANT_HOST.sub('', host)}{path}?{query}"


def spellings(url: str) -> tuple[str, ...]:
    """A canonical URL, and how people write the same address: by the other scheme, with www. or without."""
    scheme, _, rest = url.partition("://")
    other = "http" if scheme == "https" else "https"
    bare = rest.removeprefix("www.") if rest.startswith("www.") else f"www.{rest}"
    return (url, f"{other}://{rest}", f"{scheme}://{bare}", f"{other}://{bare}")


def key(url: str) -> int:
    """The signed 64-bit xxh3 of a canonical URL: what the ledger and the seen-set know it by."""
    # not by way of `digest`: this is asked of every link of every page
    number = xxhash.xxh3_64_intdigest(url.encode())
    return number - (1 << 64) if number >= 1 << 63 else number


def digest(content: bytes) -> int:
    """The signed 64-bit xxh3 of any bytes."""
    number = xxhash.xxh3_64_intdigest(content)
    return number - (1 << 64) if number >= 1 << 63 else number


def host_of(url: str) -> str:
    """`host` or `host:port` of a URL, lower-case, or an empty string."""
    host = url.partition("://")[2].partition("/")[0]
    if "?" in host or "#" in host or "@" in host:
        host = host.partition("?")[0].partition("#")[0].rpartition("@")[2]
    return host.lower()


def host_named(given: str) -> str:
    """A site or host as URLs spell it, given as people do, or by one of its URLs: `München.de` is xn--mnchen-3ya.de."""
    url = canonical(given if "://" in given else f"https://{given}/")
    return host_of(url) if url else given.lower()


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    # read when a process first asks for a site; by ICANN's rules alone, so that all of one blog service are one site
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(only_icann=True)


@lru_cache(maxsize=16_384)
def site_of(host: str) -> str:
    """The registered domain of a host (`news.example.co.uk:8080` gives `example.co.uk`); an address gives itself."""
    name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    if name.startswith("[") or name.replace(".", "").isdigit():
        return name
    return _suffixes().privatesuffix(name) or ".".join(name.split(".")[-2:])


def same_site(url: str, other: str) -> bool:
    """Whether two URLs are of hosts with one registered domain."""
    return site_of(host_of(url)) == site_of(host_of(other))
