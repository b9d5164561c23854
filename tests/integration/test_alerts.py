"""Alerts: each story once a channel, signed, retried, through nobody's inner network; sites in trouble are told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import socket
import string
import subprocess
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import msgspec
import pytest
from conftest import until
from patience import PATIENCE_S
from sqlalchemy import select
from stocked import Stock, day

from crawler.alerts import announcer as announcing
from crawler.alerts import webhook
from crawler.alerts.announcer import Announcer, digest_at
from crawler.alerts.channels import channels
from crawler.running.clockwork import Clockwork
from pipelines import sitewatch
from pipelines.config import Config, load
from pipelines.errors import AlertError, ConfigError
from pipelines.sections import Notify
from pipelines.stores import alerts, editions, runs, troubles
from pipelines.stores.schema import articles as article_rows
from pipelines.stores.schema import facts
from pipelines.stores.schema import runs as run_rows
from workers.broker import Broker

SECRET = "whsec_" + base64.b64encode(b"a secret of our own, 32 bytes ok").decode()


class Inbox:
    """A real HTTP server that takes what is posted to it, or refuses with `status`."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        self.before: Callable[[], None] | None = None
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                inbox.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                if inbox.before:
                    inbox.before()
                self.send_response(inbox.status)
                self.send_header("location", "http://169.254.169.254/")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Silence."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def stock(database: str, tmp_path: Path) -> Iterator[Stock]:
    made = Stock(database, tmp_path)
    yield made
    made.store.close()


def telling(stock: Stock, inbox: Inbox, **notify: object) -> Config:
    said = {"webhooks": [f"http://{inbox.address}/hook"], "secret": SECRET, "sites": False, **notify}
    crawl = msgspec.structs.replace(stock.config.crawl, allow_private_addresses=True)
    return msgspec.structs.replace(stock.config, notify=msgspec.convert(said, Notify), crawl=crawl)


def text_of(number: int) -> str:
    """A text of its own for each number: words without digits, which signatures do not see."""
    named = random.Random(number)
    return " ".join("".join(named.choices(string.ascii_lowercase, k=7)) for _ in range(120))


def stored(stock: Stock, *urls: str, first: int = 0, **more: object) -> None:
    told = [(url, text_of(first + n)) for n, url in enumerate(urls)]
    stock.dedupe(stock.parsed(told, **more))


def test_what_was_there_before_is_no_news_and_each_new_story_is_told_once(stock: Stock, inbox: Inbox) -> None:
    stored(stock, "http://a.test/old")
    announcer = Announcer(telling(stock, inbox), stock.store)
    assert announcer.round(time.time()) == 0
    stored(stock, "http://a.test/one", "http://a.test/two", first=10)
    assert announcer.round(time.time()) == 2
    assert announcer.round(time.time()) == 0
    told = inbox.events()
    assert [one["type"] for one in told] == ["story.new", "story.new"]
    assert {one["data"]["article"]["url"] for one in told} == {"http://a.test/one", "http://a.test/two"}
    assert all("text" not in one["data"]["article"] for one in told)


def test_a_copy_of_what_was_told_is_not_told_even_when_it_becomes_the_original(stock: Stock, inbox: Inbox) -> None:
    announcer = Announcer(telling(stock, inbox), stock.store)
    announcer.round(time.time())
    stock.dedupe(stock.parsed([("http://a.test/one", text_of(1))], published=day(5), confidence=1.0))
    assert announcer.round(time.time()) == 1
    stock.dedupe(stock.parsed([("http://b.test/first", text_of(1))], published=day(1), confidence=1.0))
    assert stock.articles()["http://a.test/one"]["copy_of"] == "http://b.test/first"
    assert announcer.round(time.time()) == 0


def test_what_is_below_the_score_or_no_match_is_not_told(stock: Stock, inbox: Inbox) -> None:
    announcer = Announcer(telling(stock, inbox, min_score=0.6), stock.store)
    announcer.round(time.time())
    stored(stock, "http://a.test/low", score=0.5)
    stored(stock, "http://a.test/other", first=5, matched=False, score=0.9)
    stored(stock, "http://a.test/high", first=9, score=0.7)
    assert announcer.round(time.time()) == 1


def test_a_webhook_is_signed_so_that_its_taker_can_check(stock: Stock, inbox: Inbox) -> None:
    announcer = Announcer(telling(stock, inbox), stock.store)
    announcer.round(time.time())
    stored(stock, "http://a.test/one")
    announcer.round(time.time())
    ((headers, body),) = inbox.got
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(b"a secret of our own, 32 bytes ok", signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60


def test_what_was_not_taken_is_tried_again_under_the_same_id_and_given_up_in_the_end(
    stock: Stock, inbox: Inbox
) -> None:
    announcer = Announcer(telling(stock, inbox), stock.store)
    announcer.round(time.time())
    stored(stock, "http://a.test/one")
    inbox.status = 500
    now = time.time()
    assert announcer.round(now) == 0
    assert announcer.round(now + 1) == 0
    assert len(inbox.got) == 1
    inbox.status = 204
    assert announcer.round(now + 3600) == 1
    assert len({headers["webhook-id"] for headers, _ in inbox.got}) == 1

    stored(stock, "http://a.test/two", first=5)
    inbox.status = 302
    for tries in range(alerts.MAX_TRIES + 5):
        announcer.round(now + (tries + 2) * 86400)
    assert len(inbox.got) == 2 + alerts.MAX_TRIES
    with stock.store.read() as connection:
        (told, before) = alerts.listed(connection, 5)
    assert before.title == stock.articles()["http://a.test/one"]["title"]
    assert (told.sent_at, told.tries) == (None, alerts.MAX_TRIES)
    assert told.failed is not None and "302" in told.failed


def test_an_alert_is_tried_for_three_days_at_least_once_an_hour(stock: Stock, inbox: Inbox) -> None:
    announcer = Announcer(telling(stock, inbox), stock.store)
    began = now = time.time()
    announcer.round(now)
    stored(stock, "http://a.test/one")
    inbox.status = 503
    announcer.round(now)
    while now < began + 3 * 86_400:
        tried = len(inbox.got)
        now += alerts.LONGEST_S + 60
        announcer.round(now)
        assert len(inbox.got) > tried
    inbox.status = 204
    assert announcer.round(now + alerts.LONGEST_S + 60) == 1


def test_who_sends_slowly_holds_what_he_is_sending_and_nothing_else(stock: Stock, inbox: Inbox) -> None:
    """Another process has its own round while the first alert is under way, later than any hold of the first round."""
    config = telling(stock, inbox)
    one, other = Announcer(config, stock.store), Announcer(config, stock.store)
    now = time.time()
    one.round(now)
    stored(stock, "http://a.test/one", "http://a.test/two", "http://a.test/three")

    def beside() -> None:
        inbox.before = None
        assert other.round(now + 1) == 2

    inbox.before = beside
    assert one.round(now) == 1
    ids = [headers["webhook-id"] for headers, _ in inbox.got]
    assert len(ids) == len(set(ids)) == 3


def test_a_channel_that_fails_is_asked_once_a_round_and_keeps_no_other_waiting(stock: Stock, inbox: Inbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        dead = f"http://127.0.0.1:{gone.getsockname()[1]}/"
    config = telling(stock, inbox, webhooks=[dead, f"http://{inbox.address}/hook"])
    announcer = Announcer(config, stock.store)
    now = time.time()
    announcer.round(now)
    stored(stock, *(f"http://a.test/{n}" for n in range(4)))
    assert announcer.round(now) == 4
    with stock.store.read() as connection:
        assert sum(told.tries for told in alerts.listed(connection, 9) if not told.sent_at) == 1


def test_what_judged_it_cannot_be_read_here_and_it_is_told_all_the_same(stock: Stock, inbox: Inbox) -> None:
    announcer = Announcer(telling(stock, inbox), stock.store)
    announcer.round(time.time())
    stored(stock, "http://a.test/one")
    with stock.store.write() as connection:
        editions.keep(connection, "of another version", "floods", "floods", (), b"of another version")
        connection.execute(run_rows.update().values(profile="of another version"))
    assert announcer.round(time.time()) == 1
    assert inbox.events()[0]["data"]["article"]["url"] == "http://a.test/one"


def test_what_one_channel_refuses_keeps_nothing_else_from_it(stock: Stock, inbox: Inbox) -> None:
    announcer = Announcer(telling(stock, inbox), stock.store)
    now = time.time()
    announcer.round(now)
    stored(stock, "http://a.test/refused")
    inbox.status = 413
    announcer.round(now)
    stored(stock, "http://a.test/two", "http://a.test/three", first=5)

    def choose() -> None:
        inbox.status = 413 if inbox.events()[-1]["data"]["article"]["url"].endswith("refused") else 204

    inbox.before = choose
    assert announcer.round(now + alerts.LONGEST_S) == 2


def test_who_answers_a_byte_at_a_time_is_hung_up_on(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "WHOLE_S", 0.3)
    ended = Event()

    def drip() -> None:
        ended.wait(PATIENCE_S)

    inbox.before = drip
    try:
        with pytest.raises(AlertError, match=r"127\.0\.0\.1 did not take it: no answer"):
            webhook.post(f"http://{inbox.address}/", "s", {}, id="1", now=0.0, allow_private=True)
    finally:
        ended.set()


def test_whoever_dies_while_sending_leaves_it_to_others(stock: Stock, inbox: Inbox) -> None:
    announcer = Announcer(telling(stock, inbox), stock.store)
    now = time.time()
    announcer.round(now)
    stored(stock, "http://a.test/one")
    (channel,) = channels(telling(stock, inbox))
    with stock.store.write() as connection:
        (row,) = alerts.new_stories(connection, since=0.0, min_score=0.0)
        alerts.plan(connection, [channel.id], f"story:{row}", article=row, due_at=now, now=now)
        assert len(alerts.take(connection, channel.id, now=now, most=9)) == 1  # and dies
    assert announcer.round(now + 1) == 0
    assert announcer.round(now + alerts.LEASE_S + 1) == 1


def test_a_clock_at_work_tells_whom_the_file_names_by_now(
    stock: Stock, inbox: Inbox, broker: Broker, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUCHLIKE_DATABASE", database)
    monkeypatch.setattr(announcing, "ROUND_S", 0.1)
    file = tmp_path / "suchlike.toml"
    file.write_text("[crawl]\nallow_private_addresses = true\n")
    clockwork = Clockwork(msgspec.structs.replace(load(tmp_path), mode=stock.config.mode))
    hook = f'webhooks = ["http://{inbox.address}/hook"]\nsecret = "s"\nsites = false'
    file.write_text(f"{file.read_text()}[notify]\n{hook}\n")

    def looks() -> bool:
        clockwork.tick()
        with stock.store.read() as connection:
            return connection.execute(select(facts).where(facts.c.name == "alerts_since")).first() is not None

    def told() -> bool:
        clockwork.tick()
        return bool(inbox.got)

    try:
        until(looks, "the first look for what is new")
        stored(stock, "http://a.test/one")
        until(told, "the alert")
    finally:
        clockwork.stop()


def test_a_digest_waits_for_its_time_of_day_and_is_one_message(stock: Stock, inbox: Inbox) -> None:
    config = telling(stock, inbox, webhooks=[], to=[f"json://{inbox.address}/in"], when="daily-digest", at="07:30")
    announcer = Announcer(config, stock.store)
    now = time.time()
    announcer.round(now)
    stored(stock, "http://a.test/one", "http://a.test/two")
    assert announcer.round(now) == 0
    assert announcer.round(digest_at("07:30", now) + 1) == 2
    (event,) = inbox.events()
    assert event["title"] == "2 new"
    assert "http://a.test/one" in event["message"] and "http://a.test/two" in event["message"]


def test_many_at_once_are_one_message_and_few_are_one_each(stock: Stock, inbox: Inbox) -> None:
    announcer = Announcer(telling(stock, inbox, webhooks=[], to=[f"json://{inbox.address}/in"]), stock.store)
    announcer.round(time.time())
    stored(stock, *(f"http://a.test/{n}" for n in range(3)))
    assert announcer.round(time.time()) == 3
    assert len(inbox.got) == 3
    stored(stock, *(f"http://b.test/{n}" for n in range(9)), first=20)
    assert announcer.round(time.time()) == 9
    assert len(inbox.got) == 4


def test_titles_from_the_web_are_one_printable_line(stock: Stock, inbox: Inbox) -> None:
    announcer = Announcer(telling(stock, inbox, webhooks=[], to=[f"json://{inbox.address}/in"]), stock.store)
    announcer.round(time.time())
    stored(stock, "http://a.test/one", title="Harbour\r\nBcc: all@x.test\x1b[31m \u202eevil")
    announcer.round(time.time())
    (event,) = inbox.events()
    assert event["title"] == "0.90 Harbour Bcc: all@x.test [31m evil"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433"])
def test_a_webhook_reaches_no_inner_network_unless_that_is_allowed(inbox: Inbox, host: str) -> None:
    url = f"http://{host}:{inbox.server.server_port}/"
    with pytest.raises(AlertError, match="public internet"):
        webhook.post(url, "s", {}, id="1", now=0.0)
    assert inbox.got == []


def test_a_webhook_that_is_gone_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(AlertError, match=r"127\.0\.0\.1 did not take it"):
        webhook.post(f"http://127.0.0.1:{port}/", "s", {}, id="1", now=0.0, allow_private=True)


def test_a_site_that_falls_silent_is_told_once_with_before_and_after(stock: Stock, inbox: Inbox) -> None:
    now = time.time()
    today = now - now % troubles.DAY_S + 3600
    with stock.store.write() as connection:
        for back in range(sitewatch.RECENT + 10):
            run = runs.start(connection, stock.config, "", now=today - back * troubles.DAY_S).id
            runs.end(connection, run, "budget", now=today - back * troubles.DAY_S + 60)
    rows = stock.parsed([(f"http://a.test/{n}", text_of(n)) for n in range(40)])
    with stock.store.write() as connection:
        for n, row in enumerate(rows):
            fetched = {"fetched_at": today - (sitewatch.RECENT + n % 10) * troubles.DAY_S}
            connection.execute(article_rows.update().where(article_rows.c.id == row).values(fetched))
    announcer = Announcer(telling(stock, inbox, sites=True), stock.store)
    assert announcer.round(today) == 1
    (event,) = inbox.events()
    assert event["type"] == "site.changed"
    assert event["data"]["kind"] == "silent" and event["data"]["before"]["articles"] == 40
    assert announcer.round(today + 7200) == 0
    # it speaks again, and that trouble is over
    with stock.store.write() as connection:
        connection.execute(article_rows.update().values(fetched_at=today - troubles.DAY_S))
    announcer.round(today + 4 * 3600)
    with stock.store.read() as connection:
        assert troubles.in_trouble(connection) == []
        assert [one.trouble.kind for one in troubles.in_trouble(connection, past=True)] == ["silent"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('webhooks = ["ftp://x"]', "notify.webhooks"),
        ('webhooks = ["https://hooks.example/a"]', "notify.secret"),
        ('secret = "whsec_"', "notify.secret"),
        ('secret = "whsec_abc"', "notify.secret"),
        ('secret = "whsec_!!"', "notify.secret"),
        ('secret = "whsec_\u00e9\u00e9\u00e9\u00e9"', "notify.secret"),
        ('at = "25:00"', "notify.at"),
        ('at = "07:00 Europe/Atlantis"', "notify.at names the time zone"),
        ('when = "hourly"', "notify.when"),
        ("min_score = 2", "notify.min_score"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "suchlike.toml").write_text(f"[notify]\n{line}\n")
    with pytest.raises(ConfigError, match=said.replace(".", r"\.")):
        load(tmp_path, env={})


def test_a_run_keeps_no_secret_of_whom_to_tell(stock: Stock, inbox: Inbox) -> None:
    with stock.store.write() as connection:
        run = runs.start(connection, telling(stock, inbox), "", now=1.0).id
        assert runs.get(connection, run).config.notify == Notify()


def test_alerts_are_tried(
    tmp_path: Path, inbox: Inbox, suchlike: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (tmp_path / "suchlike.toml").write_text(
        f'[notify]\nwebhooks = ["http://{inbox.address}/hook?token=hidden"]\nsecret = "s"\n'
        "[crawl]\nallow_private_addresses = true\n"
    )
    done = suchlike("alerts", "test")
    assert done.returncode == 0, done.stderr
    assert "✓ http://127.0.0.1" in done.stdout and "hidden" not in done.stdout
    assert [one["type"] for one in inbox.events()] == ["trial"]
    inbox.status = 403
    done = suchlike("alerts", "test", "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["problem"] == "127.0.0.1 answered 403."
