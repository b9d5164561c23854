"""Names to addresses, in threads of their own: what hangs there takes nobody else's."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from crawler.fetching.addresses import Guard

DNS_THREADS = 16


class Resolver(AbstractResolver):
    """What aiohttp asks: gives only what the guard lets be dialled."""

    def __init__(self, guard: Guard, timeout_s: float) -> None:
        self._guard = guard
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(DNS_THREADS, "dns")

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        """As aiohttp wants it."""
        loop = asyncio.get_running_loop()
        look_up = loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        )
        try:
            found = await asyncio.wait_for(look_up, self._timeout_s)
        except TimeoutError:
            raise OSError(f"no answer within {self._timeout_s:g} seconds") from None
        by_address: dict[str, Any] = {str(info[4][0]): info for info in found}
        return [
            ResolveResult(hostname=host, host=address, port=port, family=by_address[address][0],
                          proto=by_address[address][2], flags=socket.AI_NUMERICHOST)
            for address in self._guard.resolved(host, list(by_address))
        ]  # fmt: skip

    async def close(self) -> None:
        """A look-up that hangs is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


async def address_of(host: str) -> str:
    """The lowest address of a host (of IPv4, if it has any), or its own name when it cannot be resolved."""
    name = urlsplit(f"http://{host}").hostname or host
    look_up = asyncio.get_running_loop().run_in_executor(
        _lookers(), lambda: socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    )
    try:
        found = await asyncio.wait_for(look_up, 10.0)
    except (OSError, UnicodeError):
        return name
    return min((":" in str(info[4][0]), str(info[4][0])) for info in found)[1]


@cache
def _lookers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(DNS_THREADS, "addresses")
