"""How the dashboard words numbers, dates and sentences."""

from __future__ import annotations

import time

import pytest

from crawler.figures import clock, day, exact, moment, seconds, signed
from crawler.picture import ordinary
from crawler.web.pages.stories import time_line
from crawler.web.render import quoted

AT = 1_795_753_451.0  # 2026-11-27 04:24:11 UTC


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "\u2013"), (0.04, "0.04 s"), (2.0, "2 s"), (2.5, "2.5 s"), (42.4, "42 s"), (462.6, "7.7 min"),
     (3599.0, "60 min"), (79_320.0, "22 h"), (12 * 86_400.0, "12 d")],
)  # fmt: skip
def test_a_time_is_told_in_the_largest_unit_that_says_it(value: float | None, said: str) -> None:
    assert seconds(value) == said


def test_a_date_is_short_and_has_its_exact_moment_with_it() -> None:
    assert (moment(AT), clock(AT), exact(AT)) == ("27 Nov 2026, 04:24 UTC", "04:24:11 UTC", "2026-11-27 04:24:11Z")
    assert moment("2026-09-11T22:02:00Z") == "11 Sep 2026, 22:02 UTC"
    assert moment("no date") == exact(None) == clock(None) == ""


def test_a_page_that_names_no_hour_has_none() -> None:
    assert moment("2026-09-11T00:00:00Z") == "11 Sep 2026"


def test_a_day_is_the_same_day_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert day("2024-01-01") == "1 Jan 2024"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_is_closer_than_all_news_is_not_called_a_hundred_percent() -> None:
    assert ordinary(97.26) == "97.3 % of ordinary news"
    assert ordinary(99.97) == ordinary(100.0) == "all the ordinary news it was compared with"


def test_a_minus_is_as_wide_as_a_plus() -> None:
    assert (signed(1.256), signed(-4.1)) == ("+1.26", "\u22124.10")


def test_what_is_typed_is_told_from_what_is_said_and_both_are_escaped() -> None:
    assert quoted("Nothing <yet>; `suchlike run` makes it.") == (
        "Nothing &lt;yet&gt;; <code>suchlike run</code> makes it."
    )
    assert quoted("a lone ` of `<b>`") == "a lone <code> of </code>&lt;b&gt;<code></code>"


def test_tellings_of_one_moment_make_no_line() -> None:
    day, later = "2026-09-11T00:00:00Z", "2026-09-11T12:00:00Z"
    assert time_line([{"published": day}, {"published": day}, {"published": None}]) == []
    assert [(one["x"], one["after"]) for one in time_line([{"published": later}, {"published": day}])] == [
        (0.0, 0.0), (100.0, 43_200.0),
    ]  # fmt: skip
