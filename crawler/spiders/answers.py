"""What an answer from the web means for its row: the same for every spider."""

from __future__ import annotations

import string
import time
from typing import Any
from urllib.parse import quote

from scrapy.http import Response

from crawler.fetching.addresses import AddressRefused
from crawler.fetching.transport import FetchError
from crawler.frontier.pace import retry_after_s
from pipelines import urls as identity
from pipelines.rights import together
from pipelines.stores.allotment import Waiting
from pipelines.stores.fetches import Fetched
from pipelines.stores.states import State

MAX_FETCHES = 3
# beyond the depth of links: a redirect costs no likeness, but a chain must end
MAX_REDIRECTS = 8
# a second try would end the same
FINAL = {"too-large", "certificate"}
# says something of the host, not only of the page
HOST_FAILED = {"timeout", "dns", "connection", "certificate"}
# nothing may be asked of the host at all, not even its robots.txt
HOST_REFUSED = {"private-address", "certificate"}
# RFC 9110, 15.4: 304 leads nowhere, 305 to a proxy, 306 is unused
REDIRECTS = {300, 301, 302, 303, 307, 308}
RETRIED = {408, 429, 500, 502, 503, 504, 522, 524}
MAX_OF_A_NAME = 20
KEPT_HEADERS = (
    "content-type", "date", "etag", "last-modified", "x-robots-tag", "tdm-reservation", "tdm-policy", "retry-after",
    "content-language", "location",
)  # fmt: skip


def headers_of(response: Response) -> dict[str, str]:
    """The few headers we keep, lower-case."""
    found = {}
    for name in KEPT_HEADERS:
        values = [value.decode("latin-1")[:2000] for value in response.headers.getlist(name)[:MAX_OF_A_NAME]]
        if values and values[-1]:
            found[name] = together(values)[:2000] if name == "x-robots-tag" else values[-1]
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
    if response.status not in REDIRECTS or not location:
        return None
    try:
        address = location.strip().decode()
    except UnicodeDecodeError:  # in whatever the server writes: its bytes are what it will know again
        address = quote(location.strip(), safe=string.punctuation)
    return identity.canonical(address, response.url)


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


def why(failure: Any) -> tuple[str, str]:
    """`(reason, detail)` of Scrapy's failure."""
    raised = failure.value
    if isinstance(raised, AddressRefused):
        return "private-address", str(raised)
    if isinstance(raised, FetchError):
        return raised.reason, str(raised)
    # the middleware that decompresses
    if "DOWNLOAD_MAXSIZE" in str(raised):
        return "too-large", str(raised)
    return "unreadable", f"{type(raised).__name__}: {raised}"
