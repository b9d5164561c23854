"""The trail of a page: a line of log at each step from fetch to store, all under one id, its row in the ledger."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pipelines.stores.states import State

# a logger of its own, since most logs are better without it: a long crawl has four lines a page
LOGGER: Final = logging.getLogger("suchlike.trail")


@dataclass(frozen=True, slots=True)
class Step:
    """A page went on: to which state, and why if it ended there."""

    page: int
    run: int
    url: str
    to: State
    reason: str | None = None
    status: int | None = None


def is_kept() -> bool:
    """Whether somebody wants to know; who would have to look something up for it asks first."""
    return LOGGER.isEnabledFor(logging.INFO)


def tell(stage: str, steps: Iterable[Step]) -> None:
    """Writes steps down, after the transaction that made them has ended."""
    if not is_kept():
        return
    for step in steps:
        to = step.to.name.lower()
        told = {"stage": stage, "page": step.page, "run": step.run, "url": step.url, "to": to}
        told |= {"reason": step.reason} if step.reason else {}
        told |= {"status": step.status} if step.status is not None else {}
        LOGGER.info("%s: page %d %s %s", stage, step.page, to, step.url, extra={"told": told})
