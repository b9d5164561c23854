"""Puts the pages together, behind the guard."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from importlib.resources import files

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from crawler.web import api, entry, feeds, health, live, metrics
from crawler.web.access import Access
from crawler.web.desk import Desk, NothingYet
from crawler.web.guard import Guard
from crawler.web.pages import article, failures, overview, queues, rate, results, seeds, sources, stories
from crawler.web.refusal import FOR_PROGRAMS, Refusal, refusal
from crawler.web.render import render
from pipelines.errors import SuchlikeError, UnreachableError

logger = logging.getLogger(__name__)

# a page is a file in `pages`, with its template beside it, and its routes here
PAGES: list[Route] = [
    *overview.ROUTES,
    *results.ROUTES,
    *article.ROUTES,
    *rate.ROUTES,
    *stories.ROUTES,
    *sources.ROUTES,
    *queues.ROUTES,
    *failures.ROUTES,
    *seeds.ROUTES,
]


def build(desk: Desk, access: Access) -> Starlette:
    """The dashboard of one project, as an ASGI app."""
    static = StaticFiles(directory=str(files("crawler.web") / "static"))
    app = Starlette(
        routes=[
            *PAGES,
            *entry.ROUTES,
            *health.ROUTES,
            *live.ROUTES,
            *api.ROUTES,
            *feeds.ROUTES,
            *metrics.ROUTES,
            Mount("/static", _Kept(static)),
        ],
        middleware=[Middleware(Guard, access=access)],
        exception_handlers={HTTPException: _refused, SuchlikeError: _unable, Exception: _broken},
    )
    app.state.desk, app.state.access = desk, access
    app.state.leaving, app.state.streams = False, 0
    return app


class _Kept:
    """Static files change only with the version: browsers keep them a while."""

    def __init__(self, app: StaticFiles) -> None:
        self._app = app

    async def __call__(
        self, scope: object, receive: object, send: Callable[[dict[str, object]], Awaitable[None]]
    ) -> None:
        async def kept(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                headers: list[tuple[bytes, bytes]] = list(message["headers"])  # type: ignore[call-overload]  # ASGI's
                message["headers"] = [*headers, (b"cache-control", b"private, max-age=300")]
            await send(message)

        await self._app(scope, receive, kept)  # type: ignore[arg-type]  # ASGI's own types are no wider


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(request.scope, Refusal(error.status_code, str(error.detail)))


def _unable(request: Request, error: Exception) -> Response:
    """What the user can act on: an empty store, a wrong filter, a database that is away."""
    if isinstance(error, NothingYet) and not request.url.path.startswith(FOR_PROGRAMS):
        return render("nothing.html", sentence=str(error), path=request.url.path)
    return refusal(request.scope, Refusal(503 if isinstance(error, UnreachableError) else 400, str(error)))


def _broken(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return refusal(request.scope, Refusal(500, "Something went wrong that should not; the log says what."))
