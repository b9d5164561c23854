"""Which URLs a crawl may follow at all. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from crawler.fetching import addresses
from pipelines import urls as identity
from pipelines.config import Config

_PORT: Final = re.compile(r":\d+$")


def port_of(url: str) -> int:
    """The port a canonical URL names, or that of its scheme; 0 for what is no port."""
    host = url.partition("://")[2].partition("/")[0].partition("?")[0]
    port = host.rpartition(":")[2] if ":" in host.rpartition("]")[2] else ""
    if not port:
        return 443 if url.startswith("https") else 80
    return int(port) if port.isascii() and port.isdecimal() and len(port) < 6 else 0


def blocking(patterns: Iterable[str], host: str) -> str | None:
    """The first pattern of `sources.block` that keeps a host (with its port, as in a URL) from being asked, if any."""
    names = (_PORT.sub("", host), host)
    return next((one for one in patterns if any(fnmatchcase(name, one.lower()) for name in names)), None)


class Scope:
    """The bounds the user set: blocked hosts and sites, and, when staying, only the sites he named.

    The demo's world has neither https nor any host but its own, so its scope says so.
    """

    def __init__(self, config: Config, starts: Iterable[str], blocked: Collection[str] = ()) -> None:
        started = list(starts)
        self._block = config.sources.block
        self._sites = None if config.crawl.roam else frozenset(identity.site_of(identity.host_of(u)) for u in started)
        self._blocked = frozenset(blocked)
        self._scheme = "http://" if config.mode == "demo" else "http"
        # a proxy resolves names itself, so there the spelling is all we can judge by
        self._guards = not config.crawl.allow_private_addresses
        # what the user named may be asked where he named it
        self._ports = frozenset(config.crawl.ports) | {port_of(url) for url in started}
        self.left_out = 0
        # asked of every link of every page
        self._may_ask = lru_cache(16_384)(self._allows_origin)

    def allows(self, url: str) -> bool:
        """Whether `url` (canonical) may be followed; counts those that may not."""
        allowed = self._may_ask("/".join(url.split("/", 3)[:3]))
        self.left_out += not allowed
        return allowed

    def reaches(self, url: str) -> bool:
        """Whether a file about a host may be asked for at `url`: it may lie outside of the sites the user named, and
        counts there as well (RFC 9309, 2.3.1.2)."""
        return self._is_open("/".join(url.split("/", 3)[:3]))

    def refusal(self, host: str) -> str | None:
        """Why this run leaves a host (with its port, as in a URL) alone, in words; None where it does not."""
        if blocking(self._block, host):
            return "blocked in the configuration"
        if self._sites is not None and identity.site_of(host) not in self._sites:
            return "outside of the sites you named"
        return None

    def _allows_origin(self, origin: str) -> bool:
        return self._is_open(origin) and self.refusal(identity.host_of(origin)) is None

    def _is_open(self, origin: str) -> bool:
        host = identity.host_of(origin)
        return (
            origin.startswith(self._scheme)
            and port_of(origin) in self._ports
            and blocking(self._block, host) is None
            and not (self._blocked and identity.site_of(host) in self._blocked)
            and not (self._guards and addresses.refusal(f"http://{host}/"))
        )
