"""No child outlives its parent: the kernel's parent-death signal where there is one, else a watch on stdin."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1


def die_with_parent(signum: int = signal.SIGTERM) -> None:
    """Asks for `signum` when the parent ends, however it ends. Also usable between fork and exec."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signum)
        if os.getppid() == 1:  # it died before we asked
            os.kill(os.getpid(), signum)


def watch_stdin() -> None:
    """Elsewhere than on Linux: ends this process when the pipe a parent holds on its stdin closes."""
    if sys.platform == "linux":
        return

    def wait() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
