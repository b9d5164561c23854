"""Failures are grouped and tried again; another threshold decides again from what is stored; fates by site and run."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from conftest import until
from patience import PATIENCE_S
from sqlalchemy import event, text, update
from stocked import Stock, adds_up
from test_stages import PAGES, TRAINS

from crawler.cli.app import run as command_line
from crawler.cli.session import Session
from crawler.explaining import explained
from crawler.rejudging import judge_again
from crawler.rereading import read_again
from crawler.sites import sites
from pipelines import extract, warc
from pipelines.errors import UsageError
from pipelines.likeness.profile import Profile
from pipelines.stores import articles, bodies, editions, failures, fates, runs
from pipelines.stores import sites as site_rows
from pipelines.stores.failures import Choice
from pipelines.stores.schema import urls
from pipelines.stores.states import State


@pytest.fixture
def stock(database: str, tmp_path: Path) -> Iterator[Stock]:
    """Pages that failed in several ways, on two sites, and one that is fine."""
    made = Stock(database, tmp_path)
    for name, state, reason in (
        ("a.test/1", State.DEAD, "timeout"), ("a.test/2", State.DEAD, "timeout"), ("b.test/1", State.DEAD, "timeout"),
        ("a.test/3", State.DROPPED, "http-403"), ("a.test/4", State.DROPPED, "unlike"),
        ("a.test/5", State.DEAD, "parse-killed"), ("a.test/6", State.DROPPED, "extraction-error"),
    ):  # fmt: skip
        made.fetched({f"https://{name}": b""}, state=state, reason=reason, detail="it did not work")
    yield made
    made.store.close()


def test_failures_are_told_by_stage_and_reason_with_an_example(stock: Stock) -> None:
    with stock.store.read() as connection:
        told = list(failures.grouped(connection, Choice()))
    assert [(one["stage"], one["reason"], one["fate"], one["number"], one["hosts"]) for one in told] == [
        ("fetch", "timeout", "dead", 3, 2), ("parse", "extraction-error", "dropped", 1, 1),
        ("fetch", "http-403", "dropped", 1, 1), ("parse", "parse-killed", "dead", 1, 1),
    ]  # fmt: skip
    assert told[0]["example"] == {"url": "https://a.test/1", "detail": "it did not work", "status": 200}


def test_what_is_tried_again_waits_where_a_run_finds_it(stock: Stock) -> None:
    with stock.store.write() as connection:
        assert failures.retry(connection, Choice(reason="timeout", site="a.test")) == 2
        assert [one["number"] for one in failures.grouped(connection, Choice(reason="timeout"))] == [1]
    states = stock.states()
    assert [url for url, state in states.items() if state == State.WAITING] == ["https://a.test/1", "https://a.test/2"]
    row = stock.row("https://a.test/1")
    assert (row.reason, row.detail, row.fetches, row.attempts) == (None, None, 0, 0)
    assert adds_up(stock.fates())
    with stock.store.write() as connection:
        assert failures.retry(connection, Choice()) == 4
        assert failures.retry(connection, Choice(run=stock.run + 1)) == 0


def test_a_choice_may_be_of_one_end_and_of_so_many_pages_at_most(stock: Stock) -> None:
    stock.fetched({"https://c.test/": b""}, state=State.REFUSED, reason="certificate", detail="it ran out")
    with stock.store.write() as connection:
        assert failures.retry(connection, Choice("certificate", end=State.DROPPED)) == 0
        assert failures.retry(connection, Choice("certificate", run=stock.run, end=State.REFUSED)) == 1
        assert failures.retry(connection, Choice("timeout"), at_most=2) == 2
        assert failures.retry(connection, Choice("timeout"), at_most=2) == 1


@pytest.mark.parametrize("state", [State.DEAD, State.DROPPED, State.REFUSED])
@pytest.mark.parametrize("reason", ["timeout", "http-503", "empty", "certificate", "unlike", "robots", "too-large"])
def test_what_another_try_may_help_is_what_is_tried_again(stock: Stock, state: State, reason: str) -> None:
    stock.fetched({"https://c.test/": b""}, state=state, reason=reason, detail="it did not work")
    with stock.store.write() as connection:
        number = failures.retry(connection, Choice(site="c.test"))
    assert bool(number) is failures.may_help(state.name.lower(), reason)


def test_what_a_crawler_has_meanwhile_got_is_not_put_back_by_another_who_tries_again(stock: Stock) -> None:
    if stock.store.is_sqlite:
        pytest.skip("SQLite has one writer at a time")

    def try_again() -> None:
        with stock.store.write() as connection:
            numbers.append(failures.retry(connection, Choice("timeout"), at_most=10))

    def waits() -> bool:
        with stock.store.read() as connection:
            query = text("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted")
            return bool(connection.execute(query).scalar())

    numbers: list[int] = []
    other = threading.Thread(target=try_again)
    with stock.store.write() as connection:
        numbers.append(failures.retry(connection, Choice("timeout"), at_most=10))
        connection.execute(update(urls).where(urls.c.state == State.WAITING).values(state=State.LEASED))
        other.start()
        until(waits, "the other's turn")
    other.join(PATIENCE_S)
    assert numbers == [3, 0]
    assert list(stock.states().values()).count(State.LEASED) == 3


def test_nothing_of_a_blocked_site_is_tried_again_until_it_is_no_longer(stock: Stock) -> None:
    def timeouts() -> list[State]:
        return [stock.states()[f"https://{name}"] for name in ("a.test/1", "a.test/2", "b.test/1")]

    with stock.store.write() as connection:
        site_rows.block(connection, "b.test")
        assert [one["number"] for one in failures.grouped(connection, Choice(reason="timeout"))] == [2]
        assert failures.retry(connection, Choice("timeout")) == 2
        assert failures.retry(connection, Choice(site="b.test")) == 0
    assert timeouts() == [State.WAITING, State.WAITING, State.DEAD]
    with stock.store.write() as connection:
        site_rows.unblock(connection, "b.test")
        assert failures.retry(connection, Choice(reason="timeout")) == 1
    assert timeouts() == [State.WAITING] * 3


def test_a_site_of_many_hosts_hides_none_of_another(stock: Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_rows, "MOST_HOSTS", 3)
    stock.fetched({f"https://h{number}.blogs.test/": b"" for number in range(5)})
    told = {one["site"]: one["hosts"] for one in sites(stock.store, stock.config)}
    assert told == {"a.test": 1, "b.test": 1, "blogs.test": 5}
    with stock.store.read() as connection:
        firsts = site_rows.first_of(connection, ["blogs.test", "never.test", "b.test"])
        assert [host.name for host in site_rows.of_site(connection, "b.test")] == ["b.test"]
        assert len(site_rows.of_site(connection, "blogs.test")) == 3
    assert {site: (host.name, number) for site, (host, number) in firsts.items()} == {
        "blogs.test": ("h0.blogs.test", 5), "b.test": ("b.test", 1),
    }  # fmt: skip


def test_fates_are_counted_by_site_and_by_run(stock: Stock) -> None:
    with stock.store.read() as connection:
        total = fates.count(connection)
        sites = fates.count_by(connection, "site")
        of_runs = fates.count_by(connection, "run", stock.run)
    assert [(one["site"], one["fetched"], one["dead"]) for one in sites] == [
        ("a.test", 6, {"timeout": 2, "parse-killed": 1}), ("b.test", 1, {"timeout": 1}),
    ]  # fmt: skip
    assert all(adds_up(one) for one in sites)
    assert sum(one["fetched"] for one in sites) == total["fetched"]
    (only,) = of_runs
    assert {name: only[name] for name in ("fetched", "dropped", "dead")} == {
        name: total[name] for name in ("fetched", "dropped", "dead")
    }
    assert only["run"] == stock.run


@pytest.fixture
def judged(database: str, tmp_path: Path) -> Iterator[Stock]:
    """Pages judged by seeds, of which only matches are kept."""
    made = Stock(database, tmp_path, keep="matches")
    profile = Profile.learn([("seed", "Sleeper trains return", "\n".join(TRAINS[::-1]), "en")])
    with made.store.write() as connection:
        editions.keep(connection, profile.edition, "main", "trains", [], profile.to_bytes())
        made.run = runs.start(connection, made.config, profile.edition, now=time.time()).id
    made.work("parse", made.fetched(PAGES))
    made.fetched({"https://rail.test/quick": b""}, state=State.DROPPED, reason="unlike", detail="at the quick look")
    yield made
    made.store.close()


def test_a_budget_made_larger_while_all_is_judged_again_stays_larger(judged: Stock) -> None:
    done: list[str] = []

    def added(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "substr(articles.text" in statement and not done:
            done.append(statement)
            with judged.store.write() as connection:
                runs.add_pages(connection, runs.get(connection, judged.run, lock=True), 500)

    event.listen(judged.store.engine, "after_cursor_execute", added)
    judge_again(judged.store, 0.0)
    with judged.store.read() as connection:
        config = runs.get(connection, judged.run).config
    assert (config.crawl.pages, config.only_profile()[1].threshold) == (1000, 0.0)


def test_another_threshold_lets_in_what_was_dropped_and_lets_it_out_again(judged: Stock) -> None:
    def matches() -> list[str]:
        with judged.store.read() as connection:
            return sorted(one["url"] for one in articles.listed(connection, copies=True))

    before = matches()
    assert before
    assert "https://food.test/bread" not in before
    dropped = judged.states()
    assert dropped["https://food.test/bread"] == State.DROPPED
    shown = judge_again(judged.store, 0.0, preview=True)
    assert [(one.url, one.enters) for one in shown.changes] == [("https://food.test/bread", True)]
    assert (shown.applied, shown.threshold, shown.unread) == (False, 0.0, 1)
    assert judged.states() == dropped
    done = judge_again(judged.store, 0.0)
    assert done.applied
    assert done.changes == shown.changes
    assert matches() == sorted([*before, "https://food.test/bread"])
    assert judged.states()["https://food.test/bread"] == State.STORED
    assert judge_again(judged.store, 0.0).changes == ()
    back = judge_again(judged.store, done.before)
    assert [(one.url, one.enters) for one in back.changes] == [("https://food.test/bread", False)]
    assert matches() == before
    assert adds_up(judged.fates())


def test_another_language_lets_out_and_in_and_says_why(judged: Stock) -> None:
    before = judge_again(judged.store, 0.0)  # all match
    bread = "https://food.test/bread"
    gone = judge_again(judged.store, languages=["de"])
    assert (gone.languages, gone.before) == (("de",), 0.0), "what is not said stays"
    assert not any(one.enters for one in gone.changes)
    assert explained(judged.store, bread)["match"] is False
    assert "its language is en, asked for is de" in explained(judged.store, bread)["against"]
    assert judge_again(judged.store, languages=[], preview=True).applied is False
    back = judge_again(judged.store, languages=[])
    assert {one.url for one in back.changes if one.enters} == {one.url for one in gone.changes}
    assert explained(judged.store, bread)["match"] is True
    judge_again(judged.store, before.before)


def test_an_article_that_was_dropped_grows_no_older_by_being_fetched_again(judged: Stock) -> None:
    url, body = "https://food.test/dated", PAGES["https://food.test/bread"]
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 20 * 86_400))
    dated = body.replace(b"<head>", f'<head><meta property="article:published_time" content="{day}">'.encode())
    assert dated != body
    judged.work("parse", judged.fetched({url: dated}))
    assert judged.row(url).reason == "unlike"
    with judged.store.write() as connection:
        connection.execute(text("UPDATE articles SET first_at = first_at - 15 * 86400"))
        name, held = judged.config.only_profile()
        asked = msgspec.structs.replace(held, threshold=0.0, since="10d")
        config = msgspec.structs.replace(judged.config, profile={name: asked})
        runs.resume(connection, judged.run, config, runs.get(connection, judged.run).profile, now=time.time())
        connection.execute(update(urls).where(urls.c.url == url).values(state=State.WAITING))
    judged.work("parse", judged.fetched({url: dated}))
    assert judged.states()[url] == State.STORED


def test_an_article_dropped_for_its_language_is_taken_up_without_fetching(judged: Stock) -> None:
    url = "https://food.test/bread"
    judge_again(judged.store, 0.0, languages=["de"])
    row = judged.row(url)
    assert (State(row.state), row.reason) == (State.DROPPED, "language")
    with judged.store.read() as connection:
        assert url not in {one[2] for one in fates.closest_misses(connection, judged.run, 9)}
    judge_again(judged.store, languages=["de", "en"])
    assert judged.states()[url] == State.STORED
    assert adds_up(judged.fates())


def test_without_seeds_there_is_nothing_to_decide_by(database: str, tmp_path: Path) -> None:
    bare = Stock(database, tmp_path)
    with pytest.raises(UsageError, match="Nothing was judged by seeds yet"):
        judge_again(bare.store, 0.5)
    bare.store.close()


SHORT = (
    b"<html><body><article><h1>A loaf</h1><p>" + b"Rye bread keeps for a week. " * 6 + b"</p></article></body></html>"
)


def test_what_a_rule_dropped_is_read_again_from_the_archive_when_it_has_changed(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock = Stock(database, tmp_path, archive="all")
    pages = {"https://a.test/short": SHORT, "https://b.test/broken": PAGES["https://rail.test/broken"]}
    stock.work("parse", stock.fetched(pages))
    lost = stock.fetched({"https://c.test/lost": b""}, state=State.DROPPED, reason="too-short", detail="not archived")
    with stock.store.write() as connection:
        bodies.discard(connection, lost)
        runs.end(connection, stock.run, "exhausted", now=3.0)
    before = {url: (stock.row(url).archive_file, stock.row(url).archive_offset) for url in pages}
    assert stock.row("https://a.test/short").reason == "too-short"
    warcs = tmp_path / "warc"
    shown = read_again(stock.store, warcs, "too-short", preview=True)
    assert (shown.archived, shown.missing, shown.ends, shown.applied) == (1, 1, {}, False)
    assert read_again(stock.store, warcs, "too-short").ends == {"too-short": 1}
    monkeypatch.setattr(extract, "extract", partial(extract.extract, min_words=10))
    done = read_again(stock.store, warcs)
    assert (done.archived, done.missing, done.damaged, done.applied) == (2, 1, 0, True)
    assert done.ends == {"stored": 1, "not-html": 1}
    assert list(stock.articles()) == ["https://a.test/short"]
    assert adds_up(stock.fates())
    # nothing was written to the archive a second time
    assert {url: (stock.row(url).archive_file, stock.row(url).archive_offset) for url in pages} == before
    assert sorted(page.url for file in warcs.iterdir() for page in warc.read(file)) == sorted(pages)
    with pytest.raises(UsageError, match="No page is dropped for 'ugly' when it is read; write one of"):
        read_again(stock.store, warcs, "ugly")
    stock.store.close()


def test_stories_choose_their_originals_again_when_another_article_matches(judged: Stock) -> None:
    told = "\n".join(TRAINS)
    rows = judged.parsed([("https://a.test/first", told)], fetched_at=1.0, matched=False)
    rows += judged.parsed([("https://b.test/second", told)], fetched_at=2.0)
    judged.dedupe(rows)
    story = {url: one["copy_of"] for url, one in judged.articles().items() if "test/first" in url or "second" in url}
    assert story == {"https://a.test/first": "https://b.test/second", "https://b.test/second": None}
    judge_again(judged.store, 0.0)
    story = {url: one["copy_of"] for url, one in judged.articles().items() if "test/first" in url or "second" in url}
    assert story["https://a.test/first"] is None
    assert story["https://b.test/second"] == "https://a.test/first"
    assert judged.states()["https://a.test/first"] == State.STORED
    assert judged.states()["https://b.test/second"] == State.DUPLICATE


def test_another_try_is_offered_where_it_may_help(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Stock(f"sqlite:///{tmp_path / 'replay.db'}", tmp_path)
    made.fetched({"https://a.test/1": b""}, state=State.DEAD, reason="timeout", detail="no answer")
    made.fetched({"https://a.test/2": b""}, state=State.DROPPED, reason="extraction-error", detail="odd")
    made.store.close()
    assert command_line(["-C", str(tmp_path), "failures", "list"]) == 0
    out = capsys.readouterr().out
    assert "fetch  timeout   on 1 host (dead): no answer in time, three times\n" in out
    assert f"again   {Session(tmp_path).command('failures', 'retry', '--reason', 'timeout')}\n" in out
    assert "extraction-error" in out and "retry --reason extraction-error" not in out
