"""The tables. `migrations/` makes them; a test holds the two against each other."""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()
# SQLite gives row ids only to columns it calls INTEGER
RowId = BigInteger().with_variant(Integer(), "sqlite")


class State(IntEnum):
    """Where a URL's row is on its path. From STORED on, the row has ended."""

    WAITING = 0
    LEASED = 1
    FETCHED = 2  # waits for parse
    PARSED = 3  # waits for dedupe
    JUDGED = 4  # waits for store
    STORED = 5
    DUPLICATE = 6
    DROPPED = 7
    DEAD = 8
    REFUSED = 9  # robots or our own guard: never fetched
    LISTED = 10  # a feed or sitemap that was read


ENDED = (State.STORED, State.DUPLICATE, State.DROPPED, State.DEAD, State.REFUSED, State.LISTED)
IN_FLIGHT = (State.FETCHED, State.PARSED, State.JUDGED)


class Kind(IntEnum):
    """What a URL is expected to be."""

    PAGE = 0
    FEED = 1
    SITEMAP = 2


facts = Table(
    "facts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

hosts = Table(
    "hosts",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", String(300), nullable=False, unique=True),
    Column("site", String(300), nullable=False),
    Column("best", Float),  # the highest expected yield among its waiting rows; NULL when none wait
    Column("holder", String(64)),
    Column("lease_until", Float, nullable=False, server_default="0"),
    Column("next_at", Float, nullable=False, server_default="0"),
    Column("delay_s", Float),  # robots' Crawl-delay
    Column("robots", Text),
    Column("robots_verdict", String(16)),  # rules, allow, disallow
    Column("robots_at", Float),
    Column("pages", Integer, nullable=False, server_default="0"),
    Column("matches", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    Column("given_up", String(64)),
)
Index("hosts_best", hosts.c.best)

urls = Table(
    "urls",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("key", BigInteger, nullable=False, unique=True),
    Column("host", BigInteger, ForeignKey("hosts.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("kind", SmallInteger, nullable=False, server_default="0"),
    Column("state", SmallInteger, nullable=False, server_default="0"),
    Column("expected", Float, nullable=False, server_default="0"),
    Column("depth", SmallInteger, nullable=False, server_default="0"),
    Column("source", String(16), nullable=False),
    Column("parent", BigInteger),
    Column("anchor", Text, nullable=False, server_default=""),
    Column("context", Text, nullable=False, server_default=""),
    Column("published", String(40), nullable=False, server_default=""),
    Column("run", Integer),
    Column("found_at", Float, nullable=False),
    Column("due_at", Float, nullable=False, server_default="0"),
    Column("fetches", SmallInteger, nullable=False, server_default="0"),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("fetched_at", Float),
    Column("status", SmallInteger),
    Column("quick", Float),
    Column("reason", String(40)),
    Column("detail", Text),
    Column("archive_file", String(120)),
    Column("archive_offset", BigInteger),
)
Index("urls_waiting", urls.c.host, urls.c.expected.desc(), urls.c.id,
      sqlite_where=urls.c.state == 0, postgresql_where=urls.c.state == 0)  # fmt: skip
Index("urls_best", urls.c.expected.desc(),
      sqlite_where=urls.c.state == 0, postgresql_where=urls.c.state == 0)  # fmt: skip
Index("urls_moving", urls.c.state, urls.c.due_at,
      sqlite_where=urls.c.state.between(1, 4), postgresql_where=urls.c.state.between(1, 4))  # fmt: skip
Index("urls_ended", urls.c.run, urls.c.kind, urls.c.state, urls.c.reason,
      sqlite_where=urls.c.state > 1, postgresql_where=urls.c.state > 1)  # fmt: skip

bodies = Table(
    "bodies",
    metadata,
    Column("url", BigInteger, ForeignKey("urls.id"), primary_key=True, autoincrement=False),
    Column("final_url", Text, nullable=False),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # zstd
)

articles = Table(
    "articles",
    metadata,
    Column("id", BigInteger, ForeignKey("urls.id"), primary_key=True, autoincrement=False),
    Column("canonical_url", Text, nullable=False),
    Column("canonical_key", BigInteger, nullable=False),
    Column("site", String(300), nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("text", Text, nullable=False),
    Column("authors", Text, nullable=False),  # JSON list
    Column("published", String(32)),
    Column("published_confidence", Float, nullable=False, server_default="0"),
    Column("language", String(8), nullable=False),
    Column("words", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("rights", Text, nullable=False),  # JSON
    Column("score", Float, nullable=False),
    Column("likeness", Text, nullable=False),  # JSON of records.Likeness
    Column("matched", SmallInteger, nullable=False),
    Column("signature", LargeBinary),
    Column("story", BigInteger),
    Column("copy_of", BigInteger),
    Column("similarity", Float),
    Column("revision", SmallInteger, nullable=False, server_default="1"),
    Column("fetched_at", Float, nullable=False),
    Column("mode", String(8), nullable=False),
    Column("run", Integer, nullable=False),
    Column("stored_at", Float),
)
Index("articles_score", articles.c.score.desc())
Index("articles_story", articles.c.story)
Index("articles_text", articles.c.sha256)
Index("articles_canonical", articles.c.canonical_key)

bands = Table(
    "bands",
    metadata,
    Column("band", SmallInteger, primary_key=True, autoincrement=False),
    Column("value", BigInteger, primary_key=True, autoincrement=False),
    Column("article", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

profiles = Table(
    "profiles",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("seeds", Text, nullable=False),  # JSON: names and titles, for people
    Column("learned", LargeBinary, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("mode", String(8), nullable=False),
    Column("profile", String(64), nullable=False),
    Column("config", Text, nullable=False),  # JSON
    Column("started_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),  # its conductor's last sign of life
    Column("ended_at", Float),
    Column("stopped_by", String(32)),
)

slots = Table(
    "slots",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("schedule", String(120), nullable=False),
    Column("slot_at", Float, nullable=False),
    Column("claimed_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("exit_code", Integer),
    UniqueConstraint("schedule", "slot_at"),
)
