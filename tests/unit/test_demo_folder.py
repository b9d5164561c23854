"""The folder the demo runs in: made, cleared of what a demo made, and never somebody else's."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from crawler.demo.folder import prepare
from pipelines.config import load
from pipelines.errors import UsageError
from pipelines.stores import open_store, runs

SUBJECT = "harbour-dredging"


def _ran(folder: Path) -> None:
    """A demo has ended here."""
    config = load(folder)
    store = open_store(config.database, mode="demo")
    with store.write() as connection:
        runs.end(connection, runs.start(connection, config, "", now=time.time()).id, "budget", now=time.time())
    store.close()


def test_the_demo_makes_a_folder_and_clears_only_what_a_demo_made(tmp_path: Path) -> None:
    told: list[str] = []
    folder = prepare(tmp_path, SUBJECT, 20, told.append)
    assert folder == tmp_path / "suchlike-demo" and not told
    _ran(folder)
    for name in ("exports/articles.csv", "seeds/mine.txt", "notes.txt", "warc/a.warc.gz"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("mine")
    assert prepare(folder, "night-trains", 20, told.append) == folder
    assert "is cleared; exports" in told[0]
    assert all((folder / name).exists() for name in ("exports/articles.csv", "seeds/mine.txt", "notes.txt"))
    assert not (folder / "demo.db").exists() and not (folder / "warc").exists()
    assert not (folder / "seeds" / "silt-bill.txt").exists(), "the seeds of the other subject"
    assert list(load(folder).profile) == ["night-trains"]


@pytest.mark.parametrize("config", ['mode = "online"\n', '# my own\nmode = "demo"\n', None])
def test_the_demo_touches_no_folder_it_did_not_make(tmp_path: Path, config: str | None) -> None:
    folder = tmp_path / "suchlike-demo"
    (folder / "seeds").mkdir(parents=True)
    (folder / "seeds" / "mine.txt").write_text("mine")
    if config:
        (folder / "suchlike.toml").write_text(config)
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    with pytest.raises(UsageError, match=r"is not a demo's; move it away, or begin elsewhere with -C DIR"):
        prepare(tmp_path, SUBJECT, 20)
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_an_unfinished_demo_is_gone_on_with(tmp_path: Path) -> None:
    folder = prepare(tmp_path, SUBJECT, 20)
    store = open_store(load(folder).database, mode="demo")
    with store.write() as connection:
        runs.start(connection, load(folder), "", now=time.time())
    store.close()
    told: list[str] = []
    prepare(tmp_path, SUBJECT, 30, told.append)
    assert (folder / "demo.db").exists() and not told
