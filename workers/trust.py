"""How far a broker can be trusted: who else may reach it, and whether it keeps what it is told."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import redis

# the first with BLMOVE, and its offspring
OLDEST = (6, 2)


def refusal(url: str) -> str | None:
    """Why a broker at this address may not be used, None when it may: over a network only with TLS and a password.

    Whoever can write to the broker tells our workers which pages to work on, and may empty it.
    """
    parts = urlsplit(url)
    if parts.scheme == "unix" or _is_here(parts.hostname or "localhost"):
        return None
    asked = parse_qs(parts.query)
    missing = []
    if parts.scheme != "rediss":
        missing.append("TLS (rediss://…)")
    if not (parts.password or "password" in asked or "ssl_certfile" in asked):
        missing.append("a password (rediss://:password@…)")
    if not missing:
        return None
    return (
        f"The broker at {parts.hostname} is reached over a network without {' and without '.join(missing)}; add that, "
        "or say that the network is safe with --insecure or queue.insecure = true."
    )


def complaints(client: redis.Redis) -> list[str]:
    """What a broker that answers does not promise: to keep what it is told, to forget nothing, to be new enough."""
    try:
        told: Mapping[str, Any] = client.info("all")
    except redis.ResponseError as error:  # it may not be asked
        return [f"it does not say how it is set up ({str(error).splitlines()[0]})"]
    except (redis.RedisError, OSError) as error:
        return [f"it went away while asked ({str(error).splitlines()[0]})"]
    found = []
    if not told.get("aof_enabled") and not told.get("rdb_last_save_time"):
        found.append("it keeps nothing when it ends (appendonly yes)")
    elif not told.get("aof_enabled"):
        found.append("it keeps nothing between snapshots (appendonly yes)")
    policy = str(told.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        found.append(f"it forgets jobs when it is full (maxmemory-policy is {policy}, must be noeviction)")
    version = str(told.get("redis_version", ""))
    numbers = tuple(int(one) for one in re.findall(r"\d+", version)[:2])
    if numbers and numbers < OLDEST:
        found.append(f"it is version {version}, and must be 6.2 or newer")
    return found


def _is_here(host: str) -> bool:
    """Whether a name can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
