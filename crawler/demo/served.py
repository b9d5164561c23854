"""The demo web as a process beside ours, for as long as a block runs; started again if it dies meanwhile."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator

from pipelines.errors import UsageError

STOP_S = 10.0
LOOK_S = 0.2


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Starts the server and gives its address; it ends with the block, or when this process does."""
    process, address = _started(0)
    ended = threading.Event()

    def keep() -> None:
        nonlocal process
        while not ended.wait(LOOK_S):
            if process.poll() is not None:
                _end(process)
                with contextlib.suppress(UsageError):  # then the next round tries again
                    process, _ = _started(int(address.rpartition(":")[2]))

    keeper = threading.Thread(target=keep, daemon=True)
    keeper.start()
    try:
        yield address
    finally:
        ended.set()
        keeper.join()
        _end(process)


def _started(port: int) -> tuple[subprocess.Popen[bytes], str]:
    """The process and its address; at `port` if that is not 0. Raises UsageError when it does not serve."""
    process = subprocess.Popen(
        [sys.executable, "-m", "crawler.demo.server", "--port", str(port)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    address = process.stdout.readline().decode().strip()
    if not address.startswith("http://127.0.0.1:"):
        _end(process)
        raise UsageError("The demo web could not be started; is there a free port on 127.0.0.1?")
    return process, address


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
