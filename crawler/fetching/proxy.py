"""The HTTP proxy a crawl may go through: whether it is there, and what is said when it is not."""

from __future__ import annotations

import socket
from typing import Final
from urllib.parse import urlsplit

from pipelines.errors import UnreachableError
from pipelines.masking import masked_address

# why a crawl ended that could ask nobody any more, and the exit code by which its process says so
AWAY: Final = "proxy-away"
AWAY_CODE: Final = 6
_TIMEOUT_S: Final = 5.0
_PORTS: Final = {"http": 80, "https": 443}


def require(address: str) -> None:
    """Raises UnreachableError unless something listens at the proxy's `address`."""
    at = urlsplit(address)
    try:
        socket.create_connection((at.hostname or "", at.port or _PORTS.get(at.scheme, 80)), _TIMEOUT_S).close()
    except (OSError, ValueError):
        raise away(address) from None


def away(address: str) -> UnreachableError:
    """The error that says so; a user's name and password are masked."""
    shown = masked_address(address).rstrip("/")
    return UnreachableError(
        f"The proxy {shown} does not answer; the same command goes on where it stopped when it does."
    )
