"""Neither who stands still in a transaction of PostgreSQL nor a server that is gone keeps anybody waiting for long."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from patience import PATIENCE_S
from scripted_site import prose
from sqlalchemy import Connection, event, make_url, update
from stocked import Stock

from pipelines.errors import StoreError
from pipelines.stages import unwatched
from pipelines.stores import open_store
from pipelines.stores.schema import urls
from pipelines.stores.states import State
from workers import jobs
from workers.jobs import Worked

URL = "https://a.test/0"
# a minute is long for a test
SOON = "SET LOCAL idle_in_transaction_session_timeout = '100ms'"


@pytest.fixture
def stock(postgres: str, tmp_path: Path) -> Iterator[Stock]:
    held = Stock(postgres, tmp_path, archive="none")
    yield held
    held.store.close()


def patience(connection: Connection) -> str | None:
    """How long PostgreSQL lets this transaction stand still."""
    return connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar()


def test_who_writes_is_waited_for_for_a_minute_and_who_reads_as_long_as_he_likes(stock: Stock) -> None:
    for _ in range(2):
        with stock.store.write() as connection:
            assert patience(connection) == "1min"
        with stock.store.read() as connection:
            assert patience(connection) == "0"
        with stock.store.snapshot() as connection:
            assert patience(connection) == "0"


def test_who_says_nothing_in_a_transaction_loses_it_and_others_go_on(stock: Stock) -> None:
    stock.find(URL)
    with pytest.raises(StoreError, match="idle-in-transaction timeout"), stock.store.write() as frozen:
        frozen.execute(update(urls).values(anchor="frozen"))
        frozen.exec_driver_sql(SOON)
        other = open_store(stock.address)
        with other.write() as connection:
            connection.execute(update(urls).values(anchor="went on"))
        other.close()
    assert stock.row(URL).anchor == "went on"
    with stock.store.write() as connection:
        connection.execute(update(urls).values(context="and so did the first"))
    assert (stock.row(URL).anchor, stock.row(URL).context) == ("went on", "and so did the first")


class _Nobody:
    def send(self, *_: object, **__: object) -> bool:
        return False


def _dedupes(address: str, folder: str, rows: list[int], told: Any) -> None:
    """A worker's process, which stands still where it has just written the first time in its last transaction."""
    stock = Stock(address, Path(folder), open_run=False)
    worked = Worked(stock.config, "dedupe", _Nobody(), forks=False)
    jobs.work_with(worked)

    def stands_still(_c: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE articles"):
            event.remove(worked.store.engine, "after_cursor_execute", stands_still)
            cursor.connection.execute(SOON)
            told.send("stands still")
            os.kill(os.getpid(), signal.SIGSTOP)

    event.listen(worked.store.engine, "after_cursor_execute", stands_still)
    try:
        jobs.run_stage("dedupe", rows)
        told.send("was not cut off")
    except StoreError as error:
        told.send(str(error))
    jobs.run_stage("dedupe", rows)
    told.send("done")


def test_a_worker_that_stands_still_keeps_no_other_waiting_and_does_its_work_when_it_goes_on(
    stock: Stock, tmp_path: Path
) -> None:
    rows = stock.parsed([(f"https://a.test/{n}", " ".join(prose(n))) for n in range(6)])
    context = multiprocessing.get_context("spawn")
    told, telling = context.Pipe(duplex=False)
    worker = context.Process(target=_dedupes, args=(stock.address, str(tmp_path), rows[:3], telling), daemon=True)
    worker.start()
    try:
        assert told.poll(PATIENCE_S) and told.recv() == "stands still"
        stock.dedupe(rows[3:])  # dedupe's lock is free again
        assert {stock.states()[f"https://a.test/{n}"] for n in range(3, 6)} == {State.STORED}
        assert {stock.states()[f"https://a.test/{n}"] for n in range(3)} == {State.PARSED}
        os.kill(worker.pid or 0, signal.SIGCONT)
        assert told.poll(PATIENCE_S) and "idle-in-transaction timeout" in told.recv()
        assert told.poll(PATIENCE_S) and told.recv() == "done"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid or 0, signal.SIGKILL)
        worker.join(PATIENCE_S)
    stages = stock.stages()
    stages["store"].run(rows[:3], unwatched)
    stages["store"].close()
    fates = stock.fates()
    assert (fates["stored"], fates["duplicate"], fates["in_flight"], fates["dead"]) == (6, 0, 0, {})
    assert {stock.row(f"https://a.test/{n}").attempts for n in range(6)} == {0}


def _pass_on(there: socket.socket, here: socket.socket) -> None:
    with contextlib.suppress(OSError):  # closed from either side
        while data := there.recv(65_536):
            here.sendall(data)
        here.shutdown(socket.SHUT_WR)


@pytest.fixture
def by_network(postgres: str) -> Iterator[str]:
    """The database's address by TCP, which the server itself does not listen to."""
    url = make_url(postgres)
    ends: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(f"{url.query['host']}/.s.PGSQL.5432")
                ends.extend((client, server))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=_pass_on, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield f"postgresql+psycopg://{url.username}@127.0.0.1:{listening.getsockname()[1]}/{url.database}"
        listening.shutdown(socket.SHUT_RDWR)
    for end in ends:
        end.close()


def _patience_s(address: str) -> tuple[float, float]:
    """How long a connection waits, by the kernel, for a server from which nothing comes any more: with nothing under
    way, and with something."""
    store = open_store(address)
    with store.read() as connection:
        held = socket.socket(fileno=os.dup(connection.connection.driver_connection.fileno()))  # type: ignore[union-attr]
    with held:
        assert held.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle, interval, count, user_ms = (
            held.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
        )
    store.close()
    return idle + interval * count, user_ms / 1000


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux' own")
def test_a_server_that_is_gone_without_a_word_is_waited_for_for_half_a_minute(by_network: str) -> None:
    assert _patience_s(by_network) == (30, 30)
    assert _patience_s(f"{by_network}?tcp_user_timeout=5000&keepalives_idle=2") == (22, 5), (
        "what the address says counts"
    )
