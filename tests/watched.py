"""A crawler of which every callback of the event loop is timed, and every question to the database noted.

    python tests/watched.py FILE.json -C FOLDER crawl-worker --run N

`suchlike` with these arguments, in this process. What was seen goes to FILE as JSON: `callbacks`, how many;
`over_20_ms` and `long`, those that took more CPU time of their thread than that, so that other work on the machine does
not count; `longest`; and `asked_on_the_loop`, the questions that were asked on the event loop instead of in a thread.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from crawler.cli import main as suchlike

LONG_MS = 20.0
LONGEST = 12


class Watch:
    """Times callbacks and notes questions to the database, in this process."""

    def __init__(self) -> None:
        self._callbacks = self._over = 0
        self._longest: list[tuple[float, int, str]] = []
        self._asked: list[str] = []
        self._long: list[str] = []

    def begin(self) -> None:
        """From now on."""
        run = asyncio.Handle._run

        def timed(handle: asyncio.Handle) -> None:
            began = time.thread_time()
            run(handle)
            self._took((time.thread_time() - began) * 1000, handle)

        asyncio.Handle._run = timed  # type: ignore[method-assign]
        event.listen(Engine, "before_cursor_execute", self._ask)

    def _took(self, ms: float, handle: asyncio.Handle) -> None:
        self._callbacks += 1
        if ms > LONG_MS:
            self._over += 1
            self._long.append(f"{ms:.1f} ms: {_named(handle)}")
        if len(self._longest) < LONGEST or ms > self._longest[0][0]:
            push = heapq.heappush if len(self._longest) < LONGEST else heapq.heappushpop
            push(self._longest, (ms, self._callbacks, _named(handle)))

    def _ask(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if asyncio._get_running_loop() is not None:
            by = [f"{at.filename.rpartition('/')[2]}:{at.lineno}" for at in traceback.extract_stack()[-16:-6]]
            self._asked.append(f"{statement[:80]} by {' '.join(by)}")

    def told(self) -> dict[str, Any]:
        """What was seen."""
        longest = [f"{ms:.1f} ms: {what}" for ms, _, what in sorted(self._longest, reverse=True)]
        return {"callbacks": self._callbacks, "over_20_ms": self._over, "long": self._long[:50], "longest": longest,
                "asked_on_the_loop": self._asked}  # fmt: skip


def _named(handle: asyncio.Handle) -> str:
    """What a callback was: of a task's step, the coroutine it stepped."""
    task = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]
    coroutine = task.get_coro() if isinstance(task, asyncio.Task) else None
    return getattr(coroutine, "__qualname__", None) or repr(handle)[:200]


def watched(told: Path, arguments: list[str]) -> None:
    """`suchlike` with these arguments, in this process; what was seen goes to a file."""
    watch = Watch()
    watch.begin()
    sys.argv[1:] = arguments
    try:
        suchlike()
    finally:
        told.write_text(json.dumps(watch.told()), encoding="utf-8")


if __name__ == "__main__":
    watched(Path(sys.argv[1]), sys.argv[2:])
