"""`doctor --deep`: whether a store, its archive and a log of requests keep every promise. Reads, and changes nothing.

No fault may break them: every page fetched has one end with a reason, copies lead to an original, what is stored can be
searched for and lies in the archive, nothing waits for ever, hosts are asked as they wish.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from crawler.doctor import Check
from crawler.fetching.addresses import refusal_of_host
from crawler.frontier.rules import Rules
from pipelines import warc
from pipelines.config import Config
from pipelines.errors import UsageError
from pipelines.stages import TAKES
from pipelines.stores import Store, hosts, invariants, runs
from pipelines.stores.invariants import Broken
from workers.report import queues

FIX = "this should never be; please report it with the project's .suchlike/log"
# what is more likely than a fault of ours
FIXES = {
    "waiting": "start `suchlike clock` (or `run`), which hands on what nobody holds; if it stays so, please report it",
    "pages": "put the files back into warc/, if need be from a backup; if nobody touched them, please report it",
    "soundness": "the disk has damaged it: restore a backup, or `suchlike replay warc/` reads the archive anew",
}
# clocks of a client and a server on two machines, and a line's way into a log
TOLERANCE_S = 0.05


def examine(store: Store, config: Config, requests: Path | None = None) -> Iterator[Check]:
    """Every promise, a Check for each group. `requests`: JSON lines `{t, host, path}` of what reached the servers."""
    with store.read() as connection:
        for name, found in invariants.broken(connection):
            yield _check(name, found)
    yield _check("waiting", _waiting(store, config))
    yield _check("pages", _archived(store, config.path / "warc"))
    with store.read() as connection:
        yield _check("soundness", invariants.sound(connection))
    if requests is not None:
        yield _check("politeness", _polite(store, config, requests))


def _check(name: str, found: Sequence[Broken]) -> Check:
    if not found:
        return Check(name, True, "every promise is kept")
    told = "; ".join(f"not so: {one.promise} ({one.number}: {', '.join(one.examples)})" for one in found)
    return Check(name, False, told, FIXES.get(name, FIX))


def _waiting(store: Store, config: Config) -> list[Broken]:
    """Only where somebody is there to work: with nobody, waiting is all a row can do."""
    now = time.time()
    depths, workers = queues(config)
    behind = [TAKES[name] for name, depth in depths.items() if depth["waiting"]]
    with store.read() as connection:
        if not workers and runs.under_way(connection, now=now) is None:
            return []
        return invariants.forgotten(connection, now=now, behind=behind)


def _archived(store: Store, folder: Path) -> list[Broken]:
    """Every page that is said to lie in the archive lies there, under its own address, with the bytes it came with."""
    lost: list[str] = []
    with store.read() as connection:
        for url, file, offset in invariants.places(connection):
            why = warc.complaint(folder / file, offset)
            if why:
                lost.append(f"{url} ({file} at {offset}: {why})")
    return [Broken("an archived page can be read again", len(lost), tuple(lost[:3]))] if lost else []


def _polite(store: Store, config: Config, file: Path) -> list[Broken]:
    """Requests of each host in the order they arrived: not closer than its delay, none forbidden, none private."""
    agent = config.agent
    with store.read() as connection:
        known = hosts.told(connection)
    rules = {name: Rules(told.robots, agent) for name, told in known.items() if told.robots}
    at: dict[str, float] = {}
    soon, forbidden, private = [], [], []
    for moment, host, path in _requests(file):
        told = known.get(host)
        delay = max(config.delay_s, (told.delay_s or 0.0) if told else 0.0)
        if host in at and moment - at[host] < delay - TOLERANCE_S:
            soon.append(f"{host}{path} {moment - at[host]:.2f} s after the last")
        at[host] = moment
        if not config.crawl.allow_private_addresses and refusal_of_host(host.partition(":")[0]):
            private.append(host)
        if host in rules and path != "/robots.txt" and not rules[host].allows(f"http://{host}{path}"):
            forbidden.append(f"{host}{path}")
    return [
        *_several("two requests to a host are apart by its delay", soon),
        *_several("what robots.txt forbids is not asked for", forbidden),
        *_several("no address of a private network is asked for", private),
    ]


def _several(promise: str, examples: Sequence[str]) -> Iterable[Broken]:
    return [Broken(promise, len(examples), tuple(examples[:3]))] if examples else []


def _requests(file: Path) -> Iterator[tuple[float, str, str]]:
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    one = json.loads(line)
                    yield float(one["t"]), str(one["host"]), str(one["path"])
                except (ValueError, KeyError, TypeError):
                    raise UsageError(f'{file}, line {number} is not {{"t", "host", "path"}} in JSON.') from None
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
