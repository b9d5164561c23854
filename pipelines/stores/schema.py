"""The tables. `migrations/` makes them; a test holds the two against each other."""

from __future__ import annotations

import re
from enum import IntEnum

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
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
    TypeDecorator,
    UniqueConstraint,
    literal_column,
)

metadata = MetaData()
# SQLite gives row ids only to columns it calls INTEGER
RowId = BigInteger().with_variant(Integer(), "sqlite")
# PostgreSQL refuses the one, and neither can be given the other, which is no character
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Plain(TypeDecorator[str]):
    """Text from the web as both databases take it: without NUL and lone surrogates, cut to `length` if there is one."""

    impl = String
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__(length)
        self.length = length
        if length is None:
            self.impl = Text()  # type: ignore[assignment]  # an instance has an instance here

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """On its way into the database."""
        return None if value is None else storable(value)[: self.length]


def storable(text: str) -> str:
    """Text without what a database refuses."""
    return text if text.isascii() and "\x00" not in text else _UNSTORABLE.sub("", text)


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
    Column("robots", Plain),
    Column("robots_verdict", String(16)),  # rules, allow, disallow
    Column("robots_at", Float),
    Column("pages", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    Column("given_up", Plain(64)),
)
Index("hosts_best", hosts.c.best,
      sqlite_where=hosts.c.best.is_not(None), postgresql_where=hosts.c.best.is_not(None))  # fmt: skip
Index("hosts_held", hosts.c.holder,
      sqlite_where=hosts.c.holder.is_not(None), postgresql_where=hosts.c.holder.is_not(None))  # fmt: skip

urls = Table(
    "urls",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("key", BigInteger, nullable=False, unique=True),
    Column("host", BigInteger, ForeignKey("hosts.id"), nullable=False),
    Column("url", Plain, nullable=False),
    Column("kind", SmallInteger, nullable=False, server_default="0"),
    Column("state", SmallInteger, nullable=False, server_default="0"),
    Column("expected", Float, nullable=False, server_default="0"),
    Column("depth", SmallInteger, nullable=False, server_default="0"),
    Column("source", String(16), nullable=False),
    Column("parent", BigInteger),
    Column("anchor", Plain, nullable=False, server_default=""),
    Column("context", Plain, nullable=False, server_default=""),
    Column("published", Plain(40), nullable=False, server_default=""),
    Column("run", Integer),
    Column("found_at", Float, nullable=False),
    Column("due_at", Float, nullable=False, server_default="0"),
    Column("fetches", SmallInteger, nullable=False, server_default="0"),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("fetched_at", Float),
    Column("status", SmallInteger),
    Column("quick", Float),
    Column("reason", Plain(40)),
    Column("detail", Plain),
    Column("archive_file", String(120)),
    Column("archive_offset", BigInteger),
)
# SQLite takes a partial index only for a query that words the index's condition the same way, without parameters
WAITS = urls.c.state == literal_column("0")
MOVES = urls.c.state.between(literal_column("1"), literal_column("4"))
STARTS = urls.c.source == literal_column("'start'")
LEADS = urls.c.source == literal_column("'redirect'")
Index("urls_waiting", urls.c.host, urls.c.expected.desc(), urls.c.id, sqlite_where=WAITS, postgresql_where=WAITS)
Index("urls_best", urls.c.expected.desc(), urls.c.host, sqlite_where=WAITS, postgresql_where=WAITS)
Index("urls_moving", urls.c.state, urls.c.due_at, sqlite_where=MOVES, postgresql_where=MOVES)
Index("urls_ended", urls.c.run, urls.c.kind, urls.c.state, urls.c.reason, urls.c.fetched_at,
      sqlite_where=urls.c.state > 1, postgresql_where=urls.c.state > 1)  # fmt: skip
Index("urls_starts", urls.c.id, sqlite_where=STARTS, postgresql_where=STARTS)
Index("urls_redirects", urls.c.parent, sqlite_where=LEADS, postgresql_where=LEADS)

# what is looked at again: feeds, sitemaps, sections that led to matches, and matches while they are young
rhythms = Table(
    "rhythms",
    metadata,
    Column("url", BigInteger, ForeignKey("urls.id"), primary_key=True, autoincrement=False),
    Column("sort", SmallInteger, nullable=False),  # rhythms.Sort
    Column("interval_s", Float, nullable=False),
    Column("due_at", Float),  # NULL while it is being looked at, and when it never will be again
    Column("etag", Plain, nullable=False, server_default=""),
    Column("modified", Plain, nullable=False, server_default=""),
    Column("digest", BigInteger),  # of the body
    Column("was", SmallInteger),  # the state it had, while it waits to be looked at again
)
Index("rhythms_due", rhythms.c.sort, rhythms.c.due_at,
      sqlite_where=rhythms.c.due_at.is_not(None), postgresql_where=rhythms.c.due_at.is_not(None))  # fmt: skip
Index("rhythms_woken", rhythms.c.was,
      sqlite_where=rhythms.c.was.is_not(None), postgresql_where=rhythms.c.was.is_not(None))  # fmt: skip

bodies = Table(
    "bodies",
    metadata,
    Column("url", BigInteger, ForeignKey("urls.id"), primary_key=True, autoincrement=False),
    Column("final_url", Plain, nullable=False),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # zstd
)

articles = Table(
    "articles",
    metadata,
    Column("id", BigInteger, ForeignKey("urls.id"), primary_key=True, autoincrement=False),
    Column("canonical_url", Plain, nullable=False),
    Column("canonical_key", BigInteger, nullable=False),
    Column("site", String(300), nullable=False),
    Column("title", Plain, nullable=False),
    Column("description", Plain, nullable=False, server_default=""),
    Column("text", Plain, nullable=False),
    Column("authors", Text, nullable=False),  # JSON list
    Column("published", String(32)),
    Column("published_confidence", Float, nullable=False, server_default="0"),
    Column("language", Plain(8), nullable=False),
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
    Column("edition", String(32), nullable=False, server_default=""),  # names the judgement, profile and threshold
)
Index("articles_score", articles.c.score.desc())
Index("articles_stored", articles.c.run, articles.c.matched, articles.c.stored_at, articles.c.story)
Index("articles_story", articles.c.story, articles.c.copy_of)
Index("articles_text", articles.c.sha256)
Index("articles_canonical", articles.c.canonical_key)
Index("articles_judged", articles.c.run, articles.c.edition)

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
    Column("digest", String(64), primary_key=True),  # of all that was learned
    Column("name", Plain(120), nullable=False),
    Column("seeds", Text, nullable=False),  # JSON: to explain by, and to learn from again
    Column("learned", LargeBinary, nullable=False),
    Column("family", Plain(120), nullable=False, server_default=""),  # the profile's name
    Column("sample", Text, nullable=False, server_default="[]"),  # JSON: articles it learned from beside the seeds
    Column("judged", Integer, nullable=False, server_default="0"),  # how many articles there were then
    Column("learned_at", Float, nullable=False, server_default="0"),
)
Index("profiles_family", profiles.c.family, profiles.c.learned_at)

ratings = Table(
    "ratings",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("family", Plain(120), nullable=False),
    Column("article", BigInteger, ForeignKey("articles.id"), nullable=False),
    Column("verdict", SmallInteger, nullable=False),  # 1 or -1
    Column("at", Float, nullable=False),
    Column("undone_at", Float),
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
    Column("pages", Integer, nullable=False, server_default="0"),  # fetches of pages that have ended
    Column("revisited", Integer, nullable=False, server_default="0"),  # pages and lists looked at again
    Column("unmodified", Integer, nullable=False, server_default="0"),  # of these, answered with 304
    Column("changed", Integer, nullable=False, server_default="0"),  # articles whose text had become another
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
