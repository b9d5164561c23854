"""How a notebook shows an explanation and a harvest: small HTML and SVG, everything from the web escaped. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

WIDTH, HEIGHT, MARGIN = 560, 180, 36
MOST_POINTS = 400


class Explained(dict[str, Any]):
    """The facts behind a score, as `suchlike explain --json` gives them; a notebook shows them as a table."""

    def _repr_html_(self) -> str:
        if not self["parts"]:
            return f"<p>{_html(self['url'])} was not judged: {_html(self['reason'] or 'it waits')}</p>"
        parts = "".join(f"<td>{_html(name)} <b>{value:+.2f}</b></td>" for name, value in self["parts"].items())
        words = ", ".join(f"{_html(term['word'])} {term['weight']:+.2f}" for term in self["terms"][:10])
        seeds = ", ".join(f"{_html(one['seed'])} {one['score']:.2f}" for one in self["nearest_seeds"])
        pairs = "".join(
            f"<li>{_html(one['ours'])}<br><small>seed: {_html(one['seeds'])}</small></li>" for one in self["pairs"]
        )
        against = "".join(f"<li>{_html(one)}</li>" for one in self["against"])
        taken = "a match" if self["match"] else "no match"
        return (
            f"<h4>{self['score']:.2f} {_html(self['title'])} ({taken}, from {self['threshold']:.2f})</h4>"
            f"<table><tr>{parts}<td>= <b>{self['logit']:+.2f}</b>, the logit of the score</td></tr></table>"
            f"<p>closest seeds: {seeds}<br>words: {words}<br>"
            f"closer in words and meaning than {ordinary(self['percentile'])}</p>"
            + (f"<ul>{pairs}</ul>" if pairs else "")
            + (f"<p>against:</p><ul>{against}</ul>" if against else "")
        )


def table(best: Sequence[Mapping[str, Any]], number: int) -> str:
    """The best of `number` matches, as a table of HTML."""
    rows = "".join(
        f"<tr><td>{one['score']:.2f}</td><td>{_html(one['title'] or one['url'])}</td><td>{_html(one['site'])}</td>"
        f"<td>{_html((one['published'] or '')[:10])}</td></tr>"
        for one in best
    )
    more = f"<p>and {number - len(best):,} more</p>" if number > len(best) else ""
    head = "<tr><th>score</th><th>title</th><th>site</th><th>published</th></tr>"
    return f"<table>{head}{rows}</table>{more}" if rows else "<p>no matches</p>"


@dataclass(frozen=True, slots=True)
class Harvest:
    """How many matches were found after each page fetched: `found[n]` after page n + 1."""

    found: tuple[int, ...]

    @classmethod
    def of(cls, pages: Iterable[bool]) -> Harvest:
        """From pages in the order of their fetching, each a match or not."""
        found, number = [], 0
        for matched in pages:
            number += matched
            found.append(number)
        return cls(tuple(found))

    def _repr_svg_(self) -> str:
        pages, most = max(1, len(self.found)), max(1, self.found[-1] if self.found else 0)
        step = max(1, pages // MOST_POINTS)
        shown = [*range(0, len(self.found), step), len(self.found) - 1] if self.found else []
        across, up = (WIDTH - MARGIN) / pages, (HEIGHT - MARGIN - 12) / most
        points = " ".join(f"{MARGIN + across * (n + 1):.1f},{HEIGHT - MARGIN - up * self.found[n]:.1f}" for n in shown)
        base = HEIGHT - MARGIN
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
            'role="img" font-family="sans-serif" font-size="12">'
            f"<title>{most if self.found else 0} matches in {len(self.found)} pages</title>"
            f'<path d="M{MARGIN} 8V{base}H{WIDTH}" fill="none" stroke="#888"/>'
            f'<polyline points="{MARGIN},{base} {points}" fill="none" stroke="#0d9488" stroke-width="2"/>'
            f'<text x="{MARGIN - 4}" y="16" text-anchor="end" fill="#888">{most}</text>'
            f'<text x="{MARGIN + 6}" y="16" fill="#888">matches</text>'
            f'<text x="{MARGIN}" y="{HEIGHT - 12}" fill="#888">pages fetched</text>'
            f'<text x="{WIDTH}" y="{HEIGHT - 12}" text-anchor="end" fill="#888">{len(self.found)}</text></svg>'
        )

    def __str__(self) -> str:
        return f"{self.found[-1] if self.found else 0} matches in {len(self.found)} pages"


def ordinary(percentile: float) -> str:
    """How much of ordinary news an article is closer than; `percentile` from 0 to 100."""
    if percentile < 99.95:
        return f"{percentile:.1f} % of ordinary news"
    return "all the ordinary news it was compared with"


def _html(text: object) -> str:
    return escape(str(text))
