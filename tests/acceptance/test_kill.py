"""kill -9 of any one process of a run, then `suchlike run` again: the same result, nothing twice, nothing left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import until
from patience import PATIENCE_S, RUN_S
from scripted_site import Answer, Site
from working import at_work_in, children, end, said, started

from pipelines.config import load
from pipelines.stores import articles, fates, hosts, open_store
from pipelines.stores.tellings import retold
from pipelines.warc import read

pytestmark = pytest.mark.slow
SEEDS = Path(__file__).parents[2] / "seeds" / "night-trains"
# the demo's web would end by itself a minute after it was last asked
GONE_S = 45.0
# so slow that a run is met in the middle
SLOWLY = {"SUCHLIKE_CRAWL__RATE": "10/1s"}
# one site to its very end: which articles there are does not depend on the order of the visits
PROJECT = """\
mode = "demo"
[profile.night-trains]
seeds = "seeds/"
[crawl]
pages = {pages}
rate = "200/1s"
roam = false
[sources]
sites = ["http://railview.test/"]
[store]
keep = "all"
"""
STEPS: dict[str, Callable[[str], bool]] = {
    "conductor": lambda line: line.endswith(" run --json"),
    "crawler": lambda line: "crawl-worker" in line,
    "parse worker": lambda line: line.endswith("work parse"),
    "batch of a parse worker": lambda line: line.endswith("work parse"),
    "dedupe worker": lambda line: line.endswith("work dedupe"),
    "store worker": lambda line: line.endswith("work store"),
    "broker": lambda line: "valkey.sock" in line or "unixsocket" in line,
    "demo web": lambda line: "crawler.demo.server" in line,
}


def project(folder: Path, pages: int = 0) -> Path:
    (folder / "seeds").mkdir(parents=True)
    for name in ("back-on-the-timetable.txt", "night-lines-letter.eml"):
        (folder / "seeds" / name).write_bytes((SEEDS / name).read_bytes())
    (folder / "suchlike.toml").write_text(PROJECT.format(pages=pages))
    return folder


def run(folder: Path) -> dict[str, Any]:
    """Runs to the end; the summary."""
    with started(folder, "run", "--json") as process:
        code = process.wait(RUN_S)
    assert code in (0, 1), said(folder)
    return json.loads(next(line for line in reversed(said(folder).splitlines()) if line.startswith("{")))


def result(folder: Path) -> dict[str, Any]:
    """What a run has brought, after checking that its books balance."""
    store = open_store(load(folder).database)
    with store.read() as connection:
        ends = fates.count(connection)
        found = list(articles.listed(connection, everything=True, copies=True))
        frontier = hosts.frontier(connection)
        stories = {frozenset([one["canonical"], *(copy["url"] for copy in one["copies"])])
                   for one in retold(connection)}  # fmt: skip
    store.close()
    assert ends["fetched"] == (
        ends["stored"] + ends["duplicate"] + sum(ends["dropped"].values()) + sum(ends["dead"].values())
    )
    assert (ends["in_flight"], frontier["leased"], frontier["urls"]) == (0, 0, 0)
    assert len(found) == ends["stored"] + ends["duplicate"]
    urls = [one["url"] for one in found]
    assert len(set(urls)) == len(urls)
    _check_archive(folder, found)
    return {
        "articles": set(urls),
        "matches": {one["url"] for one in found if one["match"]},
        "stories": stories,
        "texts": {one["url"]: one["sha256"] for one in found},
    }


def _check_archive(folder: Path, found: list[dict[str, Any]]) -> None:
    """Every article's page lies in the archive, at a place of its own."""
    places = {(one["archive"]["file"], one["archive"]["offset"]): one["url"] for one in found}
    assert len(places) == len(found)
    recorded = {page.url for file in (folder / "warc").iterdir() for page in read(file)}
    assert recorded >= set(places.values())


def pages(folder: Path) -> int:
    """Pages fetched so far; asked often, so without opening the store as we do."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{folder / 'demo.db'}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM urls WHERE state BETWEEN 2 AND 8").fetchone()[0])
    except sqlite3.Error:  # it is just being made
        return 0


def find(folder: Path, step: str) -> int:
    """The process of ours that does this step."""
    ours = at_work_in(folder)
    if step == "demo web":  # it knows no folder
        ours = {pid: line for parent in ours for pid, line in children(parent).items()}
    pids = [pid for pid, line in ours.items() if STEPS[step](line)]
    if "parse worker" in step:  # which forks a process for each batch
        forked = [pid for pid in pids if any(pid in children(other) for other in pids)]
        pids = forked if "batch" in step else [pid for pid in pids if pid not in forked]
    return pids[0] if pids else 0


def nothing_runs(folder: Path) -> bool:
    return not at_work_in(folder)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """So short that the broker's socket lies in the project's folder, by which its process is found."""
    with tempfile.TemporaryDirectory(prefix="kill-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = project(tmp_path_factory.mktemp("undisturbed"))
    assert run(folder)["stopped_by"] == "exhausted"
    until(lambda: nothing_runs(folder), "the end of every process", GONE_S)
    found = result(folder)
    assert len(found["matches"]) >= 3
    assert len(found["articles"]) >= 50
    yield found


def _taken(found: list[int], pid: int) -> bool:
    """Keeps the process found, if one was."""
    found += [pid] if pid > 0 else []
    return bool(found)


@pytest.mark.parametrize("victim", STEPS)
def test_after_kill_9_the_result_is_the_same(tmp_path: Path, undisturbed: dict[str, Any], victim: str) -> None:
    folder = project(tmp_path / "killed")
    with started(folder, "run", "--json", **SLOWLY) as first:
        found: list[int] = []  # a batch's process may be gone a moment later
        until(lambda: pages(folder) >= 15 and _taken(found, find(folder, victim)), "the first pages")
        with contextlib.suppress(ProcessLookupError):
            os.kill(found[-1], signal.SIGKILL)
        if victim == "conductor":
            assert first.wait(PATIENCE_S) == -signal.SIGKILL
            # at once, while what the dead one held is still on its way out
            assert run(folder)["stopped_by"] == "exhausted"
        else:  # the run itself makes up for it
            assert first.wait(RUN_S) in (0, 1), said(folder)
    until(lambda: nothing_runs(folder), "the end of every process", GONE_S)
    assert result(folder) == undisturbed


def test_the_children_of_a_killed_conductor_do_not_outlive_it(tmp_path: Path) -> None:
    folder = project(tmp_path / "killed")
    with started(folder, "run") as first:
        until(lambda: pages(folder) >= 5 and len(at_work_in(folder)) >= 6, "the first pages")
        first.kill()
        first.wait()
        until(lambda: nothing_runs(folder), lambda: f"the end of {at_work_in(folder)}", GONE_S)


def test_ctrl_c_stops_in_order_and_the_run_goes_on_later(tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    folder = project(tmp_path / "stopped")
    with started(folder, "run", "--json", **SLOWLY) as first:
        until(lambda: pages(folder) >= 15, "the first pages")
        first.send_signal(signal.SIGINT)
        assert first.wait(PATIENCE_S) == 3, said(folder)
    assert nothing_runs(folder)
    assert "did not stop" not in said(folder), "nobody had to be killed"
    assert "Traceback" not in said(folder) and "Ctrl-C again waits for nobody" in said(folder)
    summary = run(folder)
    assert (summary["run"], summary["stopped_by"]) == (1, "exhausted")
    assert result(folder) == undisturbed


SLOW = """\
[profile.night-trains]
seeds = "seeds/"
[crawl]
rate = "10/1s"
proxy = "{proxy}"
[sources]
sites = ["http://slow.test/"]
[store]
keep = "all"
"""
# promised are ten seconds; a page that is not answered is given up after twenty
STOPS_S = 15.0


def test_a_run_asked_to_stop_does_not_wait_for_a_page_that_does_not_come(tmp_path: Path) -> None:
    folder = project(tmp_path / "stopped")
    page = f"<p>{'word and more ' * 200}</p><a href='/hangs'>more</a>".encode()
    html = {"content-type": "text/html"}
    answers = {"slow.test/": Answer(body=page, headers=html),
               "slow.test/hangs": (Answer(hangs=True), Answer(body=page, headers=html))}  # fmt: skip
    with Site(answers) as site:
        (folder / "suchlike.toml").write_text(SLOW.format(proxy=site.url))
        with started(folder, "run") as first:
            until(lambda: bool(site.requests("slow.test", "/hangs")), "the page that does not come")
            first.send_signal(signal.SIGTERM)
            assert first.wait(STOPS_S) == 3, said(folder)
        assert "did not stop" not in said(folder) and "Traceback" not in said(folder)
        store = open_store(load(folder).database)
        with store.read() as connection:
            waiting = hosts.frontier(connection)
            assert (waiting["urls"], waiting["leased"]) == (1, 0), "it was handed back"
            assert fates.count(connection)["fetched"] == 1, "what came before was handed over"
        store.close()
        assert run(folder)["pages_fetched"] == 2
        asked, again = site.requests("slow.test", "/hangs")
        assert again.at - asked.at > 0.1


def test_a_second_ctrl_c_waits_for_nobody(tmp_path: Path) -> None:
    folder = project(tmp_path / "stopped")
    with started(folder, "run") as first:
        until(lambda: pages(folder) >= 5 and find(folder, "store worker") > 0, "the first pages")
        os.kill(find(folder, "store worker"), signal.SIGSTOP)  # this one will not stop when asked
        first.send_signal(signal.SIGINT)
        until(lambda: not find(folder, "crawler"), "the crawler's end")
        assert first.poll() is None
        first.send_signal(signal.SIGINT)
        assert first.wait(PATIENCE_S) == 3, said(folder)
    assert nothing_runs(folder)
    assert "did not stop" not in said(folder), "its time was not waited for"


def test_a_second_run_beside_the_first_is_refused(
    tmp_path: Path, suchlike: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    folder = project(tmp_path, 20)
    with started(folder, "run") as first:
        until(lambda: bool(find(folder, "crawler")), "the first run's start")
        first.send_signal(signal.SIGSTOP)  # so that it is at work for as long as the second takes
        try:
            second = suchlike("run")
        finally:
            first.send_signal(signal.SIGCONT)
        assert second.returncode == 2
        assert "Another run is at work" in second.stderr
        assert first.wait(RUN_S) in (0, 1), said(folder)


def test_the_lines_of_the_procfile_and_a_run_beside_them_work_together(
    tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    folder = project(tmp_path / "procfile")
    lines = [
        line.partition(": suchlike ")[2].split() for line in (SEEDS.parents[1] / "Procfile").read_text().splitlines()
    ]
    assert [line[0] for line in lines] == ["broker", "crawl-worker", "work", "clock", "web"]
    held = [started(folder, *line) for line in lines]
    processes = [one.__enter__() for one in held]
    try:
        until(lambda: find(folder, "broker") > 0 and find(folder, "store worker") > 0, "the start of all")
        server = find(folder, "broker")
        # in the middle of its way to the workers
        assert run(folder)["stopped_by"] == "exhausted"
        assert [process.poll() for process in processes] == [None] * len(lines), said(folder)
        assert find(folder, "broker") == server, "the run used the broker that was there, and left it"
        assert result(folder) == undisturbed
        assert "Traceback" not in said(folder)
        for process in processes:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(PATIENCE_S) for process in processes] == [0] * len(lines)
    finally:
        for process in processes:
            end(process)
        for one in held:
            one.__exit__(None, None, None)
    until(lambda: nothing_runs(folder), "the end of every process", GONE_S)


def test_a_run_survives_the_end_of_the_broker_it_found_and_the_next_broker_takes_over(tmp_path: Path) -> None:
    folder = project(tmp_path / "shared", 60)
    with started(folder, "broker") as first:
        until(lambda: find(folder, "broker") > 0, "the broker's start")
        with started(folder, "run", "--json") as process:
            until(lambda: pages(folder) >= 5 and find(folder, "store worker") > 0, "the first pages")
            held = find(folder, "store worker")
            os.kill(held, signal.SIGSTOP)  # so that the run does not end before the second broker is there
            first.terminate()
            assert first.wait(PATIENCE_S) == 0
            until(lambda: find(folder, "broker") > 0, "a broker of the run's own")
            with started(folder, "broker") as second:
                until(lambda: "takes over" in said(folder), "the second broker's start")
                os.kill(held, signal.SIGCONT)
                assert process.wait(RUN_S) in (0, 1), said(folder)
                until(lambda: find(folder, "broker") in children(second.pid), "the second taking over")
    until(lambda: nothing_runs(folder), "the end of every process", GONE_S)
