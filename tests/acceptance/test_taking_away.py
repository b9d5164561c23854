"""What leaves, is tried again or is taken down, as scripts ask for it: exit codes and JSON of the contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from test_contract import Said, project, say

from crawler.cli.session import Session

__all__ = ["project", "say"]  # fixtures


def test_exports_are_split_filtered_and_verified(say: Callable[..., Said], project: Path, tmp_path: Path) -> None:
    asked = ("--split", "train=.5", "--for", "training", "--fields", "url,score", "--where", "score > 0")
    file = tmp_path / "out.jsonl"
    told = say("-C", project, "export", "jsonl", "-o", file, *asked, "--json").only
    assert {"file", "format", "articles", "bytes", "sha256", "left_out", "splits"} == set(told)
    assert [one["split"] for one in told["splits"]] == ["train", "test"]
    lines = [json.loads(line) for one in told["splits"] for line in (tmp_path / one["file"]).read_text().splitlines()]
    assert {tuple(line) for line in lines} == {("url", "score")}
    assert len(lines) == told["articles"] > 0
    good = say("-C", project, "verify", tmp_path, "--json")
    assert (good.code, good.only["ok"], good.only["files"]) == (0, True, 2)
    (tmp_path / "out-train.jsonl").write_text("{}\n")
    bad = say("-C", project, "verify", tmp_path, "--json")
    assert (bad.code, bad.only["ok"]) == (1, False)
    assert {"what", "problem"} == set(bad.only["problems"][0])
    for wrong in (
        ["rss", "--fields", "url"],
        ["csv", "--for", "fun"],
        ["csv", "--split", "train"],
        ["csv", "--where", "="],
    ):
        said = say("-C", project, "export", *wrong)
        assert (said.code, said.out, len(said.err.strip().splitlines())) == (2, "", 1)


def test_an_export_without_an_article_says_why(say: Callable[..., Said], project: Path, tmp_path: Path) -> None:
    file = tmp_path / "none.csv"
    by_filter = say("-C", project, "export", "csv", "-o", file, "--min-score", "1.1")
    assert by_filter.code == 1 and "nothing stored is meant by these filters; `suchlike -C " in by_filter.err


def test_a_project_works_wherever_its_folder_is_moved(say: Callable[..., Said], project: Path, tmp_path: Path) -> None:
    listed = say("-C", project, "list", "--text", "--json").lines
    moved = project.rename(tmp_path / "elsewhere")
    try:
        assert say("-C", moved, "list", "--text", "--json").lines == listed
        for verb in (["explain", "1"], ["seed", "check"], ["export", "warc"], ["verify", moved / "exports"],
                     ["doctor", "--deep"]):  # fmt: skip
            said = say("-C", moved, *verb)
            assert said.code == 0, said
        again = say("-C", moved, "replay", moved / "warc", "--json").only
        assert (again["pages_fetched"], again["known"]) == (0, len(listed) + 1)
    finally:
        moved.rename(project)


def test_failures_are_listed_with_the_command_that_tries_them_again(say: Callable[..., Said], project: Path) -> None:
    (line,) = say("-C", project, "failures", "list", "--json").lines
    assert (line["stage"], line["reason"], line["number"]) == ("fetch", "http-404", 1)
    assert line["retry"] == Session(project).command("failures", "retry", "--reason", "http-404")
    assert say("-C", project, "failures", "retry").code == 2
    assert say("-C", project, "failures", "retry", "--reason", "never", "--json").only["retried"] == 0


def test_fates_by_site_add_up_to_all(say: Callable[..., Said], project: Path) -> None:
    told = say("-C", project, "fates", "--by", "site", "--json").only
    assert sum(one["fetched"] for one in told["by"]) == told["fetched"]
    assert {one["site"] for one in told["by"]} == {"one.example", "two.example"}


def test_another_threshold_is_shown_before_it_is_done(say: Callable[..., Said], project: Path) -> None:
    before = say("-C", project, "list", "--json").lines
    shown = say("-C", project, "rejudge", "--threshold", "1", "--json").only
    assert (shown["applied"], shown["threshold"]) == (False, 1.0)
    assert shown["left"] == len(shown["changes"]) > 0
    assert say("-C", project, "list", "--json").lines == before
    assert say("-C", project, "rejudge", "--threshold", "much").code == 2


def test_what_would_be_forgotten_is_shown_before_it_is(say: Callable[..., Said], project: Path) -> None:
    first = say("-C", project, "list", "--json").lines[0]["url"]
    shown = say("-C", project, "forget", first, "--json").only
    assert {"what", "site", "urls", "articles", "archived", "copies", "applied"} == set(shown)
    assert (shown["applied"], shown["articles"][0]["url"]) == (False, first)
    assert say("-C", project, "list", "--json").lines[0]["url"] == first
