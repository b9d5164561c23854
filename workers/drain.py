"""Ends whatever waits in a stage, where stages run in this process and those forked from it."""

from __future__ import annotations

from pipelines.stores import Store
from workers.inline import Inline
from workers.pooled import Pooled
from workers.reconcile import reconcile


def drain(store: Store, sender: Inline | Pooled) -> None:
    """Waits for what was sent, and rings for whatever else waits, until every page has come to its end."""
    sender.drain()
    while any(count for name, count in reconcile(store, sender, None).items() if name != "urls"):
        sender.drain()
