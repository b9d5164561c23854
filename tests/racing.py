"""Real processes that do the same thing at the same moment."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from patience import PATIENCE_S


def race(work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Calls `work(*its_arguments)` in a process for each; all begin together. Returns what each returned."""
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(len(arguments)), context.Queue()
    runners = [
        context.Process(target=_run, args=(number, start, results, work, own), daemon=True)
        for number, own in enumerate(arguments)
    ]
    for runner in runners:
        runner.start()
    try:
        told = dict(results.get(timeout=PATIENCE_S) for _ in runners)
    finally:
        for runner in runners:
            runner.join(5)
            runner.kill()
    failed = [text for _, (ok, text) in sorted(told.items()) if not ok]
    assert not failed, failed[0]
    return [result for _, (_, result) in sorted(told.items())]


def _run(number: int, start: Any, results: Any, work: Callable[..., Any], own: tuple[Any, ...]) -> None:
    try:
        start.wait(PATIENCE_S)
        results.put((number, (True, work(*own))))
    except BaseException:
        results.put((number, (False, traceback.format_exc())))
