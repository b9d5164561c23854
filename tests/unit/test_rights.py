"""Robots directives and reservations of mining: who is meant, what overrules what, and nothing hostile matters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.reading.glance import glance
from pipelines.exports.rights import forbidden
from pipelines.rights import MAX_RULES, MAX_TDMREP_BYTES, directives, follows, reserved_by, rights_of, tdmrep, together


@pytest.mark.parametrize(
    ("metas", "header", "said"),
    [
        ({}, "", []),
        ({"robots": "NOINDEX,Nofollow"}, "", ["noindex", "nofollow"]),
        ({"robots": "index", "suchlike": "noindex"}, "", ["index", "noindex"]),
        ({"robots": "index", "otherbot": "noindex"}, "", ["index"]),
        ({}, "noindex, nofollow", ["noindex", "nofollow"]),
        ({}, "otherbot: noindex, nofollow", []),
        ({}, "noarchive, otherbot: noindex, suchlike: nofollow, noai", ["noarchive", "nofollow", "noai"]),
        ({}, "robots: none", ["none"]),
        ({}, "max-snippet: 20, noindex", ["max-snippet: 20", "noindex"]),
        ({}, "unavailable_after: 25 jun 2030 15:00:00 pst, noindex", ["unavailable_after: 25 jun 2030 15:00:00 pst",
                                                                     "noindex"]),
        ({"robots": "noindex"}, "noindex", ["noindex"]),
    ],
)  # fmt: skip
def test_directives_are_those_said_to_everybody_or_to_us(metas: dict[str, str], header: str, said: list[str]) -> None:
    assert directives(metas, {"x-robots-tag": header}, "suchlike") == said


def test_several_headers_are_one_and_what_is_said_to_all_stays_so() -> None:
    one = together(["otherbot: noindex", "max-snippet: 3, nofollow", "noarchive"])
    assert directives({}, {"x-robots-tag": one}, "suchlike") == ["max-snippet: 3", "nofollow", "noarchive"]


@pytest.mark.parametrize(
    ("said", "follow"),
    [([], True), (["index", "follow"], True), (["nofollow"], False), (["none"], False), (["noindex"], True)],
)
def test_links_are_followed_unless_a_page_says_no(said: list[str], follow: bool) -> None:
    assert follows(said) is follow


@pytest.mark.parametrize(
    ("head", "header", "agent", "links"),
    [
        ("", "", "suchlike", 1),
        ('<meta name="robots" content="noindex">', "", "suchlike", 1),
        ('<meta name="robots" content="nofollow">', "", "suchlike", 0),
        ('<meta name="suchlike" content="nofollow">', "", "suchlike", 0),
        ('<meta name="SuchLike" content="nofollow">', "", "suchlike", 0),
        ('<meta name="suchlike" content="nofollow">', "", "thatbot", 1),
        ("", "nofollow", "suchlike", 0),
        ("", "otherbot: nofollow", "suchlike", 1),
        ("", "suchlike: none", "suchlike", 0),
    ],
)
def test_a_glance_follows_what_may_be_followed(head: str, header: str, agent: str, links: int) -> None:
    body = f'<head>{head}<link rel="alternate" type="application/rss+xml" href="/f"></head><a href="/b">b</a>'.encode()
    seen = glance(body, "http://a.test/x", headers={"x-robots-tag": header}, agent=agent)
    assert len(seen.links) == len(seen.feeds) == links


@pytest.mark.parametrize(
    ("meta", "header", "reserved"),
    [("1", "", True), ("0", "1", False), ("", "1", True), ("", "0", False), ("", "", None), ("yes", "1", True)],
)
def test_the_page_overrules_its_header_and_both_may_be_silent(meta: str, header: str, reserved: bool | None) -> None:
    assert rights_of({"tdm-reservation": meta}, {"TDM-Reservation": header}).tdm_reserved is reserved


def test_no_length_of_what_is_said_hides_what_decides() -> None:
    said = [f"max-snippet: {number}" for number in range(40)]
    deciding = ["noindex", "nofollow", "noarchive", "nosnippet", "noai"]
    found = rights_of({"robots": ", ".join(said + deciding)}, {})
    told = found.robots.split(", ")
    assert len(found.robots) <= 200
    assert told[:5] == deciding
    assert told[5:] == said[: len(told) - 5]
    for one in ("noarchive", "nosnippet"):
        rights = {"robots": rights_of({"robots": ", ".join([*said, one])}, {}).robots}
        assert forbidden({"rights": rights, "paywalled": None}, "training") == one


def _file(*rules: tuple[str, Any]) -> str:
    listed = [{"location": where, "tdm-reservation": reserved} for where, reserved in rules]
    return tdmrep(json.dumps(listed).encode())


@pytest.mark.parametrize(
    ("rules", "url", "reserved"),
    [
        ([("/", 1)], "http://a.test/x", True),
        ([("/", 1), ("/free/", 0)], "http://a.test/free/x", False),
        ([("/free/", 0), ("/", 1)], "http://a.test/x", True),
        ([("/a/", 1)], "http://a.test/b", None),
        ([("/*.jpg$", 0), ("/a", 1)], "http://a.test/a/b.jpg", False),
        ([("/a", 1), ("/a", 0)], "http://a.test/a", True),
        ([("*", 1)], "http://a.test/x", True),
        ([("/", "1")], "http://a.test/", True),
        ([("/caf\u00e9", 1)], "http://a.test/caf%C3%A9", True),
        ([("/", 2)], "http://a.test/", None),
    ],
)
def test_the_longest_location_decides(rules: list[tuple[str, Any]], url: str, reserved: bool | None) -> None:
    assert reserved_by(_file(*rules), url) is reserved


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"7", b'[{"location": 3}]', b'[{"tdm-reservation": 1}]', b"[" * 100_000,
     b'[{"location": "x", "tdm-reservation": 1}]', b" " * MAX_TDMREP_BYTES + b"[]"],
)  # fmt: skip
def test_what_is_no_reservation_reserves_nothing(body: bytes) -> None:
    assert tdmrep(body) == ""


@given(st.binary(max_size=200) | st.recursive(st.none() | st.booleans() | st.text() | st.integers(), st.lists).map(
    lambda value: json.dumps(value).encode()))  # fmt: skip
def test_no_tdmrep_is_too_odd(body: bytes) -> None:
    assert reserved_by(tdmrep(body), "http://a.test/") in (None, True, False)


def test_a_file_of_too_many_rules_is_cut() -> None:
    assert len(json.loads(_file(*[(f"/{n}", 1) for n in range(2 * MAX_RULES)]))) == MAX_RULES
