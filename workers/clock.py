"""What is due by the clock: crawls of seed sets, each slot once; and the reconciler's round."""

from __future__ import annotations

import math
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
        after = datetime.fromtimestamp(math.floor(now) + 1, UTC)
        return float(croniter(self.text, after).get_prev(datetime).timestamp())

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


def claim_due(store: Store, config: Config, now: float | None = None) -> tuple[Schedule, float] | None:
    """One slot that is due and that this caller has just claimed and must run; nobody else will get it.

    Only one, the oldest: runs in a folder are one at a time, and a slot is claimed when its turn has come.
    """
    now = time.time() if now is None else now
    waiting = []
    for schedule in schedules(config):
        slot_at = schedule.slot_at(now)
        with store.read() as connection:
            last = slots.last(connection, schedule.name)
        if now - slot_at <= LATE_S and (last is None or last[0] < slot_at):
            waiting.append((slot_at, schedule))
    for slot_at, schedule in sorted(waiting, key=lambda one: (one[0], one[1].name)):
        with store.write() as connection:
            if slots.claim(connection, schedule.name, slot_at, now=now):
                return schedule, slot_at
    return None
