"""The measuring stick is right: figures against values worked out by hand, and gold read strictly."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from crawler.cli.app import run as command_line
from pipelines.errors import UsageError
from pipelines.likeness.baselines import Collection
from pipelines.likeness.calibrate import GRAINS
from pipelines.likeness.evaluate import (
    LABELS,
    average_precision,
    calibration_error,
    decision,
    grain_of,
    ndcg,
    queries,
    r_precision,
    ranking,
)
from pipelines.likeness.gold import Gold, read

SILT = "The dredger took silt out of the harbour channel while ships waited for the tide at the pier {n} days"
GOATS = "A goat herder sold cheese at the mountain market and the kids of the goats played in the hay {n} days"
POETS = "The poet read verses about winter to a small audience in the old library near the square {n} days"
WORDS = ["one", "two", "three", "four", "five"]


def said(*matches: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array(matches, np.bool_)


def gold(*labels: str) -> list[Gold]:
    return [Gold("", f"text {at}", "en", {"event": frozenset(label.split())}) for at, label in enumerate(labels)]


def test_average_precision_is_the_mean_of_the_precision_at_each_match() -> None:
    assert average_precision(said(1, 0, 1, 0, 0)) == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert average_precision(said(0, 0, 1)) == pytest.approx(1 / 3)
    assert average_precision(said(1, 1, 0)) == 1.0


def test_r_precision_looks_at_as_many_articles_as_match() -> None:
    assert r_precision(said(1, 0, 1, 1, 0)) == pytest.approx(2 / 3)
    assert r_precision(said(0, 1)) == 0.0


def test_ndcg_discounts_by_place_and_stops_at_its_depth() -> None:
    best = 1 + 1 / math.log2(3)
    assert ndcg(said(0, 1, 1, 0), 20) == pytest.approx((1 / math.log2(3) + 1 / 2) / best)
    assert ndcg(said(0, 1, 1, 0), 2) == pytest.approx((1 / math.log2(3)) / best)
    assert ndcg(np.ones(30, np.bool_), 20) == pytest.approx(1.0)


def test_the_best_score_comes_first_and_ties_never_flatter() -> None:
    assert ranking(np.array([0.1, 0.9, 0.5]), said(1, 0, 1)).tolist() == [False, True, True]
    assert ranking(np.array([0.5, 0.5]), said(1, 0)).tolist() == [False, True]


def test_calibration_error_weighs_each_bins_gap_by_its_articles() -> None:
    # .2 and .24 share a bin with one match of two: |.22 - .5| * 2; .95 and 1.0 share the last: |.975 - 1| * 2
    assert calibration_error(np.array([0.2, 0.24, 0.95, 1.0]), said(0, 1, 1, 1)) == pytest.approx((0.56 + 0.05) / 4)
    assert calibration_error(np.array([0.0, 1.0]), said(0, 1)) == 0.0


def test_a_decision_has_precision_recall_and_f1() -> None:
    assert decision(said(1, 1, 0, 0), said(1, 0, 1, 1)) == pytest.approx(
        {"precision": 1 / 2, "recall": 1 / 3, "f1": 2 / 5}
    )
    assert decision(said(0, 0), said(1, 0)) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}


def test_bm25_is_okapis_and_prefers_rare_words_and_short_articles() -> None:
    articles = [["silt"], ["silt", "ship"], ["silt", "ship", "ship", "pier", "pier", "pier"], ["cup", "ship"]]
    found = Collection(articles).bm25([0])
    rarity = math.log(1 + (4 - 3 + 0.5) / (3 + 0.5))
    expected = rarity * 1 * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 2 / 2.75))
    assert found[1] == pytest.approx(expected)
    assert found[0] > found[1] > found[2] > found[3] == 0
    rare = Collection([["pier", "ship"], ["pier", "cup"], ["ship", "hay"], ["ship", "goat"]]).bm25([0])
    assert rare[1] > rare[2] == rare[3] > 0


def test_tfidf_ranks_by_the_angle_whatever_the_length() -> None:
    found = Collection([["silt", "ship"], ["silt", "ship"], ["silt", "cup"], ["cup", "hay"]]).tfidf([0])
    assert found[0] == pytest.approx(found[1]) == pytest.approx(1.0)
    assert found[1] > found[2] > found[3] == 0


def test_queries_are_alike_in_every_run_and_leave_something_to_find() -> None:
    labelled = gold("a", "a", "a b", "b", "c", "")
    asked = list(queries(labelled, "event", 1, 2))
    assert [query.value for query in asked] == ["a", "a", "b", "b"]
    for query, again in zip(asked, queries(labelled, "event", 1, 2), strict=True):
        assert query.seeds == again.seeds
        assert not set(query.seeds) & set(query.rest.tolist())
        assert [query.value in labelled[at].labels["event"] for at in query.rest] == query.truth.tolist()
        assert query.truth.any()
    assert len(list(queries(labelled, "event", 2, 10))) == 3, "there are no more than three pairs of a"
    assert list(queries(labelled, "event", 3, 1)) == []


def test_each_label_is_judged_at_a_grain_there_is() -> None:
    assert {grain_of(label) for label in [*LABELS, "shelf"]} <= set(GRAINS)


def written(file: Path, *records: object) -> Path:
    text = "".join(f"{record if isinstance(record, str) else json.dumps(record)}\n" for record in records)
    if file.suffix == ".gz":
        file.write_bytes(gzip.compress(text.encode()))
    else:
        file.write_text(text, encoding="utf-8")
    return file


def test_gold_is_read_from_a_folder_and_copies_are_one_article(tmp_path: Path) -> None:
    written(tmp_path / "a.jsonl", {"text": "One  text\nof silt", "event": "a", "language": "en"}, "", {"text": "None"})
    written(tmp_path / "b.jsonl.gz", {"text": "One text of silt", "event": ["b"], "topic": "mud", "date": "2026-01-01"})
    (tmp_path / "notes.txt").write_text("not gold")
    (one,) = read(tmp_path, ["event", "topic"])
    assert (one.text, one.language) == ("One  text\nof silt", "en")
    assert one.labels == {"event": {"a", "b"}, "topic": {"mud"}}


def test_nothing_in_a_list_is_judged_and_no_list_is_not(tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.jsonl",
        {"text": "silt", "event": []},
        {"text": "mud", "event": None},
        {"text": "hay", "event": ""},
    )
    assert [(article.text, article.labels) for article in read(file, ["event"])] == [("silt", {"event": frozenset()})]


def test_a_language_that_is_not_told_is_found_out(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", {"text": "Der Hafen wird im Herbst wieder ausgebaggert.", "event": "a"})
    assert read(file, ["event"])[0].language == "de"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{", "is not JSON"),
        ("[1]", "is no object"),
        ('{"event": "a"}', "no words in `text`"),
        ('{"text": 3, "event": "a"}', "`text` that is no text"),
        ('{"text": "silt", "title": ["x"], "event": "a"}', "`title` that is no text"),
        ('{"text": "silt", "event": 3}', "`event` that is no label"),
        ('{"text": "silt", "event": ["a", 3]}', "`event` that is no label"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: str, what: str) -> None:
    file = written(tmp_path / "a.jsonl", {"text": "silt", "event": "a"}, "", line)
    with pytest.raises(UsageError, match=f"a.jsonl, line 3, .*{what}"):
        read(file, ["event"])


def test_a_file_that_breaks_off_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"text": "silt", "event": "a"}\n' * 9)[:-12])
    with pytest.raises(UsageError, match=r"a\.jsonl\.gz, line \d+, cannot be read"):
        read(file, ["event"])


# the verb


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Three events of five articles in two topics."""
    lines = [
        {"title": "", "text": body.format(n=word), "event": event, "topic": [topic], "language": "en"}
        for event, topic, body in (("silt", "sea", SILT), ("goats", "land", GOATS), ("poets", "land", POETS))
        for word in WORDS
    ]
    return written(tmp_path / "gold.jsonl", *lines)


def test_rows_are_printed_by_label_and_number_of_seeds(labelled: Path, suchlike: Callable) -> None:
    done = suchlike("eval", "likeness", str(labelled), "--seeds", "3,1,10", "--draws", "2", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["articles"], told["draws"]) == (15, 2)
    rows = {(row["label"], row["seeds"]): row for row in told["rows"]}
    assert set(rows) == {("event", 1), ("event", 3), ("topic", 1), ("topic", 3)}
    assert rows["event", 1]["queries"] == 6
    for figure in ("ap", "r_precision", "ndcg20", "ap_tfidf", "ap_bm25", "ap_words"):
        assert rows["event", 3][figure] == pytest.approx(1.0), figure
    assert all(
        0 <= row[name] <= 1 for row in rows.values() for name in ("ap_dense", "precision", "recall", "f1", "ece")
    )
    again = suchlike("eval", "likeness", str(labelled), "--seeds", "3,1,10", "--draws", "2", "--json")
    assert again.stdout == done.stdout


def test_the_table_for_people_has_a_line_a_row(labelled: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["--seeds", "1", "--draws", "1", "--label", "topic", "--grain", "topic"]
    assert command_line(["eval", "likeness", str(labelled), *arguments]) == 0
    head, row = capfd.readouterr().out.splitlines()
    assert head.split()[:5] == ["label", "grain", "seeds", "queries", "AP"]
    assert row.split()[:4] == ["topic", "topic", "1", "2"]
    assert len(head) == len(row)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "There is no "),
        (["empty"], "holds no .jsonl or .jsonl.gz file"),
        (["plain.jsonl"], "has a label; give each a field `event`, `topic` or `section`"),
        (["gold.jsonl", "--label", "shelf"], "has a label; give each a field `shelf`"),
        (["bad.jsonl"], "bad.jsonl, line 2, is not JSON"),
        (["gold.jsonl", "--seeds", "1,x"], "--seeds is '1,x'"),
        (["gold.jsonl", "--seeds", "0"], "--seeds is '0'"),
        (["gold.jsonl", "--seeds", "9", "--label", "event"], "on more than 9 articles"),
        (["gold.jsonl", "--draws", "0"], "--draws is 0"),
        (["gold.jsonl", "--grain", "sand"], "There is no grain 'sand'; use "),
    ],
)
def test_bad_input_is_one_sentence(
    labelled: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    (tmp_path / "empty").mkdir()
    written(tmp_path / "plain.jsonl", {"text": "silt"})
    written(tmp_path / "bad.jsonl", {"text": "silt", "event": "a"}, "{")
    assert labelled.parent == tmp_path
    assert command_line(["eval", "likeness", str(tmp_path / arguments[0]), *arguments[1:]]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("suchlike: ") and said in err and err.count("\n") == 1
