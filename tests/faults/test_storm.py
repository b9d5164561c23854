"""A small storm for CI, and single faults: lost replies, names that lead nowhere, a disk that takes nothing."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ailing import Ailing
from conftest import absent, until
from crawling import Crawled, begin, finished, settings, worker
from dialling import PUBLIC, Processes
from mute import Mute
from patience import PATIENCE_S, RUN_S
from postgresql import binaries
from scrapy import Request
from scrapy.utils.test import get_crawler
from scripted_site import Site, story
from storm import SEEDS, small_disk, storm
from working import Waiting, articles, started

from crawler import settings as scrapy_settings
from crawler.fetching.transport import FetchError, Transport
from pipelines.config import Config
from pipelines.stores import hosts
from workers.broker import Broker
from workers.queues import Queues
from workers.reconcile import reconcile, ring_all

SEED = 7
KILLS = 60


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_small_storm_costs_nothing() -> None:
    # blows end after these minutes, so that a slow machine has fewer; what all of `make faults` told is in the docs
    told = storm("sqlite", SEED, KILLS, pages=30, pause=(0.0, 0.3), long_s=5.0, minutes=2.5)
    assert (told.lost, told.doubled, told.broken) == ([], [], [])
    kills = sum(told.kills.values())
    assert kills >= KILLS or (told.seconds > 150 and kills > KILLS / 6), told.kills
    # of few kills not all kinds are there
    assert len(told.kills) > (4 if kills >= KILLS else 2), told.kills


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nor_does_a_smaller_one_on_postgresql() -> None:
    if binaries() is None:
        absent("PostgreSQL")
    told = storm("postgresql", SEED, KILLS // 4, pages=22, pause=(0.0, 0.3), long_s=5.0, minutes=1.0)
    assert (told.lost, told.doubled, told.broken) == ([], [], [])
    assert told.kills.total() > 2, told.kills


def test_replies_of_the_broker_that_are_lost_cost_no_page(tmp_path: Path) -> None:
    project = Waiting(tmp_path)
    rows = project.fetch(articles(12))
    with Broker(tmp_path) as broker:
        sender = Queues(broker.address, 4)

        def ended() -> bool:
            if sender.forgot():
                ring_all(project.store)
            reconcile(project.store, sender, sender.waiting())
            return project.fates()["in_flight"] == 0

        at = Path(broker.address.removeprefix("unix://"))
        with Mute(at, random.Random(SEED), lost=1) as proxy, started(tmp_path, "work"):
            sender.send("parse", rows)
            until(ended, "the end of every row", RUN_S)
        assert proxy.dropped > 1, proxy.replies
        sender.close()
    assert project.fates()["stored"] == 12


def test_a_name_that_leads_nowhere_is_a_reason() -> None:
    async def ask() -> None:
        transport = Transport(get_crawler(settings_dict=scrapy_settings.settings(Config())))
        try:
            await transport.download_request(Request("http://nowhere.invalid/"))
        finally:
            await transport.close()

    with pytest.raises(FetchError) as raised:
        asyncio.run(ask())
    assert raised.value.reason == "dns"


def test_a_name_that_is_not_found_for_a_while_costs_no_page(tmp_path: Path) -> None:
    url = "http://late.test/it"
    with Site({"late.test/it": story(1)}) as site:
        witness = Processes(tmp_path, site=site.port, trap=0, names={"late.test": [[], [PUBLIC]]})
        store, run = begin(tmp_path, settings(), sites=[url])
        with store.write() as connection:  # whose robots.txt is known already
            (host,) = connection.exec_driver_sql("SELECT id FROM hosts").scalars()
            hosts.note_robots(connection, host, verdict="allow", text="", delay_s=None, now=time.time())
        with worker(tmp_path, run, **witness.environment) as begun:
            done = Crawled(store, run, finished(begun))
    assert (done.fate(url), done.told(url)["fetches"]) == (("stored", None), 2), done.process.stderr
    store.close()


def test_a_disk_that_takes_nothing_is_said_in_a_sentence() -> None:
    def asked(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "crawler", "-C", str(folder), *arguments],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=PATIENCE_S,
        )  # fmt: skip

    with small_disk(60) as disk:
        if disk is None:
            pytest.skip("nothing can be mounted here")
        folder = disk / "project"
        folder.mkdir()
        shutil.copytree(SEEDS, folder / "seeds")
        project = Waiting(folder)
        project.fetch(articles(3))
        project.store.close()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        looked = asked("fates", "--json")
        said = asked("run", "--site", "https://site.example/", "--keep", "all")
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        # what is there can be looked at all the same
        assert looked.returncode == 0 and '"in_flight": 3' in looked.stdout, looked.stderr
        assert said.returncode == 4 and "Traceback" not in said.stderr and str(folder) in said.stderr, said.stderr
        assert len(said.stderr.strip().splitlines()) == 1
        assert asked("fates", "--json").stdout == looked.stdout


def test_a_clock_that_is_wrong_for_some_is_right_for_others(tmp_path: Path) -> None:
    if not Ailing.is_possible():
        absent("a C compiler")
    ailing = Ailing(tmp_path)
    ailing.suffer(ahead_s=-3600)
    command = [sys.executable, "-c", "import time; print(time.time())"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | ailing.environment)
    assert abs(time.time() - 3600 - float(told.stdout)) < 5


WRITES = """
import pathlib, sqlite3, sys
held = sqlite3.connect(sys.argv[1])
held.execute("CREATE TABLE t(a)")
print("ready", flush=True)
for turn in range(2):
    sys.stdin.readline()
    for write in (
        lambda: held.execute("INSERT INTO t VALUES(1)").connection.commit(),
        lambda: sqlite3.connect(sys.argv[1]).execute("INSERT INTO t VALUES(2)").connection.commit(),
        lambda: pathlib.Path(sys.argv[1] + f"-{turn}").write_text("x"),
    ):
        try:
            write()
            print("written", flush=True)
        except Exception as error:
            print(error, flush=True)
    held.rollback()
"""


@pytest.mark.parametrize(
    ("number", "database", "file"),
    [(errno.EROFS, "readonly", "Read-only file system"), (errno.EIO, "disk I/O error", "Input/output error")],
)
def test_a_disk_that_takes_no_writes_takes_none_of_those_that_suffer_it(
    tmp_path: Path, number: int, database: str, file: str
) -> None:
    if not Ailing.is_possible():
        absent("a C compiler")
    ailing = Ailing(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", WRITES, str(tmp_path / "a.db")], text=True, env=os.environ | ailing.environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout
        process.stdout.readline()
        turns = []
        for refuses in (number, 0):
            ailing.suffer(refuses=refuses)
            process.stdin.write("\n")
            process.stdin.flush()
            turns.append([process.stdout.readline().strip() for _ in range(3)])
    assert (
        turns[0][0] != "written"
        and turns[0][1] != "written"
        and database in turns[0][0] + turns[0][1]
        and file in turns[0][2]
    )
    assert turns[1] == ["written"] * 3
