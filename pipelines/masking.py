"""Text that others wrote, or that holds secrets, made fit for a log or a terminal."""

from __future__ import annotations

import re

# the user's part of an address may hold anything but the signs that end it; a password may even hold those but the @
_USERINFO = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]{1,30}://)[^\s/@:'\"<>]*+(?::[^\s@'\"<>]*+)?@", re.IGNORECASE)
_NAMED = re.compile(
    r"(?P<name>\b(?:(?:password|passwd|pwd|secret|token|api_?key|authorization)\b['\"]?\s*[=:]|(?<=[?&])key=)\s*)"
    r"['\"]?[^\s'\"&,;)]+",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """The text with every password in it replaced by `***`: of addresses, and of what is called one."""
    return _NAMED.sub(r"\g<name>***", _USERINFO.sub(r"\g<scheme>***@", text))


def masked_address(address: str) -> str:
    """What is an address as a whole, without its user's name and password, whatever characters these have."""
    secret, at, rest = address.rpartition("@")
    scheme, slashes, _ = secret.partition("//")
    return masked(f"{scheme if slashes else ''}{slashes}***@{rest}" if at else address)


def one_line(text: str) -> str:
    """The text without a character that could end the line, move a cursor or turn the direction of reading."""
    return "".join(f"\\x{ord(c):02x}" if steers(c) or c == "\n" else c for c in text)


def steers(char: str) -> bool:
    """Whether a character does something to a terminal rather than stand there; the end of a line does not count."""
    code = ord(char)
    return (
        (code < 32 and char != "\n") or 127 <= code < 160 or 0x2028 <= code <= 0x202E or 0x2066 <= code <= 0x2069
    )  # fmt: skip
