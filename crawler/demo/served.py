"""The demo web as a process beside ours, for as long as a block runs."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from pipelines.errors import UsageError

STOP_S = 10.0


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Starts the server and gives its address; it ends with the block, or when this process does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "crawler.demo.server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdin is not None
    try:
        address = process.stdout.readline().decode().strip()
        if not address.startswith("http://127.0.0.1:"):
            raise UsageError("The demo web could not be started; is there a free port on 127.0.0.1?")
        yield address
    finally:
        process.stdin.close()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
