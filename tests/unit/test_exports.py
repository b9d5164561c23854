"""Exports: every format takes every article, files come whole or not at all, and nobody's file is lost."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.export import MANIFEST, export
from pipelines.errors import StoreError, UsageError
from pipelines.exports import EXPORTS
from pipelines.exports.as_csv import FIELDS

_FORMULA = "=+-@\t\r\n"


def article(**values: Any) -> dict[str, Any]:
    return {
        "id": 1, "url": "https://a.test/1", "canonical_url": "https://a.test/1", "title": "Night trains return",
        "text": "One.\nTwo, „drei“ and \u2028 four.", "authors": ["Ada B.", "Çem D."],
        "published": "2024-05-06T07:08:09Z", "published_confidence": 0.9, "language": "en", "site": "a.test",
        "fetched_at": "2024-05-07T00:00:00Z", "score": 0.93, "lexical": 0.4, "dense": 0.7, "match": True,
        "nearest_seed": "seed", "story": 1, "copy_of": None, "revision": 1, "words": 6, "sha256": "0" * 64,
        "mode": "online", "run": 1, "archive": {"file": "a.warc.gz", "offset": 10},
        "rights": {"robots": "", "noindex": False, "tdm_reserved": False},
    } | values  # fmt: skip


BARE = article(published=None, authors=[], archive=None, title="", text="")


@pytest.mark.parametrize("kind", EXPORTS)
def test_every_format_writes_every_article_and_counts_them(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "new" / f"out.{kind}"
    told = export(kind, iter([article(), BARE]), file, about={"mode": "online", "config": "abc"})
    content = file.read_bytes()
    assert told == {
        "file": str(file), "format": kind, "articles": 2, "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip
    manifest = json.loads((file.parent / MANIFEST).read_text("utf-8"))
    assert manifest["tool"].startswith("suchlike ")
    assert manifest["files"] == [
        {**told, "file": f"out.{kind}", "published": ["2024-05-06T07:08:09Z"] * 2, "mode": "online", "config": "abc"}
    ]
    assert sorted(one.name for one in file.parent.iterdir()) == [MANIFEST, f"out.{kind}"]


@pytest.mark.parametrize("kind", EXPORTS)
def test_every_format_writes_nothing_when_there_is_nothing(kind: str, tmp_path: Path) -> None:
    assert export(kind, iter([]), tmp_path / "out", about={})["articles"] == 0


@pytest.mark.parametrize("kind", EXPORTS)
def test_every_format_is_the_same_twice(kind: str, tmp_path: Path) -> None:
    first = export(kind, iter([article()]), tmp_path / "out", about={})
    assert export(kind, iter([article()]), tmp_path / "out", about={}) == first
    assert len(json.loads((tmp_path / MANIFEST).read_text("utf-8"))["files"]) == 1


def test_json_lines_lose_nothing(tmp_path: Path) -> None:
    export("jsonl", iter([article(), BARE]), tmp_path / "out.jsonl", about={})
    lines = (tmp_path / "out.jsonl").read_text("utf-8").split("\n")
    assert [json.loads(line) for line in lines[:-1]] == [article(), BARE]
    assert lines[-1] == ""


def as_csv(*articles: Mapping[str, Any]) -> list[dict[str, str]]:
    out = io.StringIO(newline="")
    EXPORTS["csv"](iter(articles), out)
    return list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))


def test_a_table_has_a_column_for_every_field_of_an_article() -> None:
    (row,) = as_csv(article())
    assert set(row) == set(FIELDS) == set(article()) - {"id"}
    assert (row["authors"], row["score"], row["copy_of"]) == ("Ada B.; Çem D.", "0.93", "")
    assert json.loads(row["archive"]) == {"file": "a.warc.gz", "offset": 10}
    assert row["text"] == article()["text"]


@pytest.mark.parametrize(
    "title",
    [
        "=HYPERLINK(1)",
        "+1",
        "-1+cmd|' /C calc'!A0",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\uff1d1+1",
        "\uff20x",
        "\uff0d1",
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_is_defused(title: str) -> None:
    (row,) = as_csv(article(title=title, authors=[title]))
    assert row["title"] == row["authors"] == f"'{title}"


@given(text=st.text(max_size=20))
def test_no_cell_begins_like_a_formula_and_nothing_else_changes(text: str) -> None:
    (row,) = as_csv(article(text=text))
    assert not row["text"].startswith(tuple(_FORMULA))
    assert row["text"] in (text, f"'{text}")


def test_a_negative_number_stays_a_number() -> None:
    assert as_csv(article(score=-0.5))[0]["score"] == "-0.5"


def test_an_unknown_format_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no export format 'pdf'; there are csv, jsonl"):
        export("pdf", iter([]), tmp_path / "out.pdf", about={})


def test_exports_of_one_folder_share_a_manifest(tmp_path: Path) -> None:
    for kind in ("jsonl", "csv"):
        export(kind, iter([article()]), tmp_path / f"out.{kind}", about={})
    files = json.loads((tmp_path / MANIFEST).read_text("utf-8"))["files"]
    assert [one["file"] for one in files] == ["out.jsonl", "out.csv"]


@pytest.mark.parametrize(
    "content", ['{"name": "my app"}', "[]", "not json", '{"tool": 5}', '{"tool": "x", "files": []}']
)
def test_a_manifest_of_somebody_else_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(UsageError, match=r"MANIFEST\.json was not made by suchlike and is left alone"):
        export("csv", iter([article()]), tmp_path / "out.csv", about={})
    assert (tmp_path / MANIFEST).read_text() == content
    assert [one.name for one in tmp_path.iterdir()] == [MANIFEST]


def test_the_manifest_is_no_name_for_an_export(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is the name of the manifest"):
        export("jsonl", iter([]), tmp_path / MANIFEST, about={})


def test_an_export_that_fails_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    export("jsonl", iter([article()]), tmp_path / "out.jsonl", about={})
    before = (tmp_path / "out.jsonl").read_bytes()

    def broken() -> Iterator[dict[str, Any]]:
        yield article()
        raise StoreError("The database went away.")

    with pytest.raises(StoreError):
        export("jsonl", broken(), tmp_path / "out.jsonl", about={})
    assert (tmp_path / "out.jsonl").read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == [MANIFEST, "out.jsonl"]


def test_a_disk_that_refuses_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for target in (tmp_path / "file" / "out.csv", tmp_path / "folder"):
        with pytest.raises(StoreError, match=r"^\S+ cannot be written: [^\n]+\.$"):
            export("csv", iter([article()]), target, about={})
    (tmp_path / "full.csv.part").symlink_to("/dev/full")
    with pytest.raises(StoreError, match=r"full\.csv cannot be written: No space left on device\."):
        export("csv", iter([article()]), tmp_path / "full.csv", about={})
    assert not (tmp_path / "full.csv").exists()
