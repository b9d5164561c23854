"""What scripts may rely on: every verb and field of the contract, where output goes, and the exit codes."""

from __future__ import annotations

import hashlib
import importlib.resources
import io
import json
import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promised
import pytest
from conftest import until
from patience import PATIENCE_S, RUN_S
from scripted_site import Answer, page, prose, robots, serving, story

from crawler.cli.app import run as command_line
from crawler.cli.session import Session
from crawler.demo.written import Article, read_all
from crawler.reasons import meaning
from pipelines.seeds import MAX_SEEDS
from pipelines.stores import open_store, runs

SEEDS = Path(__file__).parents[2] / "seeds"
CONTRACT = (importlib.resources.files("crawler.cli") / "contract.md").read_text(encoding="utf-8")
SUMMARY = {"mode", "run", "seconds", "pages_fetched", "matches", "stories", "duplicates", "harvest", "fates", "sites",
           "stopped_by"}  # fmt: skip
ARTICLE = {"url", "canonical_url", "title", "text", "authors", "published", "published_confidence", "language", "site",
           "fetched_at", "score", "lexical", "dense", "match", "nearest_seed", "story", "copy_of", "revision", "words",
           "sha256", "mode", "run", "archive", "rights"}  # fmt: skip
SEED = {"path", "ok", "title", "words", "language", "dropped_lines", "problem"}


@dataclass(frozen=True)
class Said:
    """What a command line gave back."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every line of stdout as JSON; fails if there is anything else."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def only(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        (one,) = self.lines
        return one


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs a command line in this process."""

    def said(*arguments: str | Path) -> Said:
        capfd.readouterr()
        code = command_line([str(argument) for argument in arguments])
        sys.stdout.flush()
        out, err = capfd.readouterr()
        return Said(code, out, err)

    return said


def _articles(subject: str) -> list[Article]:
    return [article for its, article in read_all() if its == subject and article.language == "en"]


def _pages(folder: Path) -> Path:
    """Recorded pages: articles like the seeds and unlike them, a copy, a list, a refusal."""
    folder.mkdir()
    about = {subject: _articles(subject) for subject in ("harbour-dredging", "news")}
    entries = []

    def record(url: str, body: bytes, status: int = 200) -> None:
        name = f"{len(entries)}.html"
        (folder / name).write_bytes(body)
        entries.append({"file": name, "url": url, "status": status, "fetched_at": "2026-11-01T10:00:00Z",
                        "headers": {"content-type": "text/html; charset=utf-8"}})  # fmt: skip

    for subject, articles in about.items():
        for article in articles[:4]:
            record(f"https://one.example/{subject}/{article.slug}", page(article.title, article.paragraphs).body)
    copied = about["harbour-dredging"][0]
    record("https://two.example/copy", page(copied.title, [*copied.paragraphs, "Sent by an agency."]).body)
    record("https://one.example/", page("Front page", links=[f"/{n}" for n in range(9)]).body)
    record("https://one.example/gone", b"gone", 404)
    (folder / "manifest.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project made and filled by the command line alone."""
    base = tmp_path_factory.mktemp("contract")
    pages = _pages(base / "pages")
    assert command_line(["-C", str(base), "-q", "init", "mud"]) == 0
    folder = base / "mud"
    assert command_line(["-C", str(folder), "-q", "seed", "add", str(SEEDS / "harbour-dredging")]) == 0
    assert command_line(["-C", str(folder), "-q", "replay", str(pages)]) == 0
    return folder


def _verbs() -> list[str]:
    table = CONTRACT.partition("## Verbs")[2].partition("## Records")[0]
    rows = [line.split("|")[1] for line in table.replace("\\|", "/").splitlines() if line.startswith("| `")]
    named = [re.match(r"[a-z-]+(?: [a-z]+)?", spelt) for row in rows for spelt in re.findall(r"`([^`]+)`", row)]
    return sorted({found[0] for found in named if found})


def test_the_contract_names_its_verbs() -> None:
    assert {"demo", "run", "seed add", "schedule list", "crawl-worker", "doctor"} <= set(_verbs())


@pytest.mark.parametrize("verb", _verbs())
def test_every_verb_of_the_contract_exists_and_has_help(say: Callable[..., Said], verb: str) -> None:
    said = say(*verb.split(), "--help")
    assert said.code == 0
    assert f"Usage: suchlike {verb}" in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def _fields(record: str) -> set[str]:
    """The names on the first level of `{name, name: {…}, …}`."""
    flat, depth = "", 0
    for sign in record:
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(sign, 0)
        flat += sign if depth == 1 and sign not in "{}[]" else ""
    return {name.partition(":")[0].strip() for name in flat.split(",")} - {""}


def _promised(verb: str) -> set[str]:
    """The fields of what a verb prints, or of a **record**, as the contract has them."""
    if verb in ("summary", "article"):
        beginning = CONTRACT[CONTRACT.index(f"**{verb}**: `{{") :]
    else:
        named = re.compile(rf"\| (`[^`]*`, )*`{verb}[ `]")
        beginning = next(line for line in CONTRACT.splitlines() if named.match(line)).partition(" | ")[2]
    return _fields(beginning[beginning.index("{") : beginning.index("`", beginning.index("{"))])


# every verb


@pytest.mark.parametrize(
    ("record", "typed"),
    [("article", "list --text"), ("show", "show 1"), ("explain", "explain 1"), ("dupes", "dupes"), ("fates", "fates"),
     ("seed list", "seed list"), ("seed show", "seed show silt-bill"), ("sources", "sources"),
     ("seed check", "seed check"), ("schedule add", "schedule add mud 6h"),
     ("status", "status"), ("failures list", "failures list"), ("doctor", "doctor"), ("config", "config"),
     ("report", "report"), ("export", "export csv"), ("verify", "verify exports/articles.csv"),
     ("forget", "forget 1 --preview"), ("rejudge", "rejudge --threshold 0.9 --preview"),
     ("reread", "reread --preview")],
)  # fmt: skip
def test_what_a_verb_prints_is_what_the_contract_says_no_more_and_no_less(
    say: Callable[..., Said], project: Path, record: str, typed: str
) -> None:
    if typed.startswith("verify"):
        say("-C", project, "export", "csv")
        typed = typed.replace("exports", str(project / "exports"))
    told = say("-C", project, *typed.split(), "--json").lines[0]
    assert set(told) == _promised(record)


@pytest.mark.parametrize(
    ("kind", "typed"),
    [(promised.Article, "list --all"), (promised.Article, "search harbour"), (promised.Shown, "show 1"),
     (promised.Shown, "show https://one.example/gone"), (promised.Explained, "explain 1"), (promised.Story, "dupes"),
     (promised.Fates, "fates"), (promised.Seed, "seed list"), (promised.Status, "status"), (promised.Check, "doctor"),
     (promised.Exported, "export jsonl"), (promised.Scored, f"score {SEEDS / 'night-trains'}")],
)  # fmt: skip
def test_every_field_is_of_the_kind_that_the_contract_promises(
    say: Callable[..., Said], project: Path, kind: type[Any], typed: str
) -> None:
    told = say("-C", project, *typed.split(), "--json").lines
    assert told
    for line in told:
        promised.held(line, kind)


def test_init_says_where_things_are(say: Callable[..., Said], tmp_path: Path) -> None:
    made = say("-C", tmp_path, "init", "floods", "--json")
    assert made.code == 0
    assert {"folder", "config", "seeds"} <= made.only.keys()
    assert (tmp_path / "floods" / "suchlike.toml").is_file()
    again = say("-C", tmp_path, "init", "floods")
    assert again.code == 2 and "floods already is a project; change " in again.err
    assert say("-C", tmp_path / "floods", "doctor", "--json").lines[2] == {
        "check": "config", "ok": True, "detail": "every line understood", "fix": "",
    }  # fmt: skip


def test_seeds_are_added_listed_checked_and_removed(say: Callable[..., Said], tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.touch()
    sources = [SEEDS / "harbour-dredging" / "silt-bill.txt", SEEDS / "ukraine-diplomacy" / "geneva-off.txt"]
    added = say("-C", tmp_path, "seed", "add", *sources, empty, "--json")
    assert added.code == 0
    assert all(set(line) >= SEED for line in added.lines)
    assert [line["ok"] for line in added.lines] == [True, True, False]
    assert [len(line["dropped_lines"]) for line in added.lines] == [0, 14, 0]
    assert str(empty) in added.lines[2]["problem"]
    listed = say("-C", tmp_path, "seed", "list", "--json")
    assert [line["title"] for line in listed.lines] and all(set(line) >= SEED for line in listed.lines)
    checked = say("-C", tmp_path, "seed", "check", "--json")
    assert [0 <= line["to_others"] < 0.2 for line in checked.lines] == [True, True]
    assert say("-C", tmp_path, "seed", "remove", "geneva-off", "--json").code == 0
    assert len(say("-C", tmp_path, "seed", "list", "--json").lines) == 1
    shown = say("-C", tmp_path, "seed", "show", "silt-bill", "--json").only
    assert (shown["title"], shown["dropped_lines"]) == (listed.lines[1]["title"], listed.lines[1]["dropped_lines"])
    assert len(shown["text"].split()) > 300
    assert "did you mean 'silt-bill'" in say("-C", tmp_path, "seed", "show", "silt-bil").err


def test_sources_are_listed_blocked_and_taken_back(say: Callable[..., Said], project: Path) -> None:
    first, second = say("-C", project, "sources", "--json").lines
    assert [(one["site"], one["pages"], one["matches"]) for one in (first, second)] == [
        ("one.example", 10, 4), ("two.example", 1, 1),
    ]  # fmt: skip
    assert first["harvest"] == 0.4 and first["errors"] == 1
    assert say("-C", project, "sources", "block", "two.example").code == 0
    blocked = say("-C", project, "sources", "list", "--json").lines[1]
    assert blocked["given_up"] == "blocked by you"
    assert "blocked by you" in say("-C", project, "sources").out
    for deed in ("unblock", "boost"):
        assert say("-C", project, "sources", deed, "two.example", "--json").only["site"] == "two.example"
    assert say("-C", project, "sources", "--json", "--limit", "1").only == first
    assert say("-C", project, "sources", "block", "never.example").code == 2
    assert say("-C", project, "down").code == 1


def test_a_site_that_the_configuration_blocks_is_said_to_stay_blocked(
    say: Callable[..., Said], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUCHLIKE_SOURCES__BLOCK", "*.shop.example,two.EXAMPLE")
    told = say("-C", project, "sources", "unblock", "one.example", "two.example")
    assert told.err.split("\n")[0] == "one.example is no longer blocked"
    still = 'two.example stays out: the environment has block = ["two.EXAMPLE"] under [sources]'
    assert f"two.example is no longer blocked by you, but {still}" in " ".join(told.err.split())
    one, two = say("-C", project, "sources", "unblock", "one.example", "two.example", "--json").lines
    assert (one["still"], two["still"]) == (None, still)
    never = say("-C", project, "sources", "unblock", "www.shop.example")
    assert (never.code, "www.shop.example stays out: the environment has" in " ".join(never.err.split())) == (2, True)
    assert "still" not in say("-C", project, "sources", "block", "one.example", "--json").only


def test_replay_prints_a_summary(say: Callable[..., Said], project: Path, tmp_path: Path) -> None:
    pages = _pages(tmp_path / "pages")
    said = say("-C", tmp_path, "replay", pages, "--seeds", SEEDS / "harbour-dredging", "--json")
    assert said.code == 0
    done = said.only
    assert set(done) == _promised("summary") >= SUMMARY
    promised.held(done, promised.Summary)
    assert (done["mode"], done["pages_fetched"], done["matches"], done["duplicates"]) == ("replay", 11, 5, 1)
    assert done["fates"]["dropped"]["http-404"] == 1
    assert done["harvest"] == round(done["matches"] / done["pages_fetched"], 4)
    assert all(set(site) == {"site", "pages", "matches"} for site in done["sites"])
    assert (tmp_path / "replay.db").exists() and not (tmp_path / "suchlike.db").exists()


def test_score_needs_no_project_and_reads_paths_from_stdin(
    say: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    like, unlike = tmp_path / "like.txt", tmp_path / "unlike.txt"
    like.write_text((SEEDS / "harbour-dredging" / "silt-bill.txt").read_text())
    unlike.write_text("\n".join(prose(5)))
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{like}\n{unlike}\n{tmp_path / 'absent'}\n"))
    said = say("-C", tmp_path, "score", "--seeds", SEEDS / "harbour-dredging", "-", "--json")
    assert said.code == 0
    first, second, third = said.lines
    assert {"path", "score", "match", "nearest_seed", "lexical", "dense", "terms"} <= first.keys()
    assert (first["path"], first["match"], first["nearest_seed"]) == (str(like), True, "silt-bill")
    assert (second["match"], second["score"] < first["score"]) == (False, True)
    assert (third["score"], third["match"]) == (None, False)
    assert say("-C", tmp_path, "score", "--seeds", SEEDS / "harbour-dredging", unlike).code == 1


def test_score_says_what_a_run_would_leave_out_though_it_is_alike(say: Callable[..., Said], tmp_path: Path) -> None:
    told = (SEEDS / "harbour-dredging" / "silt-bill.txt").read_text()
    texts = {"old": {"text": told, "published": "2026-01-02"}, "undated": {"text": told},
             "unlike": {"text": "\n".join(prose(5)), "published": "2026-01-02"}}  # fmt: skip
    for name, row in texts.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(row))
    page = f"<html><body><article>{''.join(f'<p>{line}</p>' for line in told.splitlines())}<p>Posted 2 January 2026</p>"
    (tmp_path / "guessed.html").write_text(page)
    asked = f'[profile.mud]\nseeds = "{SEEDS / "harbour-dredging"}"\n'
    (tmp_path / "suchlike.toml").write_text(f'{asked}languages = ["en"]\nsince = "2026-06-01"\n')
    names = [*(tmp_path / f"{name}.json" for name in texts), tmp_path / "guessed.html"]
    old, undated, unlike, guessed = say("-C", tmp_path, "score", *names, "--json").lines
    assert (old["match"], old["left_out"]["reason"]) == (True, "too-old")
    assert [(one["match"], one["left_out"]) for one in (undated, unlike, guessed)] == [
        (True, None), (False, None), (True, None),
    ]  # fmt: skip
    (tmp_path / "suchlike.toml").write_text(f'{asked}languages = ["fr"]\n')
    said = say("-C", tmp_path, "score", *names)
    assert said.code == 0
    assert said.out.count("a run would leave it out: its language is en, asked for is fr") == 3


def test_score_judges_every_text_of_a_file_and_tells_which_it_cannot(say: Callable[..., Said], tmp_path: Path) -> None:
    rows = [{"text": "\n".join(prose(number))} for number in range(MAX_SEEDS + 1)]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"text": "too short"}]))
    said = say("-C", tmp_path, "score", "--seeds", SEEDS / "harbour-dredging", file, "--json")
    cannot, *judged = said.lines
    assert len(judged) == len({line["path"] for line in judged}) == len(rows)
    assert set(cannot) == {"path", "score", "match", "problem"}
    assert "line 202 has 2 words" in cannot["problem"] and cannot["problem"] in said.err


def test_score_names_each_file_of_a_folder_and_the_words_that_counted(say: Callable[..., Said], tmp_path: Path) -> None:
    like, unlike, short = tmp_path / "a.txt", tmp_path / "b.txt", tmp_path / "short.txt"
    like.write_text((SEEDS / "harbour-dredging" / "silt-bill.txt").read_text())
    unlike.write_text("\n".join(prose(5)))
    short.write_text("too short")
    said = say("score", "--seeds", SEEDS / "harbour-dredging", tmp_path, "--json")
    assert [line["path"] for line in said.lines] == [str(short), str(like), str(unlike)]
    assert said.lines[0]["problem"].startswith(f"{short}: it has 2 words")
    assert all(term["weight"] for line in said.lines[1:] for term in line["terms"])
    (tmp_path / "hollow").mkdir()
    hollow = say("score", "--seeds", SEEDS / "harbour-dredging", tmp_path / "hollow", "--json")
    assert (hollow.code, hollow.only["problem"]) == (1, f"{tmp_path / 'hollow'} holds no text.")


def test_replay_reads_paths_from_stdin(
    say: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = _pages(tmp_path / "pages")
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{pages / '0.html'}\n\n{pages / '1.html'}\n"))
    said = say("-C", tmp_path / "new", "replay", "-", "--seeds", SEEDS / "harbour-dredging", "--json")
    assert (said.code, said.only["pages_fetched"]) == (0, 2)


def test_what_is_kept_without_being_a_match_is_told_as_that(say: Callable[..., Said], tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(story(3).body)
    typed = ["replay", tmp_path / "page.html", "--seeds", SEEDS / "harbour-dredging", "--keep", "all"]
    said = say("-C", tmp_path / "new", *typed)
    assert said.code == 1
    assert "       1  stored, though no match; `suchlike -C " in said.err
    assert "replayed here before" not in said.err
    assert "replayed here before" in say("-C", tmp_path / "new", *typed).err


def test_search_gives_articles_with_what_was_looked_for(say: Callable[..., Said], project: Path) -> None:
    found = say("-C", project, "search", "dredging", "--json")
    assert found.code == 0
    assert all(ARTICLE - {"text"} | {"rank", "highlight"} <= line.keys() for line in found.lines)
    marked = [line["highlight"][part] for line in found.lines for part in ("title", "text")]
    assert {one["text"][a:b].lower() for one in marked for a, b in one["marks"]} == {"dredging"}
    assert say("-C", project, "search", "dredging", "--max-score", "0", "--json").code == 1
    shown = say("-C", project, "search", "dredging", "--", "-zebra").out
    assert "dredging" in shown.lower()
    first = f"   ·  {found.lines[0]['score']:.2f}  "  # a place here is none that `explain 1` knows
    assert shown.startswith(first)


def test_pages_kept_without_seeds_are_found_and_said_to_be_unjudged(say: Callable[..., Said], tmp_path: Path) -> None:
    pages = _pages(tmp_path / "pages")
    said = say("-C", tmp_path, "replay", pages, "--keep", "all")
    assert said.code == 0
    assert "11 pages fetched, 8 stored; without seeds none was judged" in said.err
    assert "nothing matched" not in said.err
    listed = say("-C", tmp_path, "list")
    assert (listed.code, listed.out) == (1, "")
    everything = Session(tmp_path).command("list", "--all")
    assert f"8 stored, none a match; `{everything}` shows them" in listed.err
    assert "nothing is stored yet" not in listed.err
    assert "   no match\n    https://" in say("-C", tmp_path, "dupes").out


def test_filters_choose_what_is_listed(say: Callable[..., Said], project: Path) -> None:
    best = say("-C", project, "list", "--limit", "1", "--json").only
    score = str(best["score"])
    assert say("-C", project, "list", "--min-score", score, "--site", "one.example", "--json").lines[0] == best
    assert say("-C", project, "list", "--where", f"score > {score}", "--json").code == 1
    wrong = say("-C", project, "list", "--where", "score >")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err == "suchlike: The condition 'score >' cannot be read at its end: expected a value.\n"


def test_a_profile_has_the_results_that_its_own_runs_found(
    say: Callable[..., Said], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUCHLIKE_PROFILE__OTHER__GRAIN", "topic")
    listed = say("-C", project, "list", "--json").lines
    assert say("-C", project, "list", "--json", "--profile", "mud").lines == listed
    shown = say("-C", project, "list", "--profile", "mud").out
    assert shown.startswith("   ·  "), "a place here is none that `explain 1` knows"
    for typed in (["list"], ["search", "dredging"], ["export", "jsonl"]):
        assert say("-C", project, "--profile", "other", *typed).code == 1
    rated = say("-C", project, "--profile", "other", "rate", "1", "-")
    assert (rated.code, "judged by the seeds of other yet" in rated.err) == (2, True)


def test_list_gives_articles_best_first(say: Callable[..., Said], project: Path) -> None:
    listed = say("-C", project, "list", "--text", "--json").lines
    assert len(listed) == 4
    assert all(set(article) >= ARTICLE for article in listed)
    assert [a["score"] for a in listed] == sorted((a["score"] for a in listed), reverse=True)
    for article in listed:
        assert article["match"] is True and 0 <= article["score"] <= 1
        assert article["mode"] == "replay"
        assert "\n\n" not in article["text"] and len(article["text"].split("\n")) > 3
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", article["fetched_at"])
        assert set(article["rights"]) == {"robots", "noindex", "tdm_reserved"}
        assert set(article["archive"]) == {"file", "offset"}
    assert all("text" not in article for article in say("-C", project, "list", "--json").lines)
    everything = say("-C", project, "list", "--all", "--json").lines
    assert len(everything) == 5
    assert [article["copy_of"] is None for article in everything].count(False) == 1


def test_list_says_of_a_story_how_many_copies_it_has(say: Callable[..., Said], project: Path) -> None:
    told = say("-C", project, "list")
    assert [line.endswith("   1 copy") for line in told.out.splitlines()].count(True) == 1
    assert told.err.startswith("4 stories and 1 copy; ")
    assert "1 copy" not in say("-C", project, "list", "--all").out


@pytest.mark.parametrize("verb", [["list"], ["search", "harbour"], ["sources"]])
def test_n_shows_only_so_many(say: Callable[..., Said], project: Path, verb: list[str]) -> None:
    assert len(say("-C", project, *verb, "-n", "2", "--json").lines) == 2


def test_show_tells_everything_about_one_url(say: Callable[..., Said], project: Path) -> None:
    fields = {"url", "fate", "reason", "stage", "article", "found_by", "archive", "attempts"}
    stored = say("-C", project, "show", "1", "--json").only
    assert set(stored) >= fields
    assert (stored["fate"], set(stored["article"]) >= ARTICLE) == ("stored", True)
    gone = say("-C", project, "show", "https://one.example/gone", "--json").only
    assert (gone["fate"], gone["reason"], gone["article"]) == ("dropped", "http-404", None)
    assert say("-C", project, "show", "http://www.one.example/gone", "--json").only == gone
    assert say("-C", project, "show", "https://never.example/").code == 2
    beyond = say("-C", project, "show", "999")
    assert beyond.code == 2 and "there are fewer results; `suchlike -C " in beyond.err


def test_the_parts_of_an_explanation_add_up_to_the_score(say: Callable[..., Said], project: Path) -> None:
    for place in ("1", "2", "3", "4"):
        said = say("-C", project, "explain", place, "--json")
        assert said.code == 0
        told = said.only
        assert {"score", "parts", "nearest_seeds", "terms", "path"} <= told.keys()
        assert {"source", "anchor", "expected", "depth"} <= told["found_by"].keys()
        assert 1 / (1 + math.exp(-sum(told["parts"].values()))) == pytest.approx(told["score"], abs=1e-6)
        assert [one["score"] for one in told["nearest_seeds"]] == sorted(
            (one["score"] for one in told["nearest_seeds"]), reverse=True
        )
        assert all(set(term) == {"word", "weight"} for term in told["terms"])
        assert re.fullmatch(r"[0-9a-f]{64}", told["sha256"]) and set(told["archive"]) == {"file", "offset"}
        assert all(set(copy) == {"url", "published"} for copy in told["copies"])
    shown = say("-C", project, "explain", "1").out
    assert " kept     text sha256 " in shown and " not if   --threshold were above " in shown
    unjudged = say("-C", project, "explain", "https://one.example/gone", "--json")
    assert (unjudged.code, unjudged.only["parts"], unjudged.only["reason"]) == (1, {}, "http-404")


def test_a_rating_is_shown_done_listed_and_undone(say: Callable[..., Said], project: Path) -> None:
    fields = {"urls", "verdict", "applied", "entered", "left", "changes"}
    before = say("-C", project, "list", "--json").lines
    suggested = say("-C", project, "rate", "--json").only
    assert (suggested["rated"], len(suggested["next"])) == ([], 4)
    worst = before[-1]["url"]
    shown = say("-C", project, "rate", worst, "-", "--preview", "--json").only
    assert (set(shown), shown["applied"], shown["verdict"]) == (fields, False, -1)
    assert worst in [change["url"] for change in shown["changes"] if change["change"] == "leaves"]
    assert all(set(change) == {"url", "title", "before", "after", "change"} for change in shown["changes"])
    # nobody is there to be asked
    assert say("-C", project, "rate", str(len(before)), "unlike").code == 0
    assert say("-C", project, "list", "--json").lines == before
    done = say("-C", project, "rate", str(len(before)), "-", "--yes", "--json").only
    assert done == {**shown, "applied": True}
    assert worst not in [line["url"] for line in say("-C", project, "list", "--json").lines]
    file = project / "exports" / "rated.jsonl"
    assert say("-C", project, "export", "jsonl", "-o", file).code == 0
    assert worst not in file.read_text(encoding="utf-8")
    assert [one["url"] for one in say("-C", project, "rate", "--json").only["rated"]] == [worst]
    assert say("-C", project, "rate", "--undo", "--json").only["urls"] == [worst]
    assert say("-C", project, "list", "--json").lines == before
    for wrong in (
        ["--undo"],
        ["1"],
        ["1", "maybe"],
        ["https://never.example/", "+"],
        ["https://one.example/gone", "+"],
    ):
        told = say("-C", project, "rate", *wrong)
        assert (told.code, told.out) == (2, "")
        assert len(told.err.strip().splitlines()) == 1


def test_seeds_are_checked_for_belonging_together(say: Callable[..., Said], project: Path) -> None:
    lines = say("-C", project, "seed", "check", "--json").lines
    assert [line["group"] for line in lines] == [1, 1, 1]
    assert all(line["closeness"] > 0.5 and line["nearest"] != line["name"] for line in lines)


def test_a_seed_that_tells_the_same_as_another_is_told_when_it_is_added(
    say: Callable[..., Said], tmp_path: Path
) -> None:
    silt, copy = SEEDS / "harbour-dredging" / "silt-bill.txt", tmp_path / "a-copy.txt"
    copy.write_text(f"{silt.read_text(encoding='utf-8')}\nThis sentence is another outlet's own.\n", encoding="utf-8")
    folder = tmp_path / "project"
    assert [line["ok"] for line in say("-C", folder, "seed", "add", silt, "--json").lines] == [True]
    *taken, refused = say("-C", folder, "seed", "add", copy, "--json").lines
    assert [line["ok"] for line in taken] == [True]
    assert not refused["ok"] and "silt-bill.txt: it tells the same text as a-copy" in refused["problem"]
    again = say("-C", folder, "seed", "add", SEEDS / "harbour-dredging" / "where-the-mud-goes.md", "--json")
    assert [line["ok"] for line in again.lines] == [True]


def test_a_stranger_among_the_seeds_is_marked_by_the_profiles_grain(say: Callable[..., Said], tmp_path: Path) -> None:
    stranger = SEEDS / "ukraine-diplomacy" / "geneva-off.txt"
    assert say("-C", tmp_path, "seed", "add", SEEDS / "harbour-dredging", stranger).code == 0
    *ours, other = say("-C", tmp_path, "seed", "check").out.splitlines()
    assert other.startswith("      ignored 14 lines") and ours.pop().startswith("! geneva-off ")
    assert all(line.startswith("✓ ") and " group 1, nearest " in line for line in ours)
    by_topic = say("-C", tmp_path, "seed", "check", "--json").lines
    assert [line["group"] for line in by_topic] == [1, 1, 1, 2]
    (tmp_path / "suchlike.toml").write_text('[profile.main]\nseeds = "seeds/"\ngrain = "story"\n')
    by_story = say("-C", tmp_path, "seed", "check", "--json").lines
    assert by_story[-1]["closeness"] < by_topic[-1]["closeness"] / 2


def test_dupes_lists_each_story_with_its_copies(say: Callable[..., Said], project: Path) -> None:
    told = say("-C", project, "dupes", "--json").only
    shown = say("-C", project, "dupes").out
    assert shown.startswith(f"{told['score']:.2f}  {told['title']}\n    {told['canonical']}\n") and told["match"]
    assert {"story", "canonical", "copies"} <= told.keys()
    (copy,) = told["copies"]
    assert set(copy) >= {"url", "similarity", "published"}
    assert "https://two.example/copy" in (copy["url"], told["canonical"])
    assert copy["similarity"] > 0.8


def test_fates_add_up(say: Callable[..., Said], project: Path) -> None:
    total = say("-C", project, "fates", "--json").only
    ended = total["stored"] + total["duplicate"] + sum(total["dropped"].values()) + sum(total["dead"].values())
    assert total["fetched"] == ended + total["in_flight"] == 11
    assert total["in_flight"] == total["frontier"] == 0
    assert say("-C", project, "fates", "--run", "1", "--json").only == total
    assert say("-C", project, "fates", "--run", "99", "--json").code == 2


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_export_writes_a_file_and_its_manifest(
    say: Callable[..., Said], project: Path, tmp_path: Path, kind: str
) -> None:
    target = tmp_path / f"all.{kind}"
    done = say("-C", project, "export", kind, "-o", target, "--json").only
    assert {"file", "format", "articles", "bytes", "sha256"} <= done.keys()
    assert (done["file"], done["format"], done["bytes"]) == (str(target), kind, target.stat().st_size)
    assert done["articles"] == 5
    manifest = json.loads((tmp_path / "MANIFEST.json").read_text())
    assert manifest["files"][0]["sha256"] == done["sha256"]
    assert manifest["files"][0]["mode"] == "replay"
    hashes = {one["name"]: one["sha256"] for one in manifest["files"][0]["seeds"]}
    shown = say("-C", project, "seed", "show", *hashes, "--json").lines
    assert len(shown) == len(say("-C", project, "seed", "list", "--json").lines)
    assert hashes == {one["name"]: hashlib.sha256(one["text"].encode()).hexdigest() for one in shown}


def test_status_works_before_anything_has_run_and_after(
    say: Callable[..., Said], project: Path, tmp_path: Path
) -> None:
    for folder, number in ((tmp_path, 0), (project, 1)):
        told = say("-C", folder, "status", "--json").only
        assert {"queues", "workers", "frontier", "runs", "schedules"} <= told.keys()
        assert set(told["queues"]) == {"parse", "dedupe", "store"}
        assert all(set(counts) >= {"waiting", "running", "failed"} for counts in told["queues"].values())
        assert set(told["frontier"]) == {"hosts", "urls", "leased"}
        assert len(told["runs"]) == number


def test_no_schedule_is_nothing_found(say: Callable[..., Said], tmp_path: Path) -> None:
    none = say("-C", tmp_path, "schedule", "list")
    add = Session(tmp_path).command("schedule", "add", "NAME")
    assert none.code == 1 and f'`{add} "every 6h"`' in none.err


def test_what_is_unknown_and_forgotten_is_told_so(say: Callable[..., Said], project: Path) -> None:
    said = say("-C", project, "forget", "unknown.example", "--preview")
    assert said.code == 0
    assert "nothing is known of unknown.example; it would never be fetched.\n" in said.err


def test_schedules_are_listed_with_their_next_run(say: Callable[..., Said], tmp_path: Path) -> None:
    (tmp_path / "suchlike.toml").write_text('[profile.mud]\nevery = "6h"\n[schedule]\nnight = "0 3 * * *"\n')
    told = say("-C", tmp_path, "schedule", "list", "--json").lines
    assert [line["schedule"] for line in told] == ["mud", "night"]
    assert all({"schedule", "when", "last", "next"} <= line.keys() for line in told)
    assert told[1]["next"].endswith("T03:00:00Z")
    assert say("-C", tmp_path, "schedule", "pause", "night").code == 0
    mud, night = say("-C", tmp_path, "status", "--json").only["schedules"]
    assert (mud["schedule"], mud["when"], mud["paused"]) == ("mud", "6h", False) and mud["next"].endswith("Z")
    assert (night["schedule"], night["next"], night["paused"]) == ("night", None, True)
    assert "schedule       night   0 3 * * *   paused\n" in say("-C", tmp_path, "status").out


def test_doctor_checks_everything_and_says_how_to_fix_it(say: Callable[..., Said], tmp_path: Path) -> None:
    said = say("-C", tmp_path, "doctor", "--json")
    assert all(set(line) == {"check", "ok", "detail", "fix"} for line in said.lines)
    checks = {line["check"]: line for line in said.lines}
    assert set(checks) >= {"python", "packages", "config", "broker", "database", "disk", "clock", "network"}
    assert all(line["ok"] != bool(line["fix"]) for line in said.lines)
    assert checks["broker"]["ok"] and checks["database"]["ok"]
    assert said.code == 2, "who we are is not said yet"
    (tmp_path / "suchlike.toml").write_text('[crawl]\nidentify = "me/1 (+mailto:me@site.example)"\n')
    assert say("-C", tmp_path, "doctor").code == 0


# flags and streams


@pytest.mark.parametrize(
    "arguments",
    [["-C", "{p}", "--json", "list"], ["list", "-C", "{p}", "--json"], ["--json", "list", "-C", "{p}"],
     ["-q", "list", "--json", "-C", "{p}", "--no-color", "--yes"],
     ["list", "--json", "--mode", "replay", "-C", "{p}", "-v"]],
)  # fmt: skip
def test_global_flags_may_stand_anywhere(say: Callable[..., Said], project: Path, arguments: list[str]) -> None:
    said = say(*[argument.format(p=project) for argument in arguments])
    assert (said.code, len(said.lines)) == (0, 4)


def test_quiet_says_nothing_but_the_result(say: Callable[..., Said], project: Path, tmp_path: Path) -> None:
    quiet = say("-C", project, "-q", "export", "csv", "-o", tmp_path / "x.csv")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_an_error_is_said_even_when_quiet_and_never_on_stdout(say: Callable[..., Said], tmp_path: Path) -> None:
    said = say("-C", tmp_path, "-q", "list", "--json")
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("suchlike: There are no results in ") and said.err.count("\n") == 1
    verbose = say("-C", tmp_path, "list", "-v", "--json")
    assert (verbose.code, verbose.out) == (2, "") and verbose.err.endswith(said.err)
    assert verbose.err.startswith("Traceback ") and "crawler/cli/" in verbose.err


def test_what_the_web_wrote_cannot_steer_a_terminal(say: Callable[..., Said], tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    text = _articles("harbour-dredging")[0].paragraphs
    (pages / "one.html").write_bytes(page("Silt \x1b[31mred\x07 \u202edetsrever", text).body)
    assert say("-C", tmp_path, "replay", pages, "--keep", "all").code in (0, 1)
    for verb in (["list", "--all", "--text"], ["show", "1"], ["explain", "1"]):
        said = say("-C", tmp_path, *verb)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", said.out + said.err)


# exit codes, each provoked: 0 and 2 above


def test_nothing_alike_is_exit_code_1_and_says_why(say: Callable[..., Said], tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "one.html").write_bytes(story(3).body)
    said = say("-C", tmp_path, "replay", pages, "--seeds", SEEDS / "night-trains")
    assert said.code == 1
    assert "nothing matched. 1 page fetched. Why:" in said.err


@pytest.mark.slow
def test_a_run_prints_a_summary_stops_at_its_matches_and_goes_on(suchlike: Any, tmp_path: Path) -> None:
    like = _articles("harbour-dredging")
    answers = {"/": page("Front", links=[f"/{a.slug}" for a in like])}
    answers |= {f"/{a.slug}": page(a.title, a.paragraphs) for a in like}
    with serving(answers) as site:
        common = ["run", "--site", f"{site.url}/", "--allow-private", "--json"]
        common += ["--seeds", str(SEEDS / "harbour-dredging")]
        first = suchlike(*common, "--matches", "3", SUCHLIKE_CRAWL__RATE="1/1s")
        assert first.returncode == 0, first.stderr
        done = json.loads(first.stdout)
        assert set(done) >= SUMMARY
        assert (done["stopped_by"], done["mode"]) == ("matches", "online")
        assert 3 <= done["matches"] < len(like)
        second = suchlike(*common, "--workers", "1", "--crawlers", "2", SUCHLIKE_CRAWL__RATE="20/1s")
        assert second.returncode == 0, second.stderr
        again = json.loads(second.stdout)
        assert again["stopped_by"] == "exhausted"
        asked = site.paths()
        assert len(asked) == len(set(asked)) == len(like) + 1
        third = suchlike(*common, "--for", "1s", "--pages", "3", SUCHLIKE_CRAWL__RATE="20/1s")
        assert third.returncode == 1, third.stderr
        # the page of a seed, on a site that does not exist
        assert "1 URL still to fetch on sites that did not answer; all else is known" in third.stderr
    listed = suchlike("list", "--json").stdout.splitlines()
    assert len(listed) == done["matches"] + again["matches"]
    # what the runs archived can be replayed as it is
    assert suchlike("replay", str(tmp_path / "warc"), "--keep", "all", "--seeds", common[-1]).returncode == 0
    kept = [suchlike("list", "--all", "--text", "--json", "--mode", mode).stdout for mode in ("online", "replay")]
    online, replayed = ({told["url"]: told["text"] for told in map(json.loads, out.splitlines())} for out in kept)
    assert online == replayed


@pytest.mark.slow
def test_control_c_is_exit_code_3_and_the_same_command_goes_on(tmp_path: Path) -> None:
    with serving({"/": page(links=[f"/{n}" for n in range(40)]), **{f"/{n}": story(n) for n in range(40)}}) as site:
        command = [sys.executable, "-m", "crawler", "-C", str(tmp_path), "run", "--site", f"{site.url}/"]
        command += ["--keep", "all", "--seeds", str(SEEDS / "night-trains"), "--allow-private", "--json"]
        environment = {**os.environ, "SUCHLIKE_CRAWL__RATE": "5/1s"}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        ) as process:  # fmt: skip
            try:
                until(lambda: len(site.paths()) > 3, "the first pages")
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=PATIENCE_S)
            finally:
                process.kill()
        assert process.returncode == 3, err
        assert json.loads(out)["stopped_by"] == "user"
        assert "Traceback" not in err
        environment["SUCHLIKE_CRAWL__RATE"] = "50/1s"
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=PATIENCE_S, check=False)
        summary = json.loads(done.stdout)
        assert summary["run"] == json.loads(out)["run"]
        assert summary["fates"]["fetched"] == 41
        assert len(set(site.paths())) == 41


def test_a_broker_that_is_away_is_exit_code_4(suchlike: Any) -> None:
    said = suchlike("run", "--site", "https://site.example/", "--seeds", str(SEEDS / "night-trains"),
                    SUCHLIKE_REDIS="redis://:secret@127.0.0.1:1/0")  # fmt: skip
    assert said.returncode == 4
    assert "does not answer" in said.stderr and "secret" not in said.stderr
    assert said.stdout == ""
    stands = suchlike("status", "--json", SUCHLIKE_REDIS="redis://:secret@127.0.0.1:1/0")
    assert stands.returncode == 4 and "does not answer" in stands.stderr
    assert json.loads(stands.stdout)["workers"] == 0  # what can be told is


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["robots", "403"])
def test_being_refused_everywhere_is_exit_code_5(suchlike: Any, answer: str) -> None:
    with serving({"/robots.txt": robots("Disallow: /" if answer == "robots" else "")}) as site:
        site.answers["/it"] = story(1) if answer == "robots" else Answer(403)
        common = ["--seeds", str(SEEDS / "night-trains"), "--allow-private", "--json"]
        said = suchlike("run", "--site", f"{site.url}/it", *common)
        assert said.returncode == 5, said.stderr
        assert json.loads(said.stdout)["matches"] == 0
        assert "robots" in said.stderr or "403" in said.stderr


@pytest.mark.slow
def test_a_run_goes_by_what_its_flags_say(suchlike: Any, tmp_path: Path) -> None:
    here = ("run", "--site", "http://127.0.0.1:9/", "--seeds", str(SEEDS / "night-trains"), "--no-web")
    said = (
        "--feed http://127.0.0.1:9/f --sitemap http://127.0.0.1:9/s --pages 7 --matches 3 --for 9m --max-per-site 5 "
        "--workers 1 --crawlers 2 --threshold 0.4 --grain beat --lang en,de --since 30d --keep all "
        "--order breadth --watch --roam"
    )
    suchlike(*here, *said.split(), SUCHLIKE_CRAWL__ROAM="false")
    suchlike(*here, "--stay", SUCHLIKE_CRAWL__ROAM="true")
    with open_store(f"sqlite:///{tmp_path}/suchlike.db").read() as connection:
        told, other = (runs.get(connection, run).config for run in (1, 2))
    crawl, (_, profile) = told.crawl, told.only_profile()
    assert (told.sources.feeds, told.sources.sitemaps) == (["http://127.0.0.1:9/f"], ["http://127.0.0.1:9/s"])
    assert (crawl.pages, crawl.matches, crawl.time, crawl.max_per_site, crawl.crawlers) == (7, 3, "9m", 5, 2)
    assert (crawl.order, crawl.watch, crawl.roam) == ("breadth", True, True)
    assert (told.queue.workers, told.store.keep) == (1, "all")
    assert (profile.threshold, profile.grain, profile.languages, profile.since) == (0.4, "beat", ["en", "de"], "30d")
    assert (other.crawl.roam, other.crawl.watch, other.crawl.order) == (False, False, "focus")


@pytest.mark.slow
def test_a_start_that_may_not_be_fetched_is_told_once_and_with_the_way_out(suchlike: Any) -> None:
    said = suchlike("run", "--site", "http://127.0.0.1:9/", "--seeds", str(SEEDS / "night-trains"), "--no-web")
    assert said.returncode == 5, said.stderr
    assert "0 pages fetched, 0 match · nothing of it may be fetched" in said.stderr
    assert "1  no address of the public internet; --allow-private if you mean it" in said.stderr
    assert "private-address" not in said.stderr and "useful" not in said.stderr


# the demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.CompletedProcess[str]]]:
    base = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "crawler", "-C", str(base), "demo", "--pages", "60", "--no-web", "--json"]
    yield base / "suchlike-demo", subprocess.run(command, capture_output=True, text=True, timeout=RUN_S, check=False)


@pytest.mark.slow
def test_the_demo_prints_its_summary_with_what_was_planted(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    _, said = demo
    assert said.returncode == 0, said.stderr
    done = json.loads(said.stdout)
    more = {"forecasts", "planted", "planted_found", "planted_in_other_languages", "breadth_first"}
    assert set(done) == _promised("summary") | more
    promised.held(done, promised.Summary)
    assert all(name in CONTRACT for name in more)
    assert set(done["breadth_first"]) == {"pages_fetched", "matches"}
    assert (done["mode"], done["pages_fetched"], done["stopped_by"]) == ("demo", 60, "budget")
    told = said.stderr
    assert "useful, 1 closed by robots.txt ·" in told
    assert (
        told.index(" done in ") < told.index(" comparing with breadth-first …") < told.index(" against breadth-first ")
    )


@pytest.mark.slow
def test_a_demo_folder_is_read_like_any_other(
    demo: tuple[Path, subprocess.CompletedProcess[str]], say: Callable[..., Said]
) -> None:
    folder, _ = demo
    listed = say("-C", folder, "list", "--text", "--json")
    assert listed.code == 0
    assert {article["mode"] for article in listed.lines} == {"demo"}
    assert all(set(article) >= ARTICLE for article in listed.lines)
    for article in listed.lines:
        promised.held(article, promised.Article)
    assert any(article["published"] for article in listed.lines)
    assert say("-C", folder, "explain", "1", "--json").only["path"][-1]["url"] == listed.lines[0]["url"]
    assert say("-C", folder, "dupes", "--json").code in (0, 1)
    total = say("-C", folder, "fates", "--json").only
    assert total["fetched"] == 60
    assert "unreadable" not in total["dead"], "an https link leaves the demo, and is no failure"
    assert f"dropped: unlike   {meaning('unlike')}" in say("-C", folder, "fates").out
