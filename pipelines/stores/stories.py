"""Which stored texts tell the same story: who is linked with whom, who is a copy, of what, and how one knows.

Links do not depend on the order articles come in, and neither does the way linked ones fall into stories
(pipelines.folding). Articles that are linked, directly or through others, have the same `kin`; whenever one comes,
what it is kin to is folded again, unless it plainly adds one more copy to a story that stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, or_, select, text, update

from pipelines import agencies
from pipelines.folding import Story, fold
from pipelines.sameness import Link, Told, link
from pipelines.signature import READ_CHARS, Signature
from pipelines.stores import signatures
from pipelines.stores.schema import articles, urls
from pipelines.stores.states import State

_LOCK = 7341
# of those with the same text, or that name the same address, so many are compared
MOST_SAME = 24
# a story told more often than this takes one more copy, and is not folded anew
MOST_KIN = 1000
TRUSTED_DATE = 0.5
_PLACED = articles.c.story.is_not(None)
# as much as is compared: a hostile site's long texts, hundreds at once, would fill the memory
_TEXT = func.substr(articles.c.text, 1, READ_CHARS).label("text")
_COLUMNS = (
    articles.c.id, articles.c.site, articles.c.canonical_key, articles.c.title, articles.c.sha256, _TEXT,
    articles.c.authors, articles.c.published, articles.c.published_confidence, articles.c.matched, articles.c.story,
    articles.c.kin, articles.c.copy_of, articles.c.kind, articles.c.similarity, articles.c.first_at, urls.c.url,
    urls.c.key, urls.c.state,
)  # fmt: skip
_HELD = ("story", "kin", "copy_of", "kind", "similarity")
# asked of every article that passes: making a statement costs more than running it
_JOINED = select(*_COLUMNS).join(urls, urls.c.id == articles.c.id)
_OF_ROW = _JOINED.where(articles.c.id == bindparam("row"))
_SAME = [
    select(articles.c.id).where(column == bindparam("same"), _PLACED, articles.c.id != bindparam("row"))
    .order_by(articles.c.id.desc()).limit(MOST_SAME)
    for column in (articles.c.sha256, articles.c.canonical_key)
]  # fmt: skip
_STANDS = (
    update(articles).where(articles.c.id == bindparam("row"))
    .values({name: bindparam(f"its_{name}") for name in (*_HELD, "evidence")})
)  # fmt: skip


def lock(connection: Connection) -> None:
    """One dedupe transaction at a time; SQLite's write lock already is that."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})


@dataclass(frozen=True, slots=True)
class _Member:
    """An article and where it stands now."""

    told: Told
    state: State
    held: dict[str, Any]


def _members(connection: Connection, *conditions: Any) -> list[_Member]:
    # without an order, which would tempt a planner to walk through all articles in that order
    return [_read(row) for row in connection.execute(_JOINED.where(*conditions).limit(MOST_KIN + 1))]


def _member(connection: Connection, row: int) -> _Member:
    return _read(connection.execute(_OF_ROW, {"row": row}).one())


def _read(row: Any) -> _Member:
    return _Member(_told(row), State(row.state), {name: getattr(row, name) for name in _HELD})


def _told(row: Any) -> Told:
    """What an article brings. The canonical one of a story is a match, credibly dated, early, at its own address.

    Of those nobody dates, or that are dated alike, the one that was fetched first.
    """
    dated = bool(row.published) and row.published_confidence >= TRUSTED_DATE
    rank = (
        not row.matched,
        not dated,
        row.published if dated else "",
        row.key != row.canonical_key,
        row.first_at,
        len(row.url),
        row.url,
    )
    agency = agencies.credited(json.loads(row.authors), row.text)
    return Told(row.id, row.url, row.site, row.canonical_key, row.title, row.sha256, agency, rank, row.text)


def place(connection: Connection, row: int, signed: Signature | None) -> None:
    """Finds the story an article tells: one there is, several that turn out to be one, or one of its own.

    `signed` is the signature of the text it has now. An article that was placed before, and has another text since,
    leaves its story first.
    """
    own = _member(connection, row)
    if own.held["story"] is not None:
        leave(connection, [row])
        own = _member(connection, row)
    found = _candidates(connection, own.told, signed)
    near = _members(connection, articles.c.id.in_(found), _PLACED) if found else []
    links = [(one, made) for one in near if (made := link(own.told, one.told))]
    if signed:
        signatures.put(connection, {row: signed})
    kin = {one.held["kin"] or one.told.row for one, _ in links}
    if not links:
        _write(connection, [own], [Story(own.told)])
    elif len(kin) > 1 or not all(made.whole for _, made in links) or not _added(connection, own, min(kin)):
        _fold_anew(connection, own, kin)


def linked(connection: Connection, row: int, others: Sequence[int]) -> list[int]:
    """Those of some other articles that tell the same text as this one."""
    own = _member(connection, row).told
    return [one.told.row for one in _members(connection, articles.c.id.in_(others)) if link(own, one.told)]


def leave(connection: Connection, rows: Sequence[int]) -> None:
    """These articles tell their stories no more: what they were linked with is folded without them, once, and they are
    found no more."""
    signatures.take_out(connection, rows)
    placed = select(articles.c.id, articles.c.kin).where(articles.c.id.in_(rows), articles.c.kin.is_not(None))
    left: dict[int, list[int]] = {}
    for row, kin in connection.execute(placed.order_by(articles.c.id)):
        left.setdefault(kin, []).append(row)
    nothing = dict.fromkeys((*_HELD, "evidence"))
    connection.execute(update(articles).where(articles.c.id.in_(rows)).values(nothing))
    for kin, gone in left.items():
        rest = _members(connection, articles.c.kin == kin)
        if len(rest) <= MOST_KIN:
            _write(connection, rest, fold([member.told for member in rest], link))
        else:
            for row in gone:
                _hand_on(connection, row)


def _hand_on(connection: Connection, row: int) -> None:
    """A story told too often to be folded goes on without `row`: the best of its copies takes its place.

    What made the others its copies stays as it was found.
    """
    its_copies = articles.c.copy_of == row
    if heirs := _members(connection, its_copies):
        head = min(heirs, key=lambda one: one.told.rank)
        connection.execute(update(articles).where(its_copies).values(copy_of=head.told.row))
        alone = dict.fromkeys(("copy_of", "kind", "similarity", "evidence"))
        _change(connection, head, {"story": head.held["story"], "kin": head.held["kin"], **alone})
    for name in (articles.c.story, articles.c.kin):  # both are the smallest row among those that have them
        named = name == row
        smallest = connection.execute(select(func.min(articles.c.id)).where(named)).scalar()
        connection.execute(update(articles).where(named).values({name: smallest}))


def fold_again(connection: Connection, rows: Sequence[int]) -> None:
    """The ranks of these articles have changed: their stories choose their canonical ones again."""
    told = select(articles.c.kin).where(articles.c.id.in_(rows), articles.c.kin.is_not(None)).distinct()
    for kin in sorted(connection.execute(told).scalars()) if rows else []:
        members = _members(connection, articles.c.kin == kin, _PLACED)
        if len(members) <= MOST_KIN:
            _write(connection, members, fold([member.told for member in members], link))


def _candidates(connection: Connection, own: Told, signed: Signature | None) -> set[int]:
    found = signatures.alike(connection, signed) if signed else set()
    for query, same in zip(_SAME, (own.sha256, own.canonical_key), strict=True):
        found |= set(connection.execute(query, {"same": same, "row": own.row}).scalars())
    return found - {own.row}


def _added(connection: Connection, own: _Member, kin: int) -> bool:
    """Adds one more copy to a story that stays as it is; False when its kin has to be folded anew."""
    heads = _members(connection, _of_kin([kin]), articles.c.copy_of.is_(None), _PLACED)
    made = [(one, joins) for one in heads if (joins := link(one.told, own.told))]
    # it may be canonical itself, hold others, or give the kin its name
    upsets = any(own.told.rank < one.told.rank for one in heads) or not all(joins.whole for _, joins in made)
    if not made or upsets or own.told.row < kin:
        return False
    _attach(connection, own, made, kin)
    return True


def _attach(connection: Connection, own: _Member, made: Sequence[tuple[_Member, Link]], kin: int) -> None:
    head, joins = min(made, key=lambda pair: (-pair[1].similarity, pair[0].told.rank))
    values = {"story": head.held["story"], "kin": kin, "copy_of": head.told.row, **_shown(joins)}
    _change(connection, own, values)
    if head.held["kin"] is None:
        connection.execute(update(articles).where(articles.c.id == head.told.row).values(kin=kin))


def _fold_anew(connection: Connection, own: _Member, kin: set[int]) -> None:
    kindred = _members(
        connection, or_(_of_kin(kin), articles.c.id == own.told.row), or_(_PLACED, articles.c.id == own.told.row)
    )
    if len(kindred) <= MOST_KIN:
        _write(connection, kindred, fold([one.told for one in kindred], link))
        return
    heads = _members(connection, _of_kin(kin), articles.c.copy_of.is_(None), _PLACED)
    made = [(one, joins) for one in heads if (joins := link(one.told, own.told))]
    if made:
        _attach(connection, own, made, made[0][0].held["kin"] or made[0][0].told.row)
    else:
        _write(connection, [own], [Story(own.told)])


def _of_kin(kin: Iterable[int]) -> Any:
    """Those with this `kin`, which is the smallest row among them; one that has no kin yet is named by its own."""
    return or_(articles.c.kin.in_(kin), and_(articles.c.id.in_(kin), articles.c.kin.is_(None)))


def _write(connection: Connection, members: Sequence[_Member], stories: Sequence[Story]) -> None:
    """Writes down the stories of members that are kin, where they differ from what is there."""
    of_row = {one.told.row: one for one in members}
    kin = min(of_row) if len(of_row) > 1 else None
    for story in stories:
        head = story.canonical.row
        number = min([head, *(copy.row for copy, _ in story.copies)])
        alone = {"story": number, "kin": kin, "copy_of": None, "kind": None, "similarity": None, "evidence": None}
        _change(connection, of_row[head], alone)
        for copy, made in story.copies:
            values = {"story": number, "kin": kin, "copy_of": head, **_shown(made)}
            _change(connection, of_row[copy.row], values)


def _shown(made: Link) -> dict[str, Any]:
    return {"kind": made.kind, "similarity": made.similarity, "evidence": json.dumps(dict(made.evidence))}


def _change(connection: Connection, member: _Member, values: dict[str, Any]) -> None:
    """An article's place is another. If its row has ended, so is its fate."""
    if any(values[name] != member.held[name] for name in _HELD):
        its = {f"its_{name}": value for name, value in values.items()}
        connection.execute(_STANDS, {"row": member.told.row, **its})
    copy = values["copy_of"] is not None
    if member.state == (State.STORED if copy else State.DUPLICATE):
        fate = {"state": State.DUPLICATE if copy else State.STORED, "reason": "copy" if copy else None}
        connection.execute(update(urls).where(urls.c.id == member.told.row).values(fate))
