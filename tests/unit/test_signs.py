"""Terminals whose encoding has not every sign are written to all the same."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crawler.cli.signs import has_all, make_do

SEEDS = Path(__file__).parents[2] / "seeds" / "harbour-dredging"


def _written(monkeypatch: pytest.MonkeyPatch, text: str, encoding: str) -> str:
    held = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(held, encoding=encoding, write_through=True))
    make_do()
    sys.stdout.write(text)
    return held.getvalue().decode(encoding)


@pytest.mark.parametrize(
    ("text", "encoding", "written"),
    [
        ("✓ 3 seeds · “so” … 2 ÷ 1", "ascii", '+ 3 seeds - "so" ... 2 / 1'),
        ("✓ 3 seeds · “so” …", "cp1252", "+ 3 seeds · “so” …"),
        ("Łódź, Évry, straße ▁▅█", "ascii", "?odz, Evry, strasse .o#"),
        ("Причал", "cp1252", "??????"),
        ("Причал ✓", "utf-8", "Причал ✓"),
        ("half a sign \ud800", "cp437", "half a sign ?"),
    ],
)
def test_what_an_encoding_has_not_is_written_as_what_says_the_same(
    monkeypatch: pytest.MonkeyPatch, text: str, encoding: str, written: str
) -> None:
    assert _written(monkeypatch, text, encoding) == written


def test_only_unicode_has_all_signs() -> None:
    streams = {name: io.TextIOWrapper(io.BytesIO(), encoding=name) for name in ("utf-8", "utf-16", "cp1252", "ascii")}
    assert [name for name, stream in streams.items() if has_all(stream)] == ["utf-8", "utf-16"]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437"])
def test_no_verb_fails_for_a_sign(tmp_path: Path, encoding: str) -> None:
    shutil.copytree(SEEDS, tmp_path / "seeds")
    for typed in (["seed", "check"], ["seed", "list"], ["score", str(SEEDS), "--seeds", str(SEEDS)], ["run", "--help"]):
        done = subprocess.run(
            [sys.executable, "-m", "crawler", *typed], capture_output=True, check=False, cwd=tmp_path,
            stdin=subprocess.DEVNULL, env=os.environ | {"PYTHONIOENCODING": encoding},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.decode(encoding)


def test_records_for_programs_keep_every_sign(tmp_path: Path) -> None:
    (tmp_path / "harbour.txt").write_text("Hafenbehörde prüft Причал: “so” … ✓ " * 30, encoding="utf-8")
    command = [sys.executable, "-m", "crawler", "score", "harbour.txt", "--seeds", str(SEEDS), "--json"]
    told = [
        subprocess.run(
            command, capture_output=True, check=False, cwd=tmp_path, stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONIOENCODING": encoding},
        ).stdout.decode(encoding)
        for encoding in ("ascii", "utf-8")
    ]  # fmt: skip
    assert json.loads(told[0]) == json.loads(told[1]) != {}
