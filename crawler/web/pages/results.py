"""Results: everything kept, best first; searched, filtered, and cut where a threshold would cut."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crawler.web import charts
from crawler.web.frame import desk_of, fraction, framed, number, page
from crawler.web.render import query
from pipelines import urls
from pipelines.asked import understood
from pipelines.days import day
from pipelines.errors import UsageError
from pipelines.misfits import Limits
from pipelines.stores import Connection, browse, ratings, search
from pipelines.stores.browse import Cursor
from pipelines.stores.wanted import Wanted

SHOWN = 50
# as many names are offered while one is typed
MOST_SITES = 200
NAMES = ("q", "site", "language", "since", "until", "least", "retold", "rated", "all")


def results(request: Request) -> Response:
    """A page of results; `after` is where the one before ended."""
    desk = desk_of(request)
    asked = {name: request.query_params.get(name, "").strip() for name in NAMES}
    problem = None
    with desk.read() as connection:
        run = desk.run(connection)
        frame = framed(connection, run)
        try:
            told = _found(connection, asked, request.query_params.get("after", ""), frame["family"])
        except UsageError as error:
            told = {"rows": [], "more": None, "cut": False, "first": True}
            problem = str(error)
        learned = desk.learned(connection, run)
        standing = ratings.standing(connection, frame["family"])
    counted = desk.counted()
    census = counted.value if counted else None
    threshold, limited = learned.threshold if learned else None, bool(Limits(run.config.only_profile()[1]).name)
    by_score = None if limited or census is None else census.matches
    feed = query({"profile": frame["family"], "key": request.app.state.access.feed_key})
    template = "_rows.html" if request.headers.get("hx-target") == "rows" else "results.html"
    return page(
        request, template, "results", frame, asked=asked, problem=problem, verdicts=standing,
        threshold=threshold, curve=charts.in_force(census.curve, threshold, by_score) if census else None,
        languages=census.languages if census else (),
        sites=[site.name for site in census.sites[:MOST_SITES]] if census else [],
        total=census.matches if census else None, limited=limited, feed=feed, **told,
    )  # fmt: skip


def wanted_of(asked: dict[str, str], *, since: str = "since", until: str = "until") -> Wanted:
    """The choice the fields word. Raises UsageError for what is no day, which names the field as it is called here."""
    everything = asked["all"] == "1"
    return Wanted(
        everything=everything, copies=everything, language=asked["language"] or None,
        site=urls.site_of(urls.host_named(asked["site"])) if asked["site"] else None,
        since=day(asked["since"] or None, since), until=day(asked["until"] or None, until),
        least=fraction(asked["least"]),
    )  # fmt: skip


def _found(connection: Connection, asked: dict[str, str], after: str, family: str) -> dict[str, Any]:
    wanted = wanted_of(asked, since="From:", until="To:")
    if asked["rated"]:
        verdict = {"like": 1, "unlike": -1}.get(asked["rated"])
        held = browse.rated(connection, family, verdict)
        return {"rows": browse.shown(connection, held), "more": None, "cut": False, "first": True}
    if asked["q"]:
        return _searched(connection, asked, wanted, number(after) or 0)
    cursor = cursor_of(after)
    leaf = browse.leaf(connection, wanted, after=cursor, limit=SHOWN, retold=asked["retold"] == "1")
    rows = browse.shown(connection, leaf.rows)
    more = query(asked, after=f"{leaf.after.score!r}_{leaf.after.row}") if leaf.after else None
    return {"rows": rows, "more": more, "cut": leaf.cut, "first": cursor is None}


def _searched(connection: Connection, asked: dict[str, str], wanted: Wanted, begin: int) -> dict[str, Any]:
    hits = search.find(connection, understood(asked["q"]), wanted, limit=min(begin + SHOWN + 1, search.POOL))
    some = hits[begin : begin + SHOWN]
    rows = browse.shown(connection, [hit.row for hit in some])
    marked = {hit.row: {"title": pieces(hit.title), "text": pieces(hit.text)} for hit in some}
    rows = [row | {"marked": marked[row["id"]]} for row in rows]
    more = query(asked, after=begin + SHOWN) if len(hits) > begin + SHOWN else None
    return {"rows": rows, "more": more, "cut": False, "first": begin == 0}


def pieces(told: Any) -> list[tuple[str, bool]]:
    """A highlighted text as pieces, with whether each is marked."""
    found, at = [], 0
    for begin, end in told.marks:
        found += [(told.text[at:begin], False), (told.text[begin:end], True)]
        at = end
    return [piece for piece in [*found, (told.text[at:], False)] if piece[0]]


def cursor_of(after: str) -> Cursor | None:
    """Where the page before ended, as its link said."""
    text, _, row = after.partition("_")
    score, at = fraction(text), number(row)
    return Cursor(score, at) if score is not None and at is not None else None


ROUTES = [Route("/results", results)]
