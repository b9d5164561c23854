"""Posts signed JSON to an address of the user's, as Standard Webhooks (standardwebhooks.com) words it.

The address dialled is judged like one that is crawled: a webhook cannot be talked into an inner network, unless private
addresses are allowed. Redirects are not followed.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from crawler.fetching.addresses import is_public
from pipelines.errors import AlertError

# for each sign of life, and for all of an exchange
TIMEOUT_S, WHOLE_S = 10.0, 30.0


def post(url: str, secret: str, event: Mapping[str, Any], *, id: str, now: float, allow_private: bool = False) -> None:
    """Posts an event; AlertError unless the answer is a 2xx. `id` is the same however often it is tried again."""
    parts = urlsplit(url)
    body = json.dumps(event, ensure_ascii=False).encode()
    stamp = str(int(now))
    headers = {
        "Content-Type": "application/json", "User-Agent": "suchlike", "webhook-id": id, "webhook-timestamp": stamp,
        "webhook-signature": signature(secret, id, stamp, body),
    }  # fmt: skip
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    try:
        connection.sock = _dialled(parts.hostname or "", parts.port, parts.scheme == "https", allow_private)
        with _within(connection.sock, WHOLE_S):
            connection.request("POST", path, body, headers)
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AlertError(f"{parts.hostname} did not take it: {error or type(error).__name__}.") from None
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise AlertError(f"{parts.hostname} answered {status}.")


def signature(secret: str, id: str, stamp: str, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 of id, time and body; a secret that begins with `whsec_` is base64 behind that."""
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    signed = hmac.new(key, f"{id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


@contextlib.contextmanager
def _within(sock: socket.socket, seconds: float) -> Iterator[None]:
    """Hangs up on who answers too slowly, however many signs of life he gives. Raises TimeoutError."""
    late = threading.Event()

    def hang_up() -> None:
        late.set()
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException):
        if late.is_set():
            raise TimeoutError(f"no answer within {seconds:.0f} s") from None
        raise
    finally:
        timer.cancel()


def _dialled(host: str, port: int | None, secure: bool, allow_private: bool) -> socket.socket:
    """A connection to the first of the host's addresses that may be dialled and answers."""
    refused: OSError | None = None
    for *_, (address, *_rest) in socket.getaddrinfo(host, port or (443 if secure else 80), type=socket.SOCK_STREAM):
        if not (allow_private or is_public(str(address))):
            refused = OSError(f"{address} is not an address of the public internet")
            continue
        try:
            plain = socket.create_connection((str(address), port or (443 if secure else 80)), TIMEOUT_S)
        except OSError as error:
            refused = error
            continue
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host) if secure else plain
    raise refused or OSError("the name has no address")
