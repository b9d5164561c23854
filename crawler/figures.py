"""How numbers, dates and spans of time are written for people who read a page or a report."""

from __future__ import annotations

from datetime import UTC, datetime

# what stands where there is no number yet
NOTHING = "\u2013"


def score(value: float | None) -> str:
    """.87"""
    return NOTHING if value is None else f"{value:.2f}"


def share(value: float | None) -> str:
    """27 %"""
    return NOTHING if value is None else f"{100 * value:.0f} %"


def count(value: float | None) -> str:
    """12 345, with thin spaces."""
    return NOTHING if value is None else f"{value:,.0f}".replace(",", "\u202f")


def seconds(value: float | None) -> str:
    """How long, in the largest unit that says it: 2.5 s, 14 min, 3 h."""
    if value is None:
        return NOTHING
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if value >= size:
            return f"{_short(value / size)} {name}"
    return f"{value:.2g} s" if value < 1 else f"{_short(value)} s"


def _short(number: float) -> str:
    """With a digit behind the point below 10."""
    return f"{number:.1f}".removesuffix(".0") if number < 9.95 else f"{number:.0f}"


def day(value: str | None) -> str:
    """2 Nov 2026, from ISO 8601."""
    found = _moment(value)
    return f"{found.day} {found:%b %Y}" if found else ""


def moment(value: str | float | None) -> str:
    """2 Nov 2026, 14:03 UTC; the day alone where a page named no hour, which is stored as midnight."""
    found = _moment(value)
    if found and isinstance(value, str) and (found.hour, found.minute, found.second) == (0, 0, 0):
        return day(value)
    return f"{found.day} {found:%b %Y, %H:%M} UTC" if found else ""


def clock(value: float | None) -> str:
    """12:04:31 UTC, of seconds since 1970."""
    found = _moment(value) if value else None
    return f"{found:%H:%M:%S} UTC" if found else ""


def exact(value: str | float | None) -> str:
    """2026-11-02 14:03:31Z: what is shown where a pointer rests on a date, and what programs read."""
    found = _moment(value)
    return f"{found:%Y-%m-%d %H:%M:%S}Z" if found else ""


def signed(value: float) -> str:
    """+1.26, with a minus sign as wide as the plus."""
    return f"{value:+.2f}".replace("-", "\u2212")


def _moment(value: str | float | None) -> datetime | None:
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        found = datetime.fromisoformat(value) if value else None
        # a day alone is the same day everywhere
        return found.astimezone(UTC) if found and found.tzinfo else found and found.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
