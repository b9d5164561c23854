"""A dry run: what would be fetched from where. Fetches robots.txt, feeds and sitemaps, and no page."""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from crawler.starting import NOWHERE
from pipelines import urls as identity
from pipelines.config import Config
from pipelines.errors import UsageError
from pipelines.sections import Store
from pipelines.stores import discovery, open_store, runs, surveys
from pipelines.stores.discovery import Found
from pipelines.stores.states import Kind, State
from pipelines.stores.surveys import Surveyed

# lists that come later than this are not waited for
LIMIT_S: Final = 90.0
STOP_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Source:
    """Where pages would come from. `kind`: feed, sitemap or links; `items` None where only fetching would tell.

    `new` are the pages no other source named before; `robots`: allowed, disallowed or unanswered.
    """

    source: str
    kind: str
    items: int | None
    new: int
    robots: str
    delay_s: float
    note: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The sources, how many pages they name, how many of them the budget takes, and how long that lasts at least."""

    sources: tuple[Source, ...]
    candidates: int
    pages: int
    seconds: float
    complete: bool


def survey(config: Config, starts: list[Found]) -> Plan:
    """What a run with this configuration would begin with. Raises UsageError when there is nowhere to start."""
    if not starts:
        raise UsageError(NOWHERE)
    with tempfile.TemporaryDirectory(prefix="suchlike-") as scratch:
        told, complete = _surveyed(config, starts, Path(scratch))
    sources = tuple(_source(config, one) for one in told)
    named: dict[str, float] = defaultdict(float)
    delays = {}
    # what is behind a page nobody knows; the page itself is one
    linked = math.inf if config.crawl.depth and not config.crawl.watch else 1
    for one, source in zip(told, sources, strict=True):
        delays[one.host] = source.delay_s
        if source.robots == "allowed":
            named[one.host] += linked if source.items is None else source.new
    hosts = _granted(named, config.crawl.max_per_site)
    known = sum(source.new for source in sources if source.robots == "allowed")
    wanted = min(config.crawl.pages or math.inf, sum(hosts.values()))
    pages = known if wanted == math.inf else int(wanted)
    return Plan(sources, known, pages, round(lasts(pages, hosts, delays), 2), complete)


def _granted(hosts: Mapping[str, float], max_per_site: int) -> dict[str, float]:
    """As many pages of each host as a run would take: of all hosts of a site so many, 0 for any number."""
    room: dict[str, float] = defaultdict(lambda: max_per_site or math.inf)
    granted = {}
    for host, number in hosts.items():
        site = identity.site_of(host)
        granted[host] = min(number, room[site])
        room[site] -= granted[host] if max_per_site else 0
    return granted


def lasts(pages: int, hosts: Mapping[str, float], delays: Mapping[str, float]) -> float:
    """The least seconds in which so many pages can be had, each host giving one a delay and no more than it has."""
    low, high = 0.0, pages * max(delays.values(), default=0.0) + 1.0
    for _ in range(40):
        middle = (low + high) / 2
        had = sum(min(number, middle / max(delays[host], 1e-3)) for host, number in hosts.items())
        low, high = (low, middle) if had >= pages else (middle, high)
    return high


def _surveyed(config: Config, starts: list[Found], scratch: Path) -> tuple[list[Surveyed], bool]:
    """Crawls the lists in a folder of its own; whether all of them were read in time."""
    small = msgspec.structs.replace(
        config, folder=str(scratch), profile={}, store=Store(keep="all", archive="none"),
        crawl=msgspec.structs.replace(config.crawl, pages=0, matches=0, time=""),
    )  # fmt: skip
    store = open_store(small.database)
    with store.write() as connection:
        run = runs.start(connection, small, "", now=time.time()).id
        discovery.discover(connection, starts, run=run, now=time.time())
    command = [sys.executable, "-m", "crawler", "-C", str(scratch), "crawl-worker", "--run", str(run), "--inline"]
    # the run carries its configuration; the environment's database is the project's, not this one
    env = {**os.environ, **small.environment}
    with _process([*command, "--spider", "survey"], env) as process:
        complete = _ends(process, LIMIT_S)
        if not complete:
            with store.write() as connection:
                runs.halt(connection, run, "time")
            _ends(process, STOP_S)
    with store.read() as connection:
        told = surveys.told(connection)
    store.close()
    return told, complete and not any(one.kind != Kind.PAGE and one.state == State.WAITING for one in told)


@contextlib.contextmanager
def _process(command: list[str], env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _ends(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _source(config: Config, one: Surveyed) -> Source:
    kind = "links" if one.kind == Kind.PAGE else one.kind.name.lower()
    told = json.loads(one.detail) if one.state == State.LISTED else {}
    items = None if kind == "links" else int(told.get("items", 0))
    delay = max(config.delay_s, one.delay_s or 0.0)
    robots = {"rules": "allowed", "allow": "allowed", "disallow": "disallowed"}.get(one.robots or "", "unanswered")
    if one.reason == "robots":
        robots = "disallowed"
    slower = "Crawl-delay" if one.delay_s and one.delay_s > config.delay_s else ""
    note = "; ".join(part for part in (_answer(one, told), slower) if part)
    return Source(one.url, kind, items, int(told.get("new", 0)), robots, delay, note)


def _answer(one: Surveyed, told: dict[str, int]) -> str:
    if one.reason == "robots":
        return "will not be visited"
    if one.kind == Kind.PAGE:
        unanswered = one.state == State.WAITING
        return f"no answer ({one.reason})" if unanswered and one.reason else "no answer" if unanswered else ""
    if one.state != State.LISTED:
        return one.detail or one.reason or "not read in time"
    parts = [f"{told['lists']} lists"] if told["lists"] else []
    if told["forbidden"]:
        parts.append(f"{told['forbidden']} forbidden by robots.txt")
    if known := told["items"] - told["new"] - told["forbidden"]:
        parts.append(f"{known} named before or left out")
    return ", ".join(parts)
