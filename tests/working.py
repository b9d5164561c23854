"""Projects with fetched pages that wait for workers, and the real processes that work on them."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from patience import PATIENCE_S

from crawler.project import Project
from crawler.running.processes import NURSERY
from pipelines.config import Config
from pipelines.records import Candidate
from pipelines.stores import Store, discovery, fates, fetches, ledger, open_store, replayed, runs
from pipelines.stores.discovery import Found
from pipelines.stores.fetches import Fetched
from pipelines.stores.states import State

_PROSE = (
    "harbour council winter budget engineer railway village teacher orchard bridge engine market window lantern "
    "captain journey meadow kitchen library station ferry valley quarry garden theatre hospital factory river "
    "printer keeper signal weather cable tunnel furnace anchor barrel carpenter dairy fiddle granite hammer"
)
_WORDS = _PROSE.split(" ")


class Waiting:
    """A project folder whose store holds fetched pages, as a crawler leaves them when nobody hears the bell."""

    def __init__(self, folder: Path, **overrides: Any) -> None:
        self.folder = folder
        self.config: Config = Project(folder).config({"store": {"keep": "all", "archive": "kept"}, **overrides})
        self.store: Store = open_store(self.config.database, mode=self.config.mode)
        now = time.time()
        with self.store.write() as connection:
            self.run = runs.start(connection, self.config, "", now=now).id

    def fetch(self, pages: Sequence[tuple[str, str]], *, ring_after: float = 0.0) -> list[int]:
        """Writes `(url, html)` down as fetched; gives the rows."""
        now = time.time()
        with self.store.write() as connection:
            discovery.discover(
                connection, [Found(Candidate(url, "start"), 0.9) for url, _ in pages], run=self.run, now=now
            )
            rows = replayed.lease(connection, {url: 0.0 for url, _ in pages}, run=self.run, now=now)
            fetched = [
                Fetched(rows[url], State.FETCHED, 200, final_url=url, headers={"content-type": "text/html"},
                        fetched_at=now, body=html.encode())
                for url, html in pages
            ]  # fmt: skip
            return fetches.record(connection, fetched, run=self.run, ring_after=ring_after)

    def fates(self) -> dict[str, Any]:
        """As `suchlike fates`, after checking that they add up."""
        with self.store.read() as connection:
            ends = fates.count(connection)
        ended = ends["stored"] + ends["duplicate"] + sum(ends["dropped"].values()) + sum(ends["dead"].values())
        assert ends["fetched"] == ended + ends["in_flight"]
        return ends

    def attempts(self, row: int) -> int:
        """How often a stage has begun with this row."""
        with self.store.read() as connection:
            return dict(ledger.attempts_of(connection, [row]))[row]


def article(number: int, sentences: int = 14) -> tuple[str, str]:
    """`(url, html)` of an article like no other."""
    chance = random.Random(number)
    lines = [" ".join(chance.choices(_WORDS, k=14)).capitalize() + "." for _ in range(sentences)]
    body = "".join(f"<p>{line}</p>" for line in lines)
    title = " ".join(chance.choices(_WORDS, k=5)).capitalize()
    return (
        f"https://paper.example/2026/11/{title.lower().replace(' ', '-')}-{number}",
        f"<!doctype html><html lang=en><head><title>{title}</title><meta property='og:type' content='article'></head>"
        f"<body><article><h1>{title}</h1>{body}</article></body></html>",
    )


def articles(number: int) -> list[tuple[str, str]]:
    """So many of them."""
    return [article(one) for one in range(number)]


@contextlib.contextmanager
def started(folder: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """`suchlike -C folder ARGUMENTS` as a process of its own, ended with the block; see said()."""
    with _log(folder).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "crawler", "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **environment},
        )  # fmt: skip
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Stops a process, gently at first."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def said(folder: Path) -> str:
    """What the processes started there have written."""
    return _log(folder).read_text(errors="replace")


def _log(folder: Path) -> Path:
    return folder / "processes.log"


def children(pid: int) -> dict[int, str]:
    """The processes whose parent is `pid`, with their command lines."""
    return {one: line for one, (parent, line) in _processes().items() if parent == pid}


def supervised(pid: int) -> dict[int, str]:
    """The processes a supervisor keeps up: its children, with what its nursery has forked in the nursery's place."""
    found = {}
    for child, line in children(pid).items():
        found |= children(child) if NURSERY in line else {child: line}
    return found


def descendants(pid: int) -> dict[int, str]:
    """Children, and theirs."""
    found = {}
    for child, line in children(pid).items():
        found[child] = line
        found |= descendants(child)
    return found


def at_work_in(folder: Path) -> dict[int, str]:
    """The processes of ours whose command line names this folder."""
    return {pid: line for pid, (_, line) in _processes().items() if str(folder) in line and pid != os.getpid()}


def _processes() -> dict[int, tuple[int, str]]:
    """`pid: (parent, command line)`; the dead that nobody has asked for have no command line and are left out."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                if line:
                    found[int(entry.name)] = (int(parent), line)
    return found
