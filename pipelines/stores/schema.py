"""The tables. `migrations/` makes them; a test holds the two against each other."""

from __future__ import annotations

import re

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

from pipelines.signature import KEYS

metadata = MetaData()
# SQLite gives row ids only to columns it calls INTEGER
RowId = BigInteger().with_variant(Integer(), "sqlite")
# as much is kept of what explains how a fetch or a stage ended
DETAIL_CHARS = 500
# PostgreSQL refuses the one, and neither can be given the other, which is no character
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Plain(TypeDecorator[str]):
    """Text of the web or a user as both databases take it: without NUL and lone surrogates, cut to `length` if any."""

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
    Column("name", Plain(300), nullable=False, unique=True),
    Column("site", Plain(300), nullable=False),
    Column("best", Float),  # the highest expected yield among its waiting rows; NULL when none wait
    Column("holder", String(64)),
    Column("lease_until", Float, nullable=False, server_default="0"),
    Column("next_at", Float, nullable=False, server_default="0"),
    Column("delay_s", Float),  # robots' Crawl-delay
    Column("robots", Plain),
    Column("robots_verdict", String(16)),  # rules, allow, disallow, later
    Column("robots_at", Float),
    Column("tdmrep", Text),  # rules of its tdmrep.json, as pipelines.rights.tdmrep gives them
    Column("tdmrep_at", Float),
    Column("pages", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    Column("given_up", Plain(64)),
    Column("missing", BigInteger),  # print of its answer to a page that cannot be there; 0 when it says so honestly
    Column("address", String(300)),  # where it is, so that hosts of one address can be paced as one
)
CRAWLED = hosts.c.pages > literal_column("0")
Index("hosts_crawled", hosts.c.site, hosts.c.pages, sqlite_where=CRAWLED, postgresql_where=CRAWLED)
Index("hosts_site", hosts.c.site)
Index("hosts_address", hosts.c.address,
      sqlite_where=hosts.c.address.is_not(None), postgresql_where=hosts.c.address.is_not(None))  # fmt: skip
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
    Column("worker", String(64)),  # the process of a stage that is at it
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

# shapes of URLs, host by host: how many of each were asked for in the run that is under way, and which are closed
templates = Table(
    "templates",
    metadata,
    Column("host", BigInteger, ForeignKey("hosts.id"), primary_key=True, autoincrement=False),
    Column("key", BigInteger, primary_key=True, autoincrement=False),  # of the template
    Column("template", Plain(300), nullable=False),
    Column("pages", Integer, nullable=False, server_default="0"),
    Column("closed", Plain(40)),
)
COUNTED = templates.c.pages > literal_column("0")
Index("templates_counted", templates.c.host, sqlite_where=COUNTED, postgresql_where=COUNTED)

# traps met: how many URLs of a host were left out, and why
traps = Table(
    "traps",
    metadata,
    Column("host", BigInteger, ForeignKey("hosts.id"), primary_key=True, autoincrement=False),
    Column("reason", String(40), primary_key=True),
    Column("number", BigInteger, nullable=False, server_default="0"),
    Column("example", Plain, nullable=False),
)

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
    Column("archived", SmallInteger, nullable=False, server_default="0"),  # 1: it came out of the archive
)

articles = Table(
    "articles",
    metadata,
    Column("id", BigInteger, ForeignKey("urls.id"), primary_key=True, autoincrement=False),
    Column("canonical_url", Plain, nullable=False),
    Column("canonical_key", BigInteger, nullable=False),
    Column("site", Plain(300), nullable=False),
    Column("title", Plain, nullable=False),
    Column("description", Plain, nullable=False, server_default=""),
    Column("text", Plain, nullable=False),
    Column("authors", Plain, nullable=False),  # JSON list
    Column("published", String(32)),
    Column("published_confidence", Float, nullable=False, server_default="0"),
    Column("language", Plain(8), nullable=False),
    Column("words", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("rights", Text, nullable=False),  # JSON
    Column("score", Float, nullable=False),
    Column("likeness", Plain, nullable=False),  # JSON of records.Likeness
    Column("matched", SmallInteger, nullable=False),
    Column("signature", LargeBinary),
    Column("story", BigInteger),
    Column("copy_of", BigInteger),
    Column("kin", BigInteger),  # the same for all that are linked, directly or not; NULL for most
    Column("kind", String(12)),  # how it was found to be a copy: sameness.Kind
    Column("similarity", Float),  # to the canonical article
    Column("evidence", Text),  # JSON: sameness.Link.evidence
    Column("revision", SmallInteger, nullable=False, server_default="1"),
    Column("fetched_at", Float, nullable=False),  # the text it has
    Column("first_at", Float, nullable=False, server_default="0"),  # the first text it had
    Column("mode", String(8), nullable=False),
    Column("run", Integer, nullable=False),
    Column("stored_at", Float),
    Column("about", Plain, nullable=False, server_default="{}"),  # JSON of records.About
    Column("edition", String(32), nullable=False, server_default=""),  # names the judgement, profile and threshold
)
Index("articles_score", articles.c.score.desc())
Index("articles_stored", articles.c.run, articles.c.matched, articles.c.stored_at, articles.c.story)
Index("articles_story", articles.c.story, articles.c.copy_of)
Index("articles_kin", articles.c.kin,
      sqlite_where=articles.c.kin.is_not(None), postgresql_where=articles.c.kin.is_not(None))  # fmt: skip
Index("articles_text", articles.c.sha256)
Index("articles_canonical", articles.c.canonical_key)
Index("articles_judged", articles.c.run, articles.c.edition)
# what results are chosen by, so that looking through many of them reads no article
KEPT = articles.c.stored_at.is_not(None)
COPIES = articles.c.copy_of.is_not(None)
MISSED = articles.c.matched == literal_column("0")
Index("articles_results", articles.c.score.desc(), articles.c.id, articles.c.matched, articles.c.copy_of,
      articles.c.site, articles.c.language, articles.c.published, sqlite_where=KEPT, postgresql_where=KEPT)  # fmt: skip
Index("articles_site", articles.c.site, articles.c.score.desc(), articles.c.id,
      sqlite_where=KEPT, postgresql_where=KEPT)  # fmt: skip
Index("articles_missed", articles.c.run, articles.c.score.desc(), sqlite_where=MISSED, postgresql_where=MISSED)
Index("articles_copies", articles.c.copy_of, articles.c.id, sqlite_where=COPIES, postgresql_where=COPIES)

# one row an article: what it is looked up by, and what tells how alike a find is before its text is read
signatures = Table(
    "signatures",
    metadata,
    Column("article", RowId, primary_key=True, autoincrement=False),
    *(Column(f"key{place}", Integer, nullable=False) for place in range(KEYS)),
    Column("sketch", LargeBinary, nullable=False),
)
for _place in range(KEYS):
    Index(f"signatures_key{_place}", signatures.c[f"key{_place}"])

# the texts an article had before the one it has
revisions = Table(
    "revisions",
    metadata,
    Column("article", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", SmallInteger, primary_key=True, autoincrement=False),
    Column("title", Plain, nullable=False),
    Column("text", LargeBinary, nullable=False),  # zstd
    Column("sha256", String(64), nullable=False),
    Column("published", String(32)),
    Column("fetched_at", Float, nullable=False),
)

profiles = Table(
    "profiles",
    metadata,
    Column("digest", String(64), primary_key=True),  # of all that was learned
    Column("name", Plain(120), nullable=False),
    Column("seeds", Plain, nullable=False),  # JSON: to explain by, and to learn from again
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

# sites and hosts of which nothing is taken up: forgotten ones, and those blocked until that is taken back
barred = Table(
    "barred",
    metadata,
    Column("site", Plain(300), primary_key=True),
    Column("at", Float, nullable=False),
    Column("blocked", SmallInteger, nullable=False, server_default="0"),
)

# where a run stood as it went on: its harvest curve
marks = Table(
    "marks",
    metadata,
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("pages", Integer, primary_key=True, autoincrement=False),  # that had ended
    Column("matches", Integer, nullable=False),
    Column("at", Float, nullable=False),
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
    Column("sort", SmallInteger, nullable=False, server_default="0"),  # slots.Sort
    UniqueConstraint("schedule", "slot_at"),
)

schedules = Table(
    "schedules",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("since", Float, nullable=False),  # no slot before is run
    Column("resumed", SmallInteger, nullable=False, server_default="0"),
    Column("paused_at", Float),
    Column("asked_at", Float),  # some clock shall run it as soon as it can
)

# what is to be told to somebody, once a channel: a new story, or a site in trouble
alerts = Table(
    "alerts",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("channel", String(64), nullable=False),  # a digest of its address: that may hold a password
    Column("subject", String(64), nullable=False),  # story:ROW or trouble:ID
    Column("article", BigInteger),
    Column("made_at", Float, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    Column("sent_at", Float),
    Column("failed", Plain(300)),  # why it could not be sent the last time
    UniqueConstraint("channel", "subject"),
)
Index("alerts_article", alerts.c.article)
Index("alerts_due", alerts.c.due_at, sqlite_where=alerts.c.sent_at.is_(None),
      postgresql_where=alerts.c.sent_at.is_(None))  # fmt: skip

# a site whose articles are not what they were
troubles = Table(
    "troubles",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("site", Plain(300), nullable=False),
    Column("kind", String(16), nullable=False),  # sitewatch.KINDS
    Column("before", Text, nullable=False),  # JSON of sitewatch.Period
    Column("after", Text, nullable=False),
    Column("since", Float, nullable=False),
    Column("ended_at", Float),
)
Index("troubles_open", troubles.c.site, troubles.c.kind, unique=True,
      sqlite_where=troubles.c.ended_at.is_(None), postgresql_where=troubles.c.ended_at.is_(None))  # fmt: skip
