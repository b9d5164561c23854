"""The command line itself: help, examples, completion, what is configured, and terminals of every kind."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from terminal import Terminal

from crawler.cli import configuring
from crawler.cli.app import app
from crawler.cli.app import run as command_line
from crawler.cli.examples import EXAMPLES
from crawler.cli.helping import NARROWEST
from crawler.cli.session import END, MARK, Session, fitted
from crawler.cli.telling import counted, tell
from crawler.cli.watching import Watching
from crawler.running.forecast import Promise
from crawler.running.lookout import Progress
from pipelines.config import load
from pipelines.masking import steers
from pipelines.provenance import settings
from pipelines.records import Candidate
from pipelines.stores import discovery, hosts, open_store
from pipelines.stores.discovery import Found

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Types a command line; `(exit code, stdout, stderr)`."""

    def said(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = command_line([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return said


def _verbs(at: object = app, before: str = "") -> Iterator[str]:
    for name in at:  # type: ignore[attr-defined]  # an App
        if name.startswith("-"):
            continue
        below = list(_verbs(at[name], f"{before}{name} "))  # type: ignore[index]  # an App
        yield from below or [f"{before}{name}"]


def test_every_verb_has_an_example_that_can_be_typed(say: Say) -> None:
    assert set(_verbs()) <= set(EXAMPLES), "crawler/cli/examples.py has none for these"
    for verb, example in EXAMPLES.items():
        _, bound, _ = app.meta.parse_args(shlex.split(example)[1:], print_error=False, exit_on_error=False)
        assert " ".join(bound.args).startswith(verb)
        app.parse_args(list(bound.args), print_error=False, exit_on_error=False)
        shown = " ".join(say(*verb.split(), "--help")[1].split())
        assert f"Example: {example}" in shown, verb


def test_help_shows_a_verbs_own_flags_first_and_no_default_that_says_nothing(say: Say) -> None:
    code, out, _ = say("run", "--help")
    assert code == 0
    assert out.index("--matches") < out.index("--folder")
    assert "False" not in out and "None" not in out
    assert "[default: 500]" in say("demo", "--help")[1]
    assert "[default: ]" not in say("init", "--help")[1]


def test_help_can_be_asked_for_in_words(say: Say) -> None:
    assert say("help", "seed", "add")[1] == say("seed", "add", "--help")[1]
    assert say("help")[1] == say("--help")[1]
    assert say("help", "contract")[1].startswith("# What other programs may rely on")
    code, out, err = say("help", "fly")
    assert (code, out) == (2, "")
    assert "no verb 'fly'" in err


def test_the_version_is_the_distributions(say: Say) -> None:
    assert say("--version")[1].strip() == version("suchlike")


def test_the_verbs_stand_in_the_order_of_their_use(say: Say) -> None:
    out = say("--help")[1]
    places = [out.index(f" {verb} ") for verb in ("demo", "init", "run", "replay")]
    assert places == sorted(places)


def test_a_shell_learns_to_complete(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert say("--install-completion", "--shell", "bash")[0] == 0
    (script,) = (tmp_path / ".local" / "share" / "bash-completion" / "completions").iterdir()
    typed = 'COMP_WORDS=(suchlike run --pro); COMP_CWORD=2; _suchlike; echo "${COMPREPLY[@]}"'
    done = subprocess.run([bash, "-c", f". {script}; {typed}"], capture_output=True, text=True, check=True)
    assert {"--proxy", "--profile"} <= set(done.stdout.split())


# a project is made


def test_init_writes_what_it_is_told_and_names_the_next_step(say: Say, tmp_path: Path) -> None:
    told = ["--contact", "desk@news.example", "--site", "https://news.example/", "--feed", "https://b.example/f.xml"]
    code, _, err = say("-C", tmp_path, "init", "my floods", *told, "--grain", "story")
    assert code == 0
    config = load(tmp_path / "my floods", env={})
    assert config.crawl.identify == "suchlike/0.1 (+mailto:desk@news.example)"
    assert (config.sources.sites, config.sources.feeds) == (["https://news.example/"], ["https://b.example/f.xml"])
    assert config.profile["my-floods"].grain == "story"
    assert err.splitlines()[-1].startswith(" next ") and "seed add" in err.splitlines()[-1]


def test_init_makes_a_project_that_can_be_read_whatever_its_folder_is_called(say: Say, tmp_path: Path) -> None:
    assert say("-C", tmp_path, "init", "münchen")[0] == 0
    assert list(load(tmp_path / "münchen", env={}).profile) == ["münchen"]


@pytest.mark.parametrize(
    ("start", "feed"),
    [("https://anatomynews.example/", False), ("https://feedstuffs.example", False), ("https://a.example/feed/", True),
     ("https://a.example/?feed=rss2", True), ("https://a.example/news.XML", True)],
)  # fmt: skip
def test_what_is_answered_is_a_feed_by_its_path_and_not_by_its_host(tmp_path: Path, start: str, feed: bool) -> None:
    shown = Terminal(80, tmp_path).type("suchlike init floods", ["", start, ""])
    assert shown.code == 0, shown.text
    sources = load(tmp_path / "floods", env={}).sources
    assert (sources.sites, sources.feeds) == (([], [start]) if feed else ([start], []))


def test_init_takes_no_contact_that_reaches_nobody(say: Say, tmp_path: Path) -> None:
    for nobody in ("me", "me@", 'a@b.c") # x', "https://x"):
        code, _, err = say("-C", tmp_path, "init", "floods", "--contact", nobody)
        assert code == 2 and "is no contact; write it like" in err
    assert not (tmp_path / "floods").exists()


# what is configured


def test_config_tells_every_value_and_where_it_was_said(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "suchlike.toml").write_text(
        '[crawl]\npages = 7\n[sources]\nfeeds = ["https://me:hush@feeds.example/a@b.xml"]\n'
    )
    monkeypatch.setenv("SUCHLIKE_CRAWL__ORDER", "breadth")
    monkeypatch.setenv("SUCHLIKE_REDIS", "redis://me:hu@sh@host:1/0")
    monkeypatch.setenv("SUCHLIKE_DATABASE", "postgresql+psycopg://me:hush@host/x?password=hush")
    code, out, _ = say("-C", tmp_path, "config", "show", "--json")
    assert code == 0
    told = {line["key"]: line for line in map(json.loads, out.splitlines())}
    assert told["crawl.pages"]["value"] == 7 and told["crawl.pages"]["said"].endswith("suchlike.toml, line 2")
    assert (told["crawl.order"]["value"], told["crawl.order"]["said"]) == ("breadth", "the environment")
    assert (told["crawl.depth"]["value"], told["crawl.depth"]["said"]) == (12, "default")
    assert told["queue.redis"]["value"] == "redis://***@host:1/0"
    assert told["store.database"]["value"] == "postgresql+psycopg://***@host/x?password=***"
    assert told["sources.feeds"]["value"] == ["https://***@feeds.example/a@b.xml"]
    shown = say("-C", tmp_path, "config", "show", "crawl")[1]
    assert 'crawl.order = "breadth"' in shown and "line 2" in shown and "queue" not in shown
    assert "hush" not in out + say("-C", tmp_path, "config")[1]


def test_config_explains_a_line_by_its_name_or_a_part_of_it(say: Say, tmp_path: Path) -> None:
    assert say("-C", tmp_path, "config", "--explain", "rate") == say(
        "-C", tmp_path, "config", "--explain", "crawl.rate"
    )
    told = json.loads(say("-C", tmp_path, "config", "--explain", "profile.grain", "--json")[1])
    assert told["key"] == f"profile.{tmp_path.name}.grain"
    assert (told["choices"], told["default"], told["said"]) == (["story", "topic", "beat"], "topic", "default")
    assert "story, topic or beat" in told["about"]
    code, out, err = say("-C", tmp_path, "config", "--explain", "crawl.pace")
    assert (code, out) == (2, "")
    assert "no setting 'crawl.pace'; did you mean" in err
    assert say("-C", tmp_path, "config", "show", "crawling")[0] == 2


def test_a_section_without_a_default_is_shown(say: Say, tmp_path: Path) -> None:
    (tmp_path / "suchlike.toml").write_text('[schedule]\nnews = "6h"\n')
    code, out, _ = say("-C", tmp_path, "config", "show", "schedule")
    assert (code, out.split()[:3]) == (0, ["schedule.news", "=", '"6h"'])


def test_more_years_ago_than_there_were_is_no_day(say: Say, tmp_path: Path) -> None:
    code, _, err = say("-C", tmp_path, "list", "--since", "3000y")
    assert (code, "--since '3000y' is no day" in err) == (2, True)


def test_every_setting_has_a_meaning(tmp_path: Path) -> None:
    meanings = configuring.meanings()
    for setting in settings(tmp_path):
        assert meanings.get(configuring._plain(setting.key)), setting.key


# terminals of every kind


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_the_display_of_a_run_fits_its_terminal(columns: int) -> None:
    drawn = Console(width=columns, file=io.StringIO(), force_terminal=True, color_system=None)
    watching = Watching(Session(), 500)
    for at in range(30):
        watching._points.append((at, at * 10, at))
    watching._latest.append((0.87, "Dredger strike leaves the channel silted again, and nobody pays " * 2, "a.test"))
    progress = Progress(pages=290, matches=29, in_flight=12, seconds=31, promise=Promise(0, 100, 22.0))
    with drawn.capture() as captured:
        drawn.print(watching._table(progress, columns))
    lines = captured.get().splitlines()
    assert all(told in captured.get() for told in ("290/500 pages", "29 match", "10.0 pages/s", "0:31, 0:21 "))
    assert "10%" in captured.get() and "next 100 should bring 22" in captured.get()
    assert max(map(len, lines)) <= columns
    assert len(lines) <= 4


def test_a_narrow_display_says_all_of_what_is_wrong() -> None:
    drawn = Console(width=40, file=io.StringIO(), force_terminal=True, color_system=None)
    watching = Watching(Session(), 500)
    watching._points.append((9.0, 12, 1))
    trouble = "the broker at redis://127.0.0.1:6379 does not answer; the run waits for it"
    with drawn.capture() as captured:
        drawn.print(watching._table(Progress(pages=12, matches=1, seconds=9, trouble=trouble), 40))
    assert f"! {trouble}" in " ".join(captured.get().split())
    assert max(map(len, captured.get().splitlines())) <= 40


def test_a_line_of_progress_says_how_far_it_is_to_the_budget_and_pretends_no_other_end() -> None:
    bounded, endless = Watching(Session(), 500), Watching(Session(), 0)
    for watching in (bounded, endless):
        for at in range(30):
            watching._points.append((at, at * 10, at))
    progress = Progress(pages=290, matches=29, seconds=29)
    assert "0:21 to the budget" in bounded._line(progress)
    assert "to the budget" not in endless._line(progress) and "/" not in endless._line(progress).split()[0]
    assert bounded._line(Progress(seconds=3)).startswith("starting")
    assert "finishing" in bounded._line(Progress(pages=500, in_flight=3, seconds=60))


def test_help_ends_on_the_narrowest_terminal(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1")
    code, out, _ = say("help", "run")
    assert code == 0 and "crawl" in out.casefold() and max(map(len, out.splitlines())) <= NARROWEST


def test_large_numbers_can_be_read_in_sentences() -> None:
    watching = Watching(Session(), 12_000)
    watching._points.append((9.0, 12, 1))
    line = watching._line(Progress(pages=3456, matches=1029, seconds=29))
    assert line.startswith("3,456/12,000 pages   1,029 match")
    assert [counted(number, "page") for number in (1, 999, 172_551)] == ["1 page", "999 pages", "172,551 pages"]


def test_a_line_of_progress_says_why_there_are_fewer_matches(capsys: pytest.CaptureFixture[str]) -> None:
    watching = Watching(Session(), 500)
    for matches in (46, 40):
        watching._said_at = -9.0  # it is time for a line
        watching(Progress(pages=290, matches=matches, seconds=29))
    first, second = capsys.readouterr().err.splitlines()
    assert "46 match" in first and "judged anew" not in first
    assert "40 match" in second and second.endswith("judged anew by what was learned here")


def test_an_end_with_fewer_matches_than_were_shown_says_why(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    watching = Watching(Session(), 500)
    for matches in (12, 50, 48):
        watching(Progress(pages=290, matches=matches, seconds=29))
    ends = {"refused": {}, "frontier": 0}
    done = {"seconds": 32, "pages_fetched": 500, "sites": [], "fates": ends, "stopped_by": "budget",
            "mode": "demo", "known": 0, "revisited": 0, "matches": 0, "stories": 0}  # fmt: skip
    store = open_store(f"sqlite:///{tmp_path}/s.db", mode="replay")
    capsys.readouterr()
    tell(Session(), done, store, peak=watching.peak)
    fewer = capsys.readouterr().err
    assert " 50 had been counted on the way; judged anew by what was learned here, 50 of them do not match." in fewer
    tell(Session(), done, store)
    assert "counted on the way" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rests", "told"), [(900, "; the first of them may be asked again in 15 min.\n"), (0, "a pause.\n")]
)
def test_an_end_with_sites_that_rest_says_from_when_on_they_may_be_asked_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, rests: int, told: str
) -> None:
    store, now = open_store(f"sqlite:///{tmp_path}/s.db", mode="online"), time.time()
    starts = [Candidate(f"https://{name}.example/", "start", "page") for name in "abc"]
    with store.write() as connection:
        discovery.discover(connection, [Found(one, 0.9) for one in starts], run=1, now=now)
        hosts.note_paces(connection, {1: (now + 7200, 1, 0), 2: (now + rests, 1, 0)})
        hosts.give_up(connection, 3, "it is gone")
    done = {"seconds": 7, "pages_fetched": 0, "sites": [], "fates": {"refused": {}, "frontier": 2}, "mode": "online",
            "stopped_by": "exhausted", "known": 0, "revisited": 0, "matches": 0, "stories": 0}  # fmt: skip
    tell(Session(), done, store)
    said = capsys.readouterr().err
    assert " 2 URLs still to fetch, on sites that did not answer or asked for a pause" in said and said.endswith(told)


def test_whoever_asks_a_run_to_end_is_told_what_happens_now(capsys: pytest.CaptureFixture[str]) -> None:
    with Watching(Session(), 500) as watching:
        watching(Progress(pages=40, matches=9, seconds=6.0))
        watching(Progress(pages=40, matches=9, seconds=6.5, stopping=True))
    said = capsys.readouterr().err
    assert "stopping: pages under way are finished; Ctrl-C again waits for nobody" in said


@pytest.mark.parametrize("wrong", [["--lang", "english"], ["--since", "soon"], ["--open", "--no-web"]])
def test_a_dry_run_says_what_the_run_would_say_of_its_flags(say: Say, tmp_path: Path, wrong: list[str]) -> None:
    told = [say("-C", str(tmp_path), "run", *dry, *wrong) for dry in ([], ["--dry-run"])]
    assert told[0] == told[1] and told[0][0] == 2 and wrong[0] in told[0][-1]


@pytest.mark.parametrize(
    ("arguments", "goes_on"),
    [(["replay", "-"], True), (["score", "-"], False), (["score", "-", "replay"], False)],
)
@pytest.mark.parametrize("folder", ["p", "demo"])
def test_ctrl_c_is_told_in_a_sentence_and_has_the_exit_code_of_the_contract(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, arguments: list[str], goes_on: bool
) -> None:
    def typed() -> Iterator[str]:
        yield "a.html\n"
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", typed())
    monkeypatch.chdir(tmp_path)
    code, out, err = say("-C", folder, *arguments)
    assert (code, out) == (3, "")
    assert err.strip() == "suchlike: Stopped" + ("; the same command goes on." if goes_on else ".")
    monkeypatch.setattr(sys, "stdin", typed())
    assert say("-C", folder, *arguments, "-q") == (3, "", "")


@pytest.mark.parametrize("color", [True, False])
def test_what_is_marked_is_bold_where_it_may_be_and_nothing_else_steers_a_terminal(
    monkeypatch: pytest.MonkeyPatch, color: bool
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    Session(color=color).out(f"over {MARK}dredging{END} and\x1b[2J", marked=True)
    bold = "\x1b[1mdredging\x1b[0m" if color else "dredging"
    assert sys.stdout.getvalue() == f"over {bold} and [2J\n"  # type: ignore[attr-defined]  # StringIO's


def test_what_the_web_wrote_is_said_to_the_letter(capsys: pytest.CaptureFixture[str]) -> None:
    Session().say("[b]a[/b] http://a.test/:fire:/b")
    assert capsys.readouterr().err == "[b]a[/b] http://a.test/:fire:/b\n"


def test_json_steers_no_terminal_and_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    record = {"title": "H\u00fctte \x9b2J\x1b[2J\u202egnp\u2069\x7f"}
    Session(json=True).emit(record)
    told = sys.stdout.getvalue()  # type: ignore[attr-defined]  # StringIO's
    assert "H\u00fctte" in told and not any(map(steers, told))
    assert json.loads(told) == record


def test_a_sentence_names_commands_as_they_can_be_typed_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")  # where the whole path of a folder is none the longer
    told = Session(tmp_path).spoken("`suchlike run` and `suchlike seed add FILE`; `suchlike demo` needs no folder.")
    at = f"suchlike -C {tmp_path.relative_to('/')}"
    assert told == f"`{at} run` and `{at} seed add FILE`; `suchlike demo` needs no folder."


def test_no_colour_is_no_colour() -> None:
    def coloured(*arguments: str, **environment: str) -> bool:
        asked = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color", **environment}
        command = [sys.executable, "-m", "crawler", *arguments]
        return "[36m" in subprocess.run(command, capture_output=True, text=True, check=True, env=asked).stdout

    assert coloured("run", "--help")
    assert not coloured("run", "--help", "--no-color")
    assert not coloured("help", "run", NO_COLOR="1")


@pytest.mark.parametrize("columns", [40, 80])
def test_lines_are_cut_between_words_and_addresses_never(columns: int) -> None:
    address = "http://127.0.0.1:7420/?token=" + "x" * 60
    text = f" words    dredging +2.28  harbour +1.36  {'board +0.45  ' * 9}\n found by {address}\n" + "漢字" * 50
    lines = fitted(text, columns)
    assert sum(address in line for line in lines) == 1
    assert all(cell_len(line) <= columns for line in lines if address not in line)
    assert lines[0].startswith(" words    dredging") and lines[1].startswith(" " * 10 + "board")
    assert "".join(lines).count("漢") == 50
    assert fitted("short", columns) == ["short"] and fitted("", columns) == [""]


def test_what_to_type_next_is_what_was_typed_now(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(sys, "argv", [".venv/bin/suchlike", "demo"])
    assert Session(tmp_path / "my demo").command("explain", "1") == ".venv/bin/suchlike -C 'my demo' explain 1"
    assert Session().command("list") == ".venv/bin/suchlike list"
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/suchlike")
    assert Session().command("list") == "suchlike list"
    monkeypatch.setattr(sys, "argv", ["/x/crawler/__main__.py", "demo"])
    assert Session().command("list") == "suchlike list"
