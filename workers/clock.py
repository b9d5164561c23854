"""What is due by the clock: crawls of seed sets, each slot once; and the reconciler's round."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from croniter import croniter
from croniter.croniter import CroniterError

from pipelines.config import Config, duration_s
from pipelines.errors import ConfigError
from pipelines.stores import Store, slots

# a slot this long past is not made up for: the next one comes
LATE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a seed set is crawled: every so many seconds, or by a cron line in UTC."""

    name: str
    text: str
    every_s: float | None

    def slot_at(self, now: float) -> float:
        """The latest slot at or before `now`, in seconds since 1970."""
        if self.every_s is not None:
            return now - now % self.every_s
        moment = croniter(self.text, datetime.fromtimestamp(now, UTC)).get_current(datetime)
        if croniter.match(self.text, moment.replace(second=0, microsecond=0)):
            return float(moment.replace(second=0, microsecond=0).timestamp())
        return float(croniter(self.text, moment).get_prev(datetime).timestamp())

    def next_at(self, now: float) -> float:
        """The first slot after `now`."""
        if self.every_s is not None:
            return now - now % self.every_s + self.every_s
        return float(croniter(self.text, datetime.fromtimestamp(now, UTC)).get_next(datetime).timestamp())


def schedules(config: Config) -> list[Schedule]:
    """Every schedule of the configuration: `[schedule]` lines and profiles' `every`. Raises ConfigError."""
    lines = {name: profile.every for name, profile in config.profile.items() if profile.every} | config.schedule
    return [parse(name, text) for name, text in sorted(lines.items())]


def parse(name: str, text: str) -> Schedule:
    """`6h`, `every 6h` or a cron line such as `0 */6 * * *`; ConfigError names the schedule."""
    plain = text.removeprefix("every ").strip()
    if croniter.is_valid(plain):
        return Schedule(name, plain, None)
    try:
        return Schedule(name, text, duration_s(plain, f"schedule.{name}"))
    except (ConfigError, CroniterError):
        raise ConfigError(
            f"schedule.{name} = {text!r} is neither a time like 6h nor a cron line like 0 */6 * * *."
        ) from None


def due(store: Store, config: Config, now: float | None = None) -> list[tuple[Schedule, float]]:
    """The slots this caller has just claimed and must run; nobody else will get them."""
    now = time.time() if now is None else now
    claimed = []
    for schedule in schedules(config):
        slot_at = schedule.slot_at(now)
        with store.read() as connection:
            last = slots.last(connection, schedule.name)
        if now - slot_at > LATE_S or (last is not None and last[0] >= slot_at):
            continue
        with store.write() as connection:
            if slots.claim(connection, schedule.name, slot_at, now=now):
                claimed.append((schedule, slot_at))
    return claimed
