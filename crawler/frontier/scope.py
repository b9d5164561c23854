"""Which URLs a crawl may follow at all. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

from crawler import addresses
from pipelines import urls as identity
from pipelines.config import Config


class Scope:
    """The bounds the user set: blocked hosts, and, when staying, only the sites he named.

    The demo's world has neither https nor any host but its own, so its scope says so.
    """

    def __init__(self, config: Config, starts: Iterable[str]) -> None:
        self._block = tuple(pattern.lower() for pattern in config.sources.block)
        self._sites = None if config.crawl.roam else frozenset(identity.site_of(identity.host_of(u)) for u in starts)
        self._scheme = "http://" if config.mode == "demo" else "http"
        # a proxy resolves names itself, so there the spelling is all we can judge by
        self._guards = not config.crawl.allow_private_addresses
        self.left_out = 0
        # asked of every link of every page
        self._may_ask = lru_cache(16_384)(self._allows_host)

    def allows(self, url: str) -> bool:
        """Whether `url` (canonical) may be followed; counts those that may not."""
        allowed = url.startswith(self._scheme) and self._may_ask(identity.host_of(url))
        self.left_out += not allowed
        return allowed

    def _allows_host(self, host: str) -> bool:
        return (
            (self._sites is None or identity.site_of(host) in self._sites)
            and not any(fnmatchcase(host, pattern) for pattern in self._block)
            and not (self._guards and addresses.refusal(f"http://{host}/"))
        )
