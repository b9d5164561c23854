"""A picture of curves: recall against pages fetched, one panel for each start, as SVG without any library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, TOP, GAP = 360, 240, 46, 30, 30
COLOURS = {"focus": "#c0392b", "real": "#e67e22", "shark": "#2980b9", "best-first": "#16a085", "breadth": "#7f8c8d",
           "random": "#bdc3c7"}  # fmt: skip
TITLES = {
    "seeds": "from the seeds' pages",
    "off": "from five pages about other things",
    "starts": "from the home pages",
}
LABELS = {"focus": "ours", "real": "ours, real crawl"}


def picture(curves: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """`curves`: start -> order -> recall, 0 to 1, after each page."""
    wide = LEFT + len(curves) * (WIDTH + GAP) + 110
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {HEIGHT + TOP + 44}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{wide}" height="{HEIGHT + TOP + 44}" fill="#fff"/>',
    ]
    top = max(max(points) for by in curves.values() for points in by.values())
    high = max(0.1, -(-top // 0.1) * 0.1)
    for number, (start, by) in enumerate(curves.items()):
        parts += _panel(LEFT + number * (WIDTH + GAP), TITLES[start], by, high)
    names = list(dict.fromkeys(name for by in curves.values() for name in by))
    for row, name in enumerate(names):
        y = TOP + 14 + 20 * row
        parts.append(f'<line x1="{wide - 112}" x2="{wide - 92}" y1="{y - 4}" y2="{y - 4}" {_stroke(name)}/>')
        parts.append(f'<text x="{wide - 86}" y="{y}">{escape(LABELS.get(name, name))}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _panel(left: float, title: str, by: Mapping[str, Sequence[float]], high: float) -> list[str]:
    pages = max(len(points) for points in by.values())
    parts = [f'<text x="{left}" y="{TOP - 10}" font-weight="bold">recall, {escape(title)}</text>']
    for tick in range(round(high * 10) + 1):
        y = TOP + HEIGHT * (1 - tick / 10 / high)
        parts.append(f'<line x1="{left}" x2="{left + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#eee"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{tick / 10:.1f}</text>')
    for quarter in range(5):
        x = left + WIDTH * quarter / 4
        shown = f"{pages * quarter // 4} pages" if quarter == 4 else f"{pages * quarter // 4}"
        parts.append(f'<text x="{x:.1f}" y="{TOP + HEIGHT + 18}" text-anchor="middle" fill="#555">{shown}</text>')
    for name, points in by.items():
        step = max(1, len(points) // 120)
        kept = [*range(0, len(points), step), len(points) - 1]
        line = " ".join(
            f"{left + WIDTH * (at + 1) / pages:.1f},{TOP + HEIGHT * (1 - points[at] / high):.1f}" for at in kept
        )
        parts.append(f'<polyline points="{line}" fill="none" {_stroke(name)}/>')
    return parts


def _stroke(name: str) -> str:
    dash = ' stroke-dasharray="5 3"' if name == "real" else ""
    return f'stroke="{COLOURS[name]}" stroke-width="2"{dash}'
