"""What a page, its server and its host say of being followed, kept and mined: robots directives and reservations.

Robots directives stand in `<meta name="robots">`, in a meta named like us, and in X-Robots-Tag; reservations (W3C
TDMRep) in a meta, a header, or the host's /.well-known/tdmrep.json, each of which overrules the one after it. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from pipelines.patterns import encoded, matches, path_of
from pipelines.records import Rights

TDMREP_PATH: Final = "/.well-known/tdmrep.json"
MAX_TDMREP_BYTES: Final = 64 * 1024
MAX_RULES: Final = 500
_MAX_SAID_CHARS: Final = 200
_TOKEN: Final = re.compile(r"[A-Za-z_-]*")
_ADDRESSED: Final = re.compile(r"\s*([a-z][a-z0-9_.-]*)\s*:")
# these have a value after a colon; nobody is called so
_VALUED: Final = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})
# by these something is followed, kept or left out
_DECIDING: Final = frozenset({"noindex", "none", "nofollow", "noarchive", "nosnippet", "noai", "noml"})
_NO_MINING: Final = frozenset({"noai", "noml"})


def product_token(user_agent: str) -> str:
    """The name a crawler goes by in robots.txt: the letters, `-` and `_` its User-Agent begins with; may be empty."""
    found = _TOKEN.match(user_agent)
    return found[0] if found else ""


def directives(metas: Mapping[str, str], headers: Mapping[str, str], agent: str = "") -> list[str]:
    """The robots directives that concern `agent`, lower-case, each once.

    `metas` and `headers` have lower-case names; several metas or headers of one name are joined by commas. What an
    X-Robots-Tag says to another robot by name (`otherbot: noindex, nofollow`) does not count.
    """
    said = _addressed(headers.get("x-robots-tag", ""), agent.lower())
    for name in ("robots", agent.lower()):
        if name:
            said += [part.strip() for part in metas.get(name, "").lower().split(",")]
    return [part for part in dict.fromkeys(said) if part]


def _addressed(header: str, agent: str) -> list[str]:
    """The parts of an X-Robots-Tag that are said to everybody or to us; a name holds until the next one."""
    said, ours = [], True
    for part in header.lower().split(","):
        name = _name_in(part)
        if name is not None:
            ours = name in (agent, "robots")
        if ours:
            said.append((part if name is None else part.partition(":")[2]).strip())
    return said


def _name_in(part: str) -> str | None:
    """The robot a part of an X-Robots-Tag (lower-case) names; what has a value after a colon is no robot."""
    found = _ADDRESSED.match(part)
    return found[1] if found and found[1] not in _VALUED else None


def together(values: Sequence[str]) -> str:
    """Several X-Robots-Tag headers as one: a robot's name holds until the next, so what is said to all comes first."""
    return ", ".join(sorted(values, key=lambda value: _name_in(value.partition(",")[0].lower()) is not None))


def follows(said: list[str]) -> bool:
    """Whether the links of a page of these directives may be followed."""
    return {"nofollow", "none"}.isdisjoint(said)


def rights_of(metas: Mapping[str, str], headers: Mapping[str, str], agent: str = "") -> Rights:
    """What a page and its answer say of the page being kept and mined; names of headers in any case."""
    lower = {name.lower(): value for name, value in headers.items()}
    said = directives(metas, lower, agent)
    reserved = _flag(metas.get("tdm-reservation", ""))
    if reserved is None:
        reserved = _flag(lower.get("tdm-reservation", ""))
    if not _NO_MINING.isdisjoint(said):
        reserved = True
    return Rights(_told(said), not {"noindex", "none"}.isdisjoint(said), reserved)


def _told(said: list[str]) -> str:
    """The directives as they stand; of more than can be kept those that decide something, then the first others."""
    told = ", ".join(said)
    if len(told) <= _MAX_SAID_CHARS:
        return told
    deciding_first = ", ".join(sorted(said, key=lambda part: part not in _DECIDING))
    return deciding_first[: _MAX_SAID_CHARS + 1].rpartition(",")[0]


def _flag(value: str) -> bool | None:
    return {"1": True, "0": False}.get(value.strip())


def tdmrep(body: bytes) -> str:
    """The rules of a tdmrep.json as compact JSON, `[[pattern, reserved], …]`; empty when there is none in it."""
    if len(body) > MAX_TDMREP_BYTES:
        return ""
    try:
        listed = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    rules = [rule for one in (listed if isinstance(listed, list) else [listed])[:MAX_RULES] if (rule := _rule(one))]
    return json.dumps(rules) if rules else ""


def _rule(one: Any) -> list[Any] | None:
    if not isinstance(one, dict):
        return None
    where, reserved = one.get("location"), _flag(str(one.get("tdm-reservation", "")))
    if not isinstance(where, str) or not where.startswith(("/", "*")) or reserved is None:
        return None
    return [encoded(where), int(reserved)]


def reserved_by(rules: str | None, url: str) -> bool | None:
    """Whether rules (of `tdmrep`) reserve `url`: the longest that matches decides, of equals the one that does."""
    if not rules:
        return None
    path = encoded(path_of(url))
    held = [(len(pattern), bool(reserved)) for pattern, reserved in _loaded(rules) if matches(path, pattern)]
    return max(held)[1] if held else None


@lru_cache(256)
def _loaded(rules: str) -> tuple[tuple[str, int], ...]:
    return tuple((pattern, reserved) for pattern, reserved in json.loads(rules))
