"""Cuts the power at any moment of what SQLite wrote, and looks whether what was acknowledged is there.

    PYTHONPATH=tests python tests/faults/powercut.py [--cuts 500] [--seed 7] [--articles 60]

Articles are taken through all stages with every write, sync and deletion of the database's files noted
(`writelog.py`). Then the files are made anew as a disk may hold them when the power goes: what was synced is there; of
what was not, any part, in any order, torn at any sector. The database must open, be whole by its own check, and hold
every article whose last stage had come back before the cut.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from working import Waiting, articles
from writelog import Done, WriteLog

from workers import build
from workers.inline import Inline

SECTOR = 512
BATCH = 3


@dataclass
class Disk:
    """The files as they surely are, and what is on its way to each."""

    files: dict[str, bytearray] = field(default_factory=dict)
    waiting: dict[str, list[Done]] = field(default_factory=dict)

    def take(self, one: Done) -> None:
        """What SQLite did next."""
        if one.kind == "sync":
            if one.file not in self.files or any(other.kind == "delete" for other in self.waiting.get(one.file, ())):
                # a new file: SQLite syncs its folder too, and with it every deletion there
                self._delete_for_good()
            for waiting in self.waiting.pop(one.file, []):
                _apply(self.files, waiting)
            self.files.setdefault(one.file, bytearray())
        elif one.kind == "delete" and one.at:
            # with its folder synced: it and what was on its way are gone
            self.waiting.pop(one.file, None)
            self.files.pop(one.file, None)
        elif one.kind != "said":
            self.waiting.setdefault(one.file, []).append(one)

    def _delete_for_good(self) -> None:
        for name, waiting in self.waiting.items():
            gone = [at for at, one in enumerate(waiting) if one.kind == "delete"]
            if gone:
                self.files.pop(name, None)
                self.waiting[name] = waiting[gone[-1] + 1 :]

    def after_a_cut(self, dice: random.Random) -> dict[str, bytes]:
        """The files as a disk may hold them when the power goes now."""
        files = {name: bytearray(data) for name, data in self.files.items()}
        for waiting in self.waiting.values():
            how = dice.random()
            came = _of_one_file(waiting, dice)
            if how < 0.3:  # in order, up to somewhere
                came = came[: dice.randint(0, len(came))]
            elif how < 0.9:  # any of them
                came = [one for one in came if one.kind == "delete" or dice.random() < 0.5]
            for one in came:
                _apply(files, _torn(one, dice) if dice.random() < 0.3 else one)
        return {name: bytes(data) for name, data in files.items()}


def _of_one_file(waiting: list[Done], dice: random.Random) -> list[Done]:
    """What is written after a deletion is in another file, which is there only once the deletion is."""
    gone = [at for at, one in enumerate(waiting) if one.kind == "delete"]
    if not gone or dice.random() < 0.5:
        return waiting[gone[-1] :] if gone else list(waiting)
    return waiting[: gone[0]]


def _torn(one: Done, dice: random.Random) -> Done:
    if one.kind != "write":
        return one
    sectors = [one.data[at : at + SECTOR] for at in range(0, len(one.data), SECTOR)]
    first = dice.randint(0, len(sectors) - 1)
    last = dice.randint(first, len(sectors) - 1)
    return Done("write", one.file, one.at + first * SECTOR, b"".join(sectors[first : last + 1]))


def _apply(files: dict[str, bytearray], one: Done) -> None:
    if one.kind == "delete":
        files.pop(one.file, None)
        return
    data = files.setdefault(one.file, bytearray())
    if one.kind == "truncate":
        del data[one.at :]
        return
    if len(data) < one.at:
        data.extend(bytes(one.at - len(data)))
    data[one.at : one.at + len(one.data)] = one.data


def record(folder: Path, number: int) -> list[Done]:
    """Takes so many articles through all stages, BATCH at a time; what was acknowledged is said between the writes."""
    with WriteLog(folder) as log:
        project = Waiting(folder, store={"keep": "all", "archive": "none"})
        sender = Inline(build.stages(project.store, project.config))
        pages = articles(number)
        for at in range(0, number, BATCH):
            some = pages[at : at + BATCH]
            rows = project.fetch(some)
            log.say("\n".join(f"fetched {url}" for url, _ in some).encode())
            sender.send("parse", rows)
            log.say("\n".join(f"stored {url}" for url, _ in some).encode())
        sender.close()
        project.store.close()
    return log.done


def cuts(done: Sequence[Done], number: int, seed: int) -> Iterator[tuple[int, dict[str, bytes], set[str]]]:
    """`(moment, files, what was acknowledged by then)` of so many cuts, spread over the whole, in order."""
    dice = random.Random(seed)
    # the moments that matter are those with something on its way: around every sync there are several
    moments = sorted(dice.choices(range(1, len(done)), k=number))
    disk, said, at = Disk(), set[str](), 0
    for moment in moments:
        for one in done[at:moment]:
            disk.take(one)
            if one.kind == "said":
                said |= set(one.data.decode().split("\n"))
        at = moment
        yield moment, disk.after_a_cut(dice), set(said)


def complaint(files: dict[str, bytes], said: set[str], folder: Path) -> str | None:
    """What is wrong with a database after a cut, if anything is."""
    for name, data in files.items():
        (folder / Path(name).name).write_bytes(data)
    file = folder / "suchlike.db"
    if not file.exists():
        return "there is no database" if said else None
    try:
        connection = sqlite3.connect(file)
        try:
            whole = connection.execute("PRAGMA integrity_check").fetchone()[0]
            if whole != "ok":
                return f"not whole: {whole}"
            if not said:
                return None
            states = dict(connection.execute("SELECT url, state FROM urls").fetchall())
            texts = dict(connection.execute(
                "SELECT urls.url, length(articles.text) FROM articles JOIN urls ON urls.id = articles.id"
            ).fetchall())  # fmt: skip
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        return f"does not open: {error}"
    for one in said:
        kind, _, url = one.partition(" ")
        if kind == "stored" and not (states.get(url) == 5 and texts.get(url)):
            return f"lost: {url} was stored, and is {states.get(url)}"
        if kind == "fetched" and states.get(url, 0) < 2:
            return f"lost: {url} was fetched, and is {states.get(url)}"
    return None


def cut_power(done: Sequence[Done], number: int, *, seed: int) -> Counter[str]:
    """How many of so many cuts ended how: `whole`, or what was wrong."""
    told: Counter[str] = Counter()
    for _, files, said in cuts(done, number, seed):
        with tempfile.TemporaryDirectory(prefix="suchlike-cut-", dir=_memory()) as folder:
            told[complaint(files, said, Path(folder)) or "whole"] += 1
    return told


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def main() -> None:
    """Prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=500)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--articles", type=int, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="suchlike-cut-") as folder:
        done = record(Path(folder), asked.articles)
    told = cut_power(done, asked.cuts, seed=asked.seed)
    writes, syncs = (sum(one.kind == kind for one in done) for kind in ("write", "sync"))
    print(f"{asked.cuts} cuts in {writes} writes and {syncs} syncs (seed {asked.seed}): {told.pop('whole')} whole")
    for what, number in told.most_common(20):
        print(f"{number:>5}  {what}")
    sys.exit(bool(told))


if __name__ == "__main__":
    main()
