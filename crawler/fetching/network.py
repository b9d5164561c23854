"""Whether there is a network at all, asked before a run begins: without one every page would fail, one by one."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from pipelines.config import Config
from pipelines.errors import UnreachableError

# as many names are asked for, at once; who knows none of them by then is left to the crawl
ASKED = 3
PATIENCE_S = 6.0

Resolve = Callable[[str, None], object]


def require(config: Config, starts: Iterable[str], resolve: Resolve = socket.getaddrinfo) -> None:
    """Raises UnreachableError when nobody is there to ask for the names a crawl from these URLs begins with.

    A name that is not known is no reason: then somebody answered. Not asked where nothing is fetched from the web, or
    where a proxy resolves the names.
    """
    hosts = list(dict.fromkeys(urlsplit(url).hostname or "" for url in starts))
    if config.mode != "online" or config.crawl.proxy or not hosts or any(map(_is_address, hosts)):
        return
    alone: list[bool] = []

    def ask(host: str) -> None:
        try:
            resolve(host, None)
        except socket.gaierror as error:
            alone.append(error.errno == socket.EAI_AGAIN)
        except (OSError, UnicodeError):
            alone.append(False)
        else:
            alone.append(False)

    asking = [threading.Thread(target=ask, args=(host,), daemon=True) for host in hosts[:ASKED]]
    for one in asking:
        one.start()
    for one in asking:
        one.join(PATIENCE_S)
    if len(alone) == len(asking) and all(alone):
        raise UnreachableError(
            f"This machine has no network: nobody could be asked for the address of {hosts[0]}. "
            "`suchlike demo` needs none; the same `run` goes on once there is one."
        )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return True
