"""The gate's bound: where the profile puts it, and where the matches a crawl has found let it rise to."""

from __future__ import annotations

import pytest

from crawler.reading.gate import ENOUGH, LEEWAY, Gate
from pipelines.likeness.calibrate import logistic, logit
from pipelines.likeness.profile import Profile
from pipelines.stores.states import State

SEED = "The harbour will be dredged so that larger ships can berth at the fourth quay of the old port. " * 8
NEAR = "Ships wait outside the old port while the council argues about money for its museum and the tram. " * 8
FAR = "The cellist played two encores and the audience of the festival thanked her with a long ovation. " * 8
HEADERS = {"content-type": "text/html"}


def page(text: str) -> bytes:
    return f"<html><head><title>News</title></head><body><article><p>{text}</p></article></body></html>".encode()


@pytest.fixture(scope="module")
def profile() -> Profile:
    return Profile.learn([("seed", "Dredging", SEED, "en")])


def test_a_bound_follows_the_low_scores_of_many_matches_and_never_sinks_below_the_first(profile: Profile) -> None:
    gate = Gate(profile, keeps_all=False)

    def state(main: str) -> tuple[State, float]:
        found = gate.look(page(main), "https://a.test/1", HEADERS)
        return found.state, found.quick

    first, quick = state(NEAR)
    assert first == State.FETCHED and profile.gate <= quick < 0.9
    high = logistic(logit(quick) + LEEWAY + 0.01)
    gate.learn(ENOUGH - 1, high)
    assert state(NEAR) == (State.FETCHED, quick)
    gate.learn(ENOUGH, high)
    assert state(NEAR) == (State.DROPPED, quick)
    assert state(SEED)[0] == State.FETCHED
    gate.learn(ENOUGH + 1, quick)
    assert state(NEAR) == (State.FETCHED, quick)
    gate.learn(ENOUGH + 2, 0.0)
    assert state(FAR)[0] == State.DROPPED


def test_who_keeps_all_learns_no_bound(profile: Profile) -> None:
    gate = Gate(profile, keeps_all=True)
    gate.learn(10 * ENOUGH, 1.0)
    assert gate.look(page(NEAR), "https://a.test/1", HEADERS).state == State.FETCHED


def test_a_lower_threshold_lets_more_through_and_a_higher_one_no_less(profile: Profile) -> None:
    assert profile.gate_under("auto") == profile.gate_under("strict") == profile.gate_under(0.99) == profile.gate
    assert profile.gate_under(1) == profile.gate
    assert profile.gate > profile.gate_under("loose") > profile.gate_under(0.01) > profile.gate_under(0) == 0
    far = Gate(profile, keeps_all=False).look(page(FAR), "https://a.test/1", HEADERS)
    assert far.state == State.DROPPED and far.quick < profile.gate
    lower = Gate(profile, keeps_all=False, threshold=max(far.quick, 1e-6))
    assert lower.look(page(FAR), "https://a.test/1", HEADERS).state == State.FETCHED
    lower.learn(10 * ENOUGH, 1.0)
    assert lower.look(page(FAR), "https://a.test/1", HEADERS).state == State.FETCHED
    everything = Gate(profile, keeps_all=False, threshold=0.0)
    everything.learn(10 * ENOUGH, 1.0)
    assert everything.look(page(FAR), "https://a.test/1", HEADERS).state == State.FETCHED


def test_who_follows_no_links_looks_for_none() -> None:
    linked = page('<a href="/other">Another story of the port</a>')
    assert Gate(None, keeps_all=False).look(linked, "https://a.test/1", HEADERS).glance is not None
    assert Gate(None, keeps_all=False, follows=False).look(linked, "https://a.test/1", HEADERS).glance is None
