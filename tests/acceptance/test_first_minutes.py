"""The first five minutes at a terminal, wide and narrow: the demo, then the quick start, typed as its page shows it.

What a newcomer needs is asked of every step: that it fits, and that it says what to do next.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import documented
import pytest
from patience import PATIENCE_S
from terminal import Shown, Terminal

from crawler.demo.served import served

PLACES = {"https://news.example/": "http://northhaven-post.test/"}
# the verb that was typed, and what its end tells to type next
NEXT = {
    "demo": ["explain 1", "init mytopic"], "init": ["seed add"], "seed add": ["seed check"], "seed check": ["plan"],
    "plan": ["run"], "run": ["list", "explain 1", "web", "export csv"], "list": ["explain 1"],
    "explain": ["rate 1 +", "show 1", "export csv"], "export": ["verify", "report"],
}  # fmt: skip
ANSWERS = ["nobody", "you@your.domain", "http://northhaven-post.test/", ""]


@pytest.fixture(scope="module", params=[80, 40])
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Everything typed and shown, at this width."""
    folder = tmp_path_factory.mktemp("newcomer")
    shutil.copytree(documented.ROOT / "seeds" / "harbour-dredging", folder / "clips")
    (folder / "clips" / "mud.txt").write_text((folder / "clips" / "where-the-mud-goes.md").read_text("utf-8"), "utf-8")
    with served() as web:
        told = {"SUCHLIKE_CRAWL__PROXY": web, "SUCHLIKE_CRAWL__RATE": "50/1s", "SUCHLIKE_LOG__FORMAT": "json"}
        terminal = Terminal(request.param, folder, told)
        terminal.type("suchlike demo --pages 20")
        for words in quick_start():
            if words[0] == "cd":
                terminal.folder /= words[1]
            elif words[1] == "init" and request.param == 40:
                terminal.type("suchlike init floods", ANSWERS)
            else:
                fewer = {"40": "15"} if request.param == 40 and words[1] == "run" else {}
                terminal.type(" ".join((PLACES | fewer).get(word, word) for word in words))
        yield terminal


def quick_start() -> Iterator[list[str]]:
    """The commands of the page, from the project on."""
    for block in documented.blocks("console"):
        if block.page.stem == "quick-start":
            yield from documented.commands(block)


def shown(session: Terminal, verb: str) -> Shown:
    """What a verb showed."""
    return next(one for one in session.shown if one.command.startswith(f"suchlike {verb}"))


@pytest.mark.slow
def test_every_step_works_fits_and_says_what_comes_next(session: Terminal) -> None:
    assert [(one.command, one.code) for one in session.shown if one.code] == []
    assert session.too_wide() == []
    for verb, following in NEXT.items():
        text = shown(session, verb).text
        after = text[text.index("next") :]
        assert all(f"suchlike {step}" in after or f" {step}" in after for step in following), verb


@pytest.mark.slow
def test_what_matters_is_on_screen(session: Terminal) -> None:
    for verb in ("demo", "run"):
        text = shown(session, verb).text
        assert text.index("http://127.0.0.1:") < text.index("learned from")
        assert "done in" in text and "best sites" in text
        assert any(line.startswith(("  1.00  ", "  0.9")) for line in text.splitlines()), "a title with its score"
    assert "allowed" in shown(session, "plan").text
    assert "1 links" not in shown(session, "fates").text
    config = (session.folder / "suchlike.toml").read_text(encoding="utf-8")
    assert "+mailto:you@your.domain" in config and "northhaven-post.test" in config
    asked = "Three questions" in shown(session, "init").text
    assert asked == (session.columns == 40)
    if asked:
        assert "'nobody' is no contact" in " ".join(shown(session, "init").text.split())
    assert (session.folder / "exports" / "articles.csv").is_file()
    assert (session.folder / "exports" / "report.html").is_file()


@pytest.mark.slow
def test_a_page_is_followed_through_the_logs_from_fetch_to_store(session: Terminal) -> None:
    lines: list[dict[str, Any]] = []
    for log in sorted((session.folder / ".suchlike" / "log").glob("*.log")):
        lines += [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert all({"time", "level", "logger", "process", "message"} <= line.keys() for line in lines)
    stored = [line for line in lines if line.get("to") in ("stored", "duplicate") and line["stage"] == "store"]
    assert stored
    for end in stored:
        way = sorted((line for line in lines if line.get("page") == end["page"]), key=lambda line: line["time"])
        assert [(step["stage"], step["to"]) for step in way][:3] == [
            ("crawl", "fetched"), ("parse", "parsed"), ("dedupe", "judged"),
        ]  # fmt: skip
        assert {step["url"] for step in way} == {end["url"]} and {step["run"] for step in way} == {1}
        assert len({step["process"] for step in way}) > 1
    dropped = [line for line in lines if line.get("to") == "dropped"]
    assert dropped and all(line["reason"] for line in dropped)


def test_nobody_is_asked_where_nobody_is_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "crawler", "-C", str(tmp_path), "init", "floods"], capture_output=True, text=True,
        stdin=subprocess.DEVNULL, check=True, env=dict(os.environ), timeout=PATIENCE_S,
    )  # fmt: skip
    assert "questions" not in done.stderr and "next" in done.stderr
