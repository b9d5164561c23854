"""Whatever a user gets wrong or the machine refuses: one clear sentence, the right exit code, nothing lost."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import bounded_by_permissions
from patience import PATIENCE_S
from scripted_site import page, story
from sqlalchemy import func, select

from pipelines.stores import fates, open_store
from pipelines.stores.schema import KEPT

SEEDS = Path(__file__).parents[2] / "seeds"
MUD = str(SEEDS / "harbour-dredging")


@dataclass(frozen=True)
class Wrong:
    """A mistake: what the folder's suchlike.toml says, what is typed, and what must be said of it."""

    typed: list[str]
    says: list[str]
    code: int = 2
    config: str = ""
    environment: tuple[tuple[str, str], ...] = ()


TABLE: dict[str, Wrong] = {
    "an unknown verb": Wrong(["crawl"], ["crawl", "--help"]),
    "an unknown flag": Wrong(["run", "--sites", "x"], ["--sites"]),
    "a flag without its value": Wrong(["run", "--pages"], ["pages"]),
    "a word missing": Wrong(["init"], ["init needs NAME; see `suchlike init --help`."]),
    "a word missing of two": Wrong(["schedule", "add", "x"], ["schedule add needs WHEN; see `suchlike schedule add -"]),
    "a flag missing": Wrong(["rejudge"], ["Say what to decide by: --threshold, --lang or --since."]),
    "a word too many": Wrong(["init", "a", "b"], ["init has no use for 'b'; see `suchlike init --help`."]),
    "a value missing of a flag that may be left out": Wrong(["-C", "x", "list", "--limit"], ["--limit needs a value"]),
    "a flag of the wrong kind": Wrong(["run", "--pages", "many"], ["many", "pages"]),
    "a flag below its least value": Wrong(["run", "--pages", "-5", "--seeds", MUD], ["suchlike: --pages has"]),
    "a choice that is none": Wrong(["run", "--keep", "some"], ["keep", "matches"]),
    "flags that exclude each other": Wrong(["run", "--stay", "--roam"], ["--stay", "--roam"]),
    "a threshold out of range": Wrong(["run", "--threshold", "7", "--seeds", MUD], ["threshold", "7", "auto"]),
    "a language by another name": Wrong(["rejudge", "--lang", "en,deu"], ["--lang has 'deu', which", "write de."]),
    "a language by its name": Wrong(
        ["run"], ["profile.mud.languages has 'german'", "write de."], config='[profile.mud]\nlanguages = ["german"]\n'
    ),
    "a time that is none": Wrong(["run", "--for", "soon", "--seeds", MUD], [": --for 'soon' is", "10m"]),
    "an unknown key": Wrong(["run"], ["suchlike.toml, line 2", "page", "'pages'"], config="[crawl]\npage = 3\n"),
    "an unknown section": Wrong(["list"], ["line 1", "'crawl'"], config="[crawling]\npages = 3\n"),
    "a value of the wrong type": Wrong(["run"], ["line 2", "crawl.pages"], config='[crawl]\npages = "lots"\n'),
    "a bad rate": Wrong(["run"], ["crawl.rate", "fast", "1/2s"], config='[crawl]\nrate = "fast"\n'),
    "robots switched off": Wrong(["run"], ["crawl.robots"], config='[crawl]\nrobots = "ignore"\n'),
    "a file that is not TOML": Wrong(["run"], ["suchlike.toml is not TOML", "line 1"], config="pages: 3\n"),
    "a bad key in the environment": Wrong(
        ["run"], ["environment", "'pages'"], environment=(("SUCHLIKE_CRAWL__PAGE", "3"),)
    ),
    "a schedule that is none": Wrong(["schedule", "list"], ["night", "6h"], config='[schedule]\nnight = "late"\n'),
    "a seed folder that is missing": Wrong(["run"], ["seeds", "seed add", "suchlike init NAME"]),
    "a seed file that is missing": Wrong(["run", "--seeds", "nowhere.txt"], ["nowhere.txt"]),
    "an unknown profile": Wrong(
        ["--profile", "mood", "run"], ["'mood'", "'mud'"], config=f'[profile.mud]\nseeds = "{MUD}"\n'
    ),
    "an unknown profile to read": Wrong(
        ["--profile", "mood", "list"], ["no profile 'mood'", "'mud'"], config=f'[profile.mud]\nseeds = "{MUD}"\n'
    ),
    "a folder that is none, to read": Wrong(["-C", "nowhere", "status"], ["There is no folder nowhere"]),
    "two profiles and none named": Wrong(
        ["run"], ["a, b", "--profile"], config=f'[profile.a]\nseeds = "{MUD}"\n[profile.b]\nseeds = "{MUD}"\n'
    ),
    "nowhere to start": Wrong(["run", "--seeds", str(SEEDS / "ukraine-diplomacy")], ["nowhere to start", "--site"]),
    "a site that is no address": Wrong(
        ["run", "--seeds", MUD, "--site", "http://exa mple/"], ["exa mple", "https://"]
    ),
    "a file: address": Wrong(["run", "--seeds", MUD, "--site", "file:///etc/passwd"], ["file:///etc/passwd"]),
    "a proxy that is no address": Wrong(["run", "--seeds", MUD, "--proxy", "localhost"], ["proxy", "http://"]),
    "a database address that is none": Wrong(
        ["run", "--seeds", MUD], ["store.database", "sqlite:///"], environment=(("SUCHLIKE_DATABASE", "mysql://x/y"),)
    ),
    "a database that is away": Wrong(
        ["run", "--seeds", MUD, "--site", "https://site.example/"], ["127.0.0.1"], 4,
        environment=(("SUCHLIKE_DATABASE", "postgresql+psycopg://me:hush@127.0.0.1:1/x"),),
    ),
    "a database in a folder that is not there": Wrong(
        ["run", "--seeds", MUD, "--site", "https://site.example/"], ["/dev/null/x.db"], 4,
        environment=(("SUCHLIKE_DATABASE", "sqlite:////dev/null/x.db"),),
    ),
    "a broker address that is none": Wrong(
        ["run", "--seeds", MUD], ["queue.redis", "redis://"], environment=(("SUCHLIKE_REDIS", "localhost"),)
    ),
    "a broker that is away": Wrong(
        ["run", "--seeds", MUD, "--site", "https://site.example/"], ["Redis", "does not answer", "embedded"], 4,
        environment=(("SUCHLIKE_REDIS", "redis://:hush@127.0.0.1:1"),),
    ),
    "a proxy that is away": Wrong(
        ["run", "--seeds", MUD, "--site", "https://site.example/", "--proxy", "http://me:hush@127.0.0.1:1"],
        ["The proxy http://***@127.0.0.1:1 does not answer"], 4,
    ),
    "a plan from nowhere": Wrong(["plan", "--seeds", str(SEEDS / "ukraine-diplomacy")], ["nowhere to start", "--feed"]),
    "a setting that is none": Wrong(["config", "--explain", "crawl.speed"], ["'crawl.speed'"]),
    "a section that is none": Wrong(["config", "show", "crawling"], ["'crawling'", "'crawl'"]),
    "help for a verb that is none": Wrong(["help", "fly"], ["'fly'"]),
    "nothing to replay": Wrong(["replay"], ["WARC"]),
    "a replay of what is not there": Wrong(["replay", "absent.warc", "--keep", "all"], ["absent.warc"]),
    "a replay of what is not there, without seeds": Wrong(["replay", "absent.warc"], ["absent.warc does not exist"]),
    "a score of what is not there, without seeds": Wrong(["score", "absent.txt"], ["nothing at absent.txt"]),
    "a replay of what is no WARC": Wrong(["replay", "fake.warc", "--keep", "all"], ["fake.warc"]),
    "a replay of an empty folder": Wrong(["replay", "hollow", "--keep", "all"], ["hollow", "no WARC"]),
    "a replay without seeds": Wrong(["replay", "page.html"], ["seeds"]),
    "no results yet": Wrong(["list"], ["no results", "suchlike run"]),
    "results of a mode there are none of": Wrong(["--mode", "demo", "list"], ["demo"], 4),
    "a run that is to ask no web": Wrong(["--mode", "demo", "run"], ["suchlike demo", "--mode"]),
    "a plan that is to ask no web": Wrong(["plan", "--mode", "replay"], ["suchlike replay", "--mode"]),
    "a mode that is none": Wrong(["--mode", "dream", "list"], ["dream"]),
    "no list on stdin, where a name is wanted": Wrong(["init", "-"], ["`-`", "seed add, score, replay and --seeds"]),
    "no list on stdin, where a file is wanted": Wrong(["export", "csv", "-o", "-"], ["`-`", "stdin"]),
    "less than one process": Wrong(["work", "-n", "0"], ['"0" for -n', ">= 1"]),
    "no choice": Wrong(["run", "--keep", "none", "--seeds", MUD], ["--keep 'none' says nothing"]),
    "no number": Wrong(["run", "--pages=null", "--seeds", MUD], ["--pages 'null' says nothing", "0 for no limit"]),
    "less than no process": Wrong(["up", "-n", "-1"], ['"-1" for -n', ">= 0"]),
    "a mode that is none, for status": Wrong(["--mode", "live", "status"], ['"live" for --mode', '"replay"']),
    "a schedule without a name": Wrong(["schedule", "add", "", "every 6h"], ["needs a name"]),
    "more than can be counted": Wrong(["list", "--limit", "9" * 20], ["for --limit", "<= "]),
    "less than no page": Wrong(["demo", "--pages", "-3"], ['"-3" for --pages', ">= 0"]),
    "a search for no word": Wrong(["search", "!?"], ["no word", "!?"]),
    "a day that is none": Wrong(["list", "--since", "soon"], ["--since", "soon", "30d"]),
    "an unknown format": Wrong(["export", "docx"], ["docx", "csv", "jsonl"]),
    "an unknown queue": Wrong(["work", "dream"], ["dream", "parse"]),
    "an unknown run": Wrong(["crawl-worker", "--run", "7"], ["no database"], 4),
    "no text to score": Wrong(["score", "--seeds", MUD], ["score"]),
    "a project made twice": Wrong(["init", "."], ["already"], config="[crawl]\n"),
    "no seed named": Wrong(["seed", "remove", "x"], ["x"]),
    "an unknown subject": Wrong(["demo", "--subject", "x"], ["'x'", "night-trains"]),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "page.html").write_bytes(story(1).body)
    (tmp_path / "fake.warc").write_text("this is a letter and no archive\n")
    (tmp_path / "hollow").mkdir()
    return tmp_path


def _type(
    folder: Path, *typed: str, limit: Callable[[], None] | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "crawler", *typed], capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        cwd=folder, stdin=subprocess.DEVNULL, env={**os.environ, **environment}, preexec_fn=limit,  # no threads here
    )  # fmt: skip


def _one_sentence(said: subprocess.CompletedProcess[str]) -> str:
    assert said.stdout == ""
    lines = [line for line in said.stderr.splitlines() if not line.startswith(("learned from ", " dashboard "))]
    assert len(lines) == 1, said.stderr
    assert lines[0].startswith("suchlike: "), lines[0]
    assert "Traceback" not in lines[0] and "went wrong that should not" not in lines[0]
    assert lines[0].endswith((".", "?")), lines[0]
    return lines[0]


@pytest.mark.parametrize("mistake", TABLE)
def test_a_mistake_is_told_in_one_sentence(folder: Path, mistake: str) -> None:
    wrong = TABLE[mistake]
    if wrong.config:
        (folder / "suchlike.toml").write_text(wrong.config)
    said = _type(folder, *wrong.typed, **dict(wrong.environment))
    sentence = _one_sentence(said)
    assert said.returncode == wrong.code, sentence
    for words in wrong.says:
        assert words in sentence
    assert "hush" not in sentence


def test_bad_seeds_beside_good_ones_are_named_and_the_good_ones_work(folder: Path) -> None:
    seeds = folder / "seeds"
    shutil.copytree(MUD, seeds)
    (seeds / "empty.txt").touch()
    (seeds / "binary.txt").write_bytes(bytes(range(256)) * 40)
    (seeds / "short.txt").write_text("too short")
    with (seeds / "vast.txt").open("wb") as vast:
        vast.truncate(50 << 20)
    said = _type(folder, "replay", "page.html", "--json")
    assert said.returncode == 1
    assert '"pages_fetched": 1' in said.stdout
    listed = _type(folder, "seed", "list")
    assert listed.returncode == 0
    bad = [line for line in listed.stdout.splitlines() if line.startswith("✗")]
    assert len(bad) == 4
    for name in ("empty.txt", "binary.txt", "short.txt", "vast.txt"):
        assert sum(name in line for line in bad) == 1
    assert listed.stdout.count("✓") == 3


@pytest.mark.parametrize("typed", [["run"], ["run", "--seeds", str(SEEDS / "ukraine-diplomacy")]])
def test_a_run_that_cannot_begin_shows_no_dashboard_and_leaves_nothing(folder: Path, typed: list[str]) -> None:
    before = sorted(folder.rglob("*"))
    said = _type(folder, *typed)
    assert (said.returncode, "dashboard" in said.stderr) == (2, False), said.stderr
    assert sorted(folder.rglob("*")) == before


def test_a_run_there_was_none_of_is_told_by_every_verb_that_takes_one(folder: Path) -> None:
    assert _type(folder, "replay", "page.html", "--keep", "all").returncode == 0
    for verb in (["fates"], ["failures", "list"], ["failures", "retry"], ["list"], ["search", "x"], ["export", "csv"]):
        said = _type(folder, *verb, "--run", "9")
        assert (said.returncode, said.stderr) == (2, "suchlike: There is no run 9; the latest is 1.\n")
    assert _type(folder, "fates", "--run", "1").returncode == 0


def test_a_seed_that_cannot_be_added_leaves_no_folder(folder: Path) -> None:
    before = sorted(folder.iterdir())
    assert _type(folder, "seed", "add", "absent.html").returncode == 2
    assert sorted(folder.iterdir()) == before


def test_rubbish_in_a_list_of_addresses_is_told_line_by_line_and_nothing_else_is_lost(folder: Path) -> None:
    listing = folder / "mine.urls"
    listing.write_text("https://127.0.0.1/x\nnot an address\nhttp://\njavascript:alert(1)\n\n# a comment\n")
    said = _type(folder, "seed", "add", str(listing), MUD)
    assert said.returncode == 0
    assert "Traceback" not in said.stderr
    assert said.stdout.count("✓") == 3
    assert said.stdout.count("✗") >= 1


def _kept(folder: Path) -> int:
    """Articles in the folder's store, which must open and add up; a page that is looked at again is kept meanwhile."""
    store = open_store(f"sqlite:///{folder / 'replay.db'}", create=False)
    with store.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        ends = fates.count(connection)
        kept = connection.execute(select(func.count()).where(KEPT)).scalar()
    store.close()
    ended = ends["stored"] + ends["duplicate"] + sum(ends["dropped"].values()) + sum(ends["dead"].values())
    assert ends["fetched"] == ended + ends["in_flight"]
    return int(kept or 0)


def _many(folder: Path, number: int) -> None:
    folder.mkdir()
    for one in range(number):
        (folder / f"{one}.html").write_bytes(story(one).body)


@pytest.mark.slow
def test_a_disk_that_fills_up_is_told_and_what_was_kept_stays(folder: Path) -> None:
    _many(folder / "few", 5)
    assert _type(folder, "replay", "few", "--keep", "all").returncode in (0, 1)
    assert _kept(folder) == 5
    _many(folder / "many", 200)

    def little() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, 700_000))

    said = _type(folder, "replay", "many", "--keep", "all", limit=little)
    assert said.returncode == 4, said.stderr
    assert "Traceback" not in said.stderr
    assert said.stderr.strip().count("\n") == 0
    assert _kept(folder) >= 5
    again = _type(folder, "replay", "many", "--keep", "all", "--json")
    assert again.returncode in (0, 1), again.stderr
    assert _kept(folder) >= 200


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount")
def test_a_full_file_system_is_told_and_what_was_kept_stays(folder: Path) -> None:
    small = folder / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("nothing may be mounted here")
    try:
        _many(folder / "few", 3)
        assert _type(small, "replay", str(folder / "few"), "--keep", "all").returncode in (0, 1)
        _many(folder / "many", 400)
        said = _type(small, "replay", str(folder / "many"), "--keep", "all")
        assert said.returncode == 4, said.stderr
        assert _one_sentence(said)
        assert _kept(small) >= 3
        full = _type(small, "export", "csv")
        assert full.returncode in (0, 4)
        assert "Traceback" not in full.stderr
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.parametrize(
    "typed", [["init", "mine"], ["seed", "add", MUD], ["replay", "page.html", "--keep", "all"], ["demo"],
              ["run", "--seeds", MUD, "--site", "https://site.example/"]],
)  # fmt: skip
def test_a_folder_that_may_not_be_written_is_told(folder: Path, typed: list[str]) -> None:
    locked = folder / "locked"
    locked.mkdir()
    (locked / "page.html").write_bytes(page("x").body)
    locked.chmod(0o555)
    command = [*bounded_by_permissions(), sys.executable, "-m", "crawler", *typed]
    said = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=locked,
                          stdin=subprocess.DEVNULL, env={**os.environ, "HOME": "/nonexistent"})  # fmt: skip
    assert str(locked) in _one_sentence(said)
    assert said.returncode in (2, 4)


def test_the_helps_first_screen_comes_at_once() -> None:
    """Nothing heavy is imported before a verb asks for it."""
    heavy = ["scrapy", "twisted", "sqlalchemy", "trafilatura", "numpy", "rq", "lxml"]
    code = f"import sys; import crawler.cli.app; print([m for m in {heavy} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
