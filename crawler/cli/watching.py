"""What a person sees while a run is at work: pages, matches, rate; no total is pretended."""

from __future__ import annotations

import itertools
import time
from collections import deque
from types import TracebackType

from rich.cells import cell_len
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from crawler.cli.session import Session, clipped, fitted, safe
from crawler.running.lookout import Progress

_BARS = "▁▂▃▄▅▆▇█"
SHOWN = 4
# fewer columns leave no room for a bar, nor for every word
WIDE = 80
# a pace is known after this long
SETTLED_S = 10.0


class Watching:
    """A live display on a terminal, a line now and then elsewhere; call it with each Progress."""

    def __init__(self, session: Session, budget: int) -> None:
        self._session = session
        self._budget = budget
        # a dumb one cannot draw anything anew
        self._terminal = session.console.is_interactive and not session.quiet
        self._live: Live | None = None
        self._latest: deque[tuple[float, str, str]] = deque(maxlen=SHOWN)
        self._points: deque[tuple[float, int, int]] = deque(maxlen=240)
        self._said_at = 0.0
        self._said = 0
        # the most matches that were counted on the way
        self.peak = 0

    def __enter__(self) -> Watching:
        if self._terminal:
            self._live = Live(console=self._session.console, refresh_per_second=4, transient=True)
            self._live.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, at)

    def __call__(self, progress: Progress) -> None:
        """Shows where the run is."""
        self._points.append((progress.seconds, progress.pages, progress.matches))
        self._latest.extend(progress.latest)
        self.peak = max(self.peak, progress.matches)
        if progress.stopping:
            self._stop()
        if self._live is not None:
            self._live.update(self._table(progress, self._session.console.width))
        elif time.monotonic() - self._said_at > 5:
            self._said_at = time.monotonic()
            # fewer than before: the crawl has taught what is common there
            anew = "   judged anew by what was learned here" if progress.matches < self._said else ""
            self._said = progress.matches
            self._session.say(self._line(progress) + anew)

    def _stop(self) -> None:
        """Said above the display, so that it stays when that is gone."""
        told = " stopping: pages under way are finished; Ctrl-C again waits for nobody"
        if self._live is None:
            self._session.say(told)
            return
        for line in fitted(told, self._live.console.width):
            self._live.console.print(line, markup=False, soft_wrap=True)

    def _rate(self) -> float:
        (t0, p0, _), (t1, p1, _) = self._points[max(0, len(self._points) - 20)], self._points[-1]
        return (p1 - p0) / (t1 - t0) if t1 > t0 else 0.0

    def _line(self, progress: Progress) -> str:
        """All there is to tell, where nothing can be drawn."""
        return "   ".join([*self._counts(progress), *self._outlook(progress)])

    def _counts(self, progress: Progress) -> list[str]:
        elapsed = _clock(progress.seconds)
        if not progress.pages and not progress.in_flight:
            return ["starting", elapsed]
        self._budget = progress.budget or self._budget  # it may be made larger meanwhile
        of = f"/{self._budget:,}" if self._budget else ""
        told = [f"{progress.pages:,}{of} pages", f"{progress.matches:,} match"]
        if self._budget and progress.pages >= self._budget:
            return [*told, "finishing", elapsed]
        if progress.paused or progress.stopping:
            return [*told, "stopping" if progress.stopping else "paused", elapsed]
        return [*told, f"{self._rate():.1f} pages/s", elapsed + self._left(progress)]

    def _left(self, progress: Progress) -> str:
        """How long until the page budget is spent, at the pace of the last while; nothing is known of any other end."""
        rate = self._rate()
        if not self._budget or rate <= 0 or progress.seconds < SETTLED_S:
            return ""
        return f", {_clock((self._budget - progress.pages) / rate)} to the budget"

    def _outlook(self, progress: Progress) -> list[str]:
        told = [f"harvest {progress.matches / progress.pages:.0%}"] if progress.pages else []
        if progress.promise:
            told.append(f"next {progress.promise.requests} should bring {progress.promise.matches:.0f}")
        if progress.in_flight:
            told.append(f"{progress.in_flight} in the queues")
        if progress.trouble:
            told.append(f"! {progress.trouble}")
        return told

    def _spark(self) -> str:
        """Matches per page over the last stretches of the run."""
        points = list(self._points)
        if len(points) < 3:
            return ""
        step = max(1, len(points) // 16)
        marks = points[::step]
        rates = [
            max(0.0, (m1 - m0) / (p1 - p0)) if p1 > p0 else 0.0
            for (_, p0, m0), (_, p1, m1) in itertools.pairwise(marks)
        ]
        top = max([*rates, 0.05])
        return "".join(_BARS[min(7, int(rate / top * 7))] for rate in rates)

    def _table(self, progress: Progress, width: int) -> Table:
        table, room, wide = Table.grid(padding=(0, 2), expand=False), max(20, width - 8), width >= WIDE
        table.add_column(no_wrap=True)
        table.add_column(max_width=room)
        counts, outlook = self._counts(progress), self._outlook(progress)
        if not wide:
            counts, outlook = self._in_short(progress, counts)
        elif cell_len("   ".join((spark := self._spark(), *outlook))) <= room:
            outlook = [spark, *outlook]
        if self._budget and wide:
            bar = ProgressBar(total=self._budget, completed=min(progress.pages, self._budget), width=24)
            table.add_row(Text(" ●", style="green"), bar)
        table.add_row(Text(" ●", style="green") if not (self._budget and wide) else "", Text(_set(counts, room)))
        if any(outlook):
            table.add_row("", Text(_set(outlook, room), style="dim"))
        for score, title, site in self._latest:
            line = Text(f"{clipped(safe(title), 70)}   {site}", no_wrap=True, overflow="ellipsis")
            table.add_row(Text(f"{score:.2f}", style="bold"), line)
        return table

    def _in_short(self, progress: Progress, counts: list[str]) -> tuple[list[str], list[str]]:
        """Counts and outlook for a narrow terminal: what is new in a second, what comes, and what is wrong."""
        told = [part.replace(" to the budget", " left") for part in counts]
        if progress.pages:
            told[1] += f" ({progress.matches / progress.pages:.0%})"
        return told, [part for part in self._outlook(progress) if part.startswith(("next ", "! "))]


def _set(parts: list[str], room: int) -> str:
    """The parts beside each other, on as many lines as they need to stay whole."""
    lines = [""]
    for part in filter(None, parts):
        longer = f"{lines[-1]}   {part}" if lines[-1] else part
        lines = [*lines[:-1], longer] if not lines[-1] or cell_len(longer) <= room else [*lines, part]
    return "\n".join(lines)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
