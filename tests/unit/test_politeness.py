"""The small rules of a crawl: pace, robots.txt, Retry-After, scope, what a body is, and what counts as refused."""

from __future__ import annotations

import random
import time
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crawler.frontier import robots
from crawler.frontier.batch import Batch, HostNote
from crawler.frontier.held import Held
from crawler.frontier.owned import Owned
from crawler.frontier.pace import MAX_RETRY_AFTER_S, Pace, retry_after_s
from crawler.frontier.scope import Scope
from crawler.reading.gate import Gate, is_html, is_list, is_sitemap
from crawler.spiders import answers
from crawler.summary import refused_everywhere
from pipelines.config import Config
from pipelines.sections import Crawl, Sources
from pipelines.stores.allotment import Waiting
from pipelines.stores.states import Kind, State
from pipelines.walltime import Walltime

NOW = 1_800_000_000.0


@given(delay_s=st.floats(0.01, 60), failed=st.booleans(), asked=st.none() | st.floats(0, 1e9), seed=st.integers())
def test_the_next_request_is_never_sooner_than_the_delay(
    delay_s: float, failed: bool, asked: float | None, seed: int
) -> None:
    pace = Pace(delay_s, _random=random.Random(seed))
    pace.sent()
    assert not pace.ready(NOW + 1e9)
    pace.answered(NOW, failed=failed, retry_after_s=asked)
    assert pace.next_at >= NOW + delay_s
    assert not pace.ready(NOW + delay_s * 0.99)
    if asked is not None:
        assert pace.next_at >= NOW + min(asked, MAX_RETRY_AFTER_S)


def test_no_two_delays_are_the_same_and_none_is_much_longer() -> None:
    pace, waits = Pace(8.0, _random=random.Random(1)), set()
    for _ in range(50):
        pace.answered(NOW)
        waits.add(pace.next_at - NOW)
    assert len(waits) == 50
    assert 8.0 <= min(waits) < 8.2 and 9.8 < max(waits) <= 10.0


def test_a_clock_that_is_set_ahead_makes_no_delay_pass() -> None:
    pace = Pace(2.0)
    pace.sent()
    pace.answered(1000.0, 50.0)
    assert not pace.ready(1000.0 + 3600, 50.1)
    assert 1.8 < pace.wait_s(1000.0 + 3600, 50.1) < 2.5
    assert pace.ready(1000.0 + 3600, 52.6)


def test_what_is_left_of_another_owners_delay_is_counted_by_our_own_clock() -> None:
    pace = Pace(2.0, next_at=1001.5)
    pace.taken_over(50.0, 1.5, 0.0)
    assert pace.wait_s(1000.0 + 3600, 50.0) == 1.5
    assert pace.ready(1000.0 + 3600, 51.6)
    pace.taken_over(50.0, 0.0, 49.0)
    assert pace.wait_s(1000.0 + 3600, 50.0) == 1.0


def _held(host: int, next_at: float) -> Held:
    return Held(host, f"{host}.test", "http", Pace(2.0, next_at=next_at), None)


def _waits(owned: Owned) -> dict[int, float]:
    return {host: held.pace.wait_s(time.time(), time.monotonic()) for host, held in owned.hosts.items()}


def test_of_a_host_taken_over_just_after_the_clock_was_set_nobody_knows_when_it_was_asked() -> None:
    set_by = 0.0
    owned = Owned(Walltime(lambda: time.time() + set_by))
    # told to be free long ago, by a clock of which a process that has just begun knows nothing; and never asked at all
    owned.take(_held(1, time.time() - 500), 0.0)
    owned.take(_held(2, 0.0), 0.0)
    assert 1.0 < _waits(owned)[1] <= 2.0 and _waits(owned)[2] <= 0
    owned.set_at -= 60  # this process has been there for a while
    owned.take(_held(3, time.time() - 500), 0.0)
    assert _waits(owned)[3] <= 0
    set_by = 3600.0
    owned.look_at_clock()
    owned.take(_held(4, time.time() - 3000), 0.0)
    assert 1.0 < _waits(owned)[4] <= 2.0
    assert _waits(owned)[3] <= 0, "what rests by the steady clock rests no longer by that"


def test_where_the_clock_was_set_back_nobody_waits_so_much_longer() -> None:
    set_by = 0.0
    owned = Owned(Walltime(lambda: time.time() + set_by))
    owned.set_at -= 60
    owned.take(_held(1, time.time() + 3600.5), 0.5)  # leased by the clock as it is now, taken just before it was set
    set_by = -3600.0
    owned.look_at_clock()
    assert 0 < _waits(owned)[1] <= 1.0


def test_failures_in_a_row_slow_a_host_down_and_in_the_end_it_is_given_up() -> None:
    pace, waits = Pace(1.0), []
    while not pace.hopeless:
        pace.answered(NOW, failed=True)
        waits.append(pace.next_at - NOW)
    assert len(waits) == 8
    assert waits[-1] > 100 > waits[0]
    pace.answered(NOW)
    assert pace.failures == 0


def test_a_delay_learned_from_robots_txt_counts_from_the_answer_that_brought_it() -> None:
    pace = Pace(1.0, _random=random.Random(1))
    pace.answered(NOW)
    pace.slow_down(10.0)
    assert NOW + 10.0 <= pace.next_at <= NOW + 10.25
    pace.slow_down(2.0)
    assert pace.delay_s == 10.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120.0), (" 5 ", 5.0), (formatdate(NOW + 90, usegmt=True), 90.0), (formatdate(NOW - 90, usegmt=True), 0.0),
     ("soon", None), ("", None), ("-5", None), ("999999999999999", None),
     ("Mon, 01 Jan 99999999999 00:00:00 GMT", None), ("Mon, 01 Jan 2029 00:00:00 +99999999999999", None)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds


_DATED = r"[A-Z][a-z]{2}, \d{1,3} (Jan|Dec) \d{1,30} \d\d:\d\d:\d\d( [+-]\d{4,30}| GMT)?"


@given(st.text(max_size=60) | st.from_regex(_DATED))
@example("Fri, 31 Dec 9999 23:59:59 -2359")
@example("Fri, 1 Jan 1 00:00:00 +2359")
@example("¹")
def test_no_retry_after_is_too_odd(header: str) -> None:
    found = retry_after_s(header, NOW)
    assert found is None or found >= 0.0


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, "disallow"), (204, "disallow"), (301, "allow"), (401, "allow"), (403, "allow"), (404, "allow"),
     (410, "allow"), (429, "later"), (500, "later"), (503, "later"), (599, "later"), (None, "later")],
)  # fmt: skip
def test_what_an_answer_to_robots_txt_means(status: int | None, kind: str) -> None:
    assert robots.judge(status, b"User-agent: *\nDisallow: /\n", "suchlike").kind == kind


@pytest.mark.parametrize(
    ("text", "closed"),
    [("User-agent: *\nDisallow: /", True), ("User-agent: *\nDisallow: *", True),
     ("User-agent: suchlike\nDisallow: /*", True), ("User-agent: *\nDisallow: /\nAllow: /news/", False),
     ("User-agent: *\nDisallow: /private/", False), ("User-agent: other\nDisallow: /", False),
     ("User-agent: *\nDisallow:", False), ("", False)],
)  # fmt: skip
def test_a_robots_txt_that_forbids_everything_is_told_from_one_with_rules(text: str, closed: bool) -> None:
    verdict = robots.judge(200, text.encode(), "suchlike")
    assert (verdict.kind, verdict.rules.closed) == ("disallow" if closed else "rules", closed)
    assert verdict.rules.allows("https://a.test/news/page") is not closed


@pytest.mark.parametrize(
    ("body", "listed", "mapped"),
    [
        (b"<?xml version='1.0'?>\n<!-- made by us -->\n<rss version='2.0'>", True, False),
        (b"\xef\xbb\xbf<feed xmlns='http://www.w3.org/2005/Atom'>", True, False),
        (b"<rdf:RDF xmlns:rdf='x'>", True, False),
        (b"<!-- a-b -- c ---><!----><rss>", True, False),
        (b"<!-- <rss> <!-- ", False, False),
        (b"<?xml version='1.0'?><?xml-stylesheet href='x'?><urlset>", True, True),
        (b"<ns:sitemapindex xmlns:ns='x'>", True, True),
        (b"<!doctype html><html><body><feedback-form>", False, False),
        (b"<html><body>we write <rss> and <urlset> here", False, False),
        (b"<feedback>", False, False),
        (b"", False, False),
    ],
)
def test_a_list_is_told_by_its_first_element(body: bytes, listed: bool, mapped: bool) -> None:
    assert (is_list(body), is_sitemap(body)) == (listed, mapped)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("before", [b"<!-- -->", b"<!--", b"<? ?>", b"<?", b"<!doctype x>", b"<!doctype", b"  \n"])
def test_what_stands_before_the_first_element_is_read_once(before: bytes) -> None:
    whole = before.endswith((b">", b"\n"))
    assert not is_list(before * 500 + b"<html>")
    assert is_list(before * 300 + b"<rss>") == whole
    assert is_html(before * 300 + b"<html>", {"content-type": "text/html"})


@given(st.binary(max_size=3000), st.sampled_from(["", "text/html", "text/html; charset=\x00", "application/pdf"]))
def test_the_gate_looks_at_anything(body: bytes, kind: str) -> None:
    look = Gate(None, keeps_all=True).look(body, "http://a.test/x", {"content-type": kind})
    assert look.state == State.FETCHED or look.reason
    assert isinstance(is_html(body, {}), bool)


def _scope(*, starts: tuple[str, ...] = ("http://www.a.test/",), block: tuple[str, ...] = (), **crawl: Any) -> Scope:
    return Scope(Config(crawl=Crawl(**crawl), sources=Sources(block=list(block))), starts)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://news.a.test/x", True),
        ("http://b.test/", False),
        ("ftp://www.a.test/", False),
        ("http://10.0.0.1/", False),
    ],
)
def test_staying_keeps_to_the_sites_that_were_named(url: str, allowed: bool) -> None:
    assert _scope(roam=False).allows(url) is allowed


@pytest.mark.parametrize("proxy", ["", "http://127.0.0.1:3128"])
@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "localhost", "169.254.169.254"])
def test_no_link_leads_to_a_private_address_with_or_without_a_proxy(host: str, proxy: str) -> None:
    assert not _scope(proxy=proxy).allows(f"http://{host}/")
    assert _scope(proxy=proxy, allow_private_addresses=True).allows(f"http://{host}/")


def test_blocked_hosts_are_patterns() -> None:
    scope = _scope(block=("*.shop.test", "b.test"))
    assert [scope.allows(f"http://{host}/") for host in ("x.shop.test", "shop.test", "b.test", "c.b.test")] == [
        False, True, False, True,
    ]  # fmt: skip
    assert scope.left_out == 2


def test_a_blocked_host_is_blocked_at_every_port() -> None:
    scope = _scope(block=("*.shop.test", "b.test:8080"), ports=[8080])
    assert not scope.allows("http://x.shop.test:8080/")
    assert not scope.allows("http://b.test:8080/")
    assert scope.allows("http://b.test/")


def test_where_a_host_keeps_its_robots_txt_is_bounded_like_a_link_but_for_the_sites_named() -> None:
    scope = _scope(block=("b.test",), roam=False)
    assert scope.reaches("http://elsewhere.test/robots.txt") and not scope.allows("http://elsewhere.test/robots.txt")
    assert not any(
        map(scope.reaches, ("http://b.test/x", "http://a.test:22/x", "ftp://a.test/x", "http://127.0.0.1/x"))
    )


def _row(fetches: int = 0) -> Waiting:
    return Waiting(1, "http://a.test/", Kind.PAGE, 0, 0.5, fetches, "links", None)


@pytest.mark.parametrize("status", sorted(answers.RETRIED))
def test_a_passing_failure_waits_and_the_third_is_the_last(status: int) -> None:
    states = [answers.not_served(_row(fetches), status).state for fetches in range(3)]
    assert states == [State.WAITING, State.WAITING, State.DEAD]


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410, 418, 451])
def test_a_lasting_refusal_ends_at_once(status: int) -> None:
    ended = answers.not_served(_row(), status)
    assert (ended.state, ended.reason) == (State.DROPPED, f"http-{status}")


@pytest.mark.parametrize(
    ("location", "target"),
    [("/b", "http://a.test/b"), ("//b.test/", "http://b.test/"), ("file:///etc/passwd", None),
     ("data:text/html,x", None), ("ftp://a.test/", None), ("", None), ("http://[bad", None),
     (" /caf\u00e9?q=\u00e9 ", "http://a.test/caf%C3%A9?q=%C3%A9"), ("http://b\u00fccher.test/", "http://xn--bcher-kva.test/"),
     (b"/caf\xe9 au lait?q=%41;b", "http://a.test/caf%E9%20au%20lait?q=A;b")],
)  # fmt: skip
def test_where_a_redirect_leads(location: str | bytes, target: str | None) -> None:
    written = location if isinstance(location, bytes) else location.encode()
    response = SimpleNamespace(status=302, url="http://a.test/x", headers={"Location": written})
    assert answers.redirect_of(response) == target  # type: ignore[arg-type]  # all that is looked at


@pytest.mark.parametrize("status", [200, 304, 305, 306])
def test_an_answer_that_is_no_redirect_leads_nowhere(status: int) -> None:
    response = SimpleNamespace(status=status, url="http://a.test/x", headers={"Location": b"/b"})
    assert answers.redirect_of(response) is None  # type: ignore[arg-type]  # all that is looked at


def _ends(**given: Any) -> dict[str, Any]:
    return {"fetched": 0, "stored": 0, "duplicate": 0, "dropped": {}, "dead": {}, "refused": {}, "lists": 0, **given}


def test_refused_means_by_everybody() -> None:
    assert refused_everywhere(_ends(refused={"robots": 2}))
    assert refused_everywhere(_ends(fetched=3, dropped={"http-403": 2}, dead={"http-429": 1}))
    assert not refused_everywhere(_ends(fetched=3, dropped={"http-403": 2, "unlike": 1}))
    assert not refused_everywhere(_ends(fetched=2, dead={"timeout": 2}))
    assert not refused_everywhere(_ends(refused={"robots": 2}, lists=1))
    assert not refused_everywhere(_ends())


def test_a_batch_that_could_not_be_handed_over_is_not_forgotten() -> None:
    early, late = Batch(refused=[(1, "robots", "")]), Batch(refused=[(2, "robots", "")], rescored=[(5, 0.5)])
    early.notes = {7: HostNote(10.0, 0, pages=2, verdict="rules", robots="x", give_back=True, unfetched=[4])}
    late.notes = {7: HostNote(20.0, 1, pages=3), 8: HostNote(1.0, 0)}
    early.add(late)
    assert [row for row, *_ in early.refused] == [1, 2]
    assert early.rescored == [(5, 0.5)]
    merged = early.notes[7]
    assert (merged.next_at, merged.failures, merged.pages, merged.verdict) == (20.0, 1, 5, "rules")
    assert merged.give_back and merged.unfetched == [4]
    assert 8 in early.notes


@pytest.mark.parametrize("url", ["http://a.test/x", "https://a.test/", "http://a.test:8080/", "https://a.test:8443/",
                                 "http://[2606:4700::1111]/", "http://a.test:9000/"])  # fmt: skip
def test_links_lead_to_the_webs_ports_and_to_those_the_user_named(url: str) -> None:
    assert _scope(starts=("http://b.test:9000/",)).allows(url)


@pytest.mark.parametrize("url", ["http://a.test:22/", "http://a.test:6379/", "http://a.test:25?x", "http://a.test:0/",
                                 "http://[2606:4700::1111]:22/", "http://a.test:99999/"])  # fmt: skip
def test_links_lead_to_no_other_port(url: str) -> None:
    assert not _scope(starts=("http://b.test:9000/",)).allows(url)


def test_the_ports_can_be_configured() -> None:
    assert _scope(starts=(), ports=(81,)).allows("http://a.test:81/")
    assert not _scope(starts=(), ports=(81,)).allows("http://a.test/")
