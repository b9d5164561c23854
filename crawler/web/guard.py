"""The rules every request passes before a page sees it. Each is one function that says why not, or nothing.

On this machine is not among friends: any page in the user's browser can send requests here (DNS rebinding, forms,
images), and what we show was written by strangers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crawler.web.access import Access, is_loopback, name_of
from crawler.web.entry import entered
from crawler.web.refusal import Refusal, refusal

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
# what a health check or a stranger's browser may have: nothing of the project is in them
OPEN: Final = ("/healthz", "/enter", "/static/")
# readers of feeds keep an address and nothing else: theirs has a key of its own
FEEDS: Final = ("/feed.xml", "/feed.json")
_READS: Final = ("GET", "HEAD")

Rule = Callable[[HTTPConnection, Access], Refusal | None]


def host_is_ours(request: HTTPConnection, access: Access) -> Refusal | None:
    """A name that somebody else's DNS points at us is not ours (DNS rebinding)."""
    if request.scope["path"] == "/healthz":
        return None
    name = name_of(request.headers.get("host", ""))
    if name in access.hosts:
        return None
    return Refusal(421, "This dashboard does not answer to that name; add it to hosts in [web] if it is yours.")


def writes_come_from_here(request: HTTPConnection, access: Access) -> Refusal | None:
    """What changes something must come from a page of ours, or from a program that shows the token."""
    if request.scope["method"] in _READS or _bearer(request, access):
        return None
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = origin is not None and urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
    if site in (None, "same-origin") and (ours if origin is not None else site is not None):
        return None
    return Refusal(403, "This request came from another site and was not carried out.")


def visitor_is_known(request: HTTPConnection, access: Access) -> Refusal | None:
    """The token, as a cookie or in the Authorization header."""
    path = request.scope["path"]
    if path.startswith(OPEN) or _bearer(request, access):
        return None
    if access.admits(request.cookies.get(access.cookie, "")):
        return None
    if path in FEEDS and access.subscribes(request.query_params.get("key", "")):
        return None
    if path == "/metrics" and access.is_local and is_loopback(name_of(request.headers.get("host", ""))):
        return None
    return Refusal(401, "This dashboard opens with its token.")


# asked in this order
RULES: list[Rule] = [host_is_ours, writes_come_from_here, visitor_is_known]


class Guard:
    """Asks every rule, in order, and puts the security headers on every answer, errors among them."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in message["headers"]}
                more = [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in names]
                if b"cache-control" not in names:
                    more.append((b"cache-control", b"no-store"))
                message["headers"] = [*message["headers"], *more]
            await send(message)

        answer = self._answer(HTTPConnection(scope)) or self._app
        await answer(scope, receive, sealed)

    def _answer(self, request: HTTPConnection) -> Response | None:
        """What is said without asking a page: no, or welcome."""
        for rule in RULES:
            if rule is visitor_is_known and (welcome := entered(request, self._access)):
                return welcome
            if no := rule(request, self._access):
                return refusal(request.scope, no)
        return None


def _bearer(request: HTTPConnection, access: Access) -> bool:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and access.knows(token.strip())
