"""Takedown on the command line: forget, shown before it is done."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from cyclopts import App, Group

from crawler.cli.flags import Flag, Hidden
from crawler.cli.session import FOUND, Session, clipped

SHOWN = 10


def register(app: App, group: Group) -> None:
    """Adds the verb."""
    app.command(forget, group=group)


def forget(what: str, *, copies: Flag = False, preview: Flag = False, session: Hidden) -> int:
    """Remove a URL or a whole site: text, index, signature and archived page; it is not fetched again.

    What would go is shown first. Exports already written stay as they are.

    Parameters
    ----------
    what
        A URL, a place in `suchlike list`, or a site such as news.example.
    copies
        The copies of it at other sites, too.
    preview
        Only show what would go.
    """
    from crawler.cli.opening import project

    opened = project(session)
    shown = opened.forget(what, copies=copies, preview=True, mode=session.mode)
    if not preview and (session.yes or _agreed(session, shown)):
        # what was shown: another article may stand at a place by now
        return _tell(session, opened.forget(shown.what, copies=copies, mode=session.mode))
    return _tell(session, shown)


def _agreed(session: Session, shown: Any) -> bool:
    """Asks a person; a program says --yes."""
    if session.json or not sys.stdin.isatty():
        return False
    _titles(session, shown)
    return session.agrees(f"{_number(shown)} would be removed for good. Do it?")


def _tell(session: Session, told: Any) -> int:
    if session.json:
        articles = [{"url": url, "title": title} for url, title in told.articles.items()]
        session.emit({**asdict(told), "articles": articles, "copies": list(told.copies)})
        return FOUND
    _titles(session, told)
    if not told.urls and not told.archived:
        # a tombstone is set all the same
        rest = "is never fetched" if told.applied else "would never be fetched"
        session.say(f"nothing is known of {told.what}; it {rest}.")
    else:
        session.say(f"{_number(told)} {'removed' if told.applied else 'would be removed'}; it is not fetched again.")
    for url in told.copies[:SHOWN]:
        session.say(f"a copy stays: {url}   (--copies takes it along)")
    if len(told.copies) > SHOWN:
        session.say(f"… and {len(told.copies) - SHOWN} more copies")
    if not told.applied:
        session.say("nothing is changed yet; the same command with --yes does it.")
    return FOUND


def _titles(session: Session, told: Any) -> None:
    for url, title in list(told.articles.items())[:SHOWN]:
        session.out(f"  {clipped(title, 70)}   {url}")
    if len(told.articles) > SHOWN:
        session.out(f"  … and {len(told.articles) - SHOWN} more")


def _number(told: Any) -> str:
    from crawler.cli.telling import counted

    pages = counted(told.archived, "archived page")
    return f"{counted(len(told.articles), 'article')}, {pages}, {counted(told.urls, 'URL')}"
