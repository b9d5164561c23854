"""Who crawls the real web says how to reach him: the contact in `identify`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from crawler.fetching import addresses
from pipelines import urls as identity
from pipelines.config import Config
from pipelines.errors import ConfigError

_CONTACT: Final = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]|https?://[^\s/]+\.[^\s/]")
# never on the public internet (RFC 2606, RFC 6761)
_RESERVED: Final = ("test", "example", "invalid", "localhost", "onion")


def is_missing(config: Config) -> bool:
    """Whether a crawl of the real web would need a contact and has none.

    None is needed where nobody else is visited: the demo, recorded pages, a proxy (which answers for what it serves or
    passes on), private networks.
    """
    crawl = config.crawl
    needed = config.mode == "online" and not crawl.proxy and not crawl.allow_private_addresses
    return needed and _CONTACT.search(crawl.identify) is None


def require(config: Config, starts: Iterable[str]) -> None:
    """Raises ConfigError when a crawl from these URLs would visit the real web and its contact is_missing."""
    if not is_missing(config):
        return
    real = next((url for url in starts if _is_real(url)), None)
    if real is not None:
        raise ConfigError(
            f"{identity.host_of(real)} must be able to reach whoever crawls it: name your own address under [crawl] in "
            'suchlike.toml, as in identify = "suchlike/0.1 (+mailto:you@your.domain)", or in SUCHLIKE_CRAWL__IDENTIFY.'
        )


def _is_real(url: str) -> bool:
    host = identity.host_of(url)
    name = host.partition(":")[0].rstrip(".")
    return addresses.refusal(url) is None and name.rpartition(".")[2] not in _RESERVED
