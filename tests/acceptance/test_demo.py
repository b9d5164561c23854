"""The demo: what it finds and leaves alone, that it stays on this machine, that nothing was arranged for it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from conftest import absent, until
from patience import RUN_S

from crawler.cli.session import Session
from crawler.demo.gold import labels, planted
from crawler.demo.sites import SITES
from crawler.demo.web import DemoWeb
from pipelines.stores import articles, fates, hosts, open_store, runs
from pipelines.urls import host_of

# one process makes what all of them look at
pytestmark = pytest.mark.xdist_group("demo")

ROOT = Path(__file__).parents[2]
HELD_OUT = ROOT / "tests" / "fixtures" / "held_out_seeds" / "honeybees"
# in a network of its own: nothing but loopback, and a count of what was sent elsewhere all the same
ALONE = """
ip link set lo up || exit 99
"$@"
code=$?
sed -n '/^Ip:/p' /proc/net/snmp >"$COUNTED"
python3 -c 'import socket; socket.socket().connect_ex(("192.0.2.1", 80))'
sed -n '/^Ip:/p' /proc/net/snmp >>"$COUNTED"
exit $code
"""


@dataclass(frozen=True)
class Shown:
    """A demo that ended: its folder, its summary, and how many packets found no way out (None: nobody counted)."""

    folder: Path
    done: dict[str, Any]
    code: int
    err: str
    strayed: int | None

    def fetched(self) -> list[str]:
        """Every URL that was fetched."""
        with open_store(f"sqlite:///{self.folder / 'demo.db'}", create=False).read() as connection:
            query = "SELECT url FROM urls WHERE fetched_at IS NOT NULL"
            return [url for (url,) in connection.exec_driver_sql(query)]

    def found(self) -> set[str]:
        """The URLs of all matches and their copies."""
        with open_store(f"sqlite:///{self.folder / 'demo.db'}", create=False).read() as connection:
            return {article["url"] for article in articles.listed(connection, copies=True)}


def _no_route(counters: str) -> list[int]:
    rows = [line.split()[1:] for line in counters.splitlines()]
    return [int(values[names.index("OutNoRoutes")]) for names, values in zip(rows[::2], rows[1::2], strict=True)]


def _shown(folder: Path, made: Path, *arguments: str) -> Shown:
    command = [sys.executable, "-m", "crawler", "-C", str(folder), *arguments, "--json"]
    counted = folder / "counted"
    environment = {**os.environ, "COUNTED": str(counted)}
    alone = shutil.which("unshare") and shutil.which("ip")
    trial = ["unshare", "-rn", "ip", "link", "set", "lo", "up"]
    if alone and subprocess.run(trial, capture_output=True, check=False).returncode == 0:
        command = ["unshare", "-rn", "sh", "-c", ALONE, "sh", *command]
    said = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S, env=environment, check=False)
    strayed = None
    if counted.exists():
        strayed, control = _no_route(counted.read_text())
        assert control > strayed, "the counter counts"
    return Shown(made, json.loads(said.stdout or "{}"), said.returncode, said.stderr, strayed)


@pytest.fixture(scope="module")
def web() -> DemoWeb:
    return DemoWeb.build()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """The demo as the README has it."""
    folder = tmp_path_factory.mktemp("demo")
    return _shown(folder, folder / "suchlike-demo", "demo")


@pytest.mark.slow
def test_most_of_what_was_planted_is_found(shown: Shown) -> None:
    assert shown.code == 0, shown.err
    done = shown.done
    assert done["mode"] == "demo" and done["stopped_by"] == "budget"
    assert done["pages_fetched"] == 500
    assert done["planted"] >= 15
    assert done["planted_found"] >= 0.8 * done["planted"]


@pytest.mark.slow
def test_the_order_of_the_frontier_pays(shown: Shown) -> None:
    against = shown.done["breadth_first"]
    assert against["pages_fetched"] == shown.done["pages_fetched"]
    assert 0 < 2 * against["matches"] <= shown.done["matches"]


@pytest.mark.slow
def test_what_was_forecast_is_held_against_what_came(shown: Shown) -> None:
    settled = [one for one in shown.done["forecasts"] if one["came"] is not None]
    assert len(settled) > 2, shown.done["forecasts"]
    with open_store(f"sqlite:///{shown.folder / 'demo.db'}", create=False).read() as connection:
        found = [0, *accumulate(runs.harvest(connection, shown.done["run"]))]
    assert [one["came"] for one in settled] == [found[one["pages"] + 100] - found[one["pages"]] for one in settled]
    # forty matches fall unevenly on five hundred pages: the sums say more than each
    promised, came = (sum(one[name] for one in settled) for name in ("matches", "came"))
    assert came / 4 < promised < came * 4, settled
    # who knew nothing of the frontier would go on with what the run had brought until then
    late = [one for one in settled if one["pages"] > 150]
    assert sum(one["matches"] for one in late) < sum(100 * found[one["pages"]] / one["pages"] for one in late), settled


@pytest.mark.slow
def test_what_is_found_is_what_was_planted(shown: Shown, web: DemoWeb) -> None:
    about = labels(web)
    subjects = Counter(about.get(url, "filler") for url in shown.found())
    assert subjects["harbour-dredging"] >= 0.7 * subjects.total(), subjects


@pytest.mark.slow
def test_every_page_of_the_demo_ended_in_one_fate(shown: Shown) -> None:
    ends = shown.done["fates"]
    ended = ends["stored"] + ends["duplicate"] + sum(ends["dropped"].values()) + sum(ends["dead"].values())
    assert ends["fetched"] == shown.done["pages_fetched"] == ended
    assert ends["in_flight"] == 0
    with open_store(f"sqlite:///{shown.folder / 'demo.db'}", create=False).read() as connection:
        assert hosts.frontier(connection)["leased"] == 0
        assert fates.count(connection) == ends


@pytest.mark.slow
def test_no_trap_is_followed_beyond_its_bound(shown: Shown) -> None:
    paths = Counter(re.sub(r"[\d/]+$", "", url.split("://")[1]) for url in shown.fetched())
    assert paths["inland-echo.test/calendar"] <= 5
    assert sum(number for path, number in paths.items() if "/region/coast" in path) <= 5
    assert sum(number for path, number in paths.items() if "/search" in path) <= len(SITES)
    assert sum(number for path, number in paths.items() if "/loop/" in path) <= 2
    assert sum(number for path, number in paths.items() if "/subscribers/" in path) <= 5


@pytest.mark.slow
def test_what_robots_forbids_in_the_demo_is_never_fetched(shown: Shown) -> None:
    fetched = shown.fetched()
    assert not [url for url in fetched if host_of(url) == "sealed-archive.test" or "/private/" in url]


@pytest.mark.slow
def test_the_demo_sends_nothing_off_this_machine(shown: Shown) -> None:
    assert {host_of(url).rpartition(".")[2] for url in shown.fetched()} == {"test"}
    if not shutil.which("ip"):
        absent("iproute2")
    if shown.strayed is None:
        pytest.skip("this machine allows no network of our own to count in")
    assert shown.strayed == 0


def _processes_of(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(folder) in line:
                found.append(line)
    return found


@pytest.mark.slow
def test_no_process_of_the_demo_is_left(shown: Shown) -> None:
    folder = shown.folder.parent
    until(lambda: not _processes_of(folder), lambda: f"the end of {_processes_of(folder)}")


@pytest.mark.slow
def test_a_finished_demo_begins_anew_and_a_second_subject_brings_other_articles(
    shown: Shown, web: DemoWeb, tmp_path: Path
) -> None:
    other = _shown(tmp_path, tmp_path / "suchlike-demo", "demo", "--subject", "night-trains", "--pages", "300")
    assert other.code == 0, other.err
    assert other.done["planted_found"] >= 0.6 * other.done["planted"]
    subjects = Counter(labels(web).get(url, "filler") for url in other.found())
    assert subjects["night-trains"] >= 0.6 * subjects.total(), subjects
    assert not subjects["harbour-dredging"]
    again = _shown(tmp_path, tmp_path / "suchlike-demo", "demo", "--subject", "harbour-dredging", "--pages", "20")
    assert again.done["run"] == 1 and again.done["pages_fetched"] == 20


@pytest.mark.slow
def test_seeds_the_demo_was_not_made_with_bring_their_own_articles(web: DemoWeb, tmp_path: Path) -> None:
    shutil.copytree(HELD_OUT, tmp_path / "seeds")
    sites = ", ".join(f'"http://{site.host}/"' for site in SITES)
    (tmp_path / "suchlike.toml").write_text(
        'mode = "demo"\n[profile.honeybees]\nseeds = "seeds/"\n'
        f'[crawl]\npages = 350\nrate = "25/1s"\nroam = false\nconcurrency = 16\n[sources]\nsites = [{sites}]\n'
    )
    bees = _shown(tmp_path, tmp_path, "run")
    assert bees.code == 0, bees.err
    stories = [story for story in planted(web, "honeybees") if story.fetchable]
    found = bees.found()
    assert sum(1 for story in stories if found.intersection(story.urls)) >= 0.6 * len(stories)
    subjects = Counter(labels(web).get(url, "filler") for url in found)
    assert subjects["honeybees"] >= 0.6 * subjects.total(), subjects


@pytest.mark.slow
def test_a_demo_without_a_match_says_how_to_go_on(tmp_path: Path, suchlike: Any) -> None:
    done = suchlike("demo", "--pages", "2", "--no-web")
    assert (done.returncode, "0 match here" in done.stderr) == (1, True)
    told = done.stderr.partition("\n next ")[2]
    assert Session(tmp_path / "suchlike-demo").command("run", "--pages", "100") in told
    assert "explain" not in told and "export" not in told


def test_an_unknown_subject_names_those_there_are(tmp_path: Path, suchlike: Any) -> None:
    said = suchlike("demo", "--subject", "bees")
    assert said.returncode == 2
    assert "harbour-dredging" in said.stderr and "night-trains" in said.stderr
    assert said.stderr.count("\n") == 1


def _subject_words() -> set[str]:
    """Words of the demo's subjects and names that no ranking code may know."""
    words = {"dredg", "northhaven", "sediment", "sleeper train", "night train", "night-train", "honeybee", "beekeep"}
    return words | {site.host for site in SITES} | {site.host.partition(".")[0] for site in SITES if "-" in site.host}


@pytest.mark.parametrize("package", ["crawler", "workers", "pipelines"])
def test_the_code_that_ranks_does_not_know_the_demo(package: str) -> None:
    for file in sorted((ROOT / package).rglob("*.py")):
        told = file.relative_to(ROOT).as_posix()
        if told.startswith(("crawler/demo/", "crawler/cli/")):
            continue
        text = file.read_text(encoding="utf-8").lower()
        known = [word for word in _subject_words() if word in text]
        assert not known, f"{told} knows {known}"
        assert "crawler.demo" not in text, told
