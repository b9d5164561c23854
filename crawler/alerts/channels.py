"""Where alerts go: Apprise addresses and webhooks. A channel is known by a digest: addresses hold passwords."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from crawler.alerts.messages import Message
from crawler.alerts.webhook import post
from pipelines.config import Config
from pipelines.errors import AlertError

# a message of its own for each story up to so many at a time, beyond that one for all
MOST_AT_ONCE = 5


@dataclass(frozen=True, slots=True)
class Channel:
    """One address. `shown` can be printed: its scheme and host, and no secret."""

    id: str
    shown: str
    address: str
    is_webhook: bool


def channels(config: Config) -> list[Channel]:
    """Every channel of the configuration, once."""
    notify = config.notify
    made = [_channel(url, is_webhook=False) for url in notify.to]
    made += [_channel(url, is_webhook=True) for url in notify.webhooks]
    return list({one.id: one for one in made}.values())


def _channel(address: str, *, is_webhook: bool) -> Channel:
    digest = hashlib.sha256(address.encode()).hexdigest()[:16]
    parts = urlsplit(address)
    # in most of Apprise's addresses the host is a token
    shown = f"{parts.scheme}://{parts.hostname}" if is_webhook else f"{parts.scheme}://…"
    return Channel(digest, shown, address, is_webhook)


def parted(channel: Channel, number: int, config: Config) -> int:
    """How many of `number` alerts that are due go into one message."""
    many = config.notify.when == "daily-digest" or number > MOST_AT_ONCE
    return number if many and not channel.is_webhook else 1


def send(channel: Channel, messages: Sequence[Message], config: Config, *, now: float) -> None:
    """Tells a channel these, in one message; AlertError when it was not taken. A webhook takes one at a time."""
    if not channel.is_webhook:
        title = messages[0].title if len(messages) == 1 else f"{len(messages)} new"
        body = messages[0].body if len(messages) == 1 else "\n\n".join(f"{one.title}\n{one.body}" for one in messages)
        _notify(channel, title, body)
        return
    (message,) = messages
    event = {"type": message.type, "timestamp": message.at, "data": message.event}
    private = config.crawl.allow_private_addresses
    post(channel.address, config.notify.secret, event, id=message.id, now=now, allow_private=private)


def _notify(channel: Channel, title: str, body: str) -> None:
    apprise = _apprise()
    told = apprise.Apprise()
    if not told.add(channel.address):
        raise AlertError(f"notify.to has {channel.shown}, which Apprise does not know; see its list of services.")
    if not told.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT):
        raise AlertError(f"{channel.shown} did not take it.")


def _apprise() -> Any:
    try:
        import apprise
    except ImportError:
        raise AlertError("notify.to needs Apprise: pip install 'suchlike[alerts]'.") from None
    return apprise
