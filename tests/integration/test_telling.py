"""What `show` says of a URL: where it was found, in which words, and what was expected; what `traps` says of hosts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from crawler.project import Project
from pipelines.records import Candidate
from pipelines.stores import discovery, open_store, runs, traps
from pipelines.stores.discovery import Found


def test_show_tells_why_a_url_had_its_turn(
    tmp_path: Path, suchlike: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    config = Project(tmp_path).config()
    store = open_store(config.database, mode=config.mode)
    front = Candidate("https://paper.test/", "start")
    section = Candidate("https://paper.test/harbour/", "links", anchor="Harbour")
    article = Candidate("https://paper.test/harbour/tender", "links", anchor="Board annuls the dredging tender")
    with store.write() as connection:
        run = runs.start(connection, config, "", now=0.0).id
        for depth, (candidate, parent, expected) in enumerate(
            [(front, None, 0.95), (section, 1, 0.2), (article, 2, 0.62)]
        ):
            discovery.discover(connection, [Found(candidate, expected, depth, parent)], run=run, now=0.0)
    store.close()
    told = suchlike("show", article.url)
    assert told.returncode == 0, told.stderr
    assert (
        " found on  https://paper.test/harbour/, anchor “Board annuls the dredging tender”, expected 0.62 "
        "(links, depth 2)\n"
        "           which was found on https://paper.test/\n"
    ) in told.stdout
    assert " found by  start, expected 0.95 (start, depth 0)\n" in suchlike("show", front.url).stdout


def test_traps_are_told_host_by_host_with_their_reason_and_an_example(
    tmp_path: Path, suchlike: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    config = Project(tmp_path).config()
    store = open_store(config.database, mode=config.mode)
    assert (suchlike("traps").returncode, suchlike("traps").stdout) == (1, "")
    days, pages = "https://paper.test/calendar/2026/11/05", "https://paper.test/?page=4711"
    with store.write() as connection:
        discovery.host_ids(connection, ["paper.test"])
        for _ in range(2):
            traps.note(connection, {("paper.test", "calendar"): (20, days), ("paper.test", "pagination"): (3, pages)})
    store.close()
    told = [json.loads(line) for line in suchlike("traps", "--json").stdout.splitlines()]
    assert told == [
        {"host": "paper.test", "reason": "calendar", "number": 40, "example": days},
        {"host": "paper.test", "reason": "pagination", "number": 6, "example": pages},
    ]
    assert [line.split() for line in suchlike("traps").stdout.splitlines()] == [
        ["40", "paper.test", "calendar", days], ["6", "paper.test", "pagination", pages],
    ]  # fmt: skip
