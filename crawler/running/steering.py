"""A run at work is paused, gone on with, stopped, or given more pages: by a note in the ledger, which its conductor and
its crawlers read wherever they are."""

from __future__ import annotations

import time
from typing import Final, Literal, get_args

from pipelines.errors import UsageError
from pipelines.stores import Store, runs
from pipelines.stores.runs import Run

Deed = Literal["pause", "resume", "stop", "more"]
DEEDS: Final[tuple[Deed, ...]] = get_args(Deed)
# of one press of the button
MORE = 500


def steer(store: Store, deed: Deed) -> Run:
    """Does it to the run that is at work, and gives it as it is now. Raises UsageError when nothing is."""
    with store.write() as connection:
        number = runs.under_way(connection, now=time.time())
        if number is None:
            raise UsageError("No run is at work here; `suchlike run` begins one, or goes on with the last.")
        run = runs.get(connection, number, lock=True)
        if deed == "pause":
            runs.pause(connection, number)
        elif deed == "resume":
            runs.go_on(connection, number)
        elif deed == "stop":
            runs.halt(connection, number, runs.USER)
        elif not run.config.crawl.pages:
            raise UsageError("This run has no page budget to add to.")
        else:
            runs.add_pages(connection, run, MORE)
        return runs.get(connection, number)
