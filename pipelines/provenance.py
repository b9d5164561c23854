"""Every setting with its value and where that was said: the file and its line, the environment, or the default."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from pipelines.complaints import choices, nearest
from pipelines.config import Config, load
from pipelines.errors import UsageError
from pipelines.layers import Layers, layered, origin
from pipelines.masking import masked, masked_address
from pipelines.sections import Profile

DEFAULT: Final = "default"
# the addresses that may hold a password of any characters
_ADDRESSES: Final = frozenset({"database", "redis", "proxy"})


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `key` is dotted; `said` is where its value comes from; secrets are masked."""

    key: str
    value: Any
    default: Any
    said: str
    choices: tuple[str, ...] = ()


def settings(folder: Path) -> list[Setting]:
    """Every setting of the project in `folder`, in the order of the file. Raises ConfigError."""
    config, layers = load(folder), layered(folder)
    found = [_setting(["mode"], config.mode, Config().mode, layers)]
    for name, profile in (config.profile or dict([config.only_profile()])).items():
        found += _of(["profile", name], profile, Profile(), layers)
    for section in ("crawl", "sources", "store", "queue", "web", "notify", "log"):
        found += _of([section], getattr(config, section), getattr(Config(), section), layers)
    for name, line in config.schedule.items():
        found.append(_setting(["schedule", name], msgspec.to_builtins(line), "", layers))
    return found


def one(folder: Path, key: str) -> Setting:
    """The setting called `key`, or the first whose name has its words in this order: `rate`, `profile.grain`.

    Raises UsageError when there is none.
    """
    held = {setting.key: setting for setting in settings(folder)}
    if key in held:
        return held[key]
    for name, setting in held.items():
        words = iter(name.split("."))
        if all(word in words for word in key.split(".")):
            return setting
    raise UsageError(f"There is no setting {key!r}{nearest(key, held)}")


def _of(path: list[str], section: msgspec.Struct, plain: msgspec.Struct, layers: Layers) -> Iterator[Setting]:
    for name in section.__struct_fields__:
        yield _setting([*path, name], getattr(section, name), getattr(plain, name), layers)


def _setting(path: list[str], value: Any, default: Any, layers: Layers) -> Setting:
    dotted = ".".join(path)
    return Setting(
        dotted, _shown(path[-1], value), default, origin(path, layers) or DEFAULT, tuple(choices(dotted, Config))
    )


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(name, each) for each in value]
    if name in ("secret", "token") and value:
        return "***"
    if name == "to":  # in most of Apprise's addresses the host is a token
        return f"{value.partition('://')[0]}://***"
    if not isinstance(value, str) or "://" not in value or value.startswith("sqlite:"):
        return value
    return masked_address(value) if name in _ADDRESSES else masked(value)
