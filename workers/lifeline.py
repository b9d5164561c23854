"""How long a process lives: until it is asked to stop, and never longer than the parent that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

# tells a child of ours whose child it is
PARENT_VARIABLE = "SUCHLIKE_PARENT"
POLL_S = 0.1
_PR_SET_PDEATHSIG = 1
# looked up here, since a child between fork and exec had better not
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Stop:
    """Whether this process was asked to stop. A plain flag: an Event's lock may be held when the signal comes."""

    asked = False

    def listen(self) -> None:
        """Takes SIGTERM and SIGINT from now on."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self.ask)

    def ask(self, *_: object) -> None:
        """Asks; also what a signal calls."""
        self.asked = True

    def wait(self, seconds: float) -> None:
        """Sleeps, but not on once asked."""
        until = time.monotonic() + seconds
        while not self.asked and (left := until - time.monotonic()) > 0:
            time.sleep(min(POLL_S, left))


def die_with(parent: int, signum: int = signal.SIGTERM) -> None:
    """Asks the kernel for `signum` when our parent, the process `parent`, ends, however it ends.

    Linux only; elsewhere see watch_stdin. The signal survives exec, so it may be asked for between fork and exec.
    """
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signum)


def child_of_this_process() -> Callable[[], None]:
    """A `preexec_fn` for a program that knows nothing of us: it dies with this process."""
    parent = os.getpid()
    return lambda: die_with(parent)


def tie() -> bool:
    """Ties this process to the one that started it, if that was a Supervisor; says whether it was."""
    parent = os.environ.pop(PARENT_VARIABLE, None)  # our own children are not its children
    if parent is None:
        return False
    die_with(int(parent))
    watch_stdin()
    return True


def watch_stdin() -> None:
    """Elsewhere than on Linux: ends this process when the pipe a parent holds on its stdin closes."""
    if _libc is not None:
        return

    def wait() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
