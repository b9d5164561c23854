"""`suchlike alerts`: what was told to whom, which sites are in trouble, and whether channels work."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Group

from crawler.cli.flags import AT_MOST, Hidden
from crawler.cli.session import FOUND, NOTHING, UNREACHABLE, Session, clipped, safe
from pipelines.errors import AlertError, UsageError

if TYPE_CHECKING:
    from pipelines.stores import Connection


def register(app: App, group: Group) -> None:
    """Adds the verbs."""
    alerts = App(name="alerts", help="Who is told of new stories and of sites in trouble.", group=group)
    alerts.command(listed, name="list")
    alerts.command(trial, name="test")
    app.command(alerts)


def listed(*, limit: Annotated[int, AT_MOST] = 20, session: Hidden) -> int:
    """List sites in trouble and the latest alerts, newest first.

    Parameters
    ----------
    limit
        Show this many alerts.
    """
    from crawler.alerts.channels import channels
    from crawler.cli.opening import project
    from pipelines.stores import alerts, troubles

    opened = project(session)
    shown = {one.id: one.shown for one in channels(opened.config())}
    with opened.store(session.mode).read() as connection:
        held = troubles.in_trouble(connection)
        latest = alerts.listed(connection, limit)
        told = [(alert, alert.title or _trouble_of(connection, alert.subject)) for alert in latest]
    for one in held:
        _trouble(session, one)
    for alert, title in told:
        _alert(session, alert, title, shown.get(alert.channel, "a channel that is gone"))
    if not shown:
        session.say('nobody is told: write `to = ["mailto://…"]` or `webhooks = […]` under [notify].')
    return FOUND if held or told else NOTHING


def _trouble(session: Session, held: Any) -> None:
    from dataclasses import asdict

    from crawler.alerts.messages import of_trouble
    from pipelines.moments import iso_at

    if session.json:
        before, after = asdict(held.trouble.before), asdict(held.trouble.after)
        session.emit({"site": held.site, "trouble": held.trouble.kind, "since": iso_at(held.since), "before": before,
                      "after": after})  # fmt: skip
        return
    message = of_trouble(held, "", now=held.since)
    session.out(f"! {message.title} (since {iso_at(held.since)})\n{message.body}")


def _trouble_of(connection: Connection, subject: str) -> str | None:
    """What an alert on a site says; None for others."""
    from crawler.alerts.messages import of_trouble
    from pipelines.stores import troubles

    sort, _, number = subject.partition(":")
    held = troubles.trouble(connection, int(number)) if sort == "trouble" else None
    return of_trouble(held, "", now=held.since).title if held else None


def _alert(session: Session, alert: Any, title: str | None, channel: str) -> None:
    from pipelines.moments import iso_at
    from pipelines.stores.alerts import MAX_TRIES

    if session.json:
        session.emit({"subject": alert.subject, "title": title, "channel": channel, "made": iso_at(alert.made_at),
                      "due": iso_at(alert.due_at), "sent": iso_at(alert.sent_at), "tries": alert.tries,
                      "problem": alert.failed})  # fmt: skip
        return
    if alert.sent_at:
        fate = f"sent {iso_at(alert.sent_at)}"
    elif alert.tries >= MAX_TRIES:
        fate = f"given up after {alert.tries} tries: {alert.failed or 'whoever sent it died'}"
    else:
        tries = f"{alert.tries} {'try' if alert.tries == 1 else 'tries'}"
        fate = f"due {iso_at(alert.due_at)}" + (f" after {tries}: {alert.failed}" if alert.failed else "")
    session.out(f"{alert.subject:<20} {channel:<30} {fate}")
    if title:
        session.out(f"    {clipped(safe(title), (session.width or 100) - 4)}")


def trial(*, session: Hidden) -> int:
    """Send a trial message to every channel, and say which took it."""
    from crawler.alerts.channels import channels, send
    from crawler.alerts.messages import of_trial
    from crawler.cli.opening import project

    config = project(session).config()
    made = channels(config)
    if not made:
        raise UsageError("There is no channel: write `to` or `webhooks` under [notify] in suchlike.toml.")
    problems = 0
    for channel in made:
        problem = None
        try:
            send(channel, [of_trial(now=time.time())], config, now=time.time())
        except AlertError as error:
            problem = str(error)
        problems += problem is not None
        if session.json:
            session.emit({"channel": channel.shown, "ok": problem is None, "problem": problem})
        else:
            session.out(f"{'✗' if problem else '✓'} {channel.shown}" + (f"   {problem}" if problem else ""))
    return UNREACHABLE if problems else FOUND
