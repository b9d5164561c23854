"""Which addresses may be fetched: public ones, whatever way they are spelt, unless private ones are allowed."""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final
from urllib.parse import unquote, urlsplit

_NAT64: Final = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
# the four bytes before the IPv4 address in an interface's half of an ISATAP address (RFC 5214)
_ISATAP: Final = (0x00005EFE, 0x02005EFE)
# all of IPv6 that is given out to anybody (RFC 4291); what lies elsewhere is nobody's, local, or a form of IPv4
_GIVEN_OUT: Final = IPv6Network("2000::/3")
# not public by their RFCs (2928, 6890, 7526, 9637), or of no use to a web server, and not in every Python's tables
_PRIVATE_TOO: Final = (
    IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv6Network("2001::/23"), IPv6Network("3fff::/20"),
)  # fmt: skip
# what inet_aton reads as an address: up to four decimal, octal or hexadecimal numbers
_NUMBERS: Final = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)(?:\.(?:0[xX][0-9a-fA-F]*|[0-9]+)){0,3}")
# RFC 6761, 6762 (and its appendix G), 8375; names without a dot are not public either
_LOCAL_NAMES: Final = (
    "localhost", "localdomain", "local", "internal", "home.arpa", "intranet", "private", "corp", "home", "lan",
)  # fmt: skip


class AddressRefused(OSError):
    """The address is not a public one, and private addresses are not allowed."""


def is_public(ip: str) -> bool:
    """Whether `ip` is an address of the public internet, looking through IPv6 forms that carry an IPv4 one."""
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    while (carried := _carried(address)) is not None:
        address = carried
    if isinstance(address, IPv6Address) and address not in _GIVEN_OUT:
        return False
    if any(address in network for network in _PRIVATE_TOO):
        return False
    return address.is_global and not address.is_multicast


def _carried(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    number = int(address)
    if address in _SIX_TO_FOUR:
        return IPv4Address((number >> 80) & 0xFFFFFFFF)
    if address in _NAT64 or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(number & 0xFFFFFFFF)
    return None


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
    host = host.rstrip(".")
    literal = _literal(host)
    if literal is None:
        return _refusal_of_name(host)
    return None if is_public(literal) else f"{host} is not an address of the public internet"


def _refusal_of_name(name: str) -> str | None:
    if not name:
        return "there is no host"
    if "." not in name or name.endswith(tuple(f".{local}" for local in _LOCAL_NAMES)):
        return f"{name} is a name of the local network"
    return None


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


class Guard:
    """Makes the sockets of a crawl, and refuses to where is not public: what is judged is the address that is dialled.

    Exempt: everything when `allow_private`, and the `proxy` (an address, or empty) at the port it was configured with.
    """

    def __init__(self, *, allow_private: bool = False, proxy: str = "") -> None:
        parts = urlsplit(proxy)
        self._allow_private = allow_private
        self._proxy_host = (parts.hostname or "").lower()
        self._proxy_port = parts.port or (443 if parts.scheme == "https" else 80)
        self._proxy_at = {self._proxy_host}

    def spelling(self, url: str) -> None:
        """Raises AddressRefused when the spelling of `url` alone tells that it is not public."""
        why = None if self._allow_private else refusal(url)
        if why:
            raise AddressRefused(why)

    def resolved(self, host: str, addresses: list[str]) -> list[str]:
        """Those of a name's addresses that may be dialled. Raises AddressRefused when none may."""
        if self._proxy_host and host.lower() == self._proxy_host:
            self._proxy_at.update(addresses)
            return addresses
        allowed = [one for one in addresses if self._allow_private or is_public(one)]
        if addresses and not allowed:
            raise AddressRefused(f"{host} is at {addresses[0]}, which is not an address of the public internet")
        return allowed

    def socket(self, info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """A socket for one result of getaddrinfo; nothing is dialled but through here."""
        family, kind, protocol, _, (address, port, *_) = info
        is_proxy = port == self._proxy_port and address in self._proxy_at
        if not (self._allow_private or is_proxy or is_public(str(address))):
            raise AddressRefused(f"{address} is not an address of the public internet")
        return socket.socket(family, kind, protocol)
