"""The hosts a crawler process owns, what it asks of them, and what it has not told the ledger yet."""

from __future__ import annotations

import asyncio
import time

from crawler.fetching import proxy
from crawler.frontier import robots
from crawler.frontier.batch import Batch, HostNote
from crawler.frontier.held import Held
from crawler.frontier.robots import Verdict
from crawler.frontier.traps import print_of_body
from pipelines.rights import tdmrep
from pipelines.walltime import Walltime

# a proxy that is away is asked again this often, and this long
PROXY_AGAIN_S = 1.0
PROXY_PATIENCE_S = 60.0


class Owned:
    """One process's hosts by id, its `batch` for the ledger, and how many requests are `flying`.

    The spider tells what came of each request; `wake` is set whenever something may be due by that. `stop` says why
    the crawl ends, once it does; `urgent` that the next owner of a host would have to know something at once.
    """

    def __init__(self, walltime: Walltime | None = None) -> None:
        self.hosts: dict[int, Held] = {}
        self.batch = Batch()
        self.flying = 0
        self.urgent = False
        self.stop: str | None = None
        self.wake = asyncio.Event()
        self._away_since: float | None = None
        # the steady moment since which the clock was not set; of what was before it began a process knows nothing
        self.set_at = time.monotonic()
        self._walltime = walltime or Walltime()

    @property
    def waiting(self) -> int:
        """URLs held here and not asked for yet."""
        return sum(len(held.rows) for held in self.hosts.values())

    def named(self, name: str) -> Held | None:
        """The host of this name, if this process owns it."""
        return next((held for held in self.hosts.values() if held.name == name), None)

    def note(self, held: Held, next_at: float | None = None) -> HostNote:
        """What the ledger is to know of a host, brought up to date in the batch."""
        note = self.batch.notes.get(held.id)
        if note is None:
            note = self.batch.notes[held.id] = HostNote(held.pace.next_at, held.pace.failures)
        note.next_at = max(held.pace.next_at, next_at or note.next_at)
        note.failures = held.pace.failures
        note.pages += held.pages
        held.pages = 0
        if held.verdict is not None:
            note.verdict, note.robots, note.delay_s = held.verdict.kind, held.verdict.text, held.verdict.delay_s
            held.verdict = None
        if held.tdmrep is not None:
            note.tdmrep, held.tdmrep = held.tdmrep, None
        return note

    def take(self, held: Held, rest_s: float) -> None:
        """A host is this process's now, and rests for so long, as told by a clock that may have been set before."""
        self.hosts[held.id] = held
        if held.pace.next_at:
            held.pace.taken_over(time.monotonic(), rest_s, self.set_at)

    def lose(self, held: Held) -> None:
        """A host is somebody else's by now. What was asked of it is answered yet, and nothing more is asked."""
        if not held.pace.busy:
            del self.hosts[held.id]
            return
        held.closed = True
        held.rows.clear()

    def look_at_clock(self) -> None:
        """Whether the clock was set; to be asked before hosts are taken or asked. Where it is back, nobody waits the
        longer."""
        change = self._walltime.set_by_s()
        if change:
            self.set_at = time.monotonic()
        for held in self.hosts.values() if change < 0 else ():
            held.pace.next_at = max(time.time(), held.pace.next_at + change)

    # what the spider asks

    def allows(self, host: int, url: str) -> bool:
        """Whether the robots.txt of a host lets `url` be fetched."""
        rules = self.hosts[host].rules
        return rules is None or rules.allows(url)

    def name_of(self, host: int) -> str:
        """The name of a host."""
        return self.hosts[host].name

    def missing_of(self, host: int) -> int:
        """The print of what this host answers where there is nothing; 0 when it says so, or nobody knows."""
        return self.hosts[host].missing

    # what the spider tells

    def answered(
        self, host: int, *, failed: bool = False, retry_after_s: float | None = None, page: bool = True
    ) -> None:
        """A request to this host came back."""
        self.flying -= 1
        self._away_since = None
        held = self.hosts[host]
        held.pace.answered(time.time(), time.monotonic(), failed=failed, retry_after_s=retry_after_s)
        held.flying = None
        # should this process die, its successor must know
        self.urgent = self.urgent or retry_after_s is not None
        held.pages += page
        self.wake.set()

    def not_sent(self, host: int) -> None:
        """The proxy is away, so nobody was asked: asked again soon, and nothing is held against page or host."""
        self.flying -= 1
        held = self.hosts[host]
        held.pace.not_sent(time.time() + PROXY_AGAIN_S)
        if held.flying:
            held.rows.appendleft(held.flying)
        held.flying = None
        self._away_since = self._away_since or time.monotonic()
        if time.monotonic() - self._away_since > PROXY_PATIENCE_S:
            self.stop = proxy.AWAY
        self.wake.set()

    def moved(self, host: int, url: str) -> bool:
        """A file about the host is elsewhere: asked for there after its delay. False after too many such answers."""
        if not self.hosts[host].follow(url):
            return False
        self.answered(host, page=False)
        return True

    def refused(self, host: int, reason: str, detail: str) -> None:
        """This host may not be asked at all: none of its URLs held here is."""
        self.answered(host, page=False)
        held = self.hosts[host]
        self.batch.refused += [(row.row, reason, detail) for row in held.rows]
        held.rows.clear()

    def robots_answered(
        self, host: int, verdict: Verdict, *, failed: bool = False, retry_after_s: float | None = None
    ) -> None:
        """robots.txt came back (or `failed` to), and this is what it means."""
        self.answered(host, failed=failed, retry_after_s=retry_after_s, page=False)
        held = self.hosts[host]
        held.verdict = verdict
        held.noted = False
        held.arrived()
        if verdict.kind == "later":
            held.closed = True
            self.note(held, next_at=time.time() + robots.AGAIN_S).give_back = True
            return
        held.rules = verdict.rules
        # the delay counts from this very answer
        held.pace.slow_down(verdict.delay_s or 0.0)

    def rights_answered(
        self, host: int, status: int | None, body: bytes = b"", retry_after_s: float | None = None
    ) -> None:
        """tdmrep.json came back (status None: it did not). An absent one reserves nothing, a failure says nothing."""
        said, reserved = _is_said(status), tdmrep(body) if status == 200 else ""
        self.answered(host, failed=not said, retry_after_s=retry_after_s, page=False)
        held = self.hosts[host]
        held.arrived()
        held.asks_rights, held.knows_rights = False, True
        if said:
            held.tdmrep = reserved
            self.note(held)

    def probed(self, host: int, status: int | None, body: bytes = b"", retry_after_s: float | None = None) -> None:
        """The page that cannot be there was answered; with status 200 its print tells such answers from now on."""
        said, missing = _is_said(status), print_of_body(body) if status == 200 else 0
        self.answered(host, failed=not said, retry_after_s=retry_after_s, page=False)
        if said:
            held = self.hosts[host]
            held.missing = missing
            self.note(held).missing = held.missing

    def keeps_page(self, host: int) -> None:
        """A page of this host goes on to the stages: whether its site reserves mining is asked for, once a day."""
        held = self.hosts[host]
        held.asks_rights = not held.knows_rights

    def close_template(self, host: int, template: str, why: str) -> None:
        """No more pages of this template of a host."""
        self.note(self.hosts[host]).closed[template] = why

    def give_up(self, host: int, why: str) -> None:
        """No more pages of this host."""
        self.hosts[host].given_up = why


def _is_said(status: int | None) -> bool:
    """Whether an answer tells that a file is there or not; a host in trouble tells nothing."""
    return status is not None and status < 500 and status != 429
