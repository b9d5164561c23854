"""The demo's own project folder: made once, with a copy of the bundled seeds; a finished demo begins anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

from crawler.demo.sites import SITES
from pipelines.config import load
from pipelines.errors import UsageError
from pipelines.layers import FILE_NAME
from pipelines.stores import open_store, runs

FOLDER = "suchlike-demo"
_CONFIG = """\
# Made by `suchlike demo`: an invented web on this machine. Nothing here leaves it.
mode = "demo"

[profile.{subject}]
seeds = "seeds/"

[crawl]
pages = {pages}
rate = "25/1s"
roam = false
concurrency = 16

[sources]
sites = [
{sites}]
"""
_MADE = _CONFIG.partition(":")[0]


def prepare(at: Path, subject: str, pages: int, say: Callable[[str], None] = lambda _: None) -> Path:
    """The folder to run the demo in: `at` itself if it is a demo's, else `suchlike-demo` in it.

    An unfinished demo is gone on with; a finished one is cleared away, since it can be made again, and `say` is told.
    Raises UsageError where the folder is somebody else's.
    """
    folder = at if _is_demos(at) else at / FOLDER
    bundled = {one.name: one for one in files("seeds").iterdir() if (one / "seed.toml").is_file()}
    if subject not in bundled:
        raise UsageError(f"There are no bundled seeds {subject!r}; there are {', '.join(sorted(bundled))}.")
    if folder.is_dir() and any(folder.iterdir()) and not _is_demos(folder):
        raise UsageError(f"{folder.resolve()} is not a demo's; move it away, or begin elsewhere with -C DIR.")
    if _is_demos(folder) and not _unfinished(folder, subject):
        seeds = {file.name for one in bundled.values() for file in one.iterdir()}
        if _clear(folder, seeds):
            say("the last demo here is cleared; exports, and what you put there yourself, stay")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sites = "".join(f'  "http://{site.host}/",\n' for site in SITES)
        text = _CONFIG.format(subject=subject, pages=pages, sites=sites)
        (folder / FILE_NAME).write_text(text, encoding="utf-8")  # first, since it tells whose folder this is
        with as_file(bundled[subject]) as source:
            shutil.copytree(source, folder / "seeds", dirs_exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder.resolve()} cannot be made: {error.strerror}.") from None
    return folder


def _is_demos(folder: Path) -> bool:
    """Whether the demo made this folder, and it is one still."""
    file = folder / FILE_NAME
    if not file.is_file() or not file.read_text(encoding="utf-8", errors="replace").startswith(_MADE):
        return False
    return load(folder).mode == "demo"


def _unfinished(folder: Path, subject: str) -> bool:
    config = load(folder)
    file = config.database_file
    if subject not in config.profile or file is None or not file.exists():
        return False
    store = open_store(config.database, create=False)
    with store.read() as connection:
        latest = runs.latest(connection)
    store.close()
    return latest is None or latest.ended_at is None


def _clear(folder: Path, seeds: set[str]) -> bool:
    """Removes what a demo made and can make again, and nothing else; whether there was a demo's database."""
    for name in seeds:
        (folder / "seeds" / name).unlink(missing_ok=True)
    for name in ("warc", ".suchlike"):
        shutil.rmtree(folder / name, ignore_errors=True)
    there = (folder / "demo.db").exists()
    for name in ("demo.db", "demo.db-wal", "demo.db-shm"):
        (folder / name).unlink(missing_ok=True)
    return there
