"""What must be true of a store at any moment, whatever was killed: each as a question that finds what breaks it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal_column, not_, or_, select, text
from sqlalchemy.exc import DBAPIError

from pipelines.stores.bodies import unpack
from pipelines.stores.ledger import MAX_ATTEMPTS
from pipelines.stores.schema import KEPT, MOVES, WAITS, articles, bodies, hosts, rhythms, urls
from pipelines.stores.states import ENDED, IN_FLIGHT, IN_STORE, State

EXAMPLES = 3
# a lease that ran out is noticed by the reconciler within seconds; after this long nobody has
FORGOTTEN_S = 60.0


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise the store does not keep: how often, and a few of the URLs (or whatever the database names)."""

    promise: str
    number: int
    examples: tuple[str, ...]


def broken(connection: Connection) -> Iterator[tuple[str, list[Broken]]]:
    """`(name, what breaks it)` of every group of promises about rows; nothing where all are kept."""
    for name, promises in _PROMISES.items():
        yield name, [found for promise, query in promises if (found := _asked(connection, promise, query))]
    yield "index", list(_index(connection))
    yield "bodies", list(_bodies(connection))


def forgotten(connection: Connection, *, now: float, behind: Collection[State] = ()) -> list[Broken]:
    """Rows nobody works on though their lease ran out long ago; to be asked while workers live.

    What nobody has begun yet in the states `behind` waits behind others in its queue.
    """
    queued = and_(urls.c.state.in_(behind), urls.c.attempts == 0)
    late = and_(urls.c.due_at < now - FORGOTTEN_S, not_(queued))
    query = select(urls.c.url).where(MOVES, late)
    found = _asked(connection, "a row in flight is looked after", query)
    return [found] if found else []


def places(connection: Connection) -> Iterator[tuple[str, str, int]]:
    """`(URL, file, offset)` of every page in the archive, file by file."""
    held = (urls.c.archive_file.is_not(None), urls.c.state.in_(ENDED))
    query = select(urls.c.url, urls.c.archive_file, urls.c.archive_offset).where(*held)
    ordered = query.order_by(urls.c.archive_file, urls.c.archive_offset)
    for url, file, offset in connection.execution_options(yield_per=500).execute(ordered):
        yield url, file, offset or 0


def sound(connection: Connection) -> list[Broken]:
    """What the database itself says of its pages, indexes and references."""
    return _sqlite_sound(connection) if connection.dialect.name == "sqlite" else _postgresql_sound(connection)


def _asked(connection: Connection, promise: str, query: Select[Any]) -> Broken | None:
    examples = [str(one) for one in connection.execute(query.limit(EXAMPLES)).scalars()]
    if not examples:
        return None
    number = connection.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar() or 0
    return Broken(promise, number, tuple(examples))


def _row(*wanted: ColumnElement[bool]) -> Select[Any]:
    return select(urls.c.url).where(*wanted)


def _article(*wanted: ColumnElement[bool]) -> Select[Any]:
    return select(urls.c.url).join(articles, articles.c.id == urls.c.id).where(*wanted)


_article_of = select(articles.c.id).where(articles.c.id == urls.c.id)
_again = select(rhythms.c.url).where(rhythms.c.url == urls.c.id, rhythms.c.was.is_not(None))
_body_of = select(bodies.c.url).where(bodies.c.url == urls.c.id)
_host = hosts.alias("its_host")
_original = articles.alias("original")
_its_row = urls.alias("row_of_original")
_at_host = urls.join(_host, _host.c.id == urls.c.host)
_copies = urls.join(articles, articles.c.id == urls.c.id).outerjoin(_original, _original.c.id == articles.c.copy_of)

_PROMISES: dict[str, list[tuple[str, Select[Any]]]] = {
    "fates": [
        ("every row has a state we know", _row(urls.c.state.not_in([int(state) for state in State]))),
        ("what was dropped, died or was refused has a reason",
         _row(urls.c.state.in_((State.DROPPED, State.DEAD, State.REFUSED)), urls.c.reason.is_(None))),
        ("what is stored has its article", _row(urls.c.state.in_(IN_STORE), ~_article_of.where(KEPT).exists())),
        ("what was parsed has its article",
         _row(urls.c.state.in_((State.PARSED, State.JUDGED)), ~_article_of.exists())),
        ("an article of the corpus stays in it",
         _article(KEPT, urls.c.state.not_in((*IN_STORE, *IN_FLIGHT)),
                  or_(urls.c.state > State.LEASED, ~_again.exists()))),
        ("nothing is begun more often than is allowed", _row(urls.c.attempts > MAX_ATTEMPTS)),
        ("what is dead tells of what", _row(urls.c.state == State.DEAD, urls.c.detail.is_(None))),
    ],
    "frontier": [
        ("whatever waits can be found by its host",
         select(urls.c.url).select_from(_at_host).where(WAITS, _host.c.best.is_(None), _host.c.given_up.is_(None))),
        ("whoever fetches owns the host",
         select(urls.c.url).select_from(_at_host)
         .where(urls.c.state == State.LEASED, MOVES, _host.c.holder.is_(None), urls.c.source != "replay")),
    ],
    "copies": [
        ("a duplicate names its original", _article(urls.c.state == State.DUPLICATE, articles.c.copy_of.is_(None))),
        ("an original is no copy", _article(urls.c.state == State.STORED, articles.c.copy_of.is_not(None))),
        ("a copy's original is an article, of the same story, and no copy itself",
         select(urls.c.url).select_from(_copies).where(
             articles.c.copy_of.is_not(None),
             or_(_original.c.id.is_(None), _original.c.copy_of.is_not(None), _original.c.story != articles.c.story))),
        ("a stored copy's original is stored, or about to be",
         select(urls.c.url).select_from(_copies).where(
             urls.c.state == State.DUPLICATE, _original.c.stored_at.is_(None),
             ~select(_its_row.c.id)
             .where(_its_row.c.id == articles.c.copy_of, _its_row.c.state.in_(IN_FLIGHT)).exists())),
    ],
    "archive": [
        ("no two pages lie at the same place",
         select(func.min(urls.c.url)).where(urls.c.archive_file.is_not(None))
         .group_by(urls.c.archive_file, urls.c.archive_offset).having(func.count() > 1)),
    ],
}  # fmt: skip


def _index(connection: Connection) -> Iterator[Broken]:
    """Stored articles can be found by their words, and nothing else can."""
    if connection.dialect.name == "sqlite":
        found: ColumnElement[bool] = articles.c.id.in_(text("SELECT id FROM articles_search_docsize"))
        stray = text(
            "SELECT id FROM articles_search_docsize WHERE id NOT IN "
            "(SELECT id FROM articles WHERE stored_at IS NOT NULL) LIMIT 3"
        )
        strays = tuple(f"row {row}" for row in connection.execute(stray).scalars())
    else:
        found = literal_column("articles.search").is_not(None)
        query = _article(~KEPT, found).limit(EXAMPLES)
        strays = tuple(connection.execute(query).scalars())
    missing = _asked(connection, "every stored article can be searched for", _article(KEPT, ~found))
    if missing:
        yield missing
    if strays:
        yield Broken("only stored articles can be searched for", len(strays), strays)


def _bodies(connection: Connection) -> Iterator[Broken]:
    """What waits to be read has a body, and every body can be read."""
    # one that was dropped and matches after all goes on from its text, without the body it had
    missing = _asked(
        connection, "what waits to be read has its body", _row(urls.c.state == State.FETCHED, ~_body_of.exists())
    )
    if missing:
        yield missing
    query = select(urls.c.url, bodies.c.body).join(urls, urls.c.id == bodies.c.url)
    torn = []
    for url, body in connection.execution_options(yield_per=100).execute(query):
        try:
            unpack(body)
        except Exception:  # whatever the unpacker raises: the bytes are not what was stored
            torn.append(url)
    if torn:
        yield Broken("a body can be read", len(torn), tuple(torn[:EXAMPLES]))


def _sqlite_sound(connection: Connection) -> list[Broken]:
    found = []
    said = [str(line) for line in connection.exec_driver_sql("PRAGMA integrity_check").scalars()]
    if said != ["ok"]:
        found.append(Broken("the database file is whole", len(said), tuple(said[:EXAMPLES])))
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if dangling:
        some = tuple(f"{row[0]} row {row[1]}" for row in dangling[:EXAMPLES])
        found.append(Broken("every reference leads somewhere", len(dangling), some))
    return found


def _postgresql_sound(connection: Connection) -> list[Broken]:
    """Every index against its table, where the extension amcheck may be used; else every table is read once."""
    tables = [table.name for table in (urls, hosts, articles, bodies, rhythms)]
    has = connection.execute(text("SELECT 1 FROM pg_extension WHERE extname = 'amcheck'")).first()
    btrees = text(
        "SELECT bt_index_check(i.indexrelid, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'btree' AND i.indrelid = CAST(:name AS regclass)"
    )
    found = []
    for name in tables:
        try:
            with connection.begin_nested():
                if has:
                    connection.execute(btrees, {"name": name})
                else:
                    connection.execute(text(f"SELECT count(*) FROM {name} t WHERE t IS NOT NULL"))
        except DBAPIError as error:
            found.append(Broken(f"the table {name} is whole", 1, (str(error.orig).splitlines()[0],)))
    return found
