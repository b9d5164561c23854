"""Certificates a user has looked at and recorded for a host, as `crawl.trust_certificates` lists them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from pipelines.errors import ConfigError

_LINE: Final = re.compile(r"(\S+)\s+sha256:((?:[0-9a-fA-F]{2}:?){32})")


def recorded_certificates(lines: Iterable[str]) -> dict[str, bytes]:
    """Host (lower-case, `host:port` off port 443) to the SHA-256 of its certificate.

    Raises ConfigError for a line that is not `host sha256:HEX`, and for a host that has two.
    """
    found: dict[str, bytes] = {}
    for line in lines:
        read = _LINE.fullmatch(line.strip())
        host = read[1].lower().removesuffix(":443") if read else ""
        if read is None or "/" in host or host in found:
            raise ConfigError(f"crawl.trust_certificates has {line!r}; write news.example sha256:HEX, once a host.")
        found[host] = bytes.fromhex(read[2].replace(":", ""))
    return found
