"""Curves as points of a small drawing, for pages without JavaScript; with it, uPlot draws the same numbers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.stores.marks import Mark

# pages over which a harvest is told
WINDOW = 50
WIDTH, HEIGHT = 600, 160
MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class Curve:
    """A drawing of WIDTH by HEIGHT: `line` and `area` as SVG points, the top of the scale, and the numbers themselves.

    `x` and `y` are what uPlot is given.
    """

    line: str
    area: str
    top: float
    x: tuple[float, ...]
    y: tuple[float, ...]
    more: tuple[float, ...] = ()

    @property
    def numbers(self) -> list[list[float]]:
        """As uPlot takes them."""
        return [list(self.x), list(self.y), *([list(self.more)] if self.more else [])]


def harvest(marks: Sequence[Mark]) -> Curve | None:
    """Matches per 100 pages over the last WINDOW pages at each mark, and in all. None before there is a curve."""
    if len(marks) < 3:
        return None
    x, y, more = [], [], []
    begin = 0
    for mark in marks:
        while begin + 1 < len(marks) and mark.pages - marks[begin + 1].pages >= WINDOW:
            begin += 1
        since = marks[begin]
        pages, matches = mark.pages - since.pages, mark.matches - since.matches
        if pages <= 0:  # the first: all there was until then
            pages, matches = mark.pages, mark.matches
        if pages > 0:
            x.append(float(mark.pages))
            # everything was judged anew in between, and less matches now
            y.append(round(100 * max(0, matches) / pages, 2))
            more.append(float(mark.matches))
    return _drawn(*_thinned(x, y, more)) if x else None


def thresholds(curve: Sequence[int]) -> Curve:
    """How many are kept at each threshold, from .00 on."""
    return _drawn([at / 100 for at in range(len(curve))], [float(number) for number in curve])


def in_force(curve: Sequence[int], threshold: float | None, matches: int | None) -> tuple[int, ...]:
    """`curve` (see census.Census) with what the threshold now in force keeps, to the article, at its hundredth.

    It lies between two hundredths, and one of its articles beside it would be counted wrongly. `matches` is None where
    more than the score decides what matches.
    """
    if threshold is None or matches is None:
        return tuple(curve)
    at = round(threshold * 100)
    kept = min(max(matches, *curve[at + 1 : at + 2], 0), *curve[max(0, at - 1) : at or 1])
    return (*curve[:at], kept, *curve[at + 1 :])


def _thinned(*columns: list[float]) -> list[list[float]]:
    step = -(-len(columns[0]) // MOST_POINTS)
    return [column[:-1:step] + column[-1:] for column in columns]


def _drawn(x: Sequence[float], y: Sequence[float], more: Sequence[float] = ()) -> Curve:
    top = _round_top(max(y))
    span = (x[-1] - x[0]) or 1.0
    points = [
        f"{WIDTH * (at - x[0]) / span:.1f},{HEIGHT * (1 - value / top):.1f}" for at, value in zip(x, y, strict=True)
    ]
    line = " ".join(points)
    return Curve(line, f"0,{HEIGHT} {line} {WIDTH},{HEIGHT}", top, tuple(x), tuple(y), tuple(more))


def _round_top(highest: float) -> float:
    """The next of 1, 2, 5, 10 … that is not below."""
    top = 1.0
    while top < highest:
        for step in (2, 2.5, 2):
            top *= step
            if top >= highest:
                break
    return top
