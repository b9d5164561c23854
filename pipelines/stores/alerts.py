"""Alerts: what is to be told, to which channel, and whether it was. Each subject goes to each channel once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, exists, func, select, update

from pipelines.stores.dialect import insert_new
from pipelines.stores.schema import alerts, articles, facts

_SINCE = "alerts_since"
# whoever took an alert to send it and died leaves it to others after this long
LEASE_S = 120.0
# tries come after 1, 2, 4 … 32 minutes, then every hour: for three days and some hours
AGAIN_S, LONGEST_S = 30.0, 3600.0
MAX_TRIES = 80
MOST = 200


@dataclass(frozen=True, slots=True)
class Alert:
    """Something to tell a channel: `subject` is story:ROW (with the article's row) or trouble:ID."""

    id: int
    channel: str
    subject: str
    article: int | None
    tries: int


@dataclass(frozen=True, slots=True)
class Told:
    """How an alert fared; `title` is its article's, None for other subjects and where it is gone."""

    subject: str
    title: str | None
    channel: str
    made_at: float
    due_at: float
    sent_at: float | None
    tries: int
    failed: str | None


def since(connection: Connection, *, now: float) -> float:
    """The moment from which stories are news: when alerts were first looked for."""
    connection.execute(insert_new(connection, facts).values(name=_SINCE, value=str(now)))
    return float(connection.execute(select(facts.c.value).where(facts.c.name == _SINCE)).scalar_one())


def new_stories(
    connection: Connection, *, since: float, min_score: float, among: Sequence[int] | None = None
) -> list[int]:  # fmt: skip
    """Originals of stories of which no member was told yet, stored after `since`, oldest first; of these rows, or of
    all, which takes reading all that was stored since."""
    member = articles.alias("member")
    told = exists().where(alerts.c.article == member.c.id, member.c.story == articles.c.story)
    query = (
        select(articles.c.id)
        .where(articles.c.stored_at > since, articles.c.matched == 1, articles.c.copy_of.is_(None))
        .where(articles.c.score >= min_score, ~told)
        .order_by(articles.c.stored_at, articles.c.id).limit(MOST)
    )  # fmt: skip
    if among is not None:
        query = query.where(articles.c.id.in_(among))
    return list(connection.execute(query).scalars())


def plan(
    connection: Connection, channels: Sequence[str], subject: str, *, article: int | None, due_at: float, now: float
) -> None:
    """`subject` is to be told to these channels from `due_at` on."""
    new = insert_new(connection, alerts)
    rows = [{"channel": c, "subject": subject, "article": article, "made_at": now, "due_at": due_at} for c in channels]
    if rows:
        connection.execute(new, rows)


def due(connection: Connection, channel: str, *, now: float) -> int:
    """How many alerts are due to a channel, counted up to MOST."""
    query = select(alerts.c.id).where(*_due(channel, now)).limit(MOST)
    return connection.execute(select(func.count()).select_from(query.subquery())).scalar() or 0


def take(connection: Connection, channel: str, *, most: int, now: float) -> list[Alert]:
    """Some of what is due to a channel, now the caller's to send at once; another gets it only if he never says how
    that went. What was tried least comes first, so that nothing waits behind what is never taken."""
    waits = _due(channel, now)
    query = select(alerts.c.id).where(*waits).order_by(alerts.c.tries, alerts.c.id).limit(most)
    mine = (
        update(alerts).where(alerts.c.id.in_(query.scalar_subquery()), *waits)
        .values(due_at=now + LEASE_S, tries=alerts.c.tries + 1)
        .returning(alerts.c.id, alerts.c.channel, alerts.c.subject, alerts.c.article, alerts.c.tries)
    )  # fmt: skip
    return sorted((Alert(*row) for row in connection.execute(mine)), key=lambda alert: alert.id)


def _due(channel: str, now: float) -> tuple[ColumnElement[bool], ...]:
    waits = (alerts.c.sent_at.is_(None), alerts.c.due_at <= now, alerts.c.tries < MAX_TRIES)
    return (*waits, alerts.c.channel == channel)


def sent(connection: Connection, told: Sequence[Alert], *, now: float) -> None:
    """These have arrived."""
    mine = alerts.c.id.in_([alert.id for alert in told])
    connection.execute(update(alerts).where(mine).values(sent_at=now, failed=None))


def failed(connection: Connection, told: Sequence[Alert], why: str, *, now: float) -> None:
    """These have not; each waits twice as long as the last time, an hour at most, before it is tried again."""
    for alert in told:
        later = {"failed": why, "due_at": now + min(LONGEST_S, AGAIN_S * 2**alert.tries)}
        connection.execute(update(alerts).where(alerts.c.id == alert.id).values(later))


def listed(connection: Connection, limit: int) -> list[Told]:
    """The latest alerts, newest first."""
    columns = (alerts.c.subject, articles.c.title, alerts.c.channel, alerts.c.made_at, alerts.c.due_at,
               alerts.c.sent_at, alerts.c.tries, alerts.c.failed)  # fmt: skip
    told = select(*columns).outerjoin(articles, articles.c.id == alerts.c.article)
    return [Told(*row) for row in connection.execute(told.order_by(alerts.c.id.desc()).limit(limit))]
