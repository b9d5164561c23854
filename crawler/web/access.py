"""Who may look: a token, made at first start and kept for the owner alone, and the cookie it buys."""

from __future__ import annotations

import errno
import hashlib
import hmac
import ipaddress
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pipelines.errors import UsageError

FEWEST_CHARS = 16
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Access:
    """What one dashboard asks of its visitors. `hosts` are the names it answers to, lower case and without ports."""

    token: str
    port: int
    hosts: frozenset[str] = frozenset(_LOCAL)
    is_local: bool = True

    @property
    def cookie(self) -> str:
        """The cookie's name; browsers tell hosts apart by cookies, but not ports."""
        return f"suchlike-{self.port}"

    @property
    def pass_(self) -> str:
        """What the cookie holds: it proves the token and does not tell it."""
        return hmac.new(self.token.encode(), b"suchlike dashboard", hashlib.sha256).hexdigest()

    @property
    def feed_key(self) -> str:
        """What a feed's address holds in place of the token: it opens feeds and nothing else."""
        return hmac.new(self.token.encode(), b"suchlike feeds", hashlib.sha256).hexdigest()[:32]

    def knows(self, token: str) -> bool:
        """Whether this is the token; takes as long for a near miss as for any other."""
        return hmac.compare_digest(self.token.encode(), token.encode("utf-8", "replace"))

    def admits(self, cookie: str) -> bool:
        """Whether this is what the cookie should hold."""
        return hmac.compare_digest(self.pass_.encode(), cookie.encode("utf-8", "replace"))

    def subscribes(self, key: str) -> bool:
        """Whether this is the key of the feeds."""
        return hmac.compare_digest(self.feed_key.encode(), key.encode("utf-8", "replace"))

    def address(self, host: str) -> str:
        """Where to look, with the token; a host that means "every address" is shown as this machine."""
        shown = "127.0.0.1" if host in ("", "0.0.0.0", "::") else f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.port}/?token={quote(self.token)}"


def name_of(host: str) -> str:
    """The host of a Host header, lower-case and without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return (host if host.count(":") > 1 else host.partition(":")[0]).lower()


def is_loopback(host: str) -> bool:
    """Whether nothing but this machine can reach an address of this host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_bind(host: str, token: str) -> None:
    """Refuses to be open to a network without a token somebody chose: one that is only printed here helps nobody there.

    Raises UsageError, also for a token that is short enough to be guessed.
    """
    if token and len(token) < FEWEST_CHARS:
        raise UsageError(f"web.token is too short to keep anybody out; make it {FEWEST_CHARS} characters or more.")
    if not is_loopback(host) and not token:
        raise UsageError(
            f"Others could reach {host}; set a token first (SUCHLIKE_WEB__TOKEN, or token in [web]), "
            "or leave --host away to stay on this machine."
        )


def token_of(folder: Path, chosen: str = "") -> str:
    """The token chosen, else the one kept in the project folder for its owner alone, made at first use.

    Where the folder takes no writes and has none of ours, it is one for this process alone.
    """
    if chosen:
        return chosen
    try:
        return _kept(folder / ".suchlike" / "web-token")
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EROFS) or os.access(_deepest(folder / ".suchlike"), os.W_OK):
            raise
        return secrets.token_urlsafe(24)


def _deepest(folder: Path) -> Path:
    """This folder, or where there is none yet the one that it would be made in."""
    return folder if folder.exists() else folder.parent


def _kept(file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        held = file.read_text(encoding="ascii", errors="replace").strip()
        if len(held) >= FEWEST_CHARS and file.stat().st_mode & 0o077 == 0:
            return held
        # half written, or readable by others: worth nothing
        file.unlink()
        return _kept(file)
    token = secrets.token_urlsafe(24)
    with os.fdopen(made, "w", encoding="ascii") as stream:
        stream.write(token)
    return token
