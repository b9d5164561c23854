"""Plan: a dry run."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from typing import Any

from cyclopts import App, Group
from rich.table import Table
from rich.text import Text

from crawler.cli.flags import Flag, Hidden, Many
from crawler.cli.helping import console
from crawler.cli.session import FOUND, NARROW, REFUSED, Session, clipped, given, safe
from pipelines.masking import masked

# columns, where nobody's terminal bounds them
UNBOUND = 160


def register(app: App, group: Group) -> None:
    """Adds the verb."""
    app.command(plan, group=group)


def plan(
    *, site: Many = None, feed: Many = None, sitemap: Many = None, seeds: Many = None, pages: int | None = None,
    proxy: str | None = None, allow_private: Flag = False, session: Hidden,
) -> int:  # fmt: skip
    """Show what `run` would fetch from where. Fetches only robots.txt, feeds and sitemaps.

    Parameters
    ----------
    site
        A page to start from.
    feed
        A feed to start from.
    sitemap
        A sitemap to start from.
    seeds
        Seed files or folders, instead of the project's.
    pages
        The page budget to reckon with.
    proxy
        Send every request through this HTTP proxy.
    allow_private
        Let addresses of private networks be fetched.
    """
    overrides = {
        "crawl": {"pages": pages, "proxy": proxy, "allow_private_addresses": True if allow_private else None},
        "sources": {"sites": site, "feeds": feed, "sitemaps": sitemap},
    }
    return planned(session, overrides, given(seeds or []))


def planned(session: Session, overrides: dict[str, Any], seeds: list[str]) -> int:
    """The plan of a run with these overrides; also `run --dry-run`."""
    from crawler.cli.opening import project
    from crawler.demo.served import served

    opened = project(session)
    with contextlib.ExitStack() as stack:
        if opened.config(overrides).mode == "demo":
            overrides.setdefault("crawl", {})["proxy"] = stack.enter_context(served())
        made = opened.plan(overrides, seed_paths=seeds)
    if session.json:
        session.emit(asdict(made))
    else:
        _tell(session, made)
    return FOUND if _open(made) else REFUSED


def _open(made: Any) -> bool:
    """Whether there is anything that may be fetched."""
    return any(source.robots == "allowed" for source in made.sources)


def _tell(session: Session, made: Any) -> None:
    from crawler.cli.telling import counted

    narrow = (session.width or UNBOUND) < NARROW
    table = Table(box=None, padding=(0, 2), header_style="dim")
    # it has no space in it, so it is cut and never wrapped
    table.add_column("source", overflow="ellipsis", max_width=60)
    table.add_column("kind", no_wrap=True)
    table.add_column("items", justify="right", no_wrap=True)
    table.add_column("robots", no_wrap=True)
    table.add_column("delay", justify="right", no_wrap=True)
    table.add_column("note", overflow="fold")
    for one in made.sources:
        delay = f"{one.delay_s:.3g} s" if one.robots == "allowed" else "-"
        items = "?" if one.items is None else str(one.items or "-")
        name = Text(safe(one.source.partition("://")[2]))
        if narrow:
            told = " · ".join(part for part in (one.kind, f"{items} items", one.robots, delay, one.note) if part)
            session.out(f" {clipped(name.plain, (session.width or UNBOUND) - 1)}\n   {told}")
        table.add_row(name, one.kind, items, one.robots, delay, Text(safe(one.note), style="dim"))
    if not narrow:
        console(not session.color, session.width or UNBOUND).print(table)
    known = f"{counted(made.candidates, 'candidate page')} known"
    if any(one.items is None and one.robots == "allowed" for one in made.sources):
        known += ", and what links lead to"
    minutes = f"≈ {made.seconds / 60:.0f} min" if made.seconds >= 90 else f"≈ {made.seconds:.0f} s"
    session.say(
        f" {known}; {counted(made.pages, 'page')} within the budget, {minutes} at these delays. "
        "Nothing was fetched but the lists."
    )
    if not made.complete:
        session.say(" Some lists were not read in time, or did not answer: there may be more.")
    if _open(made):
        again = [word for word in session.typed[1:] if word != "--dry-run"]
        session.next((masked(session.command("run", *again)), "the crawl itself"), always=True)
        return
    session.say(
        " None of these sources may be fetched now. One that is unanswered may answer later; "
        "else name another --site, --feed or --sitemap."
    )
