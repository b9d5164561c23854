"""Times and rates as people write them: `30s`, `2h`, `1/2s`."""

from __future__ import annotations

import re

from pipelines.errors import ConfigError

# a hundred years, so that a moment so far from now has a date; what is longer is a slip
LONGEST_S = 36_525 * 86400.0
_UNIT_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")


def duration_s(text: str, key: str = "duration") -> float:
    """`30s`, `10m`, `2h`, `1d` or plain seconds as seconds, at most LONGEST_S; ConfigError names `key`."""
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match[1]) * _UNIT_S[match[2]] if match else 0.0
    if seconds <= 0:
        raise ConfigError(f"{key} = {text!r} is not a time; write it like 30s, 10m, 2h or 1d.")
    if seconds > LONGEST_S:
        raise ConfigError(f"{key} = {text!r} is longer than a hundred years; write it like 30s, 10m, 2h or 1d.")
    return seconds


def rate_delay_s(rate: str) -> float:
    """`1/2s` (one request each two seconds) as the seconds between two requests."""
    count, _, period = rate.partition("/")
    try:
        number = float(count)
        seconds = duration_s(period, "crawl.rate") if period else 1.0
        if not 0 < number < float("inf"):
            raise ValueError
    except (ValueError, ConfigError):
        raise ConfigError(
            f"crawl.rate = {rate!r} is not a rate; write requests per time, such as 1/1s or 1/2s."
        ) from None
    return seconds / number
