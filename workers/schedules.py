"""When seed sets are crawled: what a schedule's line means, and which slots it names. Pure.

A slot is a moment, in seconds since 1970. Slots of a cron line are moments of a wall clock, so where that clock jumps
they follow it: slots in an hour that is left out come an hour later, those in an hour that comes twice come the first
time; but a line that says `*` for the hour means every hour that passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from croniter import croniter
from croniter.croniter import CroniterError

from pipelines.config import Config
from pipelines.durations import duration_s
from pipelines.errors import ConfigError
from pipelines.sections import Timed

# as many as the database keeps
NAME_CHARS = 120
# clocks of the world have jumped by up to a day; what lies further off needs no care
_JUMP = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a seed set is crawled: every so many (whole) seconds, or by a cron line on the wall clock of `zone`.

    `missed` says what becomes of a slot nobody was there for: made up for `once`, or left out (`skip`).
    """

    name: str
    text: str
    every_s: float | None = None
    cron: str = ""
    zone: tzinfo = UTC
    missed: str = "once"

    def slot_at(self, now: float) -> float:
        """The latest slot at or before `now`."""
        if self.every_s is not None:
            return now - now % self.every_s
        return max(slot for slot in self._around(now, back=True) if slot <= now)

    def next_at(self, now: float) -> float:
        """The first slot after `now`."""
        if self.every_s is not None:
            return now - now % self.every_s + self.every_s
        return min(slot for slot in self._around(now, back=False) if slot > now)

    def slots(self, after: float, until: float, most: int) -> list[float]:
        """The last `most` slots after one moment and up to another, oldest first."""
        found: list[float] = []
        at = self.slot_at(until)
        while at > after and len(found) < most:
            found.append(at)
            at = self.slot_at(at - 1e-3)
        return found[::-1]

    def _around(self, now: float, *, back: bool) -> Iterator[float]:
        """Slots near `now`, among them the next one in the direction asked for."""
        local = datetime.fromtimestamp(now, self.zone).replace(tzinfo=None)
        jump = self._jump(now)
        # where the clock jumps, what is later on it may be earlier in time: begin before, and end behind it
        walk = croniter(self.cron, local + jump + _SECOND if back else local - jump - _SECOND)
        beyond = local - jump if back else local + jump
        while True:
            shown: datetime = walk.get_prev(datetime) if back else walk.get_next(datetime)
            yield from self._moments(shown)
            if shown < beyond if back else shown > beyond:
                return

    def _jump(self, now: float) -> timedelta:
        """How far the wall clock jumps near `now`."""
        moment = datetime.fromtimestamp(now, UTC)
        offsets = [(moment + near).astimezone(self.zone).utcoffset() for near in (-_JUMP, timedelta(0), _JUMP)]
        known = [offset for offset in offsets if offset is not None]
        return max(known) - min(known)

    def _moments(self, shown: datetime) -> Iterator[float]:
        """When the wall clock shows `shown`."""
        first = shown.replace(tzinfo=self.zone, fold=0)
        yield first.timestamp()
        second = first.replace(fold=1)
        if self._hourly and second.utcoffset() != first.utcoffset() and _exists(first):
            yield second.timestamp()

    @property
    def _hourly(self) -> bool:
        fields = self.cron.split()
        return self.cron == "@hourly" or (len(fields) > 1 and fields[1].startswith("*"))


def _exists(local: datetime) -> bool:
    """Whether a wall clock ever shows this time: not in the hour that is left out."""
    return local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None)


def schedules(config: Config) -> list[Schedule]:
    """Every schedule of the configuration: `[schedule]` lines and profiles' `every`. Raises ConfigError."""
    lines: dict[str, str | Timed] = {name: profile.every for name, profile in config.profile.items() if profile.every}
    return [parse(name, line) for name, line in sorted((lines | config.schedule).items())]


def parse(name: str, line: str | Timed) -> Schedule:
    """`6h`, `every 6h`, or a cron line such as `0 7 * * 1-5 Europe/Berlin`; ConfigError names the schedule."""
    if len(name) > NAME_CHARS:
        raise ConfigError(
            f"schedule.{name[:20]}… has {len(name)} characters in its name; give it at most {NAME_CHARS}."
        )
    text, missed = (line, "once") if isinstance(line, str) else (line.when, line.missed)
    plain = text.removeprefix("every ").strip()
    cron, _, zone = plain.rpartition(" ")
    if croniter.is_valid(plain):
        return _possible(Schedule(name, text, cron=plain, missed=missed))
    if croniter.is_valid(cron):
        return _possible(Schedule(name, text, cron=cron, zone=_zone(name, zone), missed=missed))
    try:
        # whole seconds: of others the multiples are not exact, and a slot found would not be one when it is asked for
        every_s = float(max(1, round(duration_s(plain, f"schedule.{name}"))))
        return Schedule(name, text, every_s, missed=missed)
    except ConfigError:
        raise ConfigError(
            f"schedule.{name} = {text!r} is neither a time like 6h nor a cron line like 0 */6 * * *, "
            "with a time zone like Europe/Berlin behind it if you want one."
        ) from None


def _possible(schedule: Schedule) -> Schedule:
    """The schedule, if there is a day it names; not the 30th of February."""
    try:
        schedule.slot_at(schedule.next_at(0.0))
    except CroniterError:
        raise ConfigError(f"schedule.{schedule.name} = {schedule.text!r} names a day that never comes.") from None
    return schedule


def _zone(name: str, zone: str) -> tzinfo:
    try:
        return ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise ConfigError(
            f"schedule.{name} names the time zone {zone!r}, which is not known here; write it like Europe/Berlin."
        ) from None
