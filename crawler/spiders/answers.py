"""What an answer from the web means for its row: the same for every spider."""

from __future__ import annotations

import time
from typing import Any

from scrapy.http import Response
from twisted.internet import defer, error
from twisted.web.client import ResponseFailed

from crawler.addresses import AddressRefused, why_refused
from crawler.frontier.pace import retry_after_s
from pipelines import urls as identity
from pipelines.stores.hosts import Waiting
from pipelines.stores.ledger import Fetched
from pipelines.stores.schema import State

MAX_FETCHES = 3
# beyond the depth of links: a redirect costs no likeness, but a chain must end
MAX_REDIRECTS = 8
# a second try would end the same
FINAL = {"too-large"}
# says something of the host, not only of the page
HOST_FAILED = {"timeout", "dns", "connection"}
RETRIED = {408, 429, 500, 502, 503, 504, 522, 524}
KEPT_HEADERS = (
    "content-type", "date", "etag", "last-modified", "x-robots-tag", "tdm-reservation", "tdm-policy", "retry-after",
    "content-language", "location",
)  # fmt: skip


def headers_of(response: Response) -> dict[str, str]:
    """The few headers we keep, lower-case."""
    found = {}
    for name in KEPT_HEADERS:
        value = response.headers.get(name)
        if value:
            found[name] = value.decode("latin-1")[:2000]
    return found


def wait_asked(response: Response) -> float | None:
    """Seconds a 429 or 503 asks us to wait."""
    header = response.headers.get("Retry-After")
    if response.status not in (429, 503) or not header:
        return None
    return retry_after_s(header.decode("latin-1"), time.time())


def redirect_of(response: Response) -> str | None:
    """The canonical address a redirect names, None when it is none we may follow."""
    location = response.headers.get("Location")
    if not 300 <= response.status < 400 or not location:
        return None
    return identity.canonical(location.decode("latin-1").strip(), response.url)


def not_served(row: Waiting, status: int) -> Fetched:
    """The row of an answer that is no page: tried again where that may help, else ended."""
    reason = f"http-{status}"
    if status in RETRIED:
        return failed(row, reason, f"the server answered {status}", status)
    return Fetched(row.row, State.DROPPED, status, reason, f"the server answered {status}", fetched_at=time.time())


def failed(row: Waiting, reason: str, detail: str, status: int | None = None) -> Fetched:
    """The row of a fetch that failed: waits again, or is dead after MAX_FETCHES tries."""
    if reason in FINAL:
        return Fetched(row.row, State.DROPPED, status, reason, detail, fetched_at=time.time())
    again = row.fetches + 1 < MAX_FETCHES
    state = State.WAITING if again else State.DEAD
    return Fetched(row.row, state, status, reason, detail, fetched_at=0.0 if again else time.time())


_REASONS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((defer.TimeoutError, error.TimeoutError, error.TCPTimedOutError, TimeoutError), "timeout"),
    ((error.DNSLookupError,), "dns"),
    ((defer.CancelledError,), "too-large"),
    ((error.ConnectError, error.ConnectionLost, error.ConnectionDone, ResponseFailed, OSError), "connection"),
)


def why(failure: Any) -> tuple[str, str]:
    """`(reason, detail)` of Scrapy's failure."""
    raised = failure.value
    refused = str(raised) if isinstance(raised, AddressRefused) else why_refused(failure.request.url)
    if refused and not failure.request.meta.get("proxy"):
        return "private-address", refused
    name = type(raised).__name__
    if "DOWNLOAD_MAXSIZE" in str(raised):
        return "too-large", str(raised)
    if "Timeout" in name:
        return "timeout", str(raised)
    if "Cannot resolve" in name or "DNS" in name or "CannotResolveHost" in name:
        return "dns", str(raised)
    for types, reason in _REASONS:
        if isinstance(raised, types):
            return reason, f"{name}: {raised}"
    for fragment, reason in (
        ("Cancel", "too-large"),
        ("Connect", "connection"),
        ("Download", "connection"),
        ("DataLoss", "connection"),
    ):
        if fragment in name:
            return reason, f"{name}: {raised}"
    return "unreadable", f"{name}: {raised}"
