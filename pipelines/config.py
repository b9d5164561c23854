"""One frozen configuration, from defaults, `suchlike.toml`, the environment and flags, in that order."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from pipelines.certificates import recorded_certificates
from pipelines.complaints import explain, located, nearest
from pipelines.durations import duration_s, rate_delay_s
from pipelines.errors import ConfigError
from pipelines.layers import FILE_NAME, layered, merged
from pipelines.likeness.naming import check_model, placed
from pipelines.masking import masked, masked_address
from pipelines.misfits import check_languages, check_since
from pipelines.rights import product_token
from pipelines.sections import Crawl, Log, Notify, Profile, Queue, Sources, Store, Timed, Web

# the name we go by in robots.txt when `identify` begins with none
AGENT = "suchlike"
_SQLITE = "sqlite:///"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a run needs to know. `folder` is the project folder, made absolute by `load`."""

    mode: Literal["demo", "replay", "online"] = "online"
    profile: dict[str, Profile] = {}
    crawl: Crawl = Crawl()
    sources: Sources = Sources()
    store: Store = Store()
    queue: Queue = Queue()
    web: Web = Web()
    schedule: dict[str, str | Timed] = {}
    notify: Notify = Notify()
    log: Log = Log()
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
        return f"{_SQLITE}{self.path / name}"

    @property
    def database_file(self) -> Path | None:
        """The file of this mode's store where that is SQLite, whether or not it is there yet; else None."""
        address = self.database
        return Path(address.removeprefix(_SQLITE)) if address.startswith(_SQLITE) else None

    @property
    def environment(self) -> dict[str, str]:
        """What a process is told that works for a run of ours: where its store is, and a password no row keeps."""
        told = {"SUCHLIKE_DATABASE": self.database}
        return told | ({"SUCHLIKE_CRAWL__PROXY": self.crawl.proxy} if self.crawl.proxy else {})

    @property
    def agent(self) -> str:
        """The product token we go by in robots.txt and robots directives."""
        return product_token(self.crawl.identify) or AGENT

    @property
    def delay_s(self) -> float:
        """Seconds between two requests to one site."""
        return rate_delay_s(self.crawl.rate)

    @property
    def time_s(self) -> float:
        """The time budget in seconds; 0 for none."""
        return duration_s(self.crawl.time, "crawl.time") if self.crawl.time else 0.0

    @property
    def kept(self) -> Config:
        """What a run's row keeps of it: whom to tell and who may look is no part of a run; nor are secrets."""
        replace, sources = msgspec.structs.replace, self.sources
        return replace(
            self, notify=Notify(), web=Web(), log=Log(),
            crawl=replace(self.crawl, proxy=masked_address(self.crawl.proxy)),
            store=replace(self.store, database=masked_address(self.store.database)),
            queue=replace(self.queue, redis=masked_address(self.queue.redis)),
            sources=replace(
                sources, **{name: [masked(url) for url in getattr(sources, name)] for name in sources.__struct_fields__}
            ),
        )  # fmt: skip

    def in_hands_of(self, own: Config) -> Config:
        """What a run's row kept, with the addresses that this process was told itself, as `own` has them.

        Raises ConfigError where the run's proxy wants a password that `own` does not have.
        """
        replace, proxy = msgspec.structs.replace, self.crawl.proxy
        if proxy == masked_address(own.crawl.proxy):
            proxy = own.crawl.proxy
        if "***@" in proxy:
            raise ConfigError(f"The run's proxy {proxy} wants a password; say it in SUCHLIKE_CRAWL__PROXY.")
        insecure = self.queue.insecure or own.queue.insecure
        return replace(
            self, crawl=replace(self.crawl, proxy=proxy), store=replace(self.store, database=own.store.database),
            queue=replace(self.queue, redis=own.queue.redis, insecure=insecure),
        )  # fmt: skip

    def only_profile(self, name: str | None = None) -> tuple[str, Profile]:
        """The profile called `name`, or the only one there is; ConfigError when that is not clear."""
        profiles = self.profile or {self.path.resolve().name: Profile()}
        if name is None and len(profiles) == 1:
            return next(iter(profiles.items()))
        if name is None:
            raise ConfigError(f"There are several profiles ({', '.join(sorted(profiles))}); name one with --profile.")
        if name not in profiles:
            raise ConfigError(f"There is no profile {name!r} in {FILE_NAME}{nearest(name, profiles)}")
        return name, profiles[name]

    def model(self, name: str | None = None) -> str:
        """The model of the profile called `name`, or of the only one; its folder is looked for in the project's."""
        return placed(self.only_profile(name)[1].model, self.path)

    @property
    def digest(self) -> str:
        """A short hash of every value that shapes results (not of where they are stored, nor of secrets)."""
        shown = msgspec.to_builtins(self.kept)
        shown.pop("folder")
        shown["store"].pop("database")
        shown.pop("queue")
        shown.pop("notify")
        shown.pop("web")
        shown.pop("log")
        return hashlib.sha256(msgspec.json.encode(shown, order="sorted")).hexdigest()[:12]


def load(folder: Path, overrides: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None) -> Config:
    """The configuration of the project in `folder`.

    `overrides` is a nested mapping of what flags said; it beats `env` (default: the process's), which beats
    the file. Raises ConfigError with one sentence that names the key and where it was set.
    """
    folder = folder.resolve()
    layers = layered(folder, overrides, env)
    try:
        config = msgspec.convert({**merged(layers), "folder": str(folder)}, Config, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(explain(str(error), Config, layers)) from None
    try:
        _check(config)
    except ConfigError as error:
        raise ConfigError(located(str(error), layers)) from None
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
        check_languages(profile.languages, f"profile.{name}.languages")
        check_since(profile.since, f"profile.{name}.since")
        if isinstance(profile.threshold, str):
            check_threshold(profile.threshold, f"profile.{name}.threshold")
        elif not 0 <= profile.threshold <= 1:
            raise ConfigError(f"profile.{name}.threshold = {profile.threshold} must lie between 0 and 1.")
    if not config.crawl.identify.isprintable():
        raise ConfigError(
            f"crawl.identify = {config.crawl.identify!r} must be one line, for it is sent to every server."
        )
    if not re.match(r"(embedded$|rediss?://|unix://)", config.queue.redis):
        raise ConfigError(
            f"queue.redis = {masked_address(config.queue.redis)!r} is not an address; "
            "write embedded, redis://host:port/0, rediss://… or unix:///path."
        )
    if config.store.database and not re.match(r"(sqlite:///|postgresql\+psycopg://)", config.store.database):
        raise ConfigError(
            f"store.database = {masked_address(config.store.database)!r} is not an address; "
            "write sqlite:///file.db or postgresql+psycopg://host/name."
        )
    _check_notify(config.notify)
    recorded_certificates(config.crawl.trust_certificates)
    if config.crawl.proxy and not re.fullmatch(r"https?://[^/\s]+/?", config.crawl.proxy):
        raise ConfigError(
            f"crawl.proxy = {masked_address(config.crawl.proxy)!r} is not an address; write http://host:port."
        )


def _check_notify(notify: Notify) -> None:
    for url in notify.webhooks:
        if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", url):
            raise ConfigError(
                f"notify.webhooks has {masked_address(url)!r}, which is no address; write https://host/path."
            )
    if notify.webhooks and not notify.secret:
        raise ConfigError("notify.webhooks needs notify.secret to sign with; SUCHLIKE_NOTIFY__SECRET sets it, too.")
    if notify.secret.startswith("whsec_") and not _is_base64(notify.secret.removeprefix("whsec_")):
        raise ConfigError("notify.secret begins with whsec_, so that what follows must be base64, and is not.")
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d( \S+)?", notify.at):
        raise ConfigError(f"notify.at = {notify.at!r} is not a time of day; write 07:00 or 07:00 Europe/Berlin.")
    if zone := notify.at.partition(" ")[2]:
        _check_zone(zone)


def _check_zone(zone: str) -> None:
    import zoneinfo  # which few need

    try:
        zoneinfo.ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise ConfigError(
            f"notify.at names the time zone {zone!r}, which is not known here; write it like 07:00 Europe/Berlin."
        ) from None


def _is_base64(text: str) -> bool:
    """Whether a text stands for some bytes; of a wrong sign, Python would leave it out, and sign with what is left."""
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:
        return False


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


def _absolute_sqlite(address: str, folder: Path) -> str:
    if not address.startswith(_SQLITE):
        return address
    return f"{_SQLITE}{folder / address.removeprefix(_SQLITE)}"
