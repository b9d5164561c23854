"""A warm process that others are forked from: what they all need is imported once, and lies in memory once.

Linux only, like the kernel's means it rests on; elsewhere every process begins from nothing (see supervise).
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import msgspec
from setproctitle import setproctitle

from workers.lifeline import PARENT_VARIABLE

# a nursery answers at once, whatever the machine is at; one that does not is stuck, and not waited for
ANSWER_S = 5.0
# so long a child that has ended may wait for the nursery to say how
SILENT_S = 3.0
_MESSAGE_BYTES = 65_536


class NurseryError(Exception):
    """The nursery is gone, or says nothing."""


class Forked:
    """A process forked in the nursery, to be handled like a subprocess.Popen."""

    # whom a nursery forks from needs no pipe to know of our end
    stdin = None

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery
        self._ended_at: float | None = None
        self._handle: int | None = None
        with contextlib.suppress(ProcessLookupError):  # it has ended, and was asked after, already
            self._handle = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Its exit code once it has ended: negative is a signal, and -SIGKILL also what nobody tells us."""
        if self.returncode is None and (self._handle is None or select.select([self._handle], [], [], 0)[0]):
            self._ended_at = self._ended_at or time.monotonic()
            self.returncode = self._nursery.code_of(self.pid)
            if self.returncode is None and time.monotonic() - self._ended_at > SILENT_S:
                self.returncode = -signal.SIGKILL
            if self.returncode is not None and self._handle is not None:
                os.close(self._handle)
                self._handle = None
        return self.returncode

    def send_signal(self, signum: int) -> None:
        """Sends a signal, unless it has ended."""
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signum)

    def kill(self) -> None:
        """Ends it."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The supervisor's hold on its nursery, which begins to import at once.

    What was forked gets SIGTERM when the nursery ends, however it ends, and the nursery ends with this process.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel = ours
        self._codes: dict[int, int] = {}
        # forks that were asked for and not waited for any longer
        self._owed = 0
        self.was_ready = False
        self.is_gone = False
        with theirs, log.open("ab") as said:
            self._process = subprocess.Popen(
                command, stdin=theirs.fileno(), stdout=said, stderr=said, env=env, start_new_session=True
            )

    @staticmethod
    def is_possible() -> bool:
        """Whether this system has what it takes."""
        try:
            os.close(os.pidfd_open(os.getpid()))
        except (AttributeError, OSError):
            return False
        return True

    def is_ready(self, within_s: float = 0.0) -> bool:
        """Whether all is imported, or will be within so many seconds."""
        until = time.monotonic() + within_s
        while not self.was_ready and not self.is_gone and self._hear(max(0.0, until - time.monotonic())) is not None:
            pass
        return self.was_ready and not self.is_gone

    def fork(self, arguments: Sequence[str], log: Path) -> Forked:
        """A new process that runs `suchlike ARGUMENTS` and writes to `log`, once it is_ready. Raises NurseryError."""
        self.listen()
        if self._owed:
            raise NurseryError("it does not answer")
        try:
            self._channel.send(msgspec.json.encode({"arguments": list(arguments), "log": str(log)}))
        except OSError as error:
            self.is_gone = True
            raise NurseryError(str(error)) from error
        until = time.monotonic() + ANSWER_S
        while (told := self._hear(max(0.0, until - time.monotonic()))) is not None:
            if "forked" in told:
                return Forked(self, told["forked"])
        self._owed += not self.is_gone
        raise NurseryError("it does not answer" if self._owed else "it has ended")

    def code_of(self, pid: int) -> int | None:
        """The exit code of one that has ended, or None while the nursery still has to tell it."""
        while pid not in self._codes and not self.is_gone and self._hear(0) is not None:
            pass
        return self._codes.pop(pid, -signal.SIGKILL if self.is_gone else None)

    def listen(self) -> None:
        """Hears what it has said: what it forked too late is not kept, and that it is gone is known."""
        while self._hear(0) is not None:
            pass

    def end(self) -> None:
        """Ends the nursery; what was forked and still runs is asked to end."""
        self._channel.close()
        self.is_gone = True
        self._process.kill()
        self._process.wait()

    def _hear(self, seconds: float) -> dict[str, Any] | None:
        """The next message within so many seconds; None when there is none. What it says beside answers is noted."""
        if self.is_gone or not select.select([self._channel], [], [], seconds)[0]:
            return None
        try:
            said = self._channel.recv(_MESSAGE_BYTES)
        except OSError:
            said = b""
        if not said:
            self.is_gone = True
            return None
        told: dict[str, Any] = msgspec.json.decode(said)
        self.was_ready = self.was_ready or "ready" in told
        if "ended" in told:
            self._codes[told["ended"]] = told["code"]
        if "forked" in told and self._owed:
            # another was begun in its place
            self._owed -= 1
            with contextlib.suppress(ProcessLookupError):
                os.kill(told["forked"], signal.SIGKILL)
            return {}
        return told


def serve(run: Callable[[list[str]], int]) -> None:
    """The nursery itself, once everything is imported: forks what it is asked for on stdin, until that closes.

    `run` is a command line; it is called in the new process, with its arguments.
    """
    channel = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    held: dict[int, BaseProcess] = {}
    forking = multiprocessing.get_context("fork")
    # what is loaded by now stays, in memory all of them share: a collection would write into it
    gc.collect()
    gc.freeze()
    _tell(channel, {"ready": True})
    while True:
        ready = wait([channel, *(one.sentinel for one in held.values())])
        for pid in [pid for pid, one in held.items() if one.exitcode is not None]:
            _tell(channel, {"ended": pid, "code": held.pop(pid).exitcode})
        if channel in ready:
            said = channel.recv(_MESSAGE_BYTES)
            if not said:
                os._exit(0)  # who wanted them is gone; see Nursery about those that still run
            asked = msgspec.json.decode(said)
            child = forking.Process(target=_begin, args=(os.getpid(), channel, run, asked["arguments"], asked["log"]))
            child.start()
            assert child.pid is not None
            held[child.pid] = child
            _tell(channel, {"forked": child.pid})


def _tell(channel: socket.socket, what: Mapping[str, object]) -> None:
    channel.send(msgspec.json.encode(what))


def _begin(
    parent: int, channel: socket.socket, run: Callable[[list[str]], int], arguments: list[str], log: str
) -> None:
    """In the new process: a session, a log and a name of its own."""
    channel.close()
    os.setsid()
    with Path(log).open("ab") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    os.environ[PARENT_VARIABLE] = str(parent)
    setproctitle(" ".join(["suchlike", *arguments]))
    sys.exit(run(arguments))
