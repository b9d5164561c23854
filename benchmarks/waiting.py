"""Waiting for what a benchmark has started."""

from __future__ import annotations

import time
from pathlib import Path

from pipelines.config import load
from pipelines.errors import BrokerError
from workers import broker

PATIENCE_S = 180.0


def until_served(folder: Path) -> None:
    """Returns once the broker of a project folder answers; BrokerError when it does not in time."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return broker.require(broker.address(load(folder)))
        except BrokerError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
