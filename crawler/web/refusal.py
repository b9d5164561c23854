"""No, as a page for people and as JSON for programs; what is quoted in it is escaped like everything else."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from crawler.web.render import render

# where programs look, and not people
FOR_PROGRAMS = ("/api/", "/healthz", "/metrics", "/feed.")
_TITLES = {
    400: "That cannot be read", 401: "Sign in", 403: "Not from here", 404: "There is no such page",
    405: "Not like that", 413: "Too much", 421: "Not by that name", 503: "Nothing to show right now",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status and one sentence on what to do about it."""

    status: int
    sentence: str


def refusal(scope: Scope, no: Refusal) -> Response:
    """The answer that says no."""
    path = scope.get("path", "")
    if path.startswith(FOR_PROGRAMS):
        more = {"www-authenticate": "Bearer"} if no.status == 401 else {}
        return JSONResponse({"error": no.sentence}, status_code=no.status, headers=more)
    title = _TITLES.get(no.status, "Something went wrong")
    return render("refusal.html", status=no.status, title=title, sentence=no.sentence, path=path)
