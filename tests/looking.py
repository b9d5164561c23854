"""A project with results to look at, its dashboard served by a process of its own, and a real browser (Debian's)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from patience import PATIENCE_S
from starlette.testclient import TestClient

from crawler.demo.gold import planted
from crawler.demo.web import DemoWeb
from crawler.project import Project
from crawler.web.access import Access
from crawler.web.app import build
from crawler.web.desk import Desk
from pipelines.stores import marks, open_store

TOKEN = "a-token-that-nobody-guesses"
CHROMIUM = "/usr/bin/chromium"
# nothing of the browser's own may reach for the network
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run"]  # fmt: skip
OTHERS = 40
# how often a curve is marked in the made-up history of the run
STEP = 10


def recorded_demo(folder: Path) -> Path:
    """Pages of the invented web, as a recorded folder: every planted story's, and others beside them."""
    web = DemoWeb.build()
    wanted = [url for story in planted(web, "harbour-dredging") if story.fetchable for url in story.urls]
    others = [url for url in web.urls if url.endswith(".html") or "/20" in url]
    chosen = dict.fromkeys([*wanted, *others[:: max(1, len(others) // OTHERS)], *web.start_urls])
    folder.mkdir(parents=True)
    lines = []
    for number, url in enumerate(chosen):
        answer = web.answer("GET", url, {})
        name = f"{number}.html"
        (folder / name).write_bytes(answer.body)
        told = {"file": name, "url": url, "status": answer.status, "headers": dict(answer.headers)}
        lines.append(json.dumps(told | {"fetched_at": "2026-11-20T10:00:00Z"}))
    (folder / "manifest.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with a replayed part of the demo web in its store; not to be written to."""
    folder = tmp_path_factory.mktemp("looked-at") / "harbour"
    folder.mkdir()
    seeds = Path(__file__).parents[1] / "seeds" / "harbour-dredging"
    shutil.copytree(seeds, folder / "seeds")
    (folder / "suchlike.toml").write_text('[profile.harbour]\nseeds = "seeds/"\n', encoding="utf-8")
    done = Project(folder).replay([recorded_demo(folder / "recorded")])
    with open_store(f"sqlite:///{folder / 'replay.db'}", create=False).write() as connection:
        for pages in range(STEP, done["pages_fetched"] + 1, STEP):
            marks.note(connection, done["run"], pages, pages * done["matches"] // done["pages_fetched"], now=1.0)
    return folder


@pytest.fixture
def copied(results: Path, tmp_path: Path) -> Path:
    """A copy of that project, to be changed."""
    folder = tmp_path / "harbour"
    shutil.copytree(results, folder, ignore=shutil.ignore_patterns("*.lock", "web-token"))
    return folder


def client(folder: Path, *, known: bool = True, **access: Any) -> TestClient:
    """The dashboard of a project, asked without a socket; `known` visitors have the cookie."""
    held = Access(**{"token": TOKEN, "port": 7420, **access})
    asked = TestClient(build(Desk(Project(folder)), held), base_url="http://127.0.0.1:7420", follow_redirects=False)
    if known:
        asked.cookies.set(held.cookie, held.pass_)
    return asked


@dataclass
class Served:
    """A dashboard that runs: where, and how to come in."""

    base: str
    token: str

    @property
    def door(self) -> str:
        """The address that is printed."""
        return f"{self.base}/?token={self.token}"


def serving(folder: Path) -> Iterator[Served]:
    """`suchlike web` for a project, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "crawler", "-C", str(folder), "web"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, env={**os.environ, "SUCHLIKE_WEB__TOKEN": TOKEN},
    )  # fmt: skip
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        assert "?token=" in said, said
        yield Served(said.split()[-1].partition("/?")[0], TOKEN)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stderr.close()


@pytest.fixture(scope="session")
def dashboard(results: Path) -> Iterator[Served]:
    """The dashboard of the project with results."""
    yield from serving(results)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser; a missing one skips here, fails in CI. While it is open, its event loop is this thread's."""
    from conftest import absent
    from playwright.sync_api import sync_playwright

    if not Path(CHROMIUM).exists():
        absent("Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@dataclass
class Visit:
    """One visitor's tab, and everything it complained of: console errors, failed and outward requests, dialogs."""

    page: Any
    base: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> Any:
        """Opens a page of the dashboard."""
        self.page.goto(self.base + path)
        return self.page

    def until(self, done: str, seconds: float = PATIENCE_S) -> None:
        """Waits until a JavaScript expression is true; asked from outside, since the page's policy forbids eval."""
        deadline = time.monotonic() + seconds
        while not self._is(done):
            assert time.monotonic() < deadline, f"{done} did not come true"
            self.page.wait_for_timeout(100)

    def _is(self, done: str) -> bool:
        from playwright.sync_api import Error

        try:
            return bool(self.page.evaluate(done))
        except Error as error:
            if "context" in str(error) or "navigat" in str(error):  # the page is just being left
                return False
            raise


def visiting(browser: Any, base: str, door: str, **context: Any) -> Iterator[Visit]:
    """A tab that came in by the door; whatever it complained of fails the test."""
    opened = browser.new_context(**{"viewport": {"width": 1240, "height": 800}, **context})
    opened.set_default_timeout(1000 * PATIENCE_S)
    page = opened.new_page()
    visit = Visit(page, base)
    page.on("console", lambda said: said.type in ("error", "warning") and visit.complaints.append(said.text))
    page.on("pageerror", lambda error: visit.complaints.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (visit.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda asked: asked.url.startswith((base, "data:")) or visit.complaints.append(asked.url))
    page.goto(door)
    page.wait_for_url(f"{base}/")
    try:
        yield visit
    finally:
        opened.close()
    assert visit.complaints == []


@pytest.fixture
def visit(chromium: Any, dashboard: Served) -> Iterator[Visit]:
    """A tab on the dashboard with results."""
    yield from visiting(chromium, dashboard.base, dashboard.door)
