"""Exports: every format takes every article and gives it back, files come whole or not at all, none is lost."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import zipfile
from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import absent
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from crawler import export as exporting
from crawler.export import MANIFEST, export, place
from pipelines.errors import StoreError, UsageError
from pipelines.exports import EXPORTS, FIELDS, Choice, as_parquet, as_xlsx, chosen_fields
from pipelines.exports.cells import cell, undefused
from pipelines.exports.rights import PROFILES
from pipelines.exports.splits import split_of, splits_of
from pipelines.exports.xml import plain
from pipelines.records import Edge, Feed

_FORMULA = "=+-@\t\r\n"
ABOUT = {"mode": "online", "config": "abc", "seeds": [{"name": "seed|1", "sha256": "f" * 64}],
         "versions": {"suchlike": "1"}}  # fmt: skip
FILES = [kind for kind, form in EXPORTS.items() if not form.folder]


def article(**values: Any) -> dict[str, Any]:
    made = {
        "id": 1, "url": "https://a.test/1", "canonical_url": "https://a.test/1", "title": "Night trains return",
        "text": "One.\nTwo, „drei“ and \u2028 four.", "authors": ["Ada B.", "Çem D."],
        "published": "2024-05-06T07:08:09Z", "published_confidence": 0.9, "language": "en", "site": "a.test",
        "fetched_at": "2024-05-07T00:00:00Z", "score": 0.93, "lexical": 0.4, "dense": 0.7, "match": True,
        "nearest_seed": "seed", "story": 1, "copy_of": None, "revision": 1, "words": 6,
        "mode": "online", "run": 1, "archive": {"file": "a.warc.gz", "offset": 10},
        "rights": {"robots": "", "noindex": False, "tdm_reserved": False}, "section": "News", "paywalled": None,
        "truncated": False, "evidence": {"title": "json-ld"}, "disagreement": {"title": {"h1": "=x"}},
    } | values  # fmt: skip
    return made | {"sha256": hashlib.sha256(made["text"].encode()).hexdigest()}


BARE = article(id=2, url="https://a.test/2", published=None, authors=[], archive=None, title="", text="")
WILD = article(
    id=3, url="https://b.test/3?a=1&b=<2>", title='=1+1 & "<b>" {x} \\ \x00\x07\ufffe', authors=["and, Sons", "X & Y"],
    text="'=apostrophe\n]]> & <script>\x1b\nüñí 🙂", story=3, site="b.test",
)  # fmt: skip


def made(kind: str, articles: Iterable[Mapping[str, Any]], file: Path, **more: Any) -> dict[str, Any]:
    held = list(articles)
    return export(
        kind, lambda: (one for one in held), file, **{"about": ABOUT, "choice": Choice(title="dredging"), **more}
    )


@pytest.mark.parametrize("kind", FILES)
def test_every_format_writes_every_article_and_counts_them(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "new" / EXPORTS[kind].file
    told = made(kind, [article(), BARE, WILD], file)
    content = file.read_bytes()
    assert told == {
        "file": str(file), "format": kind, "articles": 3, "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(), "left_out": {},
    }  # fmt: skip
    manifest = json.loads((file.parent / MANIFEST).read_text("utf-8"))
    assert manifest["tool"].startswith("suchlike ")
    (entry,) = manifest["files"]
    assert entry == {
        **told, **ABOUT, "file": file.name, "published": ["2024-05-06T07:08:09Z"] * 2,
        "sites": {"a.test": 2, "b.test": 1}, "languages": {"en": 3}, "rights": {"noindex": 0, "tdm_reserved": 0},
        "purpose": None,
    }  # fmt: skip
    assert sorted(one.name for one in file.parent.iterdir()) == sorted([MANIFEST, file.name])


@pytest.mark.parametrize("kind", EXPORTS)
def test_every_format_writes_nothing_when_there_is_nothing(kind: str, tmp_path: Path) -> None:
    assert made(kind, [], tmp_path / "out")["articles"] == 0


@pytest.mark.parametrize("kind", ["jsonl", "hf"])
def test_an_export_for_which_no_file_is_named_spares_those_of_another_mode(kind: str, tmp_path: Path) -> None:
    name = EXPORTS[kind].file
    assert place(tmp_path, name, "replay") == tmp_path / name
    made(kind, [article()], tmp_path / name)
    assert place(tmp_path, name, "online") == tmp_path / name
    assert place(tmp_path, name, "replay") == tmp_path / "replay" / name


@pytest.mark.parametrize("kind", EXPORTS)
def test_every_format_is_the_same_twice(kind: str, tmp_path: Path) -> None:
    bare = article(archive=None)
    first = made(kind, [bare], tmp_path / "out")
    assert made(kind, [bare], tmp_path / "out") == first
    assert [one.name for one in tmp_path.iterdir() if one.name.endswith((".part", ".old"))] == []


@pytest.mark.parametrize("kind", [kind for kind, form in EXPORTS.items() if form.read and not form.folder])
def test_what_was_exported_can_be_read_back(kind: str, tmp_path: Path) -> None:
    held = [article(), BARE, WILD]
    made(kind, held, tmp_path / "out")
    read = EXPORTS[kind].read
    assert read is not None
    back = list(read(tmp_path / "out"))
    assert [one["text"] for one in back] == [one["text"] for one in held]
    assert [one["url"] for one in back] == [one["url"] for one in held]
    if kind == "csv":
        assert set(back[0]) == set(FIELDS)
        assert json.loads(str(back[0]["archive"])) == {"file": "a.warc.gz", "offset": 10}
        assert [one["authors"] for one in back] == ["Ada B.; Çem D.", "", "and, Sons; X & Y"]
    else:
        assert [{name: one[name] for name in FIELDS} for one in back] == [
            {name: one[name] for name in FIELDS} for one in held
        ]


def test_json_lines_lose_nothing(tmp_path: Path) -> None:
    made("jsonl", [article(more=1), BARE], tmp_path / "out.jsonl")
    lines = (tmp_path / "out.jsonl").read_text("utf-8").split("\n")
    assert [json.loads(line) for line in lines[:-1]] == [article(more=1), BARE]
    assert lines[-1] == ""


# each in the tool it is meant for


def test_parquet_holds_few_long_texts_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_parquet, "_GROUP_CHARS", 1000)
    long, short = article(text="x" * 900), article(text="x")
    file = tmp_path / "out.parquet"
    made("parquet", [long, long, *[short] * 9, long], file)
    parquet = _tool("pyarrow.parquet")
    with parquet.ParquetFile(file) as held:
        assert [held.metadata.row_group(at).num_rows for at in range(held.num_row_groups)] == [2, 10]


def test_parquet_opens_in_duckdb_with_real_types(tmp_path: Path) -> None:
    duckdb = _tool("duckdb")
    file = tmp_path / "out.parquet"
    made("parquet", [article(), BARE, WILD], file)
    asked = f"SELECT url, len(authors), year(published), archive.offset, match FROM '{file}' ORDER BY url"
    assert duckdb.sql(asked).fetchall() == [
        ("https://a.test/1", 2, 2024, 10, True), ("https://a.test/2", 0, None, None, True),
        ("https://b.test/3?a=1&b=<2>", 2, 2024, 10, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "package", "extra"),
    [("parquet", "pyarrow", "analysis"), ("hf", "pyarrow", "analysis"), ("xlsx", "xlsxwriter", "xlsx")],
)
def test_a_format_without_its_package_names_the_extra(
    kind: str, package: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=rf"pip install 'suchlike\[{extra}\]'"):
        made(kind, [article()], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_spreadsheet_opens_the_workbook_with_real_types(tmp_path: Path) -> None:
    made("xlsx", [article(), BARE, article(published="1850-01-01T00:00:00Z")], tmp_path / "out.xlsx")
    first, bare, old = sheet(tmp_path / "out.xlsx")
    assert list(first) == list(FIELDS)
    assert first["published"].value == datetime(2024, 5, 6, 7, 8, 9)
    assert (first["score"].value, first["match"].value, first["words"].value) == (0.93, True, 6)
    assert (first["title"].value, first["authors"].value) == ("Night trains return", "Ada B.; Çem D.")
    assert json.loads(first["archive"].value) == {"file": "a.warc.gz", "offset": 10}
    assert (bare["published"].value, bare["url"].value) == (None, "https://a.test/2")
    assert old["published"].value == "1850-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "hostile",
    [
        "=HYPERLINK(1)", "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\uff1d1+1", "{=1}", "https://a.test/",
        "mailto:a@a.test", "1e9", '<r><t>x</t></is></c><c r="A9"><f>1+1</f></c><c><is><t></t></r>', "]]> &lt; & </t>",
    ],
)  # fmt: skip
def test_in_a_workbook_every_text_is_a_text(hostile: str, tmp_path: Path) -> None:
    told = article(title=hostile, authors=[hostile], site=hostile, text=hostile)
    made("xlsx", [told, BARE], tmp_path / "out.xlsx")
    wild, bare = sheet(tmp_path / "out.xlsx")
    for name in ("title", "authors", "site", "text"):
        assert (wild[name].value.rstrip(), wild[name].data_type, wild[name].hyperlink) == (hostile, "s", None)
        # so that it is none after somebody has edited the cell, either
        assert wild[name].quotePrefix == hostile.startswith((*_FORMULA, "\uff1d"))
    assert bare["url"].value == "https://a.test/2"
    names = zipfile.ZipFile(tmp_path / "out.xlsx").namelist()
    assert "xl/worksheets/_rels/sheet1.xml.rels" not in names
    assert b"<f>" not in unpacked(tmp_path / "out.xlsx")


def test_a_cell_holds_what_excel_can_hold_and_says_where_it_is_cut(tmp_path: Path) -> None:
    most = as_xlsx.MAX_CELL_UNITS
    held = [
        article() | {"text": "a\x00\x07\ud800\x1b\ufffeb\r\nc\rd"}, article(text="x" * most),
        article(text="x" * most + "y"), article(text="🙂" * (most // 2 + 1)), article(text="x" + "🙂" * most),
    ]  # fmt: skip
    made("xlsx", held, tmp_path / "out.xlsx")
    texts = [row["text"].value for row in sheet(tmp_path / "out.xlsx")]
    assert texts[:2] == ["ab\nc\nd", "x" * most]
    for text in texts[2:]:
        assert text.endswith(as_xlsx.CUT)
        assert most - 1 <= len(text.encode("utf-16-le")) / 2 <= most


def test_what_a_sheet_cannot_hold_is_one_sentence_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    otherwise = r"choose fewer, [^\n]+ take csv or parquet\.$"
    monkeypatch.setattr(as_xlsx, "MAX_ROWS", 3)
    assert made("xlsx", [article(), BARE], tmp_path / "out.xlsx")["articles"] == 2
    with pytest.raises(UsageError, match=rf"^A spreadsheet has room for 2 articles, and there are more: {otherwise}"):
        made("xlsx", [article(), BARE, WILD], tmp_path / "more.xlsx")
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    with pytest.raises(UsageError, match=rf"^A spreadsheet has no room for so much text \(2 GiB\): {otherwise}"):
        made("xlsx", [article()], tmp_path / "more.xlsx")
    assert not (tmp_path / "more.xlsx").exists()


def sheet(file: Path) -> list[dict[str, Any]]:
    """The rows of a workbook: column -> cell."""
    header, *rows = _tool("openpyxl").load_workbook(file).active.iter_rows()
    return [dict(zip((cell.value for cell in header), row, strict=True)) for row in rows]


def unpacked(file: Path) -> bytes:
    """What is in a file, and in its members where it is an archive."""
    if not zipfile.is_zipfile(file):
        return file.read_bytes()
    with zipfile.ZipFile(file) as held:
        return b"".join(held.read(name) for name in held.namelist())


@pytest.mark.parametrize("kind", ["rss", "atom", "jsonfeed"])
def test_a_feed_reader_reads_the_feeds(kind: str, tmp_path: Path) -> None:
    from fastfeedparser import parse

    made(kind, [article(), WILD, BARE], tmp_path / "feed")
    feed = parse((tmp_path / "feed").read_bytes().decode())
    assert feed.feed.title == "dredging"
    first, wild, bare = feed.entries
    assert (first.title, first.link) == ("Night trains return", "https://a.test/1")
    assert first.published.startswith("2024-05-06T07:08:09")
    assert "Ada B." in str(first)
    assert "drei" in str(first.content)
    assert wild.link == "https://b.test/3?a=1&b=<2>"
    assert "<script>" not in (tmp_path / "feed").read_text() or kind == "jsonfeed"
    assert bare.title == bare.link == "https://a.test/2"
    assert "suchlike/" not in (tmp_path / "feed").read_text()


@pytest.mark.parametrize("kind", ["rss", "atom", "jsonfeed"])
def test_a_feed_gives_back_the_whole_text_of_every_article_with_all_its_authors(kind: str, tmp_path: Path) -> None:
    from fastfeedparser import parse

    held = [article(), WILD, BARE]
    made(kind, held, tmp_path / "feed")
    content = (tmp_path / "feed").read_bytes()
    for told, one in zip(parse(content.decode()).entries, held, strict=True):
        (text,) = [part["value"] for part in told.get("content", ())] or [""]
        if kind != "jsonfeed":
            text = html.unescape(text.replace("<p>", "\n").replace("</p>", ""))
        assert plain(text).split() == plain(one["text"]).split()
        assert plain(told.title).strip() == plain(one["title"]).strip() or told.title == one["url"]
    if kind == "jsonfeed":
        names = [author["name"] for item in json.loads(content)["items"] for author in item["authors"]]
    else:
        names = [each.text for each in etree.fromstring(content).iterfind(".//{*}entry/{*}author/{*}name")]
        names += [each.text for each in etree.fromstring(content).iterfind(".//item/{*}creator")]
    assert names == [name for one in held for name in one["authors"]]


def test_a_feed_says_when_an_article_got_another_text(tmp_path: Path) -> None:
    revised = article(id=4, url="https://a.test/4", revision=2, fetched_at="2024-05-09T10:00:00Z")
    made("atom", [article(), revised], tmp_path / "feed.xml")
    made("jsonfeed", [article(), revised], tmp_path / "feed.json")
    atom = etree.parse(tmp_path / "feed.xml")
    told = [one.text for one in atom.iterfind(".//{*}entry/{*}updated")]
    assert told == ["2024-05-06T07:08:09Z", "2024-05-09T10:00:00Z"]
    items = json.loads((tmp_path / "feed.json").read_text())["items"]
    assert [one.get("date_modified") for one in items] == [None, "2024-05-09T10:00:00Z"]


def test_a_feed_reader_imports_the_feeds_behind_the_articles(tmp_path: Path) -> None:
    known = [
        Feed("https://b.test/atom?a=1&b=\"<>'\x00\ud800\ufffe", "b.test"), Feed("https://a.test/z.xml", "a.test"),
        Feed("https://a.test/a.xml", "a.test"), Feed("https://unlike.test/feed", "unlike.test"),
        Feed("https://burner.test/a", "burner.test"), Feed("https://burner.test/b", "burner.test"),
    ]  # fmt: skip

    def edges(_rows: Any, _seen: set[int]) -> Iterator[Edge]:
        yield Edge("https://burner.test/a", "https://a.test/1", "feed", "", 1, None, True, 1, 9)
        yield Edge("https://unlike.test/feed", "https://burner.test/a", "links", "", 0, None, False, 9, 8)

    choice = Choice(title='mud </title> & "\x00', edges=edges, feeds=lambda: known)
    told = made("opml", [article(), BARE, WILD], tmp_path / "feeds.opml", choice=choice)
    assert told["articles"] == 3
    root = etree.parse(tmp_path / "feeds.opml").getroot()
    assert (root.tag, root.get("version")) == ("opml", "2.0")
    assert [part.tag for part in root] == ["head", "body"]
    assert root.findtext("head/title") == 'mud </title> & "'
    outlines = root.findall("body/outline")
    assert [one.get("xmlUrl") for one in outlines] == [
        "https://a.test/a.xml", "https://a.test/z.xml", "https://b.test/atom?a=1&b=\"<>'", "https://burner.test/a",
    ]  # fmt: skip
    assert dict(outlines[0].attrib) == {
        "type": "rss", "text": "a.test/a.xml", "title": "a.test/a.xml", "xmlUrl": "https://a.test/a.xml",
    }  # fmt: skip


def test_bibtex_opens_in_a_reference_manager(tmp_path: Path) -> None:
    database = _tool("pybtex.database")
    made("bibtex", [article(), BARE, WILD], tmp_path / "out.bib")
    held = database.parse_file(str(tmp_path / "out.bib"))
    assert len(held.entries) == 3
    first = held.entries["a2024night1"]
    assert (first.type, first.fields["title"], first.fields["date"]) == (
        "online",
        "{Night trains return}",
        "2024-05-06",
    )
    assert [str(person) for person in first.persons["author"]] == ["B., Ada", "D., Çem"]
    wild = held.entries["b20243"]
    assert [str(one) for one in wild.persons["author"]] == ["{and, Sons}", r"Y, X \&"]
    assert wild.fields["title"].startswith(r'{=1+1 \& "<b>" \textbraceleft{}x\textbraceright{} \textbackslash{}')
    assert wild.fields["url"] == "https://b.test/3?a=1&b=%3C2%3E"


@pytest.mark.parametrize("brace", "{}")
def test_a_lone_brace_in_a_title_leaves_bibtex_readable(tmp_path: Path, brace: str) -> None:
    database = _tool("pybtex.database")
    made(
        "bibtex", [article(id=1, title=f"Brace {brace} yourselves", site=f"a{brace}.test"), BARE], tmp_path / "out.bib"
    )
    held = database.parse_file(str(tmp_path / "out.bib"))
    assert len(held.entries) == 2


def test_links_are_told_once_each_with_what_led_there(tmp_path: Path) -> None:
    asked: list[list[int]] = []

    def edges(rows: Any, seen: set[int]) -> Iterator[Edge]:
        asked.append(list(rows))
        seen.update(rows)
        for row in rows:
            url, found_at = f"https://a.test/{row}", "2024-05-06T00:00:00Z"
            yield Edge("https://a.test/", url, "link", "=more", 1, found_at, True, row, 9)

    told = made("links.csv", [article(), BARE], tmp_path / "links.csv", choice=Choice(edges=edges))
    assert told["articles"] == 2
    assert asked == [[1, 2]]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "links.csv").read_text())))
    assert rows[1] == {
        "Source": "https://a.test/", "Target": "https://a.test/2", "kind": "link", "anchor": "'=more", "depth": "1",
        "found_at": "2024-05-06T00:00:00Z", "article": "True",
    }  # fmt: skip


def test_a_graph_opens_in_networkx_whatever_the_web_wrote(tmp_path: Path) -> None:
    networkx = _tool("networkx")
    anchor = 'a "<b>" & \x00\ud800]]></data><node id="evil"/>\ufffe\nüñí 🙂'

    def edges(rows: Any, seen: set[int]) -> Iterator[Edge]:
        for row in rows:
            yield Edge("https://a.test/?a&b=<", f"https://a.test/{row}", "feed", anchor, 2, None, True, row, 9)
        if 9 not in seen:  # the page that named them is told after them, and has lost the one that named it
            yield Edge("", "https://a.test/?a&b=<", "links", "", 1, "2024-05-06T00:00:00Z", False, 9, None)
        seen |= {*rows, 9}

    held = [article(id=row) for row in range(100, 1100)]
    told = made("graphml", held, tmp_path / "links.graphml", choice=Choice(edges=edges))
    assert told["articles"] == 1000
    graph = networkx.read_graphml(tmp_path / "links.graphml")
    assert (graph.is_directed(), len(graph), graph.number_of_edges()) == (True, 1001, 1000)
    assert graph.nodes["n9"] == {
        "label": "https://a.test/?a&b=<", "depth": 1, "found_at": "2024-05-06T00:00:00Z", "article": False,
    }  # fmt: skip
    assert graph.nodes["n100"]["article"] is True
    plain = 'a "<b>" & ]]></data><node id="evil"/>\nüñí 🙂'
    assert graph.edges["n9", "n1099"] == {"kind": "feed", "anchor": plain}


def test_in_a_graph_every_node_stands_before_its_edges(tmp_path: Path) -> None:
    def edges(_rows: Any, _seen: set[int]) -> Iterator[Edge]:
        yield Edge("https://a.test/", "https://a.test/8", "links", "", 1, None, True, 8, 9)
        yield Edge("", "https://a.test/", "start", "", 0, None, False, 9, None)

    made("graphml", [article(id=8)], tmp_path / "out", choice=Choice(edges=edges))
    parts = etree.parse(tmp_path / "out").iter("{*}node", "{*}edge")
    assert [one.get("id") or (one.get("source"), one.get("target")) for one in parts] == ["n8", "n9", ("n9", "n8")]


def test_a_hugging_face_folder_has_a_file_a_split_and_a_card(tmp_path: Path) -> None:
    yaml = _tool("yaml")
    held = [article(id=n, url=f"https://a.test/{n}", title="# *x*") for n in range(40)]
    told = made("hf", held, tmp_path / "set", shares=splits_of("train=.7"))
    assert told["articles"] == 40
    text = (tmp_path / "set" / "README.md").read_text()
    front = yaml.safe_load(text.split("---")[1])
    files = front["configs"][0]["data_files"]
    assert [(one["split"], one["path"]) for one in files] == [
        ("train", "data/train.parquet"), ("test", "data/test.parquet"),
    ]  # fmt: skip
    assert (front["language"], front["size_categories"]) == (["en"], ["n<1K"])
    read = EXPORTS["hf"].read
    assert read is not None
    back = {one["url"]: one for split in files for one in read(tmp_path / "set" / split["path"])}
    assert back == {one["url"]: {name: one[name] for name in FIELDS} for one in held}
    assert r"seed\|1" in text
    assert "`abc`" in text
    assert "None was left out for what its page says." in text
    entries = json.loads((tmp_path / "set" / MANIFEST).read_text())["files"]
    assert [one["file"] for one in entries] == ["data/train.parquet", "data/test.parquet", "README.md"]


def test_a_card_tells_any_name(tmp_path: Path) -> None:
    yaml = _tool("yaml")
    made("hf", [article()], tmp_path / "set", choice=Choice(title='mud 🙂 "é"\u2028: [x] \\'))
    front = yaml.safe_load((tmp_path / "set" / "README.md").read_text("utf-8").split("---")[1])
    assert front["pretty_name"] == 'mud 🙂 "é" : [x] \\'


def test_a_torn_page_leaves_in_no_warc(tmp_path: Path) -> None:
    (tmp_path / "warc").mkdir()
    made("warc", [BARE], tmp_path / "warc" / "a.warc.gz")
    record = (tmp_path / "warc" / "a.warc.gz").read_bytes()
    kept = Choice(archive=tmp_path / "warc")
    held = [article(archive={"file": "a.warc.gz", "offset": 0})]
    made("warc", held, tmp_path / "whole.warc.gz", choice=kept)
    assert (tmp_path / "whole.warc.gz").read_bytes() == record
    (tmp_path / "warc" / "a.warc.gz").write_bytes(record[:-1])
    with pytest.raises(StoreError, match=r"a\.warc\.gz is torn at 0"):
        made("warc", held, tmp_path / "torn.warc.gz", choice=kept)
    assert not (tmp_path / "torn.warc.gz").exists()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not an export of ours and is left alone"):
        made("hf", [article()], tmp_path / "set")
    assert [one.name for one in tmp_path.iterdir()] == ["set"]


def _tool(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        absent(name)


# fields, texts, splits, rights


@pytest.mark.parametrize(
    "kind", [kind for kind, form in EXPORTS.items() if form.fields and form.read and not form.folder]
)
def test_only_the_fields_asked_for_are_written_in_their_order(kind: str, tmp_path: Path) -> None:
    choice = Choice(fields=chosen_fields(["title", "url", "title"]))
    made(kind, [article(more=1)], tmp_path / "out", choice=choice)
    read = EXPORTS[kind].read
    assert read is not None
    assert [list(one.items()) for one in read(tmp_path / "out")] == [
        [("title", "Night trains return"), ("url", "https://a.test/1")]
    ]


def test_a_workbook_has_only_the_columns_asked_for(tmp_path: Path) -> None:
    made("xlsx", [article()], tmp_path / "out.xlsx", choice=Choice(fields=chosen_fields(["title", "url", "title"])))
    (row,) = sheet(tmp_path / "out.xlsx")
    assert [(name, one.value) for name, one in row.items()] == [
        ("title", "Night trains return"), ("url", "https://a.test/1"),
    ]  # fmt: skip


def test_a_field_there_is_not_is_named() -> None:
    with pytest.raises(UsageError, match=r"no field 'titel'; it has url, .*title"):
        chosen_fields(["titel"])


@pytest.mark.parametrize("kind", [kind for kind, form in EXPORTS.items() if not form.only_pages and not form.folder])
def test_without_texts_no_text_leaves(kind: str, tmp_path: Path) -> None:
    made(kind, [article()], tmp_path / "out", choice=Choice(fields=chosen_fields(text=False), text=False))
    content = unpacked(tmp_path / "out")
    if read := EXPORTS[kind].read:  # what is packed looks like nothing
        content += repr([*read(tmp_path / "out")]).encode()
    assert b"drei" not in content
    assert b"Two" not in content
    assert kind in ("links.csv", "graphml", "opml") or b"Night trains" in content


def test_what_does_not_fit_a_format_is_refused() -> None:
    with pytest.raises(UsageError, match="rss has columns of its own; --fields is for csv, hf, jsonl, parquet, xlsx"):
        exporting.fit("rss", fields=["url"])
    with pytest.raises(UsageError, match="holds nothing but pages"):
        exporting.fit("warc", text=False)


def test_splits_are_read_and_add_up() -> None:
    assert splits_of("train=.8") == {"train": 0.8, "test": pytest.approx(0.2)}
    assert splits_of("train=.8, test=.1") == {"train": 0.8, "test": 0.1, "rest": pytest.approx(0.1)}
    assert splits_of("a=.1,b=.2,c=.7") == {"a": 0.1, "b": 0.2, "c": 0.7}
    for wrong in ("train", "train=", "train=x", "train=0", "train=1.1", "a=.5,a=.5", "../x=.5", "train=nan", ""):
        with pytest.raises(UsageError, match="cannot be read"):
            splits_of(wrong)
    with pytest.raises(UsageError, match="more than the whole"):
        splits_of("a=.7,b=.7")


def test_a_story_never_straddles_splits_and_shares_are_kept(tmp_path: Path) -> None:
    held = []
    for n in range(300):
        held.append(article(id=2 * n, url=f"https://a.test/{n}"))
        held.append(article(id=2 * n + 1, url=f"https://b.test/{n}", copy_of=f"https://a.test/{n}"))
    told = made("jsonl", held, tmp_path / "out.jsonl", shares=splits_of("train=.8"))
    assert [one["file"] for one in told["splits"]] == ["out-train.jsonl", "out-test.jsonl"]
    found = {
        split: [json.loads(line) for line in (tmp_path / f"out-{split}.jsonl").read_text().splitlines()]
        for split in ("train", "test")
    }
    stories = {split: {one["copy_of"] or one["url"] for one in some} for split, some in found.items()}
    assert not stories["train"] & stories["test"]
    assert sum(map(len, found.values())) == told["articles"] == 600
    assert 0.72 < len(found["train"]) / 600 < 0.88
    shares = splits_of("train=.8")
    assert {split_of(one, shares) for one in found["test"]} == {"test"}


@pytest.mark.parametrize("purpose", PROFILES)
def test_a_profile_of_rights_leaves_out_what_forbids_it_and_counts_it(purpose: str, tmp_path: Path) -> None:
    held = [
        article(id=1), article(id=2, rights={"robots": "noai", "noindex": False, "tdm_reserved": True}),
        article(id=3, rights={"robots": "noindex, follow", "noindex": True, "tdm_reserved": False}),
        article(id=4, rights={"robots": "noarchive", "noindex": False, "tdm_reserved": False}),
        article(id=5, paywalled=True),
    ]  # fmt: skip
    told = made("jsonl", held, tmp_path / "out.jsonl", purpose=purpose)
    kept = [json.loads(line)["id"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert kept == ([1, 4, 5] if purpose == "research" else [1])
    more = {} if purpose == "research" else {"noarchive": 1, "paywalled": 1}
    assert told["left_out"] == {"tdm_reserved": 1, "noindex": 1, **more}
    (entry,) = json.loads((tmp_path / MANIFEST).read_text())["files"]
    assert (entry["left_out"], entry["purpose"]) == (told["left_out"], purpose)


def test_an_unknown_purpose_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no profile of rights 'fun'; there are research, training"):
        made("jsonl", [], tmp_path / "out.jsonl", purpose="fun")


# cells


def as_csv(*articles: Mapping[str, Any]) -> list[dict[str, str]]:
    out = io.BytesIO()
    EXPORTS["csv"].write(iter(articles), out, Choice())
    return list(csv.DictReader(io.StringIO(out.getvalue().decode(), newline="")))


@pytest.mark.parametrize(
    "title",
    [
        "=HYPERLINK(1)", "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\uff1d1+1", "\uff20x",
        "\uff0d1",
    ],
)  # fmt: skip
def test_a_cell_that_a_spreadsheet_would_run_is_defused(title: str) -> None:
    (row,) = as_csv(article(title=title, authors=[title]))
    assert row["title"] == row["authors"] == f"'{title}"


@given(text=st.text(alphabet=st.sampled_from("'=+-@\t\rab"), max_size=5) | st.text(max_size=20))
def test_no_cell_begins_like_a_formula_and_each_can_be_read_back(text: str) -> None:
    made_of = cell(text)
    assert not made_of.startswith(tuple(_FORMULA))
    assert undefused(made_of) == text
    (row,) = as_csv(article(text=text))
    assert undefused(row["text"]) == text


def test_a_negative_number_stays_a_number() -> None:
    assert as_csv(article(score=-0.5))[0]["score"] == "-0.5"


# files


def test_an_unknown_format_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no export format 'pdf'; there are atom, bibtex, csv"):
        made("pdf", [], tmp_path / "out.pdf")


def test_exports_of_one_folder_share_a_manifest(tmp_path: Path) -> None:
    for kind in ("jsonl", "csv"):
        made(kind, [article()], tmp_path / f"out.{kind}")
    files = json.loads((tmp_path / MANIFEST).read_text("utf-8"))["files"]
    assert [one["file"] for one in files] == ["out.jsonl", "out.csv"]


@pytest.mark.parametrize(
    "content", ['{"name": "my app"}', "[]", "not json", '{"tool": 5}', '{"tool": "x", "files": []}']
)
def test_a_manifest_of_somebody_else_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(UsageError, match=r"MANIFEST\.json was not made by suchlike and is left alone"):
        made("csv", [article()], tmp_path / "out.csv")
    assert (tmp_path / MANIFEST).read_text() == content
    assert [one.name for one in tmp_path.iterdir()] == [MANIFEST]


def test_an_export_needs_a_name() -> None:
    with pytest.raises(UsageError, match="no name for a file"):
        export("csv", lambda: iter(()), Path(), about={})  # type: ignore[arg-type,return-value]  # never called


def test_the_manifest_is_no_name_for_an_export(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is the name of the manifest"):
        made("jsonl", [], tmp_path / MANIFEST)


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "hf", "xlsx"])
def test_an_export_that_fails_half_way_leaves_the_old_one(kind: str, tmp_path: Path) -> None:
    made(kind, [article()], tmp_path / "out")
    before = {one: one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()}

    def broken() -> Generator[dict[str, Any], None, None]:
        yield article()
        raise StoreError("The database went away.")

    with pytest.raises(StoreError):
        export(kind, broken, tmp_path / "out", about={})
    assert {one: one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()} == before


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_disk_that_refuses_is_one_sentence(kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for target in (tmp_path / "file" / "out.csv", tmp_path / "folder"):
        with pytest.raises(StoreError, match=r"^\S+ cannot be written: [^\n]+\.$"):
            made(kind, [article()], target)
    (tmp_path / "full.csv.part").symlink_to("/dev/full")
    with pytest.raises(StoreError, match=r"full\.csv cannot be written: No space left on device\."):
        made(kind, [article()], tmp_path / "full.csv")
    assert not (tmp_path / "full.csv").exists()
