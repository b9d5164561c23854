"""Keeps the processes of one machine up, with backoff, and stops them in order.

Where there is a nursery they are forked from it, which spares each the second its imports take; else, and wherever that
fails, each begins from nothing.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from workers.lifeline import PARENT_VARIABLE
from workers.nursery import Forked, Nursery, NurseryError

logger = logging.getLogger(__name__)

BACKOFF_S = (0.1, 0.5, 1.0, 2.0, 5.0, 15.0)
# whom SIGKILL ended did nothing wrong, or took too much memory: the system has some time to recover, no more
KILLED_S = 0.2
# broker or storage cannot be reached (errors.UnreachableError): that passes, and is nobody's fault here
UNREACHABLE = 4
# one that is in want of these, or that another signal ended, is needed as soon as it can be had, however often that was
NEEDED_MOST_S = 2.0
STABLE_S = 30.0
STOP_S = 10.0
# a nursery that is still importing is waited for so long at a time, and in all
WARM_S = 0.2
PATIENCE_S = 60.0
POLL_S = 0.05
# glibc gives threads memory of their own, which no other may use once it is free; all use the same two parts instead
FRUGAL = {"MALLOC_ARENA_MAX": "2"}


@dataclass(slots=True)
class Child:
    """A process to keep up. `again` says whether an exit with code 0 is an end (False) or a failure (True)."""

    name: str
    command: list[str]
    again: bool
    handles: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | Forked | None = None
    started_at: float = 0.0
    failures: int = 0
    faults: int = 0
    next_at: float = 0.0
    done: bool = False


class Supervisor:
    """Starts children of this process, restarts those that fail, and stops them all.

    Each child is told whose child it is and dies with us, whatever happens to us (see lifeline). `nursery` is the
    module that makes one of its process (see nursery.serve), for children that all need much the same.
    """

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None, *, nursery: str = "") -> None:
        self._logs = folder / ".suchlike" / "log"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._env = {**FRUGAL, **os.environ, **(env or {}), PARENT_VARIABLE: str(os.getpid())}
        self._children: dict[str, Child] = {}
        self._nursery_command = (
            [sys.executable, "-m", nursery, str(folder)] if nursery and Nursery.is_possible() else []
        )
        self._nursery: Nursery | None = None
        self._warm_by = 0.0
        self._warm()

    def start(
        self, name: str, arguments: list[str], *, again: bool = True, handles: tuple[int, ...] = ()
    ) -> None:  # fmt: skip
        """Starts `suchlike ARGUMENTS` as a child called `name`; it inherits these open files of ours."""
        child = Child(name, [sys.executable, "-m", "crawler", *arguments], again, handles)
        self._children[name] = child
        self._spawn(child)

    def tick(self) -> list[tuple[str, int, int]]:
        """Looks after the children; returns `(name, pid, exit code)` of those that ended since the last look."""
        ended = []
        now = time.monotonic()
        if self._nursery is not None:
            self._nursery.listen()
        for child in self._children.values():
            process = child.process
            if process is not None and (code := process.poll()) is not None:
                ended.append((child.name, process.pid, code))
                _forget(child)
                child.done = code == 0 and not child.again
                stable = now - child.started_at > STABLE_S
                child.failures = 0 if stable else child.failures + 1
                # killed from outside, or in want of what others give: that says nothing of the child itself
                own = code > 0 and code != UNREACHABLE
                child.faults = 0 if stable else child.faults + own
                wait = BACKOFF_S[min(child.failures, len(BACKOFF_S) - 1)]
                if code == -signal.SIGKILL:
                    wait = KILLED_S
                elif not own:
                    wait = min(wait, NEEDED_MOST_S)
                child.next_at = now + wait
            elif process is None and not child.done and now >= child.next_at:
                self._spawn(child)
        return ended

    def finished(self, prefix: str) -> bool:
        """Whether every child whose name begins with `prefix` has ended for good."""
        return all(child.done for child in self._children.values() if child.name.startswith(prefix))

    def failing(self, prefix: str, times: int) -> str | None:
        """The name of a child that ended by its own fault `times` times in a row, if there is one."""
        return next((c.name for c in self._children.values() if c.name.startswith(prefix) and c.faults >= times), None)

    def pids(self) -> dict[str, int]:
        """The processes that run now, by name."""
        return {c.name: c.process.pid for c in self._children.values() if c.process is not None}

    def log_of(self, name: str) -> Path:
        """The file a child writes to."""
        return self._logs / f"{name}.log"

    def stop(self, prefixes: Iterable[str], *, hurry: Callable[[], bool] = lambda: False) -> None:
        """Stops the children whose names begin with each prefix, group after group: gently at first, and with
        SIGKILL after STOP_S or as soon as `hurry()`."""
        for prefix in prefixes:
            group = [child for child in self._children.values() if child.name.startswith(prefix)]
            for child in group:
                child.done = True
                if child.process is not None and child.process.poll() is None:
                    child.process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + STOP_S
            while late := [child for child in group if child.process is not None and child.process.poll() is None]:
                if hurry():
                    _kill(late)
                elif time.monotonic() > deadline:
                    logger.warning("%s did not stop and is killed", ", ".join(child.name for child in late))
                    _kill(late)
                    deadline += STOP_S
                time.sleep(POLL_S)
            for child in group:
                _forget(child)
        if self._nursery is not None and not self.pids():
            self._nursery.end()
            self._nursery = None

    def _spawn(self, child: Child) -> None:
        nursery = None if child.handles else self._warm()
        if nursery is not None and not nursery.is_ready(WARM_S) and time.monotonic() < self._warm_by:
            return  # at the next tick
        child.started_at = time.monotonic()
        child.process = self._forked(child, nursery) if nursery is not None and nursery.is_ready() else None
        if child.process is None:
            self._begin(child)

    def _warm(self) -> Nursery | None:
        """The nursery, another where the last one has died, or none where one died before it was of any use."""
        if self._nursery is not None and self._nursery.is_gone:
            useless = not self._nursery.was_ready
            self._nursery.end()
            self._nursery = None
            if useless:
                logger.warning("the nursery does not begin; its log is %s", self.log_of("nursery"))
                self._nursery_command = []
        if self._nursery is None and self._nursery_command:
            self._nursery = Nursery(self._nursery_command, self._env, self.log_of("nursery"))
            self._warm_by = time.monotonic() + PATIENCE_S
        return self._nursery

    def _forked(self, child: Child, nursery: Nursery) -> Forked | None:
        try:
            return nursery.fork(child.command[3:], self.log_of(child.name))
        except NurseryError as error:
            logger.warning("%s begins from nothing, the nursery fails: %s", child.name, error)
            return None

    def _begin(self, child: Child) -> None:
        with self.log_of(child.name).open("ab") as log:
            child.process = subprocess.Popen(
                child.command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=self._env, start_new_session=True,
                pass_fds=child.handles,
            )  # fmt: skip


def _kill(group: Iterable[Child]) -> None:
    for child in group:
        if child.process is not None and child.process.poll() is None:
            child.process.kill()


def _forget(child: Child) -> None:
    """Lets go of a process that has ended, and of the pipe by which it would have known of our end."""
    if child.process is not None and child.process.stdin is not None:
        child.process.stdin.close()
    child.process = None
