"""What real crawls fall into: pages without end, redirects in circles, refusals, monsters."""

from __future__ import annotations

import re
from collections.abc import Callable

from crawler.demo.answers import Answer, html, moved, page, refused, typed
from crawler.demo.skins import link

NESTED = 20_000
LONG_LINE_BYTES = 2_000_000
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"

# the links of each site's service box, which stands on every page of it
LEADS: dict[str, tuple[tuple[str, str], ...]] = {
    "northhaven-post.test": (("https://northhaven-post.test/epaper", "E-paper"), ("/search?q=town", "Search")),
    "coastal-wire.test": (("http://example.com/terminal", "Terminal for clients"), ("/search?q=today", "Search")),
    "ledger.test": (
        ("/subscribers/portfolio", "Your portfolio"),
        ("/subscribers/analysis", "Analysis"),
        ("/go/latest", "Newest report"),
        ("/files/annual-report.pdf", "Our annual report"),
    ),
    "tidewater-herald.test": tuple((f"/live/{number}", f"Live blog {number}") for number in range(1, 5)),
    "inland-echo.test": (
        ("/calendar/2026/11", "Calendar"),
        ("/loop/a", "Mobile site"),
        ("/open-data/parking", "Parking places, raw"),
    ),
    "railview.test": (("https://example.org/timetable", "Timetables"),),
    "allmende-bote.test": (("http://example.com/anzeigen", "Anzeigen"),),
    "meridian-times.test": (("/region/coast/", "Regions"), ("/out", "Our partner"), ("/search?q=city", "Search")),
    "kitchen-table.test": (("/old/guestbook", "Guest book"), ("/empty", "Wish list")),
    "scoreline.test": (("/results/1998", "Results 1998"), ("/shop", "Shop"), ("http://example.com/bets", "Odds")),
}


def calendar(match: re.Match[str]) -> Answer:
    """A month with links to the months beside it, for ever."""
    year, month = int(match[1]), int(match[2])
    if not 1 <= month <= 12:
        return refused(404, "no such month")
    before = (year, month - 1) if month > 1 else (year - 1, 12)
    after = (year, month + 1) if month < 12 else (year + 1, 1)
    links = " ".join(
        link(f"/calendar/{there[0]:04}/{there[1]:02}", name) for there, name in ((before, "before"), (after, "after"))
    )
    return page(f"Calendar {month}/{year}", f"<p>{links}</p><p>Nothing is on this month.</p>")


def region(match: re.Match[str]) -> Answer:
    """A page whose relative links forgot a slash, so that every page leads one deeper."""
    links = f"{link('region/coast/', 'Coast')} {link('./', 'Region')} {link('/', 'Front page')}"
    return page("Regions", f"<p>{links}</p><p>Choose a region to see its reports.</p>")


def monster(_: re.Match[str]) -> Answer:
    """A page of 20,000 elements, each inside the one before."""
    return page("Guest book", "<div>" * NESTED + "Nice soup!" + "</div>" * NESTED)


def long_line(_: re.Match[str]) -> Answer:
    """A page that is one line of two megabytes."""
    row = "place taken; place free; "
    return html(f"<html><body><p>{row * (LONG_LINE_BYTES // len(row))}</p></body></html>")


TRAPS: tuple[tuple[str, str, Callable[[re.Match[str]], Answer]], ...] = (
    ("inland-echo.test", r"/calendar/(\d{4,6})/(\d{1,2})/?", calendar),
    ("inland-echo.test", r"/loop/a", lambda _: moved("/loop/b", 302)),
    ("inland-echo.test", r"/loop/b", lambda _: moved("/loop/a", 302)),
    ("inland-echo.test", r"/open-data/parking", long_line),
    ("meridian-times.test", r"/(region/coast/)+", region),
    ("meridian-times.test", r"/out", lambda _: moved("http://example.com/partner", 302)),
    ("kitchen-table.test", r"/old/guestbook", monster),
    ("kitchen-table.test", r"/empty", lambda _: html("")),
    ("ledger.test", r"/subscribers/.*", lambda _: refused(403, "for subscribers only")),
    ("ledger.test", r"/files/annual-report\.pdf", lambda _: typed(PDF + bytes(4096), "application/pdf")),
    ("tidewater-herald.test", r"/live/\d+", lambda _: refused(500, "the live blog has fallen over")),
    ("railview.test", r"/r/1/(\d+)", lambda match: moved(f"/r/2/{match[1]}", 302)),
    ("railview.test", r"/r/2/(\d+)", lambda match: moved(f"/r/3/{match[1]}")),
    (".test", r"/search", lambda _: page("Search", "<p>The search is being repaired.</p>")),
)


def trap(host: str, path: str) -> Answer | None:
    """Return the answer of the trap at that place, or None if there is none."""
    for where, pattern, answer in TRAPS:
        if host.endswith(where) and (match := re.fullmatch(pattern, path)):
            return answer(match)
    return None


def not_found(host: str) -> Answer:
    """Answer for a page that is not there; one site says so with status 200."""
    status = 200 if host == "scoreline.test" else 404
    return page("Page not found", "<p>We looked everywhere. Perhaps it was never there.</p>", status)
