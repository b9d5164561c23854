"""`suchlike up`: everything the Procfile names, kept up, and stopped in order."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from conftest import until
from patience import PATIENCE_S, RUN_S
from working import at_work_in, said, started

VERBS = ("broker", "work", "crawl-worker", "clock", "web")


def running(folder: Path) -> dict[str, int]:
    """The processes at work in the folder by their verb, the first of each."""
    found: dict[str, int] = {}
    for pid, line in at_work_in(folder).items():
        for verb in VERBS:
            if line.split()[-1] == verb or f" {verb} " in line:
                found.setdefault(verb, pid)
    return found


def answers(address: str) -> bool:
    """Whether a dashboard is well there."""
    try:
        with urllib.request.urlopen(address, timeout=10) as got:
            return bool(got.status == 200)
    except OSError:
        return False


def typed(folder: Path, verb: str) -> subprocess.CompletedProcess[str]:
    """What a verb does in another terminal."""
    command = [sys.executable, "-m", "crawler", "-C", str(folder), verb]
    return subprocess.run(command, capture_output=True, text=True, timeout=RUN_S, check=False)


@pytest.mark.slow
def test_up_runs_everything_restarts_what_is_killed_and_stops_it_all(tmp_path: Path) -> None:
    with started(tmp_path, "up") as up:
        until(lambda: running(tmp_path).keys() == set(VERBS), lambda: f"every process: {said(tmp_path)}")
        said_at = re.search(r"dashboard  (http://127\.0\.0\.1:\d+)/\?token=\S+", said(tmp_path))
        assert said_at is not None, said(tmp_path)
        until(lambda: answers(f"{said_at[1]}/healthz"), "the dashboard")
        killed = running(tmp_path)["clock"]
        os.kill(killed, signal.SIGKILL)
        until(lambda: running(tmp_path).get("clock", killed) != killed, "the clock's return")
        os.kill(running(tmp_path)["web"], signal.SIGKILL)
        # at the same address
        until(lambda: answers(f"{said_at[1]}/healthz"), "the dashboard's return")
        second, down = typed(tmp_path, "up"), typed(tmp_path, "down")
        assert second.returncode == 2 and "is up in" in second.stderr
        assert (down.returncode, "everything is down" in down.stderr) == (0, True)
        assert up.wait(PATIENCE_S) == 0
    until(lambda: not at_work_in(tmp_path), "the end of every process")
