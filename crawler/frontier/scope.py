"""Which URLs a crawl may follow at all. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

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

    def allows(self, url: str) -> bool:
        """Whether `url` (canonical) may be followed; counts those that may not."""
        host = identity.host_of(url)
        allowed = (
            url.startswith(self._scheme)
            and (self._sites is None or identity.site_of(host) in self._sites)
            and not any(fnmatchcase(host, pattern) for pattern in self._block)
            and not (self._guards and addresses.refusal(url))
        )
        self.left_out += not allowed
        return allowed
