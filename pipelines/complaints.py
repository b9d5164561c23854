"""What is wrong with a setting, as a sentence: which key, said where, and what was probably meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from pipelines.layers import COMMAND_LINE, FILE_NAME, Layers, merged, origin
from pipelines.sections import Profile, Timed

# tables with names of the user's own, and what stands under each
_NAMED: dict[str, type[msgspec.Struct]] = {"profile": Profile, "schedule": Timed}

# flags that are not called as the key they set
_FLAGS = {
    "time": "--for", "sites": "--site", "feeds": "--feed", "sitemaps": "--sitemap",
    "allow_private_addresses": "--allow-private",
}  # fmt: skip


def explain(message: str, root: type[msgspec.Struct], layers: Layers) -> str:
    """msgspec's message as a sentence: which key, set where, and the nearest right word for a misspelt one."""
    what, _, path = message.partition(" - at `$")
    dotted = _named(path.rstrip("`").lstrip("."), merged(layers))
    unknown = re.search(r"unknown field `([^`]+)`", what)
    if unknown:
        section = dotted or "the top level"
        where = _origin([*dotted.split("."), unknown[1]] if dotted else [unknown[1]], layers)
        known = _section(dotted, root).__struct_fields__
        return f"{where}: there is no {unknown[1]!r} in {section}{nearest(unknown[1], known)}"
    where = _origin(dotted.split("."), layers)
    words = choices(dotted, root)
    instead = f"; write {' or '.join(words)}" if words else ""
    plain = what.replace("`str | object`", "`str`")  # what else a schedule may be is seldom meant
    if where == f"In {COMMAND_LINE}":
        return f"{flag_of(dotted)} has a wrong value: {plain[:1].lower()}{plain[1:]}{instead}."
    return f"{where}: {dotted} has a wrong value: {plain[:1].lower()}{plain[1:]}{instead}."


def _named(dotted: str, said: Mapping[str, Any]) -> str:
    """A path with the name of the profile or schedule that msgspec only calls `[...]`."""
    for section, kind in (("profile", Profile), ("schedule", str | Timed)):
        for name, value in said[section].items() if dotted.startswith(f"{section}[...]") else ():
            try:
                msgspec.convert(value, kind, strict=False)
            except msgspec.ValidationError:
                return dotted.replace("[...]", f".{name}", 1)
    return dotted


def choices(dotted: str, root: type[msgspec.Struct]) -> list[str]:
    """The words that may stand at a key of `root`, where only some may."""
    kind = get_type_hints(_section(dotted, root)).get(dotted.rpartition(".")[2])
    return [str(word) for word in get_args(kind)] if get_origin(kind) is Literal else []


def _section(dotted: str, root: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The table a key is in: of `root`, or one of those with names."""
    section = re.sub(r"\[.*", "", dotted).partition(".")[0]
    kind = _NAMED.get(section) or get_type_hints(root).get(section)
    return kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else root


def _origin(keys: list[str], layers: Layers) -> str:
    where = origin([re.sub(r"\[\d+\]", "", key) for key in keys], layers) or FILE_NAME
    return f"In {where}" if where == FILE_NAME or where.startswith("the ") else where


def located(message: str, layers: Layers) -> str:
    """A message that begins with a key: behind where that was said, or with the flag that has set it in its place."""
    key, _, rest = message.partition(" ")
    keys = key.split(".")
    where = origin(keys, layers)
    if where == COMMAND_LINE:
        return f"{flag_of(key)} {rest.removeprefix('= ')}"
    return f"{_origin(keys, layers)}: {message}" if where else message


def flag_of(dotted: str) -> str:
    """The flag that sets a key: `crawl.pages` is --pages."""
    key = dotted.split("[", maxsplit=1)[0].rpartition(".")[2]
    return _FLAGS.get(key, f"--{key.replace('_', '-')}")


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about a misspelt word: which one was meant, if any is near."""
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {match[0]!r}?" if match else "."
