"""The latest matches as a live feed, for readers that can keep an address and nothing else."""

from __future__ import annotations

from io import BytesIO

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crawler.web.frame import desk_of
from pipelines.errors import UsageError
from pipelines.exports import EXPORTS, Choice
from pipelines.stores import articles, browse, editions

LATEST = 50
KINDS = {"/feed.xml": ("atom", "application/atom+xml"), "/feed.json": ("jsonfeed", "application/feed+json")}


def feed(request: Request) -> Response:
    """The newest originals of one seed set (`?profile=`, else the latest run's), as Atom or JSON Feed."""
    desk = desk_of(request)
    with desk.read() as connection:
        run = desk.run(connection)
        family = request.query_params.get("profile") or editions.family_of(connection, run.profile)
        if family is None:
            raise UsageError("There are no seeds, so nothing resembles them.")
        rows = browse.newest_of(connection, family, LATEST)
        held = articles.of_rows(connection, rows)
    name, kind = KINDS[request.url.path]
    out = BytesIO()
    EXPORTS[name].write([held[row] for row in rows if row in held], out, Choice(title=f"{family} ({run.mode})"))
    return Response(out.getvalue(), media_type=kind)


ROUTES = [Route(path, feed) for path in KINDS]
