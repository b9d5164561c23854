"""Days as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipelines.days import day
from pipelines.errors import UsageError


def test_a_day_is_a_date_or_so_long_ago() -> None:
    week_ago = {(datetime.now(UTC).date() - timedelta(days=7)).isoformat()}
    told = day("1w", "--since")
    week_ago.add((datetime.now(UTC).date() - timedelta(days=7)).isoformat())  # midnight may have passed
    assert told in week_ago
    assert day("2026-11-01", "--since") == "2026-11-01"
    assert day(None, "--since") is None


@pytest.mark.parametrize("given", ["yesterday", "2026-13-01", "3000y", "7", "1h", ""])
def test_what_is_no_day_is_told_with_where_it_was_given(given: str) -> None:
    with pytest.raises(UsageError, match=f"^From: '{given}' is no day"):
        day(given, "From:")
