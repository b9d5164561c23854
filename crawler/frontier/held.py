"""A host this process owns: what is to be asked of it next, and when."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from crawler.frontier import robots
from crawler.frontier.pace import Pace
from crawler.frontier.rules import Rules
from pipelines.stores.allotment import Waiting


@dataclass(slots=True)
class Held:
    """A leased host and its URLs still to fetch, best first. `rules` is None until its robots.txt is known."""

    id: int
    name: str
    scheme: str
    pace: Pace
    rules: Rules | None
    rows: deque[Waiting] = field(default_factory=deque)
    flying: Waiting | None = None
    pages: int = 0
    # where robots.txt or tdmrep.json went, and by how many redirects
    moved_to: str | None = None
    hops: int = 0
    verdict: robots.Verdict | None = None
    # whether its tdmrep.json is still to be asked for, and whether it is known
    asks_rights: bool = False
    knows_rights: bool = False
    tdmrep: str | None = None
    # what its robots.txt says is in the ledger: should this process die, the next one keeps to it
    noted: bool = True
    # where it is, when hosts of one address are paced as one
    address: str | None = None
    # whether it is still to be asked for a page that cannot be there; the print of its answer, once that is known
    probes: bool = False
    missing: int = 0
    given_up: str | None = None
    # nothing more may be asked of it now
    closed: bool = False

    def follow(self, url: str) -> bool:
        """A file about the host is elsewhere; False after too many such answers."""
        if self.hops >= robots.REDIRECTS:
            return False
        self.hops += 1
        self.moved_to = url
        return True

    def arrived(self) -> None:
        """The file about the host came."""
        self.moved_to, self.hops = None, 0
