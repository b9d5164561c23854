"""What a run expects of its next requests."""

from __future__ import annotations

import pytest

from crawler.forecast import AHEAD, FEWEST, Forecast

EVEN = [0.5] * AHEAD


def test_a_steady_yield_goes_on() -> None:
    forecast = Forecast()
    for pages in range(0, 200, 5):
        said = forecast.look(pages, pages // 5, EVEN, left=None)
    assert said is not None
    assert (said.requests, said.matches) == (AHEAD, pytest.approx(20, abs=1))


def test_the_recent_yield_counts_not_the_one_of_the_beginning() -> None:
    forecast = Forecast()
    for pages in range(0, 300, 5):
        said = forecast.look(pages, min(pages, 100), EVEN, left=None)
    assert said is not None
    assert said.matches == 0


def test_less_is_expected_where_what_waits_becomes_poorer() -> None:
    forecast = Forecast()
    forecast.look(50, 25, EVEN, left=None)
    said = forecast.look(100, 50, [0.8] * 25 + [0.0] * 75, left=None)
    assert said is not None
    assert said.matches == pytest.approx(50 / 4)


def test_no_more_is_forecast_than_the_budget_and_the_frontier_hold() -> None:
    forecast = Forecast()
    for left, waiting, requests in ((30, EVEN, 30), (None, EVEN[:7], 7)):
        said = forecast.look(100, 10, waiting, left=left)
        assert said is not None
        assert said.requests == requests


def test_nothing_is_said_too_early_or_at_the_end() -> None:
    assert Forecast().look(FEWEST - 1, 3, EVEN, left=None) is None
    assert Forecast().look(100, 3, EVEN, left=0) is None
    assert Forecast().look(100, 3, [], left=None) is None


def test_what_was_said_is_held_against_what_came() -> None:
    forecast = Forecast()
    for pages in range(0, 401, 10):
        forecast.look(pages, pages // 10, EVEN, left=None)
    settled = [kept for kept in forecast.kept if kept.came is not None]
    assert [kept.came for kept in settled] == [10] * len(settled) != []


def test_matches_that_a_new_judgement_took_away_are_not_the_next_pages_fault() -> None:
    forecast = Forecast()
    for pages in range(0, 200, 10):
        forecast.look(pages, pages // 2, EVEN, left=None)
    forecast.look(200, 50, EVEN, left=None)
    said = forecast.look(210, 52, EVEN, left=None)
    assert said is not None
    assert said.matches == pytest.approx(22, abs=5)
