"""What a run expects of its next requests."""

from __future__ import annotations

import pytest

from crawler.running.forecast import AHEAD, FEWEST, Forecast

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


def test_a_yield_that_falls_is_expected_to_fall_on() -> None:
    forecast = Forecast()
    for pages, matches in ((30, 24), (60, 36), (90, 42)):
        said = forecast.look(pages, matches, EVEN, left=None)
    assert said is not None
    assert said.matches < 100 * 6 / 30 * 0.6


def test_less_is_expected_where_what_waits_becomes_poorer() -> None:
    forecast = Forecast()
    forecast.look(50, 25, EVEN, left=None)
    said = forecast.look(100, 50, [0.4] * 25 + [0.0] * 75, left=None)
    assert said is not None
    assert said.matches == pytest.approx(100 * 0.5 * 0.1 / 0.5)


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


def test_what_was_said_is_held_against_what_came_of_exactly_those_pages() -> None:
    forecast = Forecast()
    for pages in (0, 50, 200, 450):
        forecast.look(pages, pages // 10, EVEN, left=None)
    harvest = [100 <= page < 120 for page in range(460)]
    said = forecast.held_against(harvest)
    assert [(kept.pages, kept.came) for kept in said] == [(50, 20), (200, 0), (450, None)]
    assert [kept.matches for kept in said] == [pytest.approx(10)] * 3


def test_matches_that_a_new_judgement_took_away_are_not_the_next_pages_fault() -> None:
    forecast = Forecast()
    for pages in range(0, 200, 10):
        forecast.look(pages, pages // 2, EVEN, left=None)
    for pages in range(200, 240, 10):
        said = forecast.look(pages, pages // 4, EVEN, left=None)
    assert said is not None
    assert said.matches == pytest.approx(25, abs=7)


def test_nothing_less_than_nothing_is_expected() -> None:
    forecast = Forecast()
    forecast.look(100, 47.9, EVEN, left=None)
    said = forecast.look(160, 47.79, EVEN, left=None)  # what waited for extraction matched less often than was thought
    assert said is not None
    assert str(said.matches) == "0.0"
