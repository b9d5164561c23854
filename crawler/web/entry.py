"""The way in: the token once, in the address or typed, and a cookie from then on."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crawler.web.access import Access
from crawler.web.frame import form_of
from crawler.web.refusal import Refusal, refusal
from crawler.web.render import render

KEPT_S = 30 * 24 * 3600


async def enter(request: Request) -> Response:
    """A typed token: the cookie, and on to where the visitor wanted to go."""
    access: Access = request.app.state.access
    form = await form_of(request)
    if not access.knows(form.get("token", [""])[0].strip()):
        return refusal(
            request.scope, Refusal(401, "That is not the token. It is in the address `suchlike web` prints.")
        )
    return admitted(RedirectResponse(inner(form.get("next", ["/"])[0]), status_code=303), access)


def entered(request: HTTPConnection, access: Access) -> Response | None:
    """A token in the front page's address: the cookie, and a page that leads on without it in the address.

    A page and no redirect: to a browser that followed a link from elsewhere (a notebook, a mail), what a redirect leads
    to comes from elsewhere, too, and a strict cookie is not sent.
    """
    token = request.query_params.get("token")
    if token is None or request.scope["path"] != "/" or request.scope["method"] != "GET":
        return None
    if not access.knows(token):
        return refusal(request.scope, Refusal(401, "The token in this address is not this dashboard's, or no longer."))
    return admitted(render("entered.html"), access)


def admitted(answer: Response, access: Access) -> Response:
    """The answer, with the cookie."""
    answer.set_cookie(access.cookie, access.pass_, max_age=KEPT_S, httponly=True, samesite="strict")
    return answer


def inner(path: str) -> str:
    """A path of ours, else the front page: nobody is sent elsewhere."""
    try:
        parts = urlsplit(path)
    except ValueError:
        return "/"
    fine = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return path if fine and path.isprintable() else "/"


ROUTES = [Route("/enter", enter, methods=["POST"])]
