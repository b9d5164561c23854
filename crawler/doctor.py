"""Checks what a run needs, and says how to fix what is missing."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.config import Config, load
from pipelines.errors import StoreError, SuchlikeError
from pipelines.layers import FILE_NAME
from pipelines.masking import masked

NEEDED_BYTES = 500_000_000
# what a run needs and cannot do without; the second line are the promises of `--deep`
_REACHED = {
    "broker", "database", "disk",
    "fates", "frontier", "copies", "archive", "index", "bodies", "waiting", "pages", "soundness", "politeness",
}  # fmt: skip
_PACKAGES = ("scrapy", "trafilatura", "rq", "redis", "wordllama", "selectolax", "lxml_html_clean", "warcio")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; `fix` says what to do when it is not ok."""

    name: str
    ok: bool
    detail: str
    fix: str = ""

    @property
    def exit_code(self) -> int:
        """What a program is told when it is not ok: 4 for what a run needs and cannot reach, else 2."""
        return 4 if self.name in _REACHED else 2


def examine(folder: Path) -> Iterator[Check]:
    """Every check, in the order a run meets them."""
    yield _python()
    yield _packages()
    try:
        config = load(folder)
        yield Check("config", True, "every line understood")
    except SuchlikeError as error:
        yield Check("config", False, str(error), "correct that line")
        return
    there = _tried("broker", lambda: _broker(config), 'see the message; queue.redis = "embedded" needs no server')
    yield there
    if there.ok and config.queue.redis != "embedded":
        yield _trusted(config)
    yield _secrets(folder)
    yield _tried("database", lambda: _database(config), "see the message; without store.database a file is used")
    yield _disk(folder)
    yield _clock()
    yield _network(config)


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("python", sys.version_info >= (3, 11), version, "suchlike needs Python 3.11 or newer")


def _packages() -> Check:
    missing = []
    for name in _PACKAGES:
        try:
            if importlib.util.find_spec(name) is None:
                missing.append(name)
        except ImportError:
            missing.append(name)
    detail = f"missing: {', '.join(missing)}" if missing else f"{len(_PACKAGES)} found"
    return Check("packages", not missing, detail, "pip install -c constraints.txt .")


def _tried(name: str, look: Callable[[], str], fix: str) -> Check:
    try:
        return Check(name, True, look())
    except SuchlikeError as error:
        return Check(name, False, str(error), fix)


def _broker(config: Config) -> str:
    from workers import broker

    if config.queue.redis != "embedded":
        broker.require(broker.address(config))
        return "answers"
    with tempfile.TemporaryDirectory(prefix="suchlike-") as scratch, broker.Broker(Path(scratch)) as held:
        broker.require(held.address)
    return "the embedded server starts and answers"


def _trusted(config: Config) -> Check:
    """Whether a broker of somebody else's keeps what it is told."""
    from workers import broker, trust

    try:
        with contextlib.closing(broker.connect(broker.address(config))) as client:
            found = trust.complaints(client)
    except SuchlikeError as error:
        found = [str(error)]
    return Check(
        "trust",
        not found,
        "; ".join(found) or "keeps what it is told",
        "set what stands in brackets in the configuration of the server",
    )


def _secrets(folder: Path) -> Check:
    """Whether passwords in the configuration can be read by others."""
    file = folder / FILE_NAME
    try:
        text, others = file.read_text(encoding="utf-8", errors="replace"), file.stat().st_mode & 0o077
    except OSError:
        return Check("secrets", True, "no configuration file")
    open_to_others = masked(text) != text and others
    detail = f"{file} holds a password and others may read it" if open_to_others else "nothing for others to read"
    return Check("secrets", not open_to_others, detail, f"chmod 600 {file}, or set it by an environment variable")


def _database(config: Config) -> str:
    from pipelines.stores import open_store, rights

    file = config.database_file
    if config.store.database or (file and file.exists()):
        with contextlib.closing(open_store(config.database)) as store, store.read() as connection:
            wrong = "" if store.is_sqlite else rights.complaint(connection)
        if wrong:
            raise StoreError(f"The database {store.shown} cannot be written: {wrong}.")
        return f"{store.shown} is up to date"
    with tempfile.TemporaryDirectory(prefix="suchlike-") as scratch:
        open_store(f"sqlite:///{scratch}/try.db").close()
    return "SQLite with full-text search works; the file appears on first run"


def _disk(folder: Path) -> Check:
    at = folder.resolve()
    while not at.exists():
        at = at.parent
    free = shutil.disk_usage(at).free
    return Check(
        "disk", free > NEEDED_BYTES, f"{free / 1e9:.1f} GB free at {at}", "free some space, or use -C elsewhere"
    )


def _clock() -> Check:
    year = time.gmtime().tm_year
    return Check("clock", 2025 <= year < 2100, time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "set the clock")


def _network(config: Config) -> Check:
    from crawler.fetching import contact

    if config.mode == "demo":
        return Check("network", True, "the demo needs none")
    if config.crawl.proxy:
        return Check("network", True, f"through the proxy {config.crawl.proxy.split('@')[-1]}")
    starts = [*config.sources.sites, *config.sources.feeds, *config.sources.sitemaps]
    host = urlsplit(starts[0] if "://" in starts[0] else f"//{starts[0]}").hostname if starts else None
    if host and not _resolves(host):
        return Check(
            "network", False, f"the name {host} is not found", "look at the machine's network, and at the name"
        )
    detail = f"we say we are {config.crawl.identify!r}" + (f"; {host} is found" if host else "")
    told = not contact.is_missing(config)
    return Check("network", told, detail, 'add a contact: crawl.identify = "suchlike/0.1 (+mailto:you@example.org)"')


def _resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except OSError:
        return False
