"""A whole project's articles leave and come back: on both databases, with their pages, their links and their hashes."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from stocked import Stock
from warcio.archiveiterator import ArchiveIterator

from crawler.project import Project
from pipelines.errors import StoreError, UsageError
from pipelines.exports import EXPORTS
from pipelines.exports.manifest import NAME
from pipelines.records import Candidate
from pipelines.stores import discovery, runs
from pipelines.stores.discovery import Found
from pipelines.stores.schema import rhythms, urls
from pipelines.stores.states import State
from pipelines.stores.wanted import Wanted

SENTENCES = [
    "The harbour board said on Tuesday that dredging of the eastern channel will begin before the winter storms.",
    "Contractors from three countries have offered to move four million cubic metres of sand and grey silt.",
    "Fishermen fear that the plume of mud will drive the herring away from the banks that they have always used.",
    "The council is going to vote on the contract next week, and the mayor expects a narrow but certain majority.",
    "Engineers measured the depth again in spring and found that half a metre had been lost in only two years.",
]
TOPICS = ("Harbour", "Bakery", "Railway", "Orchard", "Theatre", "Library")


def page(topic: str) -> bytes:
    body = "".join(f"<p>{topic} {n}: {s} {topic} {topic.lower()}s.</p>" for n, s in enumerate(SENTENCES * 2)
                   for s in [" ".join(f"{word}{topic[:2].lower()}" for word in s.split())])  # fmt: skip
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{topic} news</title>'
        f'<meta property="og:type" content="article"></head><body><article><h1>{topic} news</h1>{body}</article></body>'
    ).encode()


PAGES = {f"https://{topic.lower()}.test/news": page(topic) for topic in TOPICS}


@pytest.fixture
def project(database: str, tmp_path: Path) -> Project:
    """Six articles in a store, their pages in its archive."""
    return filled(database, tmp_path)


@pytest.fixture
def lone(tmp_path: Path) -> Project:
    """The same on SQLite alone: what is about files does not depend on the database."""
    return filled(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)


def filled(database: str, tmp_path: Path) -> Project:
    folder = tmp_path / "dredging"
    folder.mkdir()
    (folder / "suchlike.toml").write_text(f'[store]\ndatabase = "{database}"\nkeep = "all"\n')
    stock = Stock(database, folder)
    with stock.store.write() as connection:
        front = Found(Candidate("https://front.test/", "start"), 0.9)
        discovery.discover(connection, [front], run=stock.run, now=1.0)
    row = stock.row("https://front.test/").id
    with stock.store.write() as connection:
        found = [Found(Candidate(url, "link", anchor="=more"), 0.5, depth=1, parent=row) for url in PAGES]
        discovery.discover(connection, found, run=stock.run, now=2.0)
    stock.work("parse", stock.fetched(PAGES))
    with stock.store.write() as connection:
        runs.end(connection, stock.run, "exhausted", now=3.0)
    stock.store.close()
    return Project(folder)


def exported(project: Project, kind: str, file: Path, **more: Any) -> list[dict[str, Any]]:
    told = project.export(kind, file, **more)
    read = EXPORTS[kind].read
    assert read is not None
    found = [dict(one) for one in read(file)]
    assert told["articles"] == len(found)
    return found


def test_what_leaves_is_what_is_stored_and_comes_back_the_same(project: Project, tmp_path: Path) -> None:
    stored = list(project.articles(everything=True, copies=True))
    assert len(stored) == len(PAGES)
    assert exported(project, "jsonl", tmp_path / "a.jsonl") == stored
    back = exported(project, "parquet", tmp_path / "a.parquet")
    assert back == [{name: value for name, value in one.items() if name in back[0]} for one in stored]
    assert set(stored[0]) - set(back[0]) == {"id"}


def test_a_field_of_an_article_is_a_column(project: Project) -> None:
    from pipelines.exports import FIELDS

    stored, *_ = project.articles(everything=True)
    assert [name for name in stored if name != "id"] == list(FIELDS)


def test_filters_choose_what_leaves(project: Project, tmp_path: Path) -> None:
    wanted = Wanted(copies=True, where='site = "harbour.test" or title ~ "bakery"')
    found = exported(project, "jsonl", tmp_path / "a.jsonl", wanted=wanted)
    assert {one["site"] for one in found} == {"harbour.test", "bakery.test"}
    (entry,) = json.loads((tmp_path / NAME).read_text())["files"]
    assert entry["filters"]["where"] == wanted.where
    assert {"suchlike", "trafilatura"} <= set(entry["versions"])
    assert (entry["mode"], len(entry["config"])) == ("replay", 12)


def test_the_pages_leave_as_they_were_archived_and_can_be_replayed(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "out.warc.gz"
    assert project.export("warc", file)["articles"] == len(PAGES)
    with file.open("rb") as stream:
        held = {
            one.rec_headers.get_header("WARC-Target-URI"): one.content_stream().read()
            for one in ArchiveIterator(stream, check_digests="raise")
        }
    assert held == PAGES
    again = Project(tmp_path / "again")
    assert again.replay([file], {"store": {"keep": "all"}})["pages_fetched"] == len(PAGES)
    texts = {one["url"]: one["text"] for one in again.articles(everything=True, copies=True)}
    assert texts == {one["url"]: one["text"] for one in project.articles(everything=True, copies=True)}


def test_an_article_without_an_archived_page_leaves_as_its_text(project: Project, tmp_path: Path) -> None:
    from pipelines.exports import Choice

    held = [one | {"archive": None} for one in project.articles(everything=True)]
    out = io.BytesIO()
    assert EXPORTS["warc"].write(held, out, Choice()) == len(held)
    out.seek(0)
    records = [(one.rec_type, one.content_stream().read().decode()) for one in ArchiveIterator(out)]
    assert records == [("conversion", one["text"]) for one in held]


def test_a_lost_archive_is_told(project: Project, tmp_path: Path) -> None:
    shutil.rmtree(project.folder / "warc")
    with pytest.raises(StoreError, match=r"The archive \S+ is not there, though articles lie in it"):
        project.export("warc", tmp_path / "out.warc.gz")
    assert list(tmp_path.glob("out*")) == []


def test_links_tell_how_each_article_was_found(project: Project, tmp_path: Path) -> None:
    project.export("links.csv", tmp_path / "links.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "links.csv").read_text())))
    assert len(rows) == len(PAGES) + 1
    edges = {row["Target"]: row["Source"] for row in rows}
    assert edges == {**dict.fromkeys(PAGES, "https://front.test/"), "https://front.test/": ""}
    assert {row["anchor"] for row in rows} == {"'=more", ""}


def test_the_graph_has_a_node_for_each_page_on_the_way(project: Project, tmp_path: Path) -> None:
    import networkx

    project.export("graphml", tmp_path / "links.graphml", wanted=Wanted(where='site = "harbour.test"'))
    graph = networkx.read_graphml(tmp_path / "links.graphml")
    labels = networkx.get_node_attributes(graph, "label")
    assert sorted(labels.values()) == ["https://front.test/", "https://harbour.test/news"]
    ((source, target, told),) = graph.edges(data=True)
    assert (labels[source], labels[target]) == ("https://front.test/", "https://harbour.test/news")
    assert told == {"kind": "link", "anchor": "=more"}
    assert [graph.nodes[node]["article"] for node in (source, target)] == [False, True]


def test_the_feeds_that_were_read_leave_with_the_articles_of_their_sites(database: str, tmp_path: Path) -> None:
    told = {"https://harbour.test/feed": State.LISTED, "https://bakery.test/rss": State.LISTED,
            "https://bakery.test/gone": State.DEAD, "https://burner.test/railway": State.LISTED,
            "https://burner.test/nothing": State.LISTED}  # fmt: skip
    project = filled(database, tmp_path)
    stock = Stock(database, project.folder, open_run=False)
    stock.run = 1
    with stock.store.write() as connection:
        named = [Found(Candidate(url, "links", "feed"), 0.5) for url in told]
        named += [Found(Candidate("https://bakery.test/map.xml", "start", "sitemap"), 0.5)]
        discovery.discover(connection, named, run=1, now=2.0)
    for url, state in [*told.items(), ("https://bakery.test/map.xml", State.LISTED)]:
        stock.fetched({url: b"x"}, state=state)
    by_link, linked_map = "https://orchard.test/rss", "https://orchard.test/map"
    stock.fetched({by_link: b"x", linked_map: b"x"}, state=State.LISTED)  # found as pages
    railway = "https://railway.test/late"
    with stock.store.write() as connection:
        late = Found(Candidate(railway, "feed"), 0.5, parent=stock.row("https://burner.test/railway").id)
        discovery.discover(connection, [late], run=1, now=3.0)
        early = Found(Candidate("https://orchard.test/early", "feed"), 0.5, parent=stock.row(by_link).id)
        mapped = Found(Candidate("https://orchard.test/mapped", "sitemap"), 0.5, parent=stock.row(linked_map).id)
        discovery.discover(connection, [early, mapped], run=1, now=3.0)
        # one that waits to be read again was read all the same
        known = {"url": stock.row("https://bakery.test/rss").id, "sort": 0, "interval_s": 60.0, "was": State.LISTED}
        connection.execute(rhythms.insert().values(known))
        connection.execute(urls.update().where(urls.c.id == known["url"]).values(state=State.WAITING))
    stock.work("parse", stock.fetched({railway: page("Meadow")}))
    stock.store.close()

    def feeds(where: str) -> list[str]:
        project.export("opml", tmp_path / "feeds.opml", wanted=Wanted(copies=True, where=where))
        return [one.get("xmlUrl") for one in etree.parse(tmp_path / "feeds.opml").iter("outline")]

    assert feeds('site = "harbour.test" or site = "bakery.test"') == [
        "https://bakery.test/rss", "https://harbour.test/feed",
    ]  # fmt: skip
    assert feeds('site = "railway.test"') == ["https://burner.test/railway"]
    assert feeds('site = "orchard.test"') == [by_link]
    assert feeds('site = "theatre.test"') == []


# verify


@pytest.mark.parametrize("kind", EXPORTS)
def test_every_export_is_green_until_one_byte_flips(kind: str, lone: Project, tmp_path: Path) -> None:
    out = tmp_path / "out"
    file = out / EXPORTS[kind].file
    lone.export(kind, file)
    told = lone.verify(file)
    assert (told["ok"], told["problems"], told["wrong"]) == (True, [], 0)
    if EXPORTS[kind].read:
        assert told["articles"] == len(PAGES)
    victim = file if file.is_file() else file / "data" / "train.parquet"
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    for asked in {file, out, victim}:
        told = lone.verify(asked)
        assert not told["ok"]
        assert victim.name in str(told["problems"])


def test_a_text_that_was_changed_together_with_the_manifest_is_found(lone: Project, tmp_path: Path) -> None:
    from pipelines.exports.manifest import digest

    file = tmp_path / "a.jsonl"
    lone.export("jsonl", file)
    file.write_text(file.read_text().replace("Tuesdayha", "Mondayha", 1))
    manifest = json.loads((tmp_path / NAME).read_text())
    manifest["files"][0]["sha256"], manifest["files"][0]["bytes"] = digest(file)
    (tmp_path / NAME).write_text(json.dumps(manifest))
    told = lone.verify(file)
    assert [one["what"] for one in told["problems"]] == ["https://harbour.test/news"]
    assert told["problems"][0]["problem"] == "its text is not the one that was stored"


def test_a_byte_flipped_in_the_archive_is_found(lone: Project, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    lone.export("csv", file)
    assert lone.verify(file, again=True)["records"] == len(PAGES)
    (warc,) = (lone.folder / "warc").iterdir()
    whole = warc.read_bytes()
    for at in range(40, len(whole), 1999):
        flipped = bytearray(whole)
        flipped[at] ^= 0x10
        warc.write_bytes(flipped)
        assert not lone.verify(file)["ok"], at
        assert not lone.verify(warc)["ok"], at
    warc.write_bytes(whole)
    assert lone.verify(warc) == {
        "file": str(warc), "ok": True, "files": 1, "articles": 0, "records": len(PAGES), "wrong": 0, "problems": [],
    }  # fmt: skip
    warc.write_bytes(whole[:-5])
    assert "is torn at" in str(lone.verify(warc)["problems"])


def test_a_page_that_was_exchanged_in_the_archive_is_found(lone: Project, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    lone.export("jsonl", file)
    (warc,) = (lone.folder / "warc").iterdir()
    offsets = sorted(one["archive"]["offset"] for one in lone.articles(everything=True))
    # each record is whole and has its digests right, but the first two have changed places
    whole = warc.read_bytes()
    first, second = whole[: offsets[1]], whole[offsets[1] : offsets[2]]
    warc.write_bytes(second + first + whole[offsets[2] :])
    assert lone.verify(warc)["ok"]
    told = lone.verify(file, again=True)
    assert told["wrong"] >= 1
    assert "gives another text today" in str(told["problems"])


def test_what_nobody_wrote_anything_down_of_cannot_be_verified(lone: Project, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a")
    with pytest.raises(UsageError, match=r"No MANIFEST\.json tells what"):
        lone.verify(tmp_path / "x.csv")
    with pytest.raises(UsageError, match=r"There is no file"):
        lone.verify(tmp_path / "y.csv")


def test_a_manifest_leads_nowhere_else(lone: Project, tmp_path: Path) -> None:
    entry = {"file": "../secret", "format": "jsonl", "bytes": 1, "sha256": "0"}
    (tmp_path / "out").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "out" / NAME).write_text(json.dumps({"tool": "suchlike 1", "files": [entry]}))
    told = lone.verify(tmp_path / "out")
    assert told["problems"] == [{"what": "../secret", "problem": "lies outside the folder of its manifest"}]
