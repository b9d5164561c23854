"""What a run found, as contract.md words it."""

from __future__ import annotations

from typing import Any

from crawler.matches import Matches
from pipelines.stores import Store, fates, rhythms, runs, tallies


class Summary(dict[str, Any]):
    """What a run found, as contract.md words it, and `matches` to look at."""

    def __init__(self, told: dict[str, Any], matches: Matches) -> None:
        super().__init__(told)
        self.matches = matches

    def __str__(self) -> str:
        return f"{self['matches']} matches in {self['pages_fetched']} pages; stopped by {self['stopped_by']}"


def summary(store: Store, run: int, *, seconds: float, stopped_by: str) -> dict[str, Any]:
    """What contract.md calls a summary."""
    with store.read() as connection:
        ends = fates.count(connection, run)
        found = tallies.matches(connection, run)
        return {
            "mode": runs.get(connection, run).mode,
            "run": run,
            "seconds": round(seconds, 2),
            "pages_fetched": ends["fetched"],
            "matches": found,
            "stories": tallies.stories(connection, run),
            "duplicates": ends["duplicate"],
            "harvest": round(found / ends["fetched"], 4) if ends["fetched"] else 0.0,
            "fates": ends,
            "sites": fates.sites(connection, run),
            "stopped_by": stopped_by,
            **rhythms.counted(connection, run),
        }


def refused_everywhere(ends: dict[str, Any]) -> bool:
    """Whether there was something to ask for and every answer was no, by robots.txt or by status."""
    no = sum(ends["refused"].values()) + sum(
        number for reason, number in ends["dropped"].items() if reason in ("http-401", "http-403", "http-451")
    )
    dead = sum(ends["dead"].values())
    return no > 0 and ends["fetched"] == no - sum(ends["refused"].values()) + dead and not ends["lists"]
