"""Whether the dashboard and its database answer; for supervisors, so without a token and without facts."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crawler.web.frame import desk_of
from pipelines.errors import UnreachableError, UsageError


def healthz(request: Request) -> Response:
    """200 `{"ok": true}`, or 503 when the database does not answer; a project without results yet is well."""
    try:
        with desk_of(request).read() as connection:
            connection.exec_driver_sql("SELECT 1")
    except UsageError:
        return JSONResponse({"ok": True, "database": "none yet"})
    except UnreachableError:
        return JSONResponse({"ok": False, "database": "away"}, status_code=503)
    return JSONResponse({"ok": True, "database": "up"})


ROUTES = [Route("/healthz", healthz)]
