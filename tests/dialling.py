"""Witnesses of what is dialled: every connection that a process tries, by whatever library, and a trap on loopback.

Names under .test lead to one public address, and that to a scripted site; nothing else leaves the machine. Literal
addresses lead where they say, which only the trap's port ever lets happen.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

PUBLIC = "93.184.215.14"
# another one, for a second site
OTHER = "93.184.215.15"
HERE = Path(__file__).parent
_connect, _look_up = socket.socket.connect, socket.getaddrinfo
Names = Mapping[str, Sequence[Sequence[str]]]


class Trap:
    """Listens on both loopback addresses at one port; `asked` is what it was asked for, line by line."""

    def __enter__(self) -> Self:
        self.asked: list[str] = []
        self._listening = [socket.create_server(("127.0.0.1", 0))]
        self.port: int = self._listening[0].getsockname()[1]
        with contextlib.suppress(OSError):  # no IPv6 here
            self._listening.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        for one in self._listening:
            threading.Thread(target=self._accept, args=(one,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._listening:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(10)
            line = client.recv(4096).partition(b"\r\n")[0].decode("latin-1")
            self.asked.append(line)
            status = "404 Not Found" if "robots.txt" in line else "200 OK"
            client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi".encode())


class Witness:
    """Notes `(address, port)` of every connection tried, and decides where it really goes."""

    def __init__(self, site: int, trap: int, names: Names, note: Callable[[str, int], None], other: int = 0) -> None:
        self._sites = {PUBLIC: site, OTHER: other}
        self._trap, self._names, self._note = trap, names, note
        self._asked: Counter[str] = Counter()

    def look_up(self, host: Any, port: Any, *more: Any, **named: Any) -> list[Any]:
        """In place of socket.getaddrinfo: the n-th question for a name gets its n-th answer, an empty one being none at
        all just now. No real DNS."""
        name = (host.decode() if isinstance(host, bytes) else str(host or "")).lower().rstrip(".")
        if name not in self._names and not name.endswith(".test"):
            # numbers of every notation, and what is in the machine's own table
            if name == "localhost" or ":" in name or name[:1].isdigit():
                return _look_up(host, port, *more, **named)
            raise socket.gaierror(socket.EAI_NONAME, "not of this web")
        answers = self._names.get(name, [[OTHER if name.endswith(".evil.test") else PUBLIC]])
        self._asked[name] += 1
        found = answers[min(self._asked[name], len(answers)) - 1]
        if not found:
            raise socket.gaierror(socket.EAI_AGAIN, "nobody could be asked")
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port or 0))
            for one in found
        ]

    def connect(self, made: socket.socket, address: Any) -> None:
        """In place of socket.connect."""
        if made.family == socket.AF_UNIX:
            return _connect(made, address)
        host, port = str(address[0]), int(address[1])
        self._note(host, port)
        if host in self._sites:
            return _connect(made, ("127.0.0.1", self._sites[host]))
        if port == self._trap:
            with contextlib.suppress(ValueError):
                to = ip_address(host.partition("%")[0])
                if (getattr(to, "ipv4_mapped", None) or to).is_loopback:
                    return _connect(made, address)
        raise ConnectionRefusedError(f"{host}:{port} is not reached from a test")


@contextlib.contextmanager
def witnessed(
    folder: Path, *, site: int = 0, trap: int = 0, names: Names | None = None
) -> Iterator[Callable[[], list[tuple[str, int]]]]:
    """What this process, and those forked from it, have dialled since the block began, whenever it is asked."""
    log = folder / "dialled.log"
    log.unlink(missing_ok=True)
    _install(Witness(site, trap, names or {}, partial(_note, log)))
    try:
        yield partial(_noted, log)
    finally:
        socket.socket.connect, socket.getaddrinfo = _connect, _look_up  # type: ignore[method-assign]


def _note(log: Path, host: str, port: int) -> None:
    with log.open("a") as held:
        held.write(f"{host} {port}\n")


def _noted(log: Path) -> list[tuple[str, int]]:
    lines = log.read_text().splitlines() if log.exists() else []
    return [(one, int(port)) for one, _, port in (line.rpartition(" ") for line in lines)]


def _install(witness: Witness) -> None:
    # a plain function, which becomes a method of the socket
    socket.socket.connect = lambda made, address: witness.connect(made, address)  # type: ignore[method-assign]  # noqa: PLW0108
    socket.getaddrinfo = witness.look_up


class Processes:
    """The same for processes: `environment` is what they are started with, `dialled()` what they tried."""

    def __init__(
        self, folder: Path, *, site: int, trap: int, names: Names | None = None, without: Sequence[str] = (),
        timeout_s: float = 20.0, other: int = 0,
    ) -> None:  # fmt: skip
        self._log = folder / "dialled.log"
        asked = {"log": str(self._log), "site": site, "trap": trap, "names": dict(names or {}), "without": [*without],
                 "timeout_s": timeout_s, "other": other}  # fmt: skip
        away = f"http://127.0.0.1:{trap}"
        self.environment = {
            "SUCHLIKE_WITNESS": json.dumps(asked),
            "PYTHONPATH": os.pathsep.join([str(HERE / "witness"), *filter(None, [os.environ.get("PYTHONPATH")])]),
            # nobody asked for them, so nobody may follow them
            **dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"), away),
        }

    def dialled(self) -> list[tuple[str, int]]:
        """`(address, port)` of every connection tried so far."""
        return _noted(self._log)


def begin(asked: str) -> None:
    """Called at the start of a process, by tests/witness/sitecustomize.py."""
    told = json.loads(asked)
    note = partial(_note, Path(told["log"]))
    _install(Witness(told["site"], told["trap"], told["names"], note, told["other"]))
    if "-m" in sys.orig_argv and "crawler" in sys.orig_argv:
        if told["without"]:
            take_out(told["without"])
        if told["timeout_s"] != 20.0:
            shorten(told["timeout_s"])


def shorten(timeout_s: float) -> None:
    """Gives answers less time than a real crawl does, where a test would wait for nothing else."""
    from crawler import settings

    usual = settings.settings
    settings.settings = lambda config: {**usual(config), "DOWNLOAD_TIMEOUT": timeout_s}


def take_out(rules: Sequence[str], put: Callable[[Any, str, Any], None] = setattr) -> None:
    """Takes rules of the guard out, to show that the witnesses would see what they keep back."""
    from crawler.alerts import webhook
    from crawler.fetching import addresses, transport
    from crawler.frontier import scheduler, scope

    async def nothing(*_: Any) -> None:
        return None

    everything: dict[str, list[tuple[Any, str, Any]]] = {
        "spelling": [(addresses, "refusal", lambda url: None)],
        "resolved": [(addresses.Guard, "resolved", lambda self, host, found: found)],
        "socket": [(addresses.Guard, "socket", lambda self, info: socket.socket(*info[:3]))],
        "ports": [(scope, "port_of", lambda url: 80)],
        "webhook": [(webhook, "is_public", lambda ip: True)],
        "proof": [(transport, "_prove", nothing), (scheduler, "prove_guarded", nothing)],
    }
    for rule in rules:
        for where, name, instead in everything[rule]:
            put(where, name, instead)
