"""A rule has changed: pages that were dropped by it are read once more, out of the archive; nothing is fetched."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines import members, warc
from pipelines.errors import UsageError
from pipelines.members import Damaged
from pipelines.parse import Parse
from pipelines.stores import Store, dropped, runs
from workers.drain import drain
from workers.pooled import Pooled
from workers.tuning import tuned

BATCH = 32
# what the parse stage drops for, and the quick look
REASONS = tuple(sorted(Parse.reasons))


@dataclass(frozen=True, slots=True)
class Reread:
    """`archived` pages can be read again, `missing` were dropped for the same and are not in the archive.

    `ends` counts what became of them: stored, duplicate, or a reason; empty when nothing was done. `damaged` ones
    could not be taken out of the archive.
    """

    reasons: tuple[str, ...]
    archived: int
    missing: int
    damaged: int
    ends: dict[str, int]
    applied: bool


def read_again(store: Store, folder: Path, reason: str | None = None, *, preview: bool = False) -> Reread:
    """Puts pages that were dropped (for `reason`, else for any of REASONS) through the stages of the latest run again.

    `folder` is the archive's. Raises UsageError for a reason no stage gives, before any run, and while one is under
    way; StoreError when a file of the archive is not on this machine.
    """
    if reason is not None and reason not in REASONS:
        raise UsageError(f"No page is dropped for {reason!r} when it is read; write one of {', '.join(REASONS)}.")
    reasons = (reason,) if reason else REASONS
    with store.read() as connection:
        run = runs.latest(connection)
        if run is None:
            raise UsageError("Nothing was fetched yet; `suchlike run` does it.")
        if not preview and runs.under_way(connection, now=time.time()) is not None:
            raise UsageError("A run is under way; stop it first (Ctrl-C), or wait for its end.")
        archived, missing = dropped.counted(connection, reasons)
    if preview:
        return Reread(reasons, archived, missing, 0, {}, applied=False)
    done, damaged = list[int](), 0
    with contextlib.closing(Pooled(store, run.config, tuned(run.config).workers)) as sender:
        for pages, lost in _batches(store, folder, reasons):
            damaged += lost
            with store.write() as connection:
                rows = dropped.give_back(connection, pages, run.id, now=time.time())
            sender.send("parse", rows)
            done += rows
        drain(store, sender)
    with store.read() as connection:
        return Reread(reasons, archived, missing, damaged, dropped.ends(connection, done), applied=True)


def _batches(
    store: Store, folder: Path, reasons: tuple[str, ...]
) -> Iterator[tuple[dict[int, tuple[str, dict[str, str], bytes]], int]]:
    """Pages out of the archive, and how many of a batch are damaged there."""
    after = 0
    while True:
        with store.read() as connection:
            batch = dropped.archived(connection, reasons, after=after, limit=BATCH)
        if not batch:
            return
        pages: dict[int, tuple[str, dict[str, str], bytes]] = {}
        for row, file, offset in batch:
            try:
                page = warc.read_one(members.at(folder, file, offset or 0))
            except Damaged:
                page = None
            if page is not None:
                pages[row] = (page.url, page.headers, page.body)
        yield pages, len(batch) - len(pages)
        after = batch[-1].id
