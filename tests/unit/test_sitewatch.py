"""A site is held against its own history: what counts as trouble, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sitewatch import HISTORY, KINDS, RECENT, Seen, troubles

BEFORE, NOW = range(100, 120), range(120, 120 + RECENT)
DAYS = [*BEFORE, *NOW]


def articles(each: int, days: range, *, words: int = 400, dated: bool = True, signed: bool = True) -> list[Seen]:
    return [Seen(day, words + number, dated, signed) for day in days for number in range(each)]


def kinds(now: list[Seen], days: list[int] = DAYS) -> list[str]:
    return [one.kind for one in troubles(articles(5, BEFORE) + now, days)]


def test_a_site_that_goes_on_as_before_is_in_no_trouble() -> None:
    assert kinds(articles(5, NOW)) == []


@pytest.mark.parametrize(
    ("now", "kind"),
    [
        ([], "silent"),
        (articles(5, NOW, words=60), "shorter"),
        (articles(5, NOW, dated=False), "undated"),
        (articles(5, NOW, signed=False), "unsigned"),
    ],
)
def test_what_changed_is_named(now: list[Seen], kind: str) -> None:
    assert kinds(now) == [kind]


def test_days_without_a_crawl_are_no_silence() -> None:
    assert kinds([], days=list(BEFORE)) == []


def test_few_articles_say_nothing() -> None:
    seldom = [Seen(day, 400, True, True) for day in BEFORE if day % 7 == 0]
    assert list(troubles(seldom, DAYS)) == []
    assert kinds(articles(2, NOW, words=60)) == []


def test_a_new_site_has_no_history_to_be_held_against() -> None:
    assert list(troubles(articles(5, range(118, 120)), [118, 119, *NOW])) == []


def test_before_and_after_are_told() -> None:
    (trouble,) = troubles(articles(5, BEFORE) + articles(5, NOW, words=60), DAYS)
    assert (trouble.before.days, trouble.before.articles, trouble.after.articles) == (len(BEFORE), 100, 5 * RECENT)
    assert trouble.after.words < 70
    assert trouble.before.words >= 400


@given(
    st.lists(st.builds(Seen, st.integers(0, 60), st.integers(0, 3000), st.booleans(), st.booleans())),
    st.sets(st.integers(0, 60)),
)
def test_any_history_gives_known_kinds_once_each(seen: list[Seen], days: set[int]) -> None:
    found = list(troubles(seen, sorted(days)))
    kinds = [one.kind for one in found]
    assert set(kinds) <= set(KINDS)
    assert len(kinds) == len(set(kinds))
    assert not found or len(days) > RECENT
    assert all(one.before.days <= HISTORY for one in found)
