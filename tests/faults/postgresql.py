"""A PostgreSQL server of our own that can be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self


def binaries() -> Path | None:
    """The folder of PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    named = shutil.which("initdb")
    return Path(named).parent if named else (found[0] if found else None)


class PostgreSQL:
    """A context manager: the server runs inside it. `address` is SQLAlchemy's, of its one database."""

    def __init__(self) -> None:
        folder = binaries()
        assert folder is not None, "PostgreSQL is not installed"
        self._bin = folder
        self._folder = Path(tempfile.mkdtemp(prefix="suchlike-pg-", dir="/tmp"))
        self._data, self._socket = self._folder / "data", self._folder / "socket"
        self._as_user: list[str] = []
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            self._as_user = ["setpriv", "--reuid=nobody", "--clear-groups", "--pdeathsig=INT"]
        self.address = f"postgresql+psycopg://suchlike@/postgres?host={self._socket}"
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        for owned in (self._data, self._socket):
            owned.mkdir(mode=0o700)
        if self._as_user:
            for owned in (self._folder, self._data, self._socket):
                shutil.chown(owned, "nobody")
        subprocess.run(
            [*self._as_user, str(self._bin / "initdb"), "-D", str(self._data), "-U", "suchlike", "-A", "trust",
             "-E", "UTF8", "--no-sync"],
            check=True, capture_output=True, cwd="/tmp", env={**os.environ, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        self.start()
        self._say("CREATE EXTENSION amcheck")  # by which `doctor --deep` looks at indexes
        return self

    def start(self) -> None:
        """Starts the server and waits until it takes connections."""
        self._server = subprocess.Popen(
            [*self._as_user, str(self._bin / "postgres"), "-D", str(self._data), "-k", str(self._socket),
             "-c", "listen_addresses="],
            cwd="/tmp", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        deadline = time.monotonic() + 120
        while not self.answers():
            assert time.monotonic() < deadline, "PostgreSQL did not start"
            time.sleep(0.1)

    def answers(self) -> bool:
        """Whether it takes connections."""
        import psycopg

        try:
            psycopg.connect(self.address.replace("+psycopg", ""), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def read_only(self, now: bool) -> None:
        """Whether it takes no writes from now on, in whatever session."""
        self._say(
            "SET default_transaction_read_only = off",
            f"ALTER SYSTEM SET default_transaction_read_only = {'on' if now else 'off'}",
            "SELECT pg_reload_conf()",
        )

    def _say(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self.address.replace("+psycopg", ""), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def crash(self) -> None:
        """As a power cut ends it: no client is waited for, nothing is written; the next start recovers."""
        assert self._server is not None
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait(30)

    def __exit__(self, *_: object) -> None:
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)
