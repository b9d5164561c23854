"""Days as people write them: 2026-11-01, or 30d for thirty days ago."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from pipelines.errors import UsageError

_AGO = re.compile(r"(\d{1,5})([dwmy])")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


def day(given: str | None, said: str, *, today: date | None = None) -> str | None:
    """YYYY-MM-DD, or None where nothing is given; ages count back from `today`, by default the day it is (UTC).

    Raises UsageError for what is no day, naming `said` as where it was given.
    """
    if given is None:
        return None
    try:
        if ago := _AGO.fullmatch(given):
            before = today or datetime.now(UTC).date()
            return (before - timedelta(days=int(ago[1]) * _DAYS[ago[2]])).isoformat()
        return date.fromisoformat(given).isoformat()
    except (ValueError, OverflowError):  # before the year 1
        raise UsageError(f"{said} {given!r} is no day; write it like 2026-11-01, or 30d for thirty days ago.") from None
