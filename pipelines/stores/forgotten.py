"""Taking down: what is removed of a URL or of a whole site, and the tombstone that keeps it from coming back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Table, delete, or_, select, update

from pipelines import urls as identity
from pipelines.stores import runs, search, stories
from pipelines.stores.dialect import portions, upsert
from pipelines.stores.discovery import settle_best
from pipelines.stores.schema import KEPT, articles, barred, bodies, hosts, metadata, rhythms, urls
from pipelines.stores.states import State

REASON = "forgotten"
# of one page to the next, at most
MOST_REDIRECTS = 20
# whose rows belong to one URL: every table that names its article, now or in later versions; the article comes last
_OF_A_ROW: tuple[tuple[Table, str], ...] = (
    (bodies, "url"),
    (rhythms, "url"),
    *((table, "article") for table in metadata.sorted_tables if "article" in table.c),
    (articles, "id"),
)
# what a tombstone still knows: that there was such a URL, and where it was found
_BARE = {
    "state": State.REFUSED, "reason": REASON, "detail": None, "anchor": "", "context": "", "published": "",
    "quick": None, "status": None, "fetched_at": None, "attempts": 0, "archive_file": None, "archive_offset": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """What is stored of some rows: titles of articles by URL, and where in which archive file their pages lie."""

    articles: dict[str, str]
    archived: dict[str, list[int]]


def led_to(connection: Connection, row: int) -> list[int]:
    """The row, and those it led to by redirects."""
    rows = [row]
    while len(rows) < MOST_REDIRECTS:
        held = connection.execute(select(urls.c.reason, urls.c.detail).where(urls.c.id == rows[-1])).one()
        target = (held.detail or "").removeprefix("to ") if held.reason == "redirect" else ""
        after = connection.execute(select(urls.c.id).where(urls.c.key == identity.key(target))).scalar()
        if after is None or after in rows:
            break
        rows.append(after)
    return rows


def variants(connection: Connection, row: int) -> list[int]:
    """The row, and those under which the same site tells the same article: print, AMP, and the address they give as the
    article's own, fetched or not. A page that gives the same address and has another text is none."""
    own = connection.execute(select(articles.c.canonical_key, articles.c.site).where(articles.c.id == row)).first()
    if own is None:
        url = connection.execute(select(urls.c.url).where(urls.c.id == row)).scalar_one()
        return sorted({row, *claiming(connection, url)})
    same = (articles.c.canonical_key == own.canonical_key, articles.c.site == own.site, articles.c.id != row)
    others = connection.execute(select(articles.c.id).where(*same)).scalars().all()
    alike = stories.linked(connection, row, others)
    unread = (urls.c.key == own.canonical_key, urls.c.state.in_((State.WAITING, State.DEAD)))
    meant = connection.execute(select(urls.c.id).where(*unread)).scalars().all() if len(alike) == len(others) else []
    return sorted({row, *alike, *meant})


def claiming(connection: Connection, url: str) -> list[int]:
    """The articles that give this canonical URL as their own, on its site; none if they tell different things."""
    site = identity.site_of(identity.host_of(url))
    same = (articles.c.canonical_key == identity.key(url), articles.c.site == site)
    found = list(connection.execute(select(articles.c.id).where(*same).order_by(articles.c.id)).scalars())
    return found if found and len(stories.linked(connection, found[0], found[1:])) == len(found) - 1 else []


def unheard_of(connection: Connection, rows: Sequence[int]) -> list[str]:
    """The addresses that these articles alone give as their own, and that have no row yet."""
    own, other = articles.alias(), articles.alias()
    found: set[str] = set()
    for some in portions(rows):
        others = select(other.c.id).where(other.c.canonical_key == own.c.canonical_key, other.c.id.not_in(some))
        known = select(urls.c.id).where(urls.c.key == own.c.canonical_key)
        query = select(own.c.canonical_url).where(own.c.id.in_(some), ~others.exists(), ~known.exists())
        found |= set(connection.execute(query).scalars())
    return sorted(one for one in found if one.count("/") > 3 or not one.endswith("/"))  # no site's front page


def copies(connection: Connection, rows: Sequence[int]) -> dict[int, str]:
    """Row -> URL of the articles that tell the stories of these, and are not among them."""
    told, own, found = set[int](), set(rows), dict[int, str]()
    for some in portions(rows):
        query = select(articles.c.story).where(articles.c.id.in_(some), articles.c.story.is_not(None))
        told |= set(connection.execute(query).scalars())
    telling = select(urls.c.id, urls.c.url).join(articles, articles.c.id == urls.c.id).order_by(urls.c.id)
    for some in portions(sorted(told)):
        for row, url in connection.execute(telling.where(articles.c.story.in_(some))):
            if row not in own:
                found[row] = url
    return dict(sorted(found.items()))


def of_site(connection: Connection, site: str) -> list[int]:
    """Every row of a site, or of one host."""
    known = select(hosts.c.id).where(or_(hosts.c.site == site, hosts.c.name == site))
    return list(connection.execute(select(urls.c.id).where(urls.c.host.in_(known)).order_by(urls.c.id)).scalars())


def held(connection: Connection, rows: Sequence[int]) -> Held:
    """What is stored of these rows."""
    titles: dict[str, str] = {}
    archived: dict[str, list[int]] = {}
    for some in portions(rows):
        query = (
            select(urls.c.url, urls.c.archive_file, urls.c.archive_offset, articles.c.title)
            .outerjoin(articles, articles.c.id == urls.c.id).where(urls.c.id.in_(some)).order_by(urls.c.id)
        )  # fmt: skip
        for url, file, offset, title in connection.execute(query):
            if title is not None:
                titles[url] = title
            if file is not None:
                archived.setdefault(file, []).append(offset or 0)
    return Held(titles, archived)


def begin(connection: Connection) -> None:
    """From now until this transaction ends no crawler finds or hands over URLs, and no page is stored."""
    runs.take_turn(connection)
    stories.lock(connection)


def forget(connection: Connection, rows: Sequence[int], *, site: str | None = None, now: float) -> None:
    """Removes all that is stored of these rows; tombstones stay. With `site`, no URL of it is taken up again.

    Copies elsewhere choose another original among them. Comes after begin().
    """
    sqlite = connection.dialect.name == "sqlite"
    if not sqlite:
        _hold(connection, rows)
    touched: set[int] = set()
    for some in portions(rows):
        if sqlite:  # PostgreSQL's index loses what its table does
            stored = (articles.c.id.in_(some), KEPT)
            search.take_out(connection, connection.execute(select(articles.c.id).where(*stored)).scalars().all())
        stories.leave(connection, some)
        for table, column in _OF_A_ROW:
            connection.execute(delete(table).where(table.c[column].in_(some)))
        connection.execute(update(urls).where(urls.c.id.in_(some)).values(_BARE))
        # what a page said about those it led to are its own words
        connection.execute(update(urls).where(urls.c.parent.in_(some)).values(anchor="", context=""))
        touched |= set(connection.execute(select(urls.c.host).where(urls.c.id.in_(some)).distinct()).scalars())
    settle_best(connection, touched)
    if site is not None:
        connection.execute(upsert(connection, barred, ["site"], ["at", "blocked"]).values(site=site, at=now, blocked=0))
    if sqlite and rows:
        # a full-text index only marks what is taken out, until its parts are put together anew
        connection.exec_driver_sql("INSERT INTO articles_search(articles_search) VALUES('optimize')")


def _hold(connection: Connection, rows: Sequence[int]) -> None:
    """Locks these rows, and those they led to, in order and before all that belongs to them: as stages do."""
    changed = set(rows)
    for some in portions(rows):
        changed |= set(connection.execute(select(urls.c.id).where(urls.c.parent.in_(some))).scalars())
    for some in portions(sorted(changed)):
        connection.execute(select(urls.c.id).where(urls.c.id.in_(some)).order_by(urls.c.id).with_for_update())


def among(connection: Connection, rows: Sequence[int]) -> set[int]:
    """Those of these rows that were forgotten."""
    gone = (urls.c.state == State.REFUSED, urls.c.reason == REASON)
    return {
        row
        for some in portions(rows)
        for row in connection.execute(select(urls.c.id).where(urls.c.id.in_(some), *gone)).scalars()
    }


def tombstones(connection: Connection, addresses: Iterable[str]) -> set[str]:
    """Those of these canonical URLs that were forgotten, in whichever spelling."""
    keys = {one: [identity.key(spelt) for spelt in identity.spellings(one)] for one in addresses}
    every = {key for some in keys.values() for key in some}
    gone = (urls.c.key.in_(every), urls.c.state == State.REFUSED, urls.c.reason == REASON)
    held = set(connection.execute(select(urls.c.key).where(*gone)).scalars())
    return {one for one, some in keys.items() if not held.isdisjoint(some)}
