"""Where settings are said: `suchlike.toml`, the environment, the command line; a later one beats an earlier."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.errors import ConfigError

FILE_NAME = "suchlike.toml"
COMMAND_LINE = "the command line"
ENV_PREFIX = "SUCHLIKE_"
# short names the contract promises, beside SUCHLIKE_SECTION__KEY
ENV_SHORT = {"SUCHLIKE_REDIS": ("queue", "redis"), "SUCHLIKE_DATABASE": ("store", "database")}

# what the environment writes with commas
_LISTS = {("sources", key) for key in ("sites", "feeds", "sitemaps", "block")} | {
    ("notify", "to"),
    ("notify", "webhooks"),
    ("web", "hosts"),
    ("crawl", "ports"),
    ("crawl", "trust_certificates"),
}

_HEADER = re.compile(r"\s*\[+([^\[\]]+)\]")
_ASSIGNED = re.compile(r"\s*([^=#\[\]]+?)\s*=")
Layers = list[tuple[str, dict[str, Any]]]


def layered(folder: Path, overrides: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None) -> Layers:
    """`(where, nested values)` of the file, the environment and the command line; a later one beats an earlier."""
    file = folder.resolve() / FILE_NAME
    return [
        (str(file), _read(file)),
        ("the environment", _from_env(os.environ if env is None else env)),
        (COMMAND_LINE, _plain(overrides or {})),
    ]


def merged(layers: Layers) -> dict[str, Any]:
    """All layers as one."""
    together: dict[str, Any] = {}
    for _, layer in layers:
        _merge(together, layer)
    return together


def origin(keys: list[str], layers: Layers) -> str | None:
    """Where the value at the path `keys` was said: the file and its line, the environment or the command line."""
    for where, layer in reversed(layers):
        at: Any = layer
        for key in keys:
            at = at.get(key) if isinstance(at, dict) else None
        if at is not None:
            return f"{where}, line {_line_of(Path(where), keys)}" if where.endswith(FILE_NAME) else where
    return None


def _line_of(file: Path, keys: list[str]) -> int:
    """The line that says most of the path `keys`: its own, or that of the table it is in."""
    table: list[str] = []
    best, found = 0, 1
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), 1):
        if header := _HEADER.match(line):
            table = said = _keys(header[1])
        elif assigned := _ASSIGNED.match(line):
            said = table + _keys(assigned[1])
        else:
            continue
        if said == keys[: len(said)] and len(said) > best:
            best, found = len(said), number
    return found


def _keys(dotted: str) -> list[str]:
    return [key.strip(" \t\"'") for key in dotted.split(".")]


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}.") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}.") from None


def _from_env(env: Mapping[str, str]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in sorted(env.items()):
        keys = ENV_SHORT.get(name)
        if keys is None and name.startswith(ENV_PREFIX) and "__" in name:
            keys = tuple(name.removeprefix(ENV_PREFIX).lower().split("__"))  # type: ignore[assignment]  # any depth
        if keys:
            at = nested
            for key in keys[:-1]:
                at = at.setdefault(key, {})
                if not isinstance(at, dict):
                    raise ConfigError(f"In the environment: {name} sets a part of {key}, which is one value.")
            at[keys[-1]] = split(value) if _is_list(keys) else value
    return nested


def split(value: str) -> list[str]:
    """What is written with commas, as a list."""
    return [one.strip() for one in value.split(",") if one.strip()]


def _is_list(keys: tuple[str, ...]) -> bool:
    return keys in _LISTS or (keys[0] == "profile" and keys[2:] == ("languages",))


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _plain(v) if isinstance(v, Mapping) else v for k, v in value.items() if v is not None}


def _merge(into: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for key, value in layer.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value
