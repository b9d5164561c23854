"""Which addresses may be fetched: public ones, whatever way they are spelt, unless private ones are allowed.

Scrapy takes a resolver from the settings of the process only; named in a spider's custom_settings it is
silently ignored, so a crawl proves at its start that the guard is live.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import unquote, urlsplit

from scrapy.resolver import CachingThreadedResolver
from scrapy.utils.datatypes import LocalCache
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import DNSLookupError

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from twisted.internet.base import ReactorBase

_NAT64: Final = IPv6Network("64:ff9b::/96")
# private by their RFCs (8215, 3879), not in every Python's tables
_PRIVATE_TOO: Final = (IPv6Network("64:ff9b:1::/48"), IPv6Network("fec0::/10"))
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
_COMPATIBLE: Final = IPv6Network("::/96")
# what inet_aton reads as an address: up to four decimal, octal or hexadecimal numbers
_NUMBERS: Final = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)(?:\.(?:0[xX][0-9a-fA-F]*|[0-9]+)){0,3}")
_METADATA_SERVICE: Final = "169.254.169.254"
_LOCAL_NAMES: Final = ("localhost", "localdomain", "local", "internal", "home.arpa")

# by host name; for the process, as Scrapy's own cache of names is
_refused: LocalCache[str, str] = LocalCache(10_000)


class AddressRefused(DNSLookupError):
    """The address is not a public one, and private addresses are not allowed."""


def is_public(ip: str) -> bool:
    """Whether `ip` is an address of the public internet, looking through IPv6 forms that carry an IPv4 one."""
    try:
        address = _carried(ip_address(ip.partition("%")[0]))
    except ValueError:
        return False
    if any(address in network for network in _PRIVATE_TOO):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved and not address.is_unspecified


def _carried(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _SIX_TO_FOUR:
        return IPv4Address((int(address) >> 80) & 0xFFFFFFFF)
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 0xFFFF):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def refusal(url: str) -> str | None:
    """Why the host of `url` may not be fetched, as far as its spelling tells without DNS, or None."""
    try:
        host = urlsplit(url.replace("\\", "/")).hostname
    except ValueError:
        return "the address cannot be read"
    return refusal_of_host(host) if host else "there is no host"


def refusal_of_host(host: str) -> str | None:
    """The same for a host name or a literal address in any notation that `inet_aton` or a browser understands."""
    host = unquote(host).strip("[]").lower()
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return "the host name cannot be read"
    host = host.removesuffix(".")
    if any(host == name or host.endswith("." + name) for name in _LOCAL_NAMES):
        return f"{host} is a name of the local network"
    literal = _literal(host)
    if literal is None:
        return None if host else "there is no host"
    return None if is_public(literal) else f"{host} is not an address of the public internet"


def _literal(host: str) -> str | None:
    """The address that `host` spells, in its usual notation, or None when it is a name."""
    if ":" in host:
        return host
    if not _NUMBERS.fullmatch(host):
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        # numbers out of range: no resolver should be left to guess what they mean
        return "0.0.0.0"


class GuardedResolver(CachingThreadedResolver):
    """Scrapy's resolver, which fails with AddressRefused for what is not public.

    Exempt: everything when SUCHLIKE_ALLOW_PRIVATE is true, and the host SUCHLIKE_PROXY_HOST. Judged is the address
    that is then dialled, so a name that answers differently the second time gains nothing.
    """

    def __init__(
        self,
        reactor: ReactorBase,
        cache_size: int,
        timeout: float,
        *,
        allow_private: bool = False,
        proxy_host: str = "",
    ) -> None:
        super().__init__(reactor, cache_size, timeout)
        self._allow_private = allow_private
        self._proxy_host = proxy_host.lower()

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> Self:
        """Built by Scrapy from the settings of the process."""
        settings = crawler.settings
        return cls(
            reactor,
            settings.getint("DNSCACHE_SIZE") if settings.getbool("DNSCACHE_ENABLED") else 0,
            settings.getfloat("DNS_TIMEOUT"),
            allow_private=settings.getbool("SUCHLIKE_ALLOW_PRIVATE"),
            proxy_host=settings.get("SUCHLIKE_PROXY_HOST") or "",
        )

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:
        """Resolves `name`; Twisted asks for literal addresses too, so these are judged here as well."""
        if self._allow_private or (self._proxy_host and name.lower() == self._proxy_host):
            return super().getHostByName(name, timeout)
        why = refusal_of_host(name)
        if why is not None:
            return fail(_refused_for(name, why))
        return super().getHostByName(name, timeout).addCallback(_judged, name)


def _judged(address: str, name: str) -> str:
    if not is_public(address):
        raise _refused_for(name, f"{name} is at {address}, which is not an address of the public internet")
    return address


def _refused_for(name: str, why: str) -> AddressRefused:
    _refused[name.lower()] = why
    return AddressRefused(why)


def why_refused(url: str) -> str | None:
    """Why the resolver of this process lately refused the host of `url`, or None when it did not.

    Twisted swallows AddressRefused and says "no results for hostname lookup", which Scrapy gives as
    CannotResolveHostError: a spider that gets that one asks here.
    """
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return None
    return _refused.get(host.lower()) if host else None


def prove_guarded() -> None:
    """Raises RuntimeError unless this process's resolver refuses an address that no crawl may ever dial."""
    from twisted.internet import reactor

    refused: list[object] = []
    reactor.resolver.getHostByName(_METADATA_SERVICE).addErrback(refused.append)
    if not refused:
        raise RuntimeError("The guard against private addresses is not live; nothing is fetched without it.")
