"""Takedown: nothing of it is left anywhere, everything else is where it was, and it does not come back."""

from __future__ import annotations

import fcntl
import sqlite3
import time
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from stocked import Stock, adds_up
from test_leaving import PAGES, SENTENCES, TOPICS, filled, page

from crawler import forgetting
from crawler.cli.app import run as command_line
from crawler.forgetting import forget
from crawler.project import Project
from pipelines import members
from pipelines.archive import Archive
from pipelines.asked import understood
from pipelines.errors import StoreError, UsageError
from pipelines.records import Page
from pipelines.stages import unwatched
from pipelines.stores import articles, engine, fates, forgotten, invariants, open_store, runs, search, sites
from pipelines.stores.schema import articles as table
from pipelines.stores.schema import metadata, urls
from pipelines.stores.states import State
from pipelines.stores.wanted import Wanted
from pipelines.warc import complaint, read

GONE = "https://harbour.test/news"
# words that stand on that page alone
WORD = "dredgingha"


@pytest.fixture
def project(database: str, tmp_path: Path) -> Project:
    return filled(database, tmp_path)


def everything(project: Project) -> str:
    """All that any table holds, as one text."""
    store = project.store()
    with store.read() as connection:
        held = [str(tuple(row)) for table in metadata.sorted_tables for row in connection.execute(select(table))]
    store.close()
    return "\n".join(held)


def broken(project: Project) -> list[str]:
    store = project.store()
    with store.read() as connection:
        found = [one.promise for _, some in invariants.broken(connection) for one in some]
        places = list(invariants.places(connection))
    store.close()
    found += [f"{url}: {said}" for url, file, offset in places
              if (said := complaint(project.folder / "warc" / file, offset))]  # fmt: skip
    return found


def found(project: Project, words: str) -> list[str]:
    store = project.store()
    with store.read() as connection:
        hits = search.find(connection, understood(words), Wanted(everything=True, copies=True))
        urls = [fates.tell(connection, hit.row)["url"] for hit in hits]
    store.close()
    return urls


def test_nothing_of_it_is_left_and_everything_else_is_where_it_was(project: Project, tmp_path: Path) -> None:
    project.export("jsonl", tmp_path / "before.jsonl")
    (warc,) = (project.folder / "warc").iterdir()
    size = warc.stat().st_size
    shown = project.forget(GONE, preview=True)
    assert (shown.applied, list(shown.articles), shown.archived, shown.copies) == (False, [GONE], 1, ())
    assert found(project, WORD) == [GONE]
    done = project.forget(GONE)
    assert done.applied
    assert found(project, WORD) == []
    assert WORD not in everything(project)
    assert b"Harbour" not in b"".join(one.body for one in read(warc))
    assert warc.stat().st_size == size
    assert {one.url for one in read(warc)} == set(PAGES) - {GONE}
    assert project.verify(warc)["ok"]
    assert broken(project) == []
    assert GONE not in [one["url"] for one in project.articles(everything=True, copies=True)]
    told = project.export("jsonl", tmp_path / "after.jsonl")
    assert told["articles"] == len(PAGES) - 1
    assert project.verify(tmp_path / "after.jsonl", again=True)["ok"]
    # an older export still tells the truth about the others
    problems = project.verify(tmp_path / "before.jsonl")["problems"]
    assert [one["problem"] for one in problems] == ["the page was removed from the archive"]


def test_earlier_versions_of_a_page_and_what_a_killed_worker_wrote_leave_the_archive_too(project: Project) -> None:
    warcs = project.folder / "warc"
    older = Archive(warcs)
    older.append(
        [Page(0, GONE, GONE, 200, {"content-type": "text/html"}, 5.0, b"<p>dredgingha, as it was at first</p>")]
    )
    older.close()
    shown = project.forget(GONE, preview=True)
    assert shown.archived == 2
    project.forget(GONE)
    left = [one for file in sorted(warcs.iterdir()) for one in read(file)]
    assert sorted(one.url for one in left) == sorted(set(PAGES) - {GONE})
    assert broken(project) == []


def test_nothing_of_it_is_left_in_the_files_of_sqlite(tmp_path: Path) -> None:
    project = filled(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    project.forget(GONE)
    held = b"".join(one.read_bytes() for one in tmp_path.glob("store.db*"))
    assert WORD.encode() not in held
    assert b"silverba" not in held or b"dredgingba" in held
    with sqlite3.connect(tmp_path / "store.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_while_somebody_reads_what_is_deleted_that_is_told_and_asking_again_finishes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_MS", 100)
    project = filled(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    exporting = open_store(project.config().database)
    with exporting.read() as connection:
        assert list(articles.listed(connection, everything=True))
        with pytest.raises(StoreError, match="is being read, and its files still hold what was deleted; ask again"):
            project.forget(GONE)
        assert any(WORD.encode() in one.read_bytes() for one in tmp_path.glob("store.db*"))
        assert WORD not in everything(project)
    project.forget(GONE)
    assert not any(WORD.encode() in one.read_bytes() for one in tmp_path.glob("store.db*"))
    exporting.close()


def test_it_does_not_come_back_and_the_sums_hold(project: Project) -> None:
    project.forget(GONE)
    store = project.store()
    with store.read() as connection:
        told = fates.count(connection)
        row = fates.find(connection, GONE)
        assert row is not None
        shown = fates.tell(connection, row)
        latest = runs.latest(connection)
    assert latest is not None
    assert adds_up(told)
    assert told["refused"] == {"forgotten": 1}
    assert (shown["fate"], shown["reason"], shown["article"], shown["archive"]) == ("refused", "forgotten", None, None)
    assert shown["found_by"]["anchor"] == ""
    stock = Stock(store.engine.url.render_as_string(hide_password=False), project.folder, open_run=False)
    stock.run = latest.id
    assert stock.find(GONE, "https://harbour.test/other") == 1
    assert stock.states()[GONE].name == "REFUSED"
    stock.store.close()
    store.close()


def test_a_place_is_the_one_that_was_shown_and_none_below_the_first(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, store = str(project.folder), project.store()
    with store.write() as connection:
        connection.execute(update(table).values(matched=1))
        first, second = (one["url"] for one in articles.chosen(connection, Wanted(), limit=2))

    def agreed() -> str:
        with store.write() as connection:
            row = fates.find(connection, second)
            connection.execute(update(table).where(table.c.id == row).values(score=2.0))
        return "y"

    for place in ("0", "7", "9" * 20):
        assert command_line(["-C", folder, "forget", place, "--yes"]) == 2
    assert set(PAGES) == {one["url"] for one in project.articles(everything=True, copies=True)}
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", agreed)
    assert command_line(["-C", folder, "forget", "1"]) == 0
    assert set(PAGES) - {first} == {one["url"] for one in project.articles(everything=True, copies=True)}
    store.close()


def test_a_site_is_forgotten_with_all_its_pages_and_has_no_new_ones(project: Project) -> None:
    done = project.forget("harbour.test")
    assert (done.site, list(done.articles), done.archived) == ("harbour.test", [GONE], 1)
    store = project.store()
    stock = Stock(store.engine.url.render_as_string(hide_password=False), project.folder, open_run=False)
    stock.run = 1
    assert stock.find("https://harbour.test/new", "https://www.harbour.test/new", "https://other.test/new") == 1
    assert "https://harbour.test/new" not in stock.states()
    stock.store.close()
    store.close()
    assert broken(project) == []


def test_a_site_may_be_spelt_as_people_do(tmp_path: Path) -> None:
    stock = Stock(f"sqlite:///{tmp_path / 'store.db'}", tmp_path, open_run=False)
    stock.find("https://xn--mnchen-3ya.de/", "https://www.xn--mnchen-3ya.de/1")
    done = forget(stock.store, tmp_path / "warc", "München.de.")
    assert (done.site, done.urls) == ("xn--mnchen-3ya.de", 2)
    assert stock.find("https://xn--mnchen-3ya.de/2") == 0
    for no_site in ("me@news.example", "news.example?id=1", "a b", "-"):
        with pytest.raises(UsageError, match="neither a URL nor a site"):
            forget(stock.store, tmp_path / "warc", no_site)
    stock.store.close()


def test_a_blocked_site_has_no_new_pages_until_that_is_taken_back(database: str, tmp_path: Path) -> None:
    stock = Stock(database, tmp_path)
    stock.find("https://a.test/1", "https://b.test/1")
    with stock.store.write() as connection:
        assert sites.block(connection, "a.test") == 1
        assert sites.blocked(connection) == {"a.test"}
    assert stock.find("https://a.test/2", "https://new.a.test/", "https://b.test/2") == 1
    assert stock.states()["https://a.test/1"].name == "REFUSED"
    with stock.store.write() as connection:
        sites.unblock(connection, "a.test")
        assert sites.blocked(connection) == frozenset()
    assert stock.states()["https://a.test/1"].name == "WAITING"
    assert stock.find("https://a.test/2", "https://new.a.test/") == 2
    stock.store.close()


def test_what_nobody_has_seen_yet_can_be_forgotten_beforehand(project: Project) -> None:
    done = project.forget("https://never.test/seen")
    assert (done.articles, done.archived) == ({}, 0)
    store = project.store()
    with store.read() as connection:
        row = fates.find(connection, "https://never.test/seen")
        assert row is not None
        assert fates.tell(connection, row)["reason"] == "forgotten"
    store.close()
    with pytest.raises(UsageError, match="neither a URL nor a site"):
        project.forget("ftp://x/")


def test_copies_get_another_original_or_go_along(database: str, tmp_path: Path) -> None:
    folder = tmp_path / "told"
    folder.mkdir()
    (folder / "suchlike.toml").write_text(f'[store]\ndatabase = "{database}"\nkeep = "all"\n')
    stock = Stock(database, folder)
    pages = {f"https://{name}.test/news": page("Harbour") for name in ("one", "two", "three")}
    stock.work("parse", stock.fetched({**pages, "https://bakery.test/news": page("Bakery")}))
    with stock.store.write() as connection:
        runs.end(connection, stock.run, "exhausted", now=3.0)
    stock.store.close()
    project = Project(folder)
    held = {one["url"]: one["copy_of"] for one in project.articles(everything=True, copies=True)}
    (original,) = [url for url in pages if held[url] is None]
    others = sorted(set(pages) - {original})
    assert sorted(project.forget(original, preview=True).copies) == others
    project.forget(original)
    left = {one["url"]: one["copy_of"] for one in project.articles(everything=True, copies=True)}
    assert sorted(left) == sorted([*others, "https://bakery.test/news"])
    (heir,) = [url for url in others if left[url] is None]
    assert [left[url] for url in others if url != heir] == [heir]
    assert broken(project) == []
    project.forget(heir, copies=True)
    assert [one["url"] for one in project.articles(everything=True)] == ["https://bakery.test/news"]
    assert SENTENCES[0].split()[0] + "ha" not in everything(project)
    assert broken(project) == []


def test_copies_of_a_sites_articles_are_named_or_go_along(database: str, tmp_path: Path) -> None:
    folder = tmp_path / "told"
    folder.mkdir()
    (folder / "suchlike.toml").write_text(f'[store]\ndatabase = "{database}"\nkeep = "all"\n')
    stock = Stock(database, folder)
    pages = {f"https://{name}.test/news": page("Harbour") for name in ("one", "two")}
    stock.work("parse", stock.fetched({**pages, "https://bakery.test/news": page("Bakery")}))
    with stock.store.write() as connection:
        runs.end(connection, stock.run, "exhausted", now=3.0)
    stock.store.close()
    project = Project(folder)
    shown = project.forget("one.test", preview=True)
    assert (list(shown.articles), shown.copies) == (["https://one.test/news"], ("https://two.test/news",))
    done = project.forget("one.test", copies=True)
    assert (sorted(done.articles), done.copies) == (sorted(pages), ())
    assert [one["url"] for one in project.articles(everything=True)] == ["https://bakery.test/news"]
    assert broken(project) == []


def test_it_does_not_come_back_under_another_address_of_its_site(database: str, tmp_path: Path) -> None:
    stock = Stock(database, tmp_path, archive="all")
    told = page("Harbour").replace(b"<head>", f'<head><link rel="canonical" href="{GONE}">'.encode())
    told = told.replace(b"</body>", b'<a href="/later">Dredging of the outer basin</a></body>')
    (row,) = stock.fetched({GONE: told})
    stock.work("parse", [row])
    (later,) = stock.fetched({"https://harbour.test/later": b"x"}, state=State.DROPPED, reason="unlike")
    with stock.store.write() as connection:
        its_words = {"parent": row, "anchor": "Dredging of the outer basin", "context": "dredgingha"}
        connection.execute(urls.update().where(urls.c.id == later).values(its_words))
        forgotten.forget(connection, [row], now=time.time())
    left = stock.row("https://harbour.test/later")
    assert (left.parent, left.anchor, left.context) == (row, "", "")
    amp, elsewhere = "https://amp.harbour.test/news", "https://other.test/news"
    stock.work("parse", stock.fetched({amp: told, elsewhere: told}))
    assert (stock.row(amp).state, stock.row(amp).reason) == (State.DROPPED, "forgotten")
    assert list(stock.articles()) == [elsewhere]  # another site's copy is its own
    assert all(one.url != amp for file in (tmp_path / "warc").iterdir() for one in read(file))
    stock.store.close()


@pytest.mark.parametrize("spelt", ["http://harbour.test/news", "https://www.harbour.test/news#top"])
def test_an_address_may_be_spelt_as_people_do_and_comes_back_in_no_spelling(
    project: Project, spelt: str
) -> None:  # fmt: skip
    assert list(project.forget(spelt, preview=True).articles) == [GONE]
    assert list(project.forget(spelt).articles) == [GONE]
    store = project.store()
    stock = Stock(store.engine.url.render_as_string(hide_password=False), project.folder, open_run=False)
    stock.run = 1
    others = {"http://harbour.test/news": page("Harbour"), "https://www.harbour.test/news": page("Harbour")}
    stock.work("parse", stock.fetched({**others, "https://harbour.test/more": page("Meadow")}))
    assert {url: stock.row(url).reason for url in others} == dict.fromkeys(others, "forgotten")
    assert "https://harbour.test/more" in stock.articles()
    stock.store.close()
    store.close()


@pytest.mark.parametrize("asked", [GONE, "https://harbour.test/amp/news"])
@pytest.mark.parametrize("found", [False, True])
def test_an_article_known_by_its_print_page_alone_goes_and_does_not_come_back_by_its_own_address(
    database: str, tmp_path: Path, asked: str, found: bool
) -> None:  # fmt: skip
    stock = Stock(database, tmp_path)
    told = page("Harbour").replace(b"<head>", f'<head><link rel="canonical" href="{GONE}">'.encode())
    other = page("Theatre").replace(b"<head>", b'<head><link rel="canonical" href="/">')
    stock.work("parse", stock.fetched({"https://harbour.test/amp/news": told, "https://harbour.test/other": other}))
    if found:
        stock.find(GONE)
    with stock.store.write() as connection:
        runs.end(connection, stock.run, "exhausted", now=3.0)
    done = forget(stock.store, tmp_path / "warc", asked)
    assert list(done.articles) == ["https://harbour.test/amp/news"]
    assert stock.row(GONE).reason == stock.row("https://harbour.test/amp/news").reason == "forgotten"
    assert list(stock.articles()) == ["https://harbour.test/other"]
    stock.store.close()


def test_pages_that_give_one_address_and_tell_different_things_are_not_forgotten_together(
    database: str, tmp_path: Path
) -> None:  # fmt: skip
    stock = Stock(database, tmp_path)
    front = b'<head><link rel="canonical" href="/article">'
    pages = {f"https://harbour.test/article?id={topic}": page(topic).replace(b"<head>", front) for topic in TOPICS}
    stock.work("parse", stock.fetched(pages))
    with stock.store.write() as connection:
        runs.end(connection, stock.run, "exhausted", now=3.0)
    first, *others = pages
    assert list(forget(stock.store, tmp_path / "warc", first).articles) == [first]
    assert sorted(stock.articles()) == sorted(others)
    assert forget(stock.store, tmp_path / "warc", "https://harbour.test/article", preview=True).articles == {}
    assert "https://harbour.test/article" not in stock.states()
    stock.store.close()


def test_what_an_address_leads_to_is_forgotten_with_it(database: str, tmp_path: Path) -> None:
    stock = Stock(database, tmp_path)
    short, moved = "https://short.test/h", "https://harbour.test/moved"
    for url, target in ((short, moved), (moved, GONE)):
        stock.fetched({url: b""}, state=State.DROPPED, reason="redirect", detail=f"to {target}")
    stock.work("parse", stock.fetched({GONE: page("Harbour"), "https://bakery.test/news": page("Bakery")}))
    with stock.store.write() as connection:
        runs.end(connection, stock.run, "exhausted", now=3.0)
    assert list(forget(stock.store, tmp_path / "warc", short, preview=True).articles) == [GONE]
    done = forget(stock.store, tmp_path / "warc", short)
    assert (done.urls, list(done.articles), done.archived) == (3, [GONE], 1)
    assert list(stock.articles()) == ["https://bakery.test/news"]
    assert {stock.row(url).reason for url in (short, moved, GONE)} == {"forgotten"}
    stock.store.close()


def test_asking_again_finishes_what_was_cut_off(tmp_path: Path) -> None:
    project = filled(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    article = next(one for one in [*project.articles(everything=True)] if one["url"] == GONE)
    place = article["archive"]
    members.blank(project.folder / "warc", {place["file"]: [place["offset"]]})
    assert broken(project) == [f"{GONE}: no page begins there"]
    project.forget(GONE)
    assert broken(project) == []


def test_what_is_left_of_a_torn_page_goes_too(tmp_path: Path) -> None:
    project = filled(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    articles = [one["archive"] for one in project.articles(everything=True) if one["archive"]]
    last = max(articles, key=lambda place: int(place["offset"]))
    warc = project.folder / "warc" / last["file"]
    warc.write_bytes(warc.read_bytes()[:-1])
    members.blank(warc.parent, {last["file"]: [last["offset"]]})
    assert members.check(members.at(warc.parent, last["file"], last["offset"])) == ("metadata", "")


def test_a_page_that_is_forgotten_while_a_worker_archives_it_is_in_no_archive(database: str, tmp_path: Path) -> None:
    stock = Stock(database, tmp_path)
    rows = stock.fetched(
        {url: page(topic) for url, topic in ((GONE, "Harbour"), ("https://bakery.test/news", "Bakery"))}
    )
    stages = stock.stages()
    stages["parse"].run(rows, unwatched)
    stages["dedupe"].run(rows, unwatched)
    with stock.store.write() as connection:
        runs.end(connection, stock.run, "user", now=time.time())

    def meanwhile(row: int) -> None:
        if row == rows[0]:
            forget(stock.store, tmp_path / "warc", GONE)

    stages["store"].run(rows, meanwhile)
    assert (stock.row(GONE).reason, stock.row(GONE).archive_file) == ("forgotten", None)
    assert [one.url for file in (tmp_path / "warc").iterdir() for one in read(file)] == ["https://bakery.test/news"]
    stages["store"].close()
    stock.store.close()


def test_what_is_stored_while_the_archive_is_searched_leaves_it_too(project: Project) -> None:
    store = project.store()
    forgetting._remove(store, project.folder / "warc", {}, GONE, None, copies=False)
    store.close()
    assert {one.url for file in (project.folder / "warc").iterdir() for one in read(file)} == set(PAGES) - {GONE}
    assert broken(project) == []


def test_a_worker_that_has_nothing_to_do_keeps_nobody_from_forgetting(tmp_path: Path) -> None:
    stock = Stock(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    stages, kept = stock.stages(), ("https://bakery.test/news", "https://library.test/news")
    for at, (url, topic) in enumerate(zip((kept[0], GONE, kept[1]), ("Bakery", "Harbour", "Library"), strict=True)):
        rows = stock.fetched({url: page(topic)})
        for stage in stages.values():
            stage.run(rows, unwatched)
        with stock.store.write() as connection:
            runs.end(connection, stock.run, "user", now=time.time())
        if at == 1:
            forget(stock.store, tmp_path / "warc", GONE)
    assert len(list((tmp_path / "warc").iterdir())) == 2  # the worker's own is another file now
    assert sorted(one.url for file in (tmp_path / "warc").iterdir() for one in read(file)) == sorted(kept)
    with stock.store.read() as connection:
        assert [url for url, file, offset in invariants.places(connection)
                if complaint(tmp_path / "warc" / file, offset)] == []  # fmt: skip
    stages["store"].close()
    stock.store.close()


def test_it_waits_for_runs_and_for_whoever_writes_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "PATIENCE_S", 0.0)
    project = filled(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    (warc,) = (project.folder / "warc").iterdir()
    before = warc.read_bytes()
    with warc.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_SH)
        with pytest.raises(StoreError, match="is being written; stop the workers"):
            project.forget(GONE)
    moved = warc.rename(warc.with_suffix(".away"))
    with pytest.raises(StoreError, match="is not on this machine; nothing was removed"):
        project.forget(GONE)
    moved.rename(warc)
    assert warc.read_bytes() == before
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    with store.write() as connection:
        connection.execute(text("UPDATE runs SET ended_at = NULL, stopped_by = NULL"))
        runs.beat(connection, 1, now=time.time())
    with pytest.raises(UsageError, match="A run is under way"):
        project.forget(GONE)
    store.close()
    assert found(project, WORD) == [GONE]


@pytest.mark.parametrize("length", [300, 301, 302, 303, 304, 5_000, 70_001])
def test_a_removed_record_is_as_long_as_it_was(length: int, tmp_path: Path) -> None:
    piece = members._blank(length)
    assert len(piece) == length
    assert members.check(piece) == ("metadata", "")
    (tmp_path / "a.warc.gz").write_bytes(piece + piece)
    assert [offset for offset, _ in members.each(tmp_path / "a.warc.gz")] == [0, length]
    assert list(read(tmp_path / "a.warc.gz")) == []
