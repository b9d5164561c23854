"""Standard streams that are closed, full, read no further, or on a terminal that draws nothing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from crawler.cli.session import END, MARK, Session
from crawler.cli.watching import Watching
from crawler.running.lookout import Progress

TEXT = "The harbour board voted on Tuesday to dredge the channel, so that larger ships can reach the fourth quay. " * 6
# as a shell starts it: what is written waits in a buffer until there is enough of it
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def _typed(folder: Path, *words: str | bytes, redirected: str = "", **more: str) -> subprocess.CompletedProcess[bytes]:
    """`suchlike WORDS`, its streams redirected as a shell does it."""
    command = ["sh", "-c", f'exec "$0" -m crawler "$@" {redirected}', sys.executable, *words]
    return subprocess.run(
        command, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, env=ENVIRONMENT | more, check=False
    )  # fmt: skip


def _unread() -> int:
    """The writing end of a pipe whose reader has left."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize("words", [["config"], ["help"], ["help", "contract"]])
def test_whoever_reads_no_further_has_had_enough(tmp_path: Path, words: list[str]) -> None:
    unread = _unread()
    done = subprocess.run(
        [sys.executable, "-m", "crawler", *words], cwd=tmp_path, stdout=unread, stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL, env=ENVIRONMENT, check=False,
    )  # fmt: skip
    os.close(unread)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(("words", "code"), [(["init", "p", "--json"], 0), (["explain", "1"], 2), (["nonsense"], 2)])
def test_a_command_ends_as_it_would_when_nobody_hears_what_it_says(tmp_path: Path, words: list[str], code: int) -> None:
    unread = _unread()
    done = subprocess.run(
        [sys.executable, "-m", "crawler", *words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=unread,
        stdin=subprocess.DEVNULL, env=ENVIRONMENT, check=False,
    )  # fmt: skip
    os.close(unread)
    assert done.returncode == code
    assert [json.loads(line)["folder"] for line in done.stdout.splitlines()] == ["p"] * (words[0] == "init")


@pytest.mark.parametrize("words", [["config", "--json"], ["help"]])
def test_output_that_cannot_be_written_is_no_success(tmp_path: Path, words: list[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("/dev/full is a device of Linux")
    done = _typed(tmp_path, *words, redirected="> /dev/full")
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1)
    assert b"No space left on device" in done.stderr
    assert _typed(tmp_path, "init", "p", redirected="2> /dev/full").returncode == 0


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_closed_streams_are_none_that_fail_and_no_file_takes_their_place(tmp_path: Path, closed: str) -> None:
    assert _typed(tmp_path, "init", "p", redirected=closed).returncode == 0
    assert _typed(tmp_path, "config", "--json", redirected=closed).returncode == 0
    code = (
        "import os, sys\nfrom crawler.cli.streams import prepare\nprepare()\n"
        "sys.exit(os.open(os.devnull, os.O_RDONLY) < 3 or any(not os.get_inheritable(at) for at in range(3)))"
    )
    command = ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr


def test_a_file_may_be_called_what_is_no_utf8(tmp_path: Path) -> None:
    name = b"caf\xe9.txt"
    try:
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_text(TEXT, encoding="utf-8")
    except OSError:
        pytest.skip("this file system has no such names")
    strict = {"PYTHONIOENCODING": "utf-8:strict"}  # as in most locales
    words = ["score", "--seeds", name, name]
    told = _typed(tmp_path, *words, **strict)
    assert (told.returncode, b" caf?.txt " in told.stdout) == (0, True), told.stderr
    told = _typed(tmp_path, "--json", *words, **strict)
    assert told.returncode == 0, told.stderr
    assert os.fsencode(json.loads(told.stdout.decode("utf-8"))["path"]) == name
    (tmp_path / "list").write_bytes(name + b"\n")
    told = _typed(tmp_path, "score", "--seeds", name, "-", redirected="< list", **strict)
    assert (told.returncode, b" caf?.txt " in told.stdout) == (0, True), told.stderr


def test_a_dumb_terminal_is_told_in_lines_and_without_escapes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    out, err = Terminal(), Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    Session().out(f"over {MARK}dredging{END}", marked=True)
    with Watching(Session(), 500) as watching:
        watching._said_at = -9.0  # it is time for a line
        watching(Progress(pages=290, matches=46, seconds=29))
    assert out.getvalue() == "over dredging\n"
    assert "290/500 pages" in err.getvalue() and "\x1b" not in err.getvalue()


@pytest.mark.parametrize(("typed", "agreed"), [("y\n", True), ("Yes\n", True), ("\n", False), ("", False)])
def test_a_question_says_how_to_answer_and_ctrl_d_is_no(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, agreed: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert Session().agrees("3 would leave. Do it?") is agreed
    assert capsys.readouterr().err == "3 would leave. Do it? [y/N] "


def test_an_empty_list_of_seeds_is_told(tmp_path: Path) -> None:
    done = _typed(tmp_path, "seed", "add", "-")
    assert done.returncode == 2
    assert b"Name the files, folders or URLs to add" in done.stderr
