"""What a person sees while a run is at work: pages, matches, rate; no total is pretended."""

from __future__ import annotations

import itertools
import time
from collections import deque
from types import TracebackType

from rich.live import Live
from rich.table import Table
from rich.text import Text

from crawler.cli.session import Session, safe
from crawler.conductor import Progress

_BARS = "▁▂▃▄▅▆▇█"
SHOWN = 4


class Watching:
    """A live display on a terminal, a line now and then elsewhere; call it with each Progress."""

    def __init__(self, session: Session, budget: int) -> None:
        self._session = session
        self._budget = budget
        self._terminal = session.console.is_terminal and not session.quiet
        self._live: Live | None = None
        self._latest: deque[tuple[float, str, str]] = deque(maxlen=SHOWN)
        self._points: deque[tuple[float, int, int]] = deque(maxlen=240)
        self._said_at = 0.0

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
        if self._live is not None:
            self._live.update(self._table(progress))
        elif time.monotonic() - self._said_at > 5:
            self._said_at = time.monotonic()
            self._session.say(self._line(progress))

    def _rate(self) -> float:
        (t0, p0, _), (t1, p1, _) = self._points[max(0, len(self._points) - 20)], self._points[-1]
        return (p1 - p0) / (t1 - t0) if t1 > t0 else 0.0

    def _line(self, progress: Progress) -> str:
        of = f"/{self._budget}" if self._budget else ""
        harvest = progress.matches / progress.pages if progress.pages else 0.0
        waiting = f"   {progress.in_flight} in the queues" if progress.in_flight else ""
        promise = progress.promise
        ahead = f"   next {promise.requests} should bring {promise.matches:.0f}" if promise else ""
        return (
            f"{progress.pages}{of} pages   {progress.matches} match   harvest {harvest:.0%}   "
            f"{self._rate():.1f} pages/s   {int(progress.seconds) // 60}:{int(progress.seconds) % 60:02}"
            f"{ahead}{waiting}"
        )

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

    def _table(self, progress: Progress) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_row(Text(" ● ", style="green"), Text(self._line(progress)))
        table.add_row("", Text(f"harvest {self._spark()}", style="dim"))
        for score, title, site in self._latest:
            table.add_row(Text(f"{score:.2f}", style="bold"), Text(f"{safe(title)[:70]}   {site}", overflow="ellipsis"))
        return table
