"""Recorded pages in place of the network: seeds as fixtures, folders, manifests, and archives of our own."""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
import signal
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted_site import page, prose, story
from sqlalchemy import func, select, update
from stocked import adds_up

from crawler.cli.session import Session
from crawler.project import Project
from crawler.recordings import recorded
from crawler.replay import replay, replay_run
from pipelines import extract, seeds
from pipelines.archive import Archive
from pipelines.errors import SeedError, UsageError
from pipelines.parse import PLAIN_FROM
from pipelines.records import Page
from pipelines.stores import articles, fates, open_store, runs
from pipelines.stores.schema import urls as url_table
from pipelines.stores.states import State
from pipelines.warc import Recorded
from workers import build, limits
from workers.inline import Inline

Run = Callable[..., subprocess.CompletedProcess[str]]

ROOT = Path(__file__).parents[2]
SETS = sorted(one.parent for one in (ROOT / "seeds").glob("*/seed.toml"))
SHARED = ROOT.parent / "shared" / "seeds"
WORDS = "The night train to the coast was late again on Monday because the points at the junction had frozen overnight"


def html(title: str, number: int = 0, canonical: str = "") -> bytes:
    link = f'<link rel="canonical" href="{canonical}">' if canonical else ""
    text = "".join(
        f"<p>{WORDS}, as passenger {number * 100 + line} of coach {number} told us in interview {line * 7}.</p>"
        for line in range(12)
    )
    return (
        f'<!doctype html><html lang="en"><head><title>{title}</title>{link}'
        f'<meta property="og:type" content="article"></head><body><article><h1>{title}</h1>{text}</article></body>'
    ).encode()


def replayed(folder: Path, *paths: Path, seed_paths: tuple[Path, ...] = (), **store: Any) -> dict[str, Any]:
    overrides = {"store": {"keep": "all", **store}}
    return Project(folder).replay(list(paths), overrides, seed_paths=seed_paths)


def stored(folder: Path) -> dict[str, dict[str, Any]]:
    return {one["url"]: one for one in Project(folder).articles(everything=True, copies=True, mode="replay")}


# the seeds themselves


@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
def test_replaying_a_seed_set_gives_what_its_seed_toml_says(folder: Path, tmp_path: Path) -> None:
    expected = tomllib.loads((folder / "seed.toml").read_text("utf-8"))["expect"]
    read = seeds.read([folder])
    assert {Path(one.path).name for one in read.seeds} == {one["file"] for one in expected}
    told = replayed(tmp_path, folder, seed_paths=(folder,))
    found = stored(tmp_path)
    for one in expected:
        seed = next(seed for seed in read.seeds if Path(seed.path).name == one["file"])
        article = found.get(f"https://seed.invalid/{seed.name}")
        if article is None:  # an HTML seed is a saved page, with an address of its own
            article = next(held for held in found.values() if held["title"] == one["title"])
        assert article["title"] == one.get("title", article["title"])
        assert article["words"] >= one["min_words"]
        assert article["match"], f"{one['file']} does not resemble its own set"
        assert len(seed.dropped_lines) == one["dropped_lines"]
        assert not [line for line in seed.dropped_lines if line in article["text"]]
    assert (told["pages_fetched"], told["matches"], told["stories"]) == (len(expected),) * 3
    assert adds_up(told["fates"])


@pytest.mark.skipif(not SHARED.is_dir(), reason="there are no shared seeds beside the project")
def test_the_seeds_shared_with_us_replay_as_articles_like_themselves(tmp_path: Path) -> None:
    files = sorted(SHARED.iterdir())
    told = replayed(tmp_path, SHARED, seed_paths=(SHARED,))
    assert told["matches"] == len(files) > 0
    assert all(article["words"] > 100 for article in stored(tmp_path).values())


# folders and files


def test_every_text_of_a_seed_file_is_a_page_and_what_is_none_is_told(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    texts = [
        " ".join(f"{word}{number}" for word in f"{WORDS} {WORDS}".split()) for number in range(seeds.MAX_SEEDS + 1)
    ]
    file.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    said: list[str] = []
    assert len(list(recorded([file], said.append))) == len(texts)
    assert said == []
    file.write_text("\n".join(json.dumps({"text": text}) for text in [*texts[:2], "too short"]))
    overrides = {"store": {"keep": "all"}}
    assert Project(tmp_path).replay([file], overrides, say=said.append)["pages_fetched"] == 2
    assert len(said) == 1 and said[0].startswith(f"! {file}: line 3 has 2 words")


def test_one_bad_file_in_a_folder_is_told_and_the_others_are_replayed(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "a.html").write_bytes(story(1).body)
    (pages / "b.txt").touch()
    (pages / "c.warc.gz").write_text("no archive")
    (pages / "d.html").write_bytes(story(2).body)
    said: list[str] = []
    assert Project(tmp_path).replay([pages], {"store": {"keep": "all"}}, say=said.append)["pages_fetched"] == 2
    assert said == [
        f"! {pages / 'b.txt'}: it is empty; put the article's text into it, or remove it.",
        f"! {pages / 'c.warc.gz'} is not a WARC file.",
    ]


def test_seed_files_of_one_name_in_several_folders_are_several_pages(tmp_path: Path) -> None:
    for place in ("clips/may", "clips/june", "more/june"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "flood.txt").write_text(f"Flood in {place}\n\n" + "The river rose again. " * 60)
    told = [one.url for one in recorded([tmp_path / "clips", tmp_path / "more" / "june" / "flood.txt"])]
    beginning = "https://seed.invalid/"
    assert told == [f"{beginning}flood", f"{beginning}may/flood", f"{beginning}june/flood"]
    assert [one.url for one in recorded([tmp_path / "more", tmp_path / "more"])] == [f"{beginning}flood"] * 2


def test_saved_pages_are_known_by_their_canonical_link_or_by_what_they_say(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    (pages / "deep").mkdir(parents=True)
    (pages / "a.html").write_bytes(html("One", 1, canonical="https://a.test/one"))
    (pages / "deep" / "b.html.gz").write_bytes(gzip.compress(html("Two", 2)))
    (pages / "photo.jpg").write_bytes(b"not read")
    found = {page.url: page for page in recorded([pages])}
    assert len(found) == 2
    assert found["https://a.test/one"].body == html("One", 1, canonical="https://a.test/one")
    (other,) = (url for url in found if url != "https://a.test/one")
    assert other.startswith("https://unknown.invalid/")
    assert [page.url for page in recorded([pages / "deep" / "b.html.gz"])] == [other]


def test_a_folder_with_a_manifest_is_what_the_manifest_says(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "a.html").write_bytes(html("One", 1))
    (pages / "b.html.gz").write_bytes(gzip.compress(html("Two", 2)))
    (pages / "unlisted.html").write_bytes(html("Three", 3))
    lines = [
        {"file": "a.html", "url": "https://a.test/1", "fetched_at": "2024-05-06T07:08:09Z", "headers": {"X-Y": "z"}},
        {"file": "b.html.gz", "url": "https://b.test/2", "fetched_at": 1e99, "status": 404, "more": "is not read"},
    ]
    (pages / "manifest.jsonl").write_text("\n\n".join(json.dumps(line) for line in lines) + "\n")
    assert list(recorded([pages])) == [
        Recorded("https://a.test/1", 200, {"x-y": "z"}, html("One", 1), 1714979289.0),
        Recorded("https://b.test/2", 404, {}, html("Two", 2), 0.0),
    ]
    told = replayed(tmp_path, pages)
    assert (told["fates"]["stored"], told["fates"]["dropped"]) == (1, {"http-404": 1})
    assert stored(tmp_path)["https://a.test/1"]["fetched_at"] == "2024-05-06T07:08:09Z"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{"file": "../secret.html", "url": "https://a.test/"}', "there is no file ../secret.html in the folder"),
        ('{"file": "/etc/passwd", "url": "https://a.test/"}', "there is no file /etc/passwd in the folder"),
        ('{"file": "link.html", "url": "https://a.test/"}', "there is no file link.html in the folder"),
        ('{"file": "loop.html", "url": "https://a.test/"}', "there is no file loop.html in the folder"),
        ('{"file": "gone.html", "url": "https://a.test/"}', "there is no file gone.html in the folder"),
        ('{"file": ".", "url": "https://a.test/"}', "there is no file . in the folder"),
        ('{"file": "a\\u0000.html", "url": "https://a.test/"}', "there is no file a\x00.html in the folder"),
        ('{"file": "a.html", "url": "javascript:alert(1)"}', "'javascript:alert(1)' is not the address of a page"),
        ('{"file": "a.html", "url": ""}', "'' is not the address of a page"),
        ('{"file": "a.html"}', "Object missing required field `url`"),
        ('{"file": 5, "url": "x"}', "Expected `str`, got `int` - at `$.file`"),
        ("{", "Input data was truncated"),
    ],
)
def test_a_manifest_line_that_cannot_be_followed_is_named(tmp_path: Path, line: str, sentence: str) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (tmp_path / "secret.html").write_bytes(html("Secret"))
    (pages / "a.html").write_bytes(html("One"))
    (pages / "link.html").symlink_to(tmp_path / "secret.html")
    (pages / "loop.html").symlink_to(pages / "loop.html")
    (pages / "manifest.jsonl").write_text(f'{{"file": "a.html", "url": "https://a.test/1"}}\n{line}\n')
    with pytest.raises(UsageError) as caught:
        list(recorded([pages]))
    assert str(caught.value) == f"{pages / 'manifest.jsonl'}, line 2: {sentence}."


def _nothing_there(folder: Path) -> Path:
    return folder / "gone"


def _empty_folder(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def _photo(folder: Path) -> Path:
    (folder / "photo.jpg").write_bytes(b"\xff\xd8")
    return folder / "photo.jpg"


def _not_gzip(folder: Path) -> Path:
    (folder / "page.html.gz").write_bytes(b"<html>")
    return folder / "page.html.gz"


def _torn_gzip(folder: Path) -> Path:
    (folder / "torn.html.gz").write_bytes(gzip.compress(os.urandom(5000))[:-100])
    return folder / "torn.html.gz"


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (_nothing_there, "does not exist; replay takes WARC files, saved pages, seed files and folders"),
        (_empty_folder, "holds no WARC files, saved pages or seed files"),
        (_photo, "is nothing replay can read; it takes .warc, .warc.gz, .html, .html.gz and seed files"),
        (_not_gzip, "cannot be read: Not a gzipped file"),
        (_torn_gzip, "cannot be read: Compressed file ended"),
    ],
)
def test_what_cannot_be_replayed_is_one_sentence(
    tmp_path: Path, made: Callable[[Path], Path], sentence: str, suchlike: Run
) -> None:
    path = made(tmp_path)
    with pytest.raises(UsageError) as caught:
        list(recorded([path]))
    assert str(caught.value).startswith(f"{path} {sentence}")
    done = suchlike("replay", str(path), "--keep", "all", "--json")
    assert done.returncode == 2
    assert sentence in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_replay_without_seeds_must_keep_all(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(html("One"))
    with pytest.raises(SeedError):
        Project(tmp_path).replay([tmp_path / "a.html"])
    assert replayed(tmp_path, tmp_path / "a.html")["fates"]["stored"] == 1


def test_several_profiles_are_no_hindrance_where_nothing_is_judged(tmp_path: Path) -> None:
    (tmp_path / "suchlike.toml").write_text("[profile.one]\nseeds = 'a/'\n[profile.two]\nseeds = 'b/'\n")
    (tmp_path / "a.html").write_bytes(html("One"))
    assert replayed(tmp_path, tmp_path / "a.html")["fates"]["stored"] == 1


# again


def test_what_a_replay_archived_replays_to_the_same_articles(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    for number in range(5):
        (pages / f"{number}.html").write_bytes(html(f"Article {number}", number, f"https://a.test/{number}"))
    (pages / "copy.html").write_bytes(html("Article 0", 0, "https://b.test/copy"))
    replayed(tmp_path / "first", pages)
    replayed(tmp_path / "second", tmp_path / "first" / "warc")

    def shown(folder: Path) -> dict[str, Any]:
        differs = {"id", "run", "story", "archive"}
        return {url: {k: v for k, v in one.items() if k not in differs} for url, one in stored(folder).items()}

    assert len(shown(tmp_path / "first")) == 6
    assert shown(tmp_path / "second") == shown(tmp_path / "first")


def test_a_second_replay_of_the_same_pages_adds_nothing(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    for number in range(40):
        (pages / f"{number:02}.html").write_bytes(html(f"Article {number}", number, f"https://a.test/{number}"))
    first = replayed(tmp_path, pages)
    before = stored(tmp_path)
    archived = sorted((one.name, one.stat().st_size) for one in (tmp_path / "warc").iterdir())
    second = replayed(tmp_path, pages)
    assert (first["pages_fetched"], second["pages_fetched"]) == (40, 0)
    assert stored(tmp_path) == before
    assert sorted((one.name, one.stat().st_size) for one in (tmp_path / "warc").iterdir()) == archived


def test_of_several_records_of_one_address_those_of_pages_count(tmp_path: Path) -> None:
    def page(number: int, status: int) -> Page:
        return Page(
            1, "https://a.test/", "https://a.test/", status, {}, 1e9 + number, html(f"Version {number}", number)
        )

    for name, statuses in (("redirected", [302, 200, 200]), ("plain", [200, 404])):
        kept = Archive(tmp_path / name)
        kept.append([page(number, status) for number, status in enumerate(statuses)])
        kept.close()
    assert replayed(tmp_path / "one", tmp_path / "redirected")["fates"]["stored"] == 1
    article = stored(tmp_path / "one")["https://a.test/"]
    assert (article["title"], article["revision"]) == ("Version 2", 2)
    assert replayed(tmp_path / "two", tmp_path / "plain")["fates"]["stored"] == 1
    assert stored(tmp_path / "two")["https://a.test/"]["title"] == "Version 0"


def test_a_replay_stopped_by_its_user_is_told_as_that(tmp_path: Path) -> None:
    config = Project(tmp_path).config({"mode": "replay", "store": {"keep": "all"}})
    store = open_store(config.database, mode="replay")

    def pages() -> Iterator[Recorded]:
        yield Recorded("https://a.test/1", 200, {}, html("Article 1", 1))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay_run(pages(), store=store, config=config, profile=None, seed_set=None)
    with store.read() as connection:
        latest = runs.latest(connection)
    store.close()
    assert latest is not None and latest.stopped_by == "user"


def test_what_a_killed_replay_left_half_way_is_ended_by_the_next(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    for number in range(6):
        (pages / f"{number}.html").write_bytes(html(f"Article {number}", number, f"https://a.test/{number}"))
    config = Project(tmp_path).config({"mode": "replay", "store": {"keep": "all"}})
    store = open_store(config.database, mode="replay")
    with store.write() as connection:
        run = runs.start(connection, config, "", now=0.0).id

    class Deaf(Inline):
        def send(self, *_: object, **__: object) -> bool:
            return False

    # as if it had died before any stage ran
    replay(recorded([pages]), store=store, config=config, run=run, profile=None, sender=Deaf({}))
    sender = Inline(build.stages(store, config))
    with store.write() as connection:
        left = connection.execute(select(func.count()).where(url_table.c.state == State.FETCHED)).scalar()
        connection.execute(update(url_table).values(due_at=9e12))
    replay(iter([]), store=store, config=config, run=run, profile=None, sender=sender)
    sender.close()
    with store.read() as connection:
        told = fates.count(connection)
        assert len(list(articles.listed(connection, everything=True, copies=True))) == 6
    store.close()
    assert left == 6
    assert (told["stored"] + told["duplicate"], told["in_flight"]) == (6, 0)


def many(folder: Path, number: int) -> Path:
    """A folder of so many pages, every tenth of them a copy of the one before."""
    pages = [(f"https://a{n % 7}.test/{n}", "", html(f"Article {n}", n - (n % 10 == 9))) for n in range(number)]
    return saved(folder, *pages)


def test_several_processes_find_what_one_finds(tmp_path: Path) -> None:
    pages, held = many(tmp_path / "pages", 90), []
    for number in (1, 3):
        folder = tmp_path / str(number)
        told = Project(folder).replay([pages], {"store": {"keep": "all"}, "queue": {"workers": number}})
        shown = stored(folder)
        held.append((told["fates"], {url: (one["text"], one["story"], one["title"]) for url, one in shown.items()}))
    assert held[0] == held[1]
    assert held[0][0]["stored"] + held[0][0]["duplicate"] == 90 and held[0][0]["duplicate"] >= 9


def test_a_folder_may_be_called_anything(tmp_path: Path) -> None:
    folder = tmp_path / "Häfen, 50%41 #1?"
    folder.mkdir()
    told = replayed(folder, many(tmp_path / "pages", 2))
    assert told["pages_fetched"] == len(stored(folder)) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_a_page_that_kills_its_process_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    read, parent = extract.extract, os.getpid()

    def deadly(body: bytes, url: str, **told: Any) -> extract.Extracted:
        if url.endswith(("/1", "/50")) and os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return read(body, url, **told)

    monkeypatch.setattr(extract, "extract", deadly)
    pages = many(tmp_path / "pages", 70)
    told = Project(tmp_path).replay([pages], {"store": {"keep": "all"}, "queue": {"workers": workers}})["fates"]
    assert (told["fetched"], told["in_flight"]) == (70, 0)
    # by a mere scan of its text, in the end
    assert told["stored"] + told["duplicate"] == 70, told


def test_a_page_that_hangs_is_ended_by_the_kernel_and_its_process_has_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, parent, begun = extract.extract, os.getpid(), tmp_path / "begun"

    def hangs(body: bytes, url: str, **told: Any) -> extract.Extracted:
        if url.endswith("/1") and os.getpid() != parent:
            with begun.open("a") as log:
                log.write(f"{resource.getrlimit(resource.RLIMIT_AS)[0]}\n")
            re.match("(a+)+b", "a" * 64)  # in C, where no exception reaches
        return read(body, url, **told)

    monkeypatch.setattr(extract, "extract", hangs)
    monkeypatch.setattr(limits, "PAGE_S", 2)
    told = Project(tmp_path).replay([many(tmp_path / "pages", 3)], {"store": {"keep": "all"}})["fates"]
    assert (told["fetched"], told["stored"]) == (3, 3), told
    most = [int(line) for line in begun.read_text().split()]
    # as often as it is begun before a mere scan of its text
    assert len(most) == PLAIN_FROM - 1
    assert all(0 < one < 64 * limits.MEMORY_BYTES for one in most), most


@pytest.mark.parametrize("workers", [1, 2])
def test_a_page_that_fails_whatever_is_tried_ends_dead_and_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, workers: int
) -> None:
    def failing(read: Callable[..., extract.Extracted]) -> Callable[..., extract.Extracted]:
        def failed(body: bytes, url: str, **told: Any) -> extract.Extracted:
            if url.endswith("/50"):
                raise ZeroDivisionError("an empty page")
            return read(body, url, **told)

        return failed

    for name in ("extract", "extract_plainly"):
        monkeypatch.setattr(extract, name, failing(getattr(extract, name)))
    pages = many(tmp_path / "pages", 70)
    told = Project(tmp_path).replay([pages], {"store": {"keep": "all"}, "queue": {"workers": workers}})["fates"]
    assert (told["fetched"], told["in_flight"], told["dead"]) == (70, 0, {"parse-killed": 1})
    assert told["stored"] + told["duplicate"] == 69, told
    assert "an empty page" in caplog.text


def test_replay_tells_what_it_found_as_json(tmp_path: Path, suchlike: Run) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "a.html").write_bytes(html("One", 1))
    done = suchlike("replay", str(pages), "--keep", "all", "--json")
    told = json.loads(done.stdout)
    assert (told["mode"], told["pages_fetched"], told["fates"]["stored"]) == ("replay", 1, 1)
    assert (tmp_path / "replay.db").exists()


# pages recorded again


def saved(folder: Path, *pages: tuple[str, str, bytes]) -> Path:
    """A folder with a manifest: `(url, recorded at, body)` of each page."""
    folder.mkdir()
    lines = []
    for number, (url, moment, body) in enumerate(pages):
        (folder / f"{number}.html").write_bytes(body)
        lines.append(json.dumps({"file": f"{number}.html", "url": url, "fetched_at": moment}))
    (folder / "manifest.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


URL, COPY = "https://one.test/a", "https://two.test/a-copy"
FIRST, LATER = "2026-11-01T10:00:00Z", "2026-11-02T10:00:00Z"


def test_a_later_record_of_a_page_is_its_next_revision_and_tells_what_changed(tmp_path: Path, suchlike: Run) -> None:
    before, copy = (page(title, prose(7, 6)).body for title in ("Late again", "Late, again"))
    after = page(
        "Late no more", [*prose(7, 6)[:-1], "The points had thawed at last, and every train ran to time."]
    ).body
    first = saved(tmp_path / "first", (URL, FIRST, before), (COPY, FIRST, copy))
    second = saved(tmp_path / "second", (URL, LATER, after), (COPY, LATER, copy))
    assert suchlike("replay", str(first), "--keep", "all").returncode == 0
    again = suchlike("replay", str(second), "--keep", "all")
    assert "2 looked at again, 0 unmodified, 1 with a new text" in again.stderr
    assert f"changed: {Session(tmp_path).command('show', URL, '--history')}" in again.stderr

    told = suchlike("--json", "show", URL, "--history")
    versions = json.loads(told.stdout)["revisions"]
    assert [one["title"] for one in versions] == ["Late again", "Late no more"]
    assert versions[1]["headline_before"] == "Late again"
    assert "thawed at last" in versions[1]["changes"][-1]["text"]
    shown = suchlike("show", URL, "--history").stdout
    assert "revision 2   2026-11-02T10:00:00Z" in shown
    assert "headline  was “Late again”" in shown

    story = json.loads(suchlike("--json", "dupes").stdout.splitlines()[0])
    difference = suchlike("show", story["copies"][0]["url"], "--diff")
    assert "copy of" in difference.stdout
    assert "thawed at last" in difference.stdout
    canonical = suchlike("show", story["canonical"], "--diff")
    assert (canonical.returncode, "is the canonical article of its story" in canonical.stderr) == (2, True)


def test_records_of_a_page_in_one_replay_are_taken_in_turn_and_once(tmp_path: Path) -> None:
    both = saved(tmp_path / "both", (URL, FIRST, html("Late again", 1)), (URL, LATER, html("Late no more", 2)))
    replayed(tmp_path, both)
    (article,) = stored(tmp_path).values()
    assert (article["title"], article["revision"]) == ("Late no more", 2)
    replayed(tmp_path, both)
    assert stored(tmp_path)[URL]["revision"] == 2


def test_an_earlier_or_broken_record_of_a_page_changes_nothing(tmp_path: Path) -> None:
    replayed(tmp_path, saved(tmp_path / "held", (URL, LATER, html("Late again", 1))))
    replayed(tmp_path, saved(tmp_path / "early", (URL, FIRST, html("Late no more", 2))))
    replayed(tmp_path, saved(tmp_path / "empty", (URL, "2026-11-03T10:00:00Z", b"<html></html>")))
    assert (stored(tmp_path)[URL]["title"], stored(tmp_path)[URL]["revision"]) == ("Late again", 1)
