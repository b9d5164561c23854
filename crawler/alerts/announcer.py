"""Tells what is new: once a story and channel, however many processes ask it to, whatever dies in between."""

from __future__ import annotations

import logging
import threading
import time

from crawler.alerts import messages
from crawler.alerts.channels import Channel, channels, parted, send
from crawler.alerts.messages import Message
from pipelines import sitewatch
from pipelines.config import Config
from pipelines.errors import AlertError, SuchlikeError
from pipelines.stores import Store, alerts, troubles
from pipelines.stores.alerts import Alert
from workers.schedules import parse

logger = logging.getLogger(__name__)

ROUND_S = 5.0
WATCH_S = 3600.0
HISTORY_S = (sitewatch.HISTORY + sitewatch.RECENT + 14) * troubles.DAY_S


class Announcer:
    """`nudge()` now and then; a round is done beside the caller, one at a time. `finish()` does a last one."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store
        self._channels = {one.id: one for one in channels(config)} if config.notify.when != "never" else {}
        self._round: threading.Thread | None = None
        self._nudged = 0.0

    def nudge(self) -> None:
        """Begins a round if there is somebody to tell and the last one is over."""
        now = time.monotonic()
        if not self._channels or now - self._nudged < ROUND_S or (self._round and self._round.is_alive()):
            return
        self._nudged = now
        self._round = threading.Thread(target=self._try_round, daemon=True)
        self._round.start()

    def finish(self, wait_s: float) -> None:
        """A last round, waited for; what it does not manage is left to the next process."""
        deadline = time.monotonic() + wait_s
        self.rest(wait_s)
        self._nudged = 0.0
        self.nudge()
        self.rest(max(0.0, deadline - time.monotonic()))

    def rest(self, wait_s: float) -> bool:
        """Waits for the round under way; whether none is any more."""
        if self._round:
            self._round.join(wait_s)
        return self._round is None or not self._round.is_alive()

    def _try_round(self) -> None:
        try:
            self.round(time.time())
        except SuchlikeError as error:
            logger.warning("%s", error)

    def round(self, now: float) -> int:
        """Plans what is new, sends what is due; gives how many alerts were sent."""
        self._plan(now)
        watch = _Watch(now)
        return sum(self._tell(channel, watch) for channel in self._channels.values())

    def _plan(self, now: float) -> None:
        notify = self._config.notify
        due_at = now if notify.when == "new-story" else digest_at(notify.at, now)
        names = list(self._channels)
        with self._store.write() as connection:
            began = alerts.since(connection, now=now)
            watches = notify.sites and troubles.watch_due(connection, every_s=WATCH_S, now=now)
        with self._store.read() as connection:  # through all that was stored since: no writer waits for that
            new = alerts.new_stories(connection, since=began, min_score=notify.min_score)
        if new:
            with self._store.write() as connection:  # another may have planned, or folded, some of them meanwhile
                for row in alerts.new_stories(connection, since=began, min_score=notify.min_score, among=new):
                    alerts.plan(connection, names, f"story:{row}", article=row, due_at=due_at, now=now)
        if watches:
            self._watch(names, now)

    def _watch(self, names: list[str], now: float) -> None:
        """Looks at every site; reading, which takes long, holds up nobody's writing."""
        with self._store.read() as connection:
            days = troubles.crawled_days(connection, since=now - HISTORY_S)
            seen = troubles.seen(connection, since=now - HISTORY_S)
            found = {site: list(sitewatch.troubles(articles, days)) for site, articles in seen}
        with self._store.write() as connection:
            for site, wrong in found.items():
                for number in troubles.note(connection, site, wrong, now=now):
                    alerts.plan(connection, names, f"trouble:{number}", article=None, due_at=now, now=now)

    def _tell(self, channel: Channel, watch: _Watch) -> int:
        """Sends what is due to a channel, a message after the other; gives how many alerts arrived.

        Each is taken when its turn has come, so that whoever sends slowly holds nothing that another could send
        meanwhile. A channel that does not take one has had its round.
        """
        told = 0
        while held := self._taken(channel, watch.now()):
            arrived = self._send(channel, held, watch)
            if arrived is None:
                break
            told += arrived
        return told

    def _taken(self, channel: Channel, now: float) -> list[Alert]:
        """The alerts of the next message."""
        with self._store.read() as connection:
            number = alerts.due(connection, channel.id, now=now)
        if not number:
            return []
        with self._store.write() as connection:
            return alerts.take(connection, channel.id, most=parted(channel, number, self._config), now=now)

    def _send(self, channel: Channel, held: list[Alert], watch: _Watch) -> int | None:
        """Sends one message; gives how many alerts arrived, None if it was not taken. What is gone counts as told."""
        said = [(alert, self._message(alert, watch.now())) for alert in held]
        messages = [message for _, message in said if message is not None]
        try:
            if messages:
                send(channel, messages, self._config, now=watch.now())
        except AlertError as error:
            logger.warning("An alert could not be sent: %s", error)
            with self._store.write() as connection:
                alerts.failed(connection, held, str(error), now=watch.now())
            return None
        with self._store.write() as connection:
            alerts.sent(connection, held, now=watch.now())
        return len(messages)

    def _message(self, alert: Alert, now: float) -> Message | None:
        id = f"{alert.channel}-{alert.id}"
        if alert.article is not None:
            return messages.of_story(self._store, alert.article, id, now=now)
        with self._store.read() as connection:
            held = troubles.trouble(connection, int(alert.subject.removeprefix("trouble:")))
        return messages.of_trouble(held, id, now=now) if held else None


class _Watch:
    """The moment it was set to, and the time that has passed since."""

    def __init__(self, now: float) -> None:
        self._set_to, self._began = now, time.monotonic()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._set_to + time.monotonic() - self._began


def digest_at(at: str, now: float) -> float:
    """The next time of day `07:00` or `07:00 Europe/Berlin`."""
    day_time, _, zone = at.partition(" ")
    hour, _, minute = day_time.partition(":")
    return parse("digest", f"{int(minute)} {int(hour)} * * * {zone or 'UTC'}").next_at(now)
