"""The demo's own project folder: made once, with a copy of the bundled seeds; a finished demo begins anew."""

from __future__ import annotations

import shutil
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


def prepare(at: Path, subject: str, pages: int) -> Path:
    """The folder to run the demo in: `at` itself if it is a demo's, else `suchlike-demo` in it.

    An unfinished demo is gone on with; a finished one is cleared away, since it can be made again.
    """
    held = at / FILE_NAME
    folder = at if held.exists() and load(at).mode == "demo" else at / FOLDER
    seeds = files("seeds") / subject
    if not seeds.is_dir():
        named = sorted(one.name for one in files("seeds").iterdir() if (one / "seed.toml").is_file())
        raise UsageError(f"There are no bundled seeds {subject!r}; there are {', '.join(named)}.")
    if folder.exists() and not _unfinished(folder, subject):
        _clear(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with as_file(seeds) as source:
            shutil.copytree(source, folder / "seeds", dirs_exist_ok=True)
        sites = "".join(f'  "http://{site.host}/",\n' for site in SITES)
        text = _CONFIG.format(subject=subject, pages=pages, sites=sites)
        (folder / FILE_NAME).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder.resolve()} cannot be made: {error.strerror}.") from None
    return folder


def _unfinished(folder: Path, subject: str) -> bool:
    config = load(folder)
    if subject not in config.profile or not Path(config.database.removeprefix("sqlite:///")).exists():
        return False
    store = open_store(config.database, create=False)
    with store.read() as connection:
        latest = runs.latest(connection)
    store.close()
    return latest is None or latest.ended_at is None


def _clear(folder: Path) -> None:
    """Removes what a demo made, and nothing else."""
    for name in ("demo.db", "demo.db-wal", "demo.db-shm"):
        (folder / name).unlink(missing_ok=True)
    for name in ("warc", "seeds", "exports", ".suchlike"):
        shutil.rmtree(folder / name, ignore_errors=True)
