"""Moments as programs read them: ISO 8601 in UTC, to the second."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(moment: datetime) -> str:
    """Such as 2026-11-02T14:03:31Z, of a moment in whichever zone."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def iso_at(seconds: float | None) -> str | None:
    """The same of seconds since 1970; None of None, and of 0, which stands for never."""
    return iso(datetime.fromtimestamp(seconds, UTC)) if seconds else None
