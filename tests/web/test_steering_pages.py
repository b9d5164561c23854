"""What a visitor says to a run at work: the buttons of Overview, and the versions of an article beside each other."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest
from looking import client, serving, visiting
from patience import PATIENCE_S
from sqlalchemy import select, update
from starlette.testclient import TestClient

from crawler.web.frame import state_of
from pipelines.stores import Store, articles, marks, open_store, revisions, runs, schedules, tallies
from pipelines.stores.runs import Run
from pipelines.stores.schema import articles as table
from pipelines.stores.schema import runs as run_table
from pipelines.stores.schema import urls
from pipelines.stores.states import State

OURS = {"origin": "http://127.0.0.1:7420", "sec-fetch-site": "same-origin"}


@pytest.fixture
def at_work(copied: Path) -> Store:
    """The store of a project whose run somebody seems to be at, for the next hour."""
    store = open_store(f"sqlite:///{copied / 'replay.db'}", create=False)
    with store.write() as connection:
        connection.execute(update(run_table).values(ended_at=None, stopped_by=None, seen_at=time.time() + 3600))
    return store


def now(store: Store) -> Run:
    """The run as the store has it."""
    with store.read() as connection:
        found = runs.latest(connection)
    assert found is not None
    return found


def counted(asked: TestClient) -> str:
    """Overview, once everything is counted."""
    deadline = time.monotonic() + PATIENCE_S
    while "the numbers add up to them" not in (page := asked.get("/").text):
        assert time.monotonic() < deadline
    return page


def test_a_run_at_work_is_steered_by_forms(copied: Path, at_work: Store) -> None:
    asked = client(copied)
    budget = now(at_work).config.crawl.pages
    for deed, state in [("pause", "paused"), ("more", "paused"), ("resume", "running"), ("stop", "stopped")]:
        done = asked.post("/run", data={"deed": deed}, headers=OURS)
        assert (done.status_code, done.headers["location"]) == (303, "/")
        assert state_of(now(at_work)) == state, deed
    assert now(at_work).config.crawl.pages == budget + 500
    page = asked.get("/").text
    assert "stopped" in page and 'action="/run"' not in page
    refused = asked.post("/run", data={"deed": "pause"}, headers=OURS)
    assert refused.status_code == 400 and "No run is at work" in refused.text
    assert state_of(now(at_work)) == "stopped"


def test_matches_are_those_told_last_by_a_count_or_by_the_run_itself(copied: Path, at_work: Store) -> None:
    asked = client(copied)
    page = counted(asked)
    with at_work.write() as connection:
        number = tallies.matches(connection)
        assert f"<dt>matches</dt><dd>{number}</dd>" in page
        marks.note(connection, now(at_work).id, 500, number + 7, now=time.time() + 60)
    assert f"<dt>matches</dt><dd>{number + 7}</dd>" in asked.get("/").text


@pytest.mark.parametrize("form", [{"deed": "end"}, {}, {"deed": ""}])
def test_what_cannot_be_done_to_a_run_is_told(copied: Path, at_work: Store, form: dict[str, str]) -> None:
    assert client(copied).post("/run", data=form, headers=OURS).status_code == 400
    assert state_of(now(at_work)) == "running"


def test_no_other_page_steers_a_run(copied: Path, at_work: Store) -> None:
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert client(copied).post("/run", data={"deed": "stop"}, headers=headers).status_code == 403
    assert client(copied, known=False).post("/run", data={"deed": "stop"}, headers=OURS).status_code == 401
    assert client(copied).get("/run").status_code == 405
    assert state_of(now(at_work)) == "running"


def test_the_report_is_taken_along_and_never_shown_here(results: Path) -> None:
    got = client(results).get("/report")
    assert got.status_code == 200 and got.text.lstrip().lower().startswith("<!doctype html>")
    assert got.headers["content-disposition"].startswith("attachment")
    assert "default-src" in got.headers["content-security-policy"]
    assert 'href="/report"' in client(results).get("/").text


def changed(store: Store) -> tuple[int, str]:
    """The best article with a version before the one it has; its row, and its headline."""
    with store.write() as connection:
        row = next(iter(articles.listed(connection)))["id"]
        held = connection.execute(select(table.c.title, table.c.text).where(table.c.id == row)).one()
        revisions.keep(connection, row)
        first, _, rest = held.text.partition("\n")
        text = f"{first}\nThe board corrects a figure of <b>yesterday</b>.\n{rest}"
        connection.execute(
            update(table).where(table.c.id == row)
            .values(revision=table.c.revision + 1, title=f"Corrected: {held.title}", text=text)
        )  # fmt: skip
    return row, held.title


def test_a_broker_that_is_away_is_told_as_that(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No worker is up" in client(copied).get("/queues").text
    monkeypatch.setenv("SUCHLIKE_REDIS", "redis://:secret@127.0.0.1:1/0")
    assert "The broker does not answer" in client(copied).get("/queues").text


@pytest.mark.parametrize("path", ["/queues", "/metrics"])
def test_a_frozen_broker_holds_up_no_page(copied: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        monkeypatch.setenv("SUCHLIKE_REDIS", f"redis://127.0.0.1:{frozen.getsockname()[1]}/0")
        told = client(copied).get(path)
        asking, _ = frozen.accept()
        with asking:
            asking.recv(1 << 16)
            asking.setblocking(False)
            with pytest.raises(
                BlockingIOError
            ):  # whoever asked it waits still, and gives it up long after the page came
                asking.recv(1)
    assert told.status_code == 200
    assert path == "/metrics" or "The broker does not answer" in told.text


def test_a_full_disk_is_said_where_the_queues_are_shown(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Crawlers pause" not in client(copied).get("/queues").text
    monkeypatch.setenv("SUCHLIKE_STORE__RESERVE_MB", "1000000000")
    assert "Crawlers pause: only" in client(copied).get("/queues").text


def test_a_database_that_is_away_is_a_page_and_an_answer_that_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUCHLIKE_DATABASE", "postgresql+psycopg://me:secret@127.0.0.1:1/none")
    asked = client(tmp_path)
    for path in ("/", "/queues", "/results", "/healthz", "/api/v1/status"):
        told = asked.get(path)
        assert told.status_code == 503 and "secret" not in told.text, path
    assert "Nothing to show right now" in asked.get("/").text
    assert asked.get("/healthz").json() == {"ok": False, "database": "away"}


@pytest.mark.slow
def test_buttons_and_versions_work_in_a_browser_without_javascript(chromium: Any, copied: Path, at_work: Store) -> None:
    row, title = changed(at_work)
    for served in serving(copied):
        for visit in visiting(chromium, served.base, served.door, java_script_enabled=False):
            page = visit.go("/")
            page.get_by_role("button", name="Pause").click()
            assert "is paused" in page.locator("#state").inner_text()
            page.get_by_role("button", name="+500 pages").click()
            page.get_by_role("button", name="Go on").click()
            assert "is at work" in page.locator("#state").inner_text()
            assert not page.get_by_role("button", name="Stop run").is_visible()
            page.locator("#controls summary").click()
            page.get_by_role("button", name="Stop run").click()
            assert "stopped" in page.locator("#state").inner_text()
            page = visit.go(f"/article/{row}")
            assert page.locator("#versions tbody").first.locator("tr").count() == 2
            assert "corrects a figure of <b>yesterday</b>" in page.locator("table.diff ins").first.inner_text()
            assert page.locator("table.diff tr.same").count() > 1
            assert title in page.locator("#versions").inner_text() and "new headline" in page.content()
            page.locator("input[name=a]").last.check()
            page.locator("input[name=b]").first.check()
            page.get_by_role("button", name="Compare").click()
            assert "yesterday" in page.locator("table.diff del").first.inner_text()


def test_a_run_that_read_again_what_was_known_says_so_and_calls_only_what_is_new_its_matches(copied: Path) -> None:
    with open_store(f"sqlite:///{copied / 'replay.db'}", create=False).write() as connection:
        first = runs.latest(connection)
        assert first is not None
        known = tallies.matches(connection)
        second = runs.start(connection, first.config, first.profile, now=time.time()).id
        connection.execute(update(urls).where(urls.c.state.in_((State.STORED, State.DUPLICATE))).values(run=second))
        connection.execute(
            update(run_table).where(run_table.c.id == second)
            .values(revisited=known, unmodified=known - 1, changed=1, ended_at=time.time(), stopped_by="exhausted")
        )  # fmt: skip
    page = counted(client(copied))
    assert f"{known} were known before" in page
    assert f"{known} of the pages and lists had been read before: {known - 1} unmodified, 1 with a new text" in page
    assert "match now" not in page


def test_a_schedule_without_a_clock_is_said_to_wait_for_one(copied: Path) -> None:
    with (copied / "suchlike.toml").open("a") as file:
        file.write('\n[schedule]\nharbour = "every 6h"\n')
    asked = client(copied)
    assert "No clock is running" in asked.get("/queues").text
    with open_store(f"sqlite:///{copied / 'replay.db'}", create=False).write() as connection:
        schedules.clock_was_here(connection, now=time.time())
    assert "No clock is running" not in asked.get("/queues").text
