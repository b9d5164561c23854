"""One frozen configuration, from defaults, `suchlike.toml`, the environment and flags, in that order."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from pipelines.errors import ConfigError
from pipelines.likeness.naming import DEFAULT_MODEL, check_model, placed

FILE_NAME = "suchlike.toml"
ENV_PREFIX = "SUCHLIKE_"
# short names the contract promises, beside SUCHLIKE_SECTION__KEY
ENV_SHORT = {"SUCHLIKE_REDIS": ("queue", "redis"), "SUCHLIKE_DATABASE": ("store", "database")}

# a number longer than this is a slip, whatever its unit
LONGEST = 1e9
_UNIT_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}
_HEADER = re.compile(r"\s*\[+([^\[\]]+)\]")
_ASSIGNED = re.compile(r"\s*([^=#\[\]]+?)\s*=")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")

Positive = Annotated[int, msgspec.Meta(ge=1)]
NotNegative = Annotated[int, msgspec.Meta(ge=0)]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file; a key it does not know is an error."""


class Profile(_Section, frozen=True):
    """A seed set and how to judge by it. `grain`: the same story, topic or beat; `threshold`: auto … or 0 to 1.

    `model`: which vectors, see docs/likeness.md.
    """

    seeds: str | list[str] = "seeds/"
    grain: Literal["story", "topic", "beat"] = "topic"
    threshold: str | float = "auto"
    model: str = DEFAULT_MODEL
    every: str = ""


class Crawl(_Section, frozen=True):
    """How the web is visited. Budgets are for one run; 0 means no limit.

    `revisit_soonest`, `revisit_latest`: the bounds of each list's own rhythm; `revisions`: how long a match is
    looked at again for a new text, empty for never.
    """

    pages: NotNegative = 500
    matches: NotNegative = 0
    time: str = ""
    rate: str = "1/1s"
    roam: bool = True
    max_per_site: NotNegative = 0
    depth: NotNegative = 12
    order: Literal["focus", "breadth"] = "focus"
    revisit_soonest: str = "10m"
    revisit_latest: str = "7d"
    revisions: str = "3d"
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=512)] = 32
    crawlers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    identify: str = "suchlike/0.1"
    robots: Literal["obey"] = "obey"
    proxy: str = ""
    allow_private_addresses: bool = False
    verify_certificates: bool = True


class Sources(_Section, frozen=True):
    """Where a crawl starts, and which hosts it never visits (`*.shop.example`)."""

    sites: list[str] = []
    feeds: list[str] = []
    sitemaps: list[str] = []
    block: list[str] = []


class Store(_Section, frozen=True):
    """Where results live. `keep`: which articles become part of the corpus; `archive`: which pages go to WARC."""

    database: str = ""
    keep: Literal["matches", "all"] = "matches"
    archive: Literal["none", "kept", "all"] = "kept"


class Queue(_Section, frozen=True):
    """The broker between stages, and how many processes extract. `workers = 0` decides by the machine's cores."""

    redis: str = "embedded"
    workers: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    batch: Annotated[int, msgspec.Meta(ge=1, le=256)] = 32


class Config(_Section, frozen=True):
    """Everything a run needs to know. `folder` is the project folder, made absolute by `load`."""

    mode: Literal["demo", "replay", "online"] = "online"
    profile: dict[str, Profile] = {}
    crawl: Crawl = Crawl()
    sources: Sources = Sources()
    store: Store = Store()
    queue: Queue = Queue()
    schedule: dict[str, str] = {}
    folder: str = "."

    @property
    def path(self) -> Path:
        """The project folder."""
        return Path(self.folder)

    @property
    def database(self) -> str:
        """The SQLAlchemy address of this mode's store: the one configured, else a file in the project folder."""
        if self.store.database:
            return _absolute_sqlite(self.store.database, self.path)
        name = "suchlike.db" if self.mode == "online" else f"{self.mode}.db"
        return f"sqlite:///{self.path / name}"

    @property
    def delay_s(self) -> float:
        """Seconds between two requests to one site."""
        return rate_delay_s(self.crawl.rate)

    @property
    def time_s(self) -> float:
        """The time budget in seconds; 0 for none."""
        return duration_s(self.crawl.time, "crawl.time") if self.crawl.time else 0.0

    def only_profile(self, name: str | None = None) -> tuple[str, Profile]:
        """The profile called `name`, or the only one there is; ConfigError when that is not clear."""
        profiles = self.profile or {self.path.resolve().name: Profile()}
        if name is None and len(profiles) == 1:
            return next(iter(profiles.items()))
        if name is None:
            raise ConfigError(f"There are several profiles ({', '.join(sorted(profiles))}); name one with --profile.")
        if name not in profiles:
            raise ConfigError(f"There is no profile {name!r} in {FILE_NAME}{_nearest(name, profiles)}")
        return name, profiles[name]

    def model(self, name: str | None = None) -> str:
        """The model of the profile called `name`, or of the only one; its folder is looked for in the project's."""
        return placed(self.only_profile(name)[1].model, self.path)

    @property
    def digest(self) -> str:
        """A short hash of every value that shapes results (not of where they are stored)."""
        shown = msgspec.to_builtins(self)
        shown.pop("folder")
        shown.pop("queue")
        return hashlib.sha256(msgspec.json.encode(shown, order="sorted")).hexdigest()[:12]


def duration_s(text: str, key: str = "duration") -> float:
    """`30s`, `10m`, `2h`, `1d` or plain seconds as seconds; ConfigError names `key`."""
    match = _DURATION.fullmatch(text.strip())
    if not match or not 0 < float(match[1]) < LONGEST:
        raise ConfigError(f"{key} = {text!r} is not a time; write it like 30s, 10m, 2h or 1d.")
    return float(match[1]) * _UNIT_S[match[2]]


def rate_delay_s(rate: str) -> float:
    """`1/2s` (one request each two seconds) as the seconds between two requests."""
    count, _, period = rate.partition("/")
    try:
        number = float(count)
        seconds = duration_s(period, "crawl.rate") if period else 1.0
        if not 0 < number < float("inf"):
            raise ValueError
    except (ValueError, ConfigError):
        raise ConfigError(
            f"crawl.rate = {rate!r} is not a rate; write requests per time, such as 1/1s or 1/2s."
        ) from None
    return seconds / number


def load(folder: Path, overrides: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None) -> Config:
    """The configuration of the project in `folder`.

    `overrides` is a nested mapping of what flags said; it beats `env` (default: the process's), which beats
    the file. Raises ConfigError with one sentence that names the key and where it was set.
    """
    folder = folder.resolve()
    file = folder / FILE_NAME
    layers: list[tuple[str, dict[str, Any]]] = [
        (str(file), _read(file)),
        ("the environment", _from_env(os.environ if env is None else env)),
        ("the command line", _plain(overrides or {})),
    ]
    merged: dict[str, Any] = {}
    for _, layer in layers:
        _merge(merged, layer)
    try:
        config = msgspec.convert({**merged, "folder": str(folder)}, Config, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error), layers, merged)) from None
    _check(config)
    return config


def _check(config: Config) -> None:
    """What types alone cannot say."""
    rate_delay_s(config.crawl.rate)
    for key in ("time", "revisit_soonest", "revisit_latest", "revisions"):
        value = getattr(config.crawl, key)
        if value or key.startswith("revisit_"):
            duration_s(value, f"crawl.{key}")
    for name, profile in config.profile.items():
        check_model(profile.model, f"profile.{name}.model")
        if isinstance(profile.threshold, str):
            check_threshold(profile.threshold, f"profile.{name}.threshold")
        elif not 0 <= profile.threshold <= 1:
            raise ConfigError(f"profile.{name}.threshold = {profile.threshold} must lie between 0 and 1.")
    if not re.match(r"(embedded$|rediss?://|unix://)", config.queue.redis):
        raise ConfigError(
            f"queue.redis = {_masked(config.queue.redis)!r} is not an address; "
            "write embedded, redis://host:port/0, rediss://… or unix:///path."
        )
    if config.store.database and not re.match(r"(sqlite:///|postgresql\+psycopg://)", config.store.database):
        raise ConfigError(
            f"store.database = {_masked(config.store.database)!r} is not an address; "
            "write sqlite:///file.db or postgresql+psycopg://user@host/name."
        )
    if config.crawl.proxy and not re.fullmatch(r"https?://[^/\s]+/?", config.crawl.proxy):
        raise ConfigError(f"crawl.proxy = {_masked(config.crawl.proxy)!r} is not an address; write http://host:port.")


def check_threshold(text: str, key: str = "threshold") -> str | float:
    """`auto`, `strict`, `loose`, or a number from 0 to 1 as text; gives the word or the number."""
    if text in {"auto", "strict", "loose"}:
        return text
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise ConfigError(f"{key} = {text!r} is not a threshold; write auto, strict, loose or a number from 0 to 1.")
    return number


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
            at[keys[-1]] = [one.strip() for one in value.split(",") if one.strip()] if keys[0] == "sources" else value
    return nested


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _plain(v) if isinstance(v, Mapping) else v for k, v in value.items() if v is not None}


def _merge(into: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for key, value in layer.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value


def _explain(message: str, layers: list[tuple[str, dict[str, Any]]], merged: Mapping[str, Any]) -> str:
    """msgspec's message as a sentence: which key, set where, and the nearest right word for a misspelt one."""
    what, _, path = message.partition(" - at `$")
    dotted = _named(path.rstrip("`").lstrip("."), merged)
    unknown = re.search(r"unknown field `([^`]+)`", what)
    if unknown:
        section = dotted or "the top level"
        where = _origin([*dotted.split("."), unknown[1]] if dotted else [unknown[1]], layers)
        known = _fields(dotted)
        return f"{where}: there is no {unknown[1]!r} in {section}{_nearest(unknown[1], known)}"
    where = _origin(dotted.split("."), layers)
    return f"{where}: {dotted} has a wrong value: {what[:1].lower()}{what[1:]}{_choices(dotted)}."


def _named(dotted: str, merged: Mapping[str, Any]) -> str:
    """A path with the name of the profile or schedule that msgspec only calls `[...]`."""
    for section, kind in (("profile", Profile), ("schedule", str)):
        for name, value in merged[section].items() if dotted.startswith(f"{section}[...]") else ():
            try:
                msgspec.convert(value, kind, strict=False)
            except msgspec.ValidationError:
                return dotted.replace("[...]", f".{name}", 1)
    return dotted


def _choices(dotted: str) -> str:
    """The words that may stand there, where only some may."""
    kind: Any = Config
    for key in dotted.split("."):
        kind = get_type_hints(kind).get(key) if isinstance(kind, type) else None
    words = [str(word) for word in get_args(kind)] if get_origin(kind) is Literal else []
    return f"; write {' or '.join(words)}" if words else ""


def _origin(keys: list[str], layers: list[tuple[str, dict[str, Any]]]) -> str:
    keys = [re.sub(r"\[\d+\]", "", key) for key in keys]
    for where, layer in reversed(layers):
        at: Any = layer
        for key in keys:
            at = at.get(key) if isinstance(at, dict) else None
        if at is not None:
            return f"{where}, line {_line_of(Path(where), keys)}" if where.endswith(FILE_NAME) else f"In {where}"
    return f"In {FILE_NAME}"


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


def _fields(dotted: str) -> Iterator[str]:
    section = dotted.split(".", maxsplit=1)[0].strip("`[] ")
    types: dict[str, type[msgspec.Struct]] = {
        "crawl": Crawl, "sources": Sources, "store": Store, "queue": Queue, "profile": Profile, "": Config,
    }  # fmt: skip
    yield from types.get(section, Config).__struct_fields__


def _nearest(word: str, known: Any) -> str:
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {match[0]!r}?" if match else "."


def _masked(address: str) -> str:
    secret, at, rest = address.rpartition("@")
    scheme, slashes, _ = secret.partition("//")
    return f"{scheme if slashes else ''}{slashes}***@{rest}" if at else address


def _absolute_sqlite(address: str, folder: Path) -> str:
    prefix = "sqlite:///"
    if not address.startswith(prefix):
        return address
    return f"{prefix}{folder / address.removeprefix(prefix)}"
