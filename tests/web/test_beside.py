"""The dashboard beside a run: its address is said first, it follows the run live, and it ends with it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import webbrowser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from conftest import until
from looking import TOKEN, Served, visiting
from patience import PATIENCE_S, RUN_S
from working import at_work_in

from crawler.cli.browser import shown
from crawler.web.served import bound
from pipelines.errors import UsageError

ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)/\?token=\S+")


@pytest.mark.slow
def test_a_running_demo_is_followed_live(chromium: Any, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "crawler", "-C", str(tmp_path), "demo", "--pages", "150", "--open"]
    log, told = tmp_path / "said", tmp_path / "told"
    browser = program(tmp_path / "browser", f'echo "$1" > {told}')
    with log.open("wb") as said:
        demo = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env={**os.environ, "BROWSER": f"{browser} %s"}
        )
    try:
        until(lambda: ADDRESS.search(log.read_text()) is not None, "the address")
        first = next(line for line in log.read_text().splitlines() if line.strip())
        found = ADDRESS.search(first)
        assert found, f"the first line has no address: {first}"
        until((tmp_path / "suchlike-demo" / "demo.db").exists, "the store")
        until(lambda: told.exists() and told.read_text().endswith("/open.html\n"), "the browser")
        for visit in visiting(chromium, found[1], found[0]):
            # until the run is in the store there is nothing to look at
            while visit.page.locator("#numbers").count() == 0:
                assert demo.poll() is None, log.read_text()
                visit.complaints.clear()
                visit.page.wait_for_timeout(500)
                visit.go("/")
            assert visit.page.locator(".badge").inner_text() == "DEMO"
            pages = "Number(document.querySelectorAll('#numbers dd:first-of-type')[2].firstChild.textContent)"
            seen = visit.page.evaluate(pages)
            visit.until(f"{pages} > {seen}")
            visit.until("document.querySelectorAll('#latest a').length > 0")
            visit.until("document.querySelector('#harvest canvas') !== null")
            assert visit.page.url == f"{found[1]}/", "it was never loaded anew by hand"
            visit.until("document.querySelector('#state .lost') !== null")  # it ends with the run
            state = visit.page.locator("#state").inner_text()
            assert state.startswith("run 1 ended") and "suchlike web opens it again" in state
            assert visit.page.locator("main button:enabled").count() == 0
            visit.page.close()
            visit.complaints.clear()  # of the dashboard that is gone
        demo.wait(RUN_S)
        assert demo.returncode == 0, log.read_text()
    finally:
        if demo.poll() is None:
            demo.send_signal(signal.SIGINT)
            demo.wait(PATIENCE_S)
    until(lambda: len(at_work_in(tmp_path)) == 0, "the end of all processes")


@pytest.fixture
def no_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of a machine without windows and browsers, of which Python knows none yet."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    monkeypatch.setattr(webbrowser, "_browsers", {})


def program(file: Path, script: str) -> Path:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


@pytest.mark.usefixtures("no_browser")
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS always has a browser with windows")
def test_no_browser_takes_the_terminal_of_the_run(tmp_path: Path) -> None:
    program(tmp_path / "w3m", f"touch {tmp_path}/shown")
    assert webbrowser.get().basename in {"www-browser", "links", "elinks", "lynx", "w3m"}
    with shown("http://127.0.0.1:9/", tmp_path) as there_is_one:
        assert not there_is_one
    assert not (tmp_path / "shown").exists()


@pytest.mark.usefixtures("no_browser")
def test_a_run_does_not_wait_for_a_browser_that_lasts_as_long_as_its_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "closed")
    monkeypatch.setenv("BROWSER", f"{program(tmp_path / 'browser', f'read line < {tmp_path}/closed')} %s")
    with shown("http://127.0.0.1:9/", tmp_path) as there_is_one:
        assert there_is_one
    (tmp_path / "closed").write_text("the window is closed\n")  # once it is open


@pytest.mark.usefixtures("no_browser")
def test_a_browser_is_told_no_token_that_others_on_the_machine_could_read(
    chromium: Any, dashboard: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    browser = program(tmp_path / "browser", f'echo "$1" > {told}.new && mv {told}.new {told}')
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    folder = tmp_path / "a project"
    with shown(dashboard.door, folder) as there_is_one:
        assert there_is_one
        until(told.exists, "the browser")
        address = told.read_text().strip()
        assert TOKEN not in address
        assert (folder / ".suchlike" / "open.html").stat().st_mode & 0o777 == 0o600
        page = chromium.new_page()
        page.goto(address)
        page.wait_for_url(f"{dashboard.base}/")
        page.wait_for_selector("#numbers")
        page.context.close()
    assert list(folder.rglob("*.html")) == []


def test_no_web_means_no_web(suchlike: Any) -> None:
    done = suchlike("run", "--no-web", "--site", "http://127.0.0.1:9/")
    assert "dashboard" not in done.stderr


def test_a_taken_port_is_said_or_another_one_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held, pytest.raises(UsageError, match="name another --port"):
        bound("127.0.0.1", held.getsockname()[1])
    with bound("127.0.0.1", None) as one, bound("127.0.0.1", None) as other:
        assert one.getsockname()[1] != other.getsockname()[1]


def test_everything_the_pages_need_is_in_the_package() -> None:
    """Where the package is installed from its wheel, as in CI, this is what the wheel holds."""
    ours = Path(__file__).parents[2] / "crawler" / "web"
    packaged = files("crawler.web")
    wanted = [file for file in ours.rglob("*") if file.is_file() and file.suffix not in (".py", ".pyc")]
    assert len(wanted) > 20
    for file in wanted:
        assert packaged.joinpath(*file.relative_to(ours).parts).read_bytes() == file.read_bytes(), file


def test_what_is_sent_does_not_wait_for_what_was_sent_before() -> None:
    with bound("127.0.0.1", None) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
