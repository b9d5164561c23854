"""What every test may ask for: real services, started for the session; a missing one skips here and fails in CI."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from patience import PATIENCE_S, RUN_S

from workers.broker import Broker
from workers.queues import Queues

pytest_plugins = ["looking"]

# a machine under load is no fault of what is tested
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

CI = bool(os.environ.get("CI"))
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first, so that a mistake is seen early."""
    kinds = ["unit", "integration", "web", "acceptance", "faults"]
    items.sort(key=lambda item: ("slow" in item.keywords, kinds.index(item.path.relative_to(HERE).parts[0])))


def absent(what: str) -> None:
    """A service that is not there: skipped on a laptop, a failure in CI."""
    if CI:
        pytest.fail(f"{what} is missing, and CI must have it")
    pytest.skip(f"{what} is not installed")


@contextlib.contextmanager
def cpu_within(seconds: float) -> Iterator[None]:
    """Fails when the block takes more CPU. Give ten times what it takes: only what grows out of bounds shall fail."""
    began = time.process_time()
    yield
    took = time.process_time() - began
    assert took < seconds, f"it took {took:.1f} CPU seconds"


def bounded_by_permissions() -> list[str]:
    """What a command begins with for files to be closed to it by their modes: nothing, but for root."""
    if os.getuid():
        return []
    if not shutil.which("setpriv"):
        absent("setpriv")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def until(done: Callable[[], bool], what: str | Callable[[], str], seconds: float = PATIENCE_S) -> None:
    """Waits until `done()`; fails after `seconds`, and asks `what` there was to wait for only then."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            pytest.fail(f"{what if isinstance(what, str) else what()} did not happen within {seconds} seconds")
        time.sleep(0.05)


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real broker."""
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker.address


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """The embedded broker of the project in the test's own folder."""
    with Broker(tmp_path) as held:
        yield held


@pytest.fixture
def sender(broker: Broker) -> Iterator[Queues]:
    """Who rings through that broker."""
    held = Queues(broker.address, 32)
    yield held
    held.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a real PostgreSQL server of our own, without a database name."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb") or (str(binaries[0] / "initdb") if binaries else None)
    if found is None:
        absent("PostgreSQL")
    assert found is not None
    bin_folder = Path(found).parent
    # not among pytest's folders: each session that starts closes those to other users, of which the server is one
    folder = Path(tempfile.mkdtemp(prefix="suchlike-pg-", dir="/tmp"))
    data, socket = folder / "data", folder / "socket"
    data.mkdir(mode=0o700)
    socket.mkdir(mode=0o700)
    as_user: list[str] = []
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        for owned in (folder, data, socket):
            shutil.chown(owned, "nobody")
        as_user = ["setpriv", "--reuid=nobody", "--clear-groups", "--pdeathsig=INT"]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    subprocess.run(
        [*as_user, found, "-D", str(data), "-U", "suchlike", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True, capture_output=True, env=environment, cwd="/tmp",
    )  # fmt: skip
    server = subprocess.Popen(
        [*as_user, str(bin_folder / "postgres"), "-D", str(data), "-k", str(socket), "-c", "listen_addresses=",
         "-c", "fsync=off"],
        env=environment, cwd="/tmp", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until((socket / ".s.PGSQL.5432").exists, "PostgreSQL's start")
        yield f"postgresql+psycopg://suchlike@/{{}}?host={socket}"
    finally:
        server.send_signal(signal.SIGINT)  # without waiting for clients
        server.wait(PATIENCE_S)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(postgres_server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh PostgreSQL database."""
    import psycopg

    name = f"t{abs(hash(request.node.nodeid)) % 10**12}"
    admin = postgres_server.format("postgres").replace("postgresql+psycopg", "postgresql")
    with _connected(psycopg, admin) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name}")
    yield postgres_server.format(name)
    with _connected(psycopg, admin) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _connected(psycopg: object, address: str) -> object:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return psycopg.connect(address, autocommit=True)  # type: ignore[attr-defined]  # imported only where needed
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a fresh database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return str(request.getfixturevalue("postgres"))


@pytest.fixture
def suchlike(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command line in an empty project folder, as a user would: `suchlike("fates", "--json")`."""

    def run(*arguments: str, timeout: float = RUN_S, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "crawler", "-C", str(tmp_path), *arguments],
            capture_output=True, text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, **environment},
        )  # fmt: skip

    return run
