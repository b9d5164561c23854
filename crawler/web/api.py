"""The same facts as the command line's `--json`, over HTTP: for programs that show the token as `Bearer`."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crawler import searching
from crawler.explaining import explained, row_of
from crawler.running.standing import standing
from crawler.web.frame import desk_of, number
from crawler.web.pages.results import NAMES, cursor_of, wanted_of
from pipelines.asked import understood
from pipelines.errors import UsageError
from pipelines.stores import articles, browse, fates, tellings

MOST, USUAL = 200, 50


def status(request: Request) -> Response:
    """As `suchlike status --json`."""
    desk = desk_of(request)
    try:
        with desk.read() as connection:
            return JSONResponse(standing(connection, desk.project.config()))
    except UsageError:  # nothing has run yet
        return JSONResponse(standing(None, desk.project.config()))


def listed(request: Request) -> Response:
    """`{articles, after}`: as `suchlike list --json`, a page at a time; `after` asks for the next one."""
    asked, limit = _asked(request), _limit(request)
    with desk_of(request).read() as connection:
        after = cursor_of(request.query_params.get("after", ""))
        leaf = browse.leaf(connection, wanted_of(asked), after=after, limit=limit, retold=asked["retold"] == "1")
        held = articles.of_rows(connection, leaf.rows)
    found = [_told(request, held[row]) for row in leaf.rows]
    then = f"{leaf.after.score!r}_{leaf.after.row}" if leaf.after else None
    return JSONResponse({"articles": found, "after": then})


def searched(request: Request) -> Response:
    """`{articles}`: as `suchlike search WORDS --json`, best answers first."""
    asked, limit = _asked(request), _limit(request)
    with desk_of(request).read() as connection:
        found = searching.searched(connection, understood(asked["q"]), wanted_of(asked), limit=limit)
    return JSONResponse({"articles": [_told(request, one) for one in found]})


def shown(request: Request) -> Response:
    """As `suchlike show URL --json`."""
    with desk_of(request).read() as connection:
        return JSONResponse(fates.tell(connection, row_of(connection, _url(request))))


def explain(request: Request) -> Response:
    """As `suchlike explain URL --json`."""
    return JSONResponse(explained(desk_of(request).store, _url(request)))


def ends(request: Request) -> Response:
    """As `suchlike fates --json`."""
    with desk_of(request).read() as connection:
        return JSONResponse(fates.count(connection, number(request.query_params.get("run"))))


def stories(request: Request) -> Response:
    """`{stories, before}`: as `suchlike dupes --json`, a page at a time, the latest first."""
    limit = _limit(request)
    with desk_of(request).read() as connection:
        found = tellings.originals(connection, before=number(request.query_params.get("before")), limit=limit)
        held = articles.of_rows(connection, [row for row, _ in found])
        told = []
        for row, _ in found:
            members = tellings.members(connection, held[row]["story"])
            told.append(
                {"story": held[row]["story"], "canonical": held[row]["url"],
                 "copies": [{"url": one["url"], "similarity": one["similarity"], "published": one["published"]}
                            for one in members if one["is_copy"]]}
            )  # fmt: skip
    return JSONResponse({"stories": told, "before": found[-1][0] if len(found) == limit else None})


def _asked(request: Request) -> dict[str, str]:
    return {name: request.query_params.get(name, "").strip() for name in NAMES}


def _limit(request: Request) -> int:
    return number(request.query_params.get("limit"), 1, MOST) or USUAL


def _url(request: Request) -> str:
    url = request.query_params.get("url", "")
    if not url:
        raise UsageError("Name the URL: ?url=https://…")
    return url


def _told(request: Request, article: dict[str, Any]) -> dict[str, Any]:
    return article if request.query_params.get("text") == "1" else {k: v for k, v in article.items() if k != "text"}


ROUTES = [
    Route("/api/v1/status", status), Route("/api/v1/articles", listed), Route("/api/v1/search", searched),
    Route("/api/v1/show", shown), Route("/api/v1/explain", explain), Route("/api/v1/fates", ends),
    Route("/api/v1/stories", stories),
]  # fmt: skip
