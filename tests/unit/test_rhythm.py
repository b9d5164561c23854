"""The waits between two visits of a page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.rhythm import FIRST_S, Bounds
from pipelines.sections import Crawl

CONFIGURED = Bounds.of(Crawl())


def test_what_is_configured_bounds_the_waits() -> None:
    assert Bounds(600.0, 7 * 86_400.0, 3 * 86_400.0, 50) == CONFIGURED
    assert Bounds.of(Crawl(revisit_soonest="2h", revisit_latest="1h")).first_s() == 7200.0
    assert Bounds.of(Crawl(revisions="", pages=0)).young_s == 0.0


@given(st.lists(st.booleans(), max_size=60))
def test_no_wait_leaves_its_bounds(changes: list[bool]) -> None:
    wait = CONFIGURED.first_s()
    assert wait == FIRST_S
    for changed in changes:
        after = CONFIGURED.next_s(wait, changed=changed)
        assert CONFIGURED.soonest_s <= after <= CONFIGURED.latest_s
        assert after <= wait if changed else after >= wait
        wait = after


@pytest.mark.parametrize(("period_s", "most"), [(3 * 3600.0, 24), (86_400.0, 6), (1e9, 2)])
def test_a_page_is_soon_looked_at_about_as_often_as_it_changes(period_s: float, most: int) -> None:
    """One that changes every `period_s` is looked at at most so often a day, once its pace is known."""
    at, wait, changed_at = 0.0, CONFIGURED.first_s(), 0.0
    visits = []
    while at < 60 * 86_400.0:
        at += wait
        changed = at // period_s > changed_at // period_s
        wait = CONFIGURED.next_s(wait, changed=changed)
        changed_at = at
        visits.append(at)
    late = [one for one in visits if one > 30 * 86_400.0]
    assert len(late) / 30 <= most
