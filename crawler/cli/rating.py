"""Rate: what is like the seeds and what is not, shown before it is done."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from cyclopts import App, Group

from crawler.cli.flags import Flag, Hidden
from crawler.cli.session import FOUND, NOTHING, STDIN, Session, clipped
from pipelines.errors import UsageError

VERDICTS = {"+": 1, "like": 1, "-": -1, "unlike": -1, STDIN: -1}
SHOWN = 8
SUGGESTED = 5


def register(app: App, group: Group) -> None:
    """Adds the verb."""
    app.command(rate, group=group)


def rate(
    *what: str, undo: Flag = False, preview: Flag = False,
    session: Hidden,
) -> int:  # fmt: skip
    """Say which results are like the seeds and which are not; the likeness learns, and judges everything again.

    `suchlike rate 3 -` says that the third result is not what you want; `suchlike rate URL +` that one is. What would
    enter and leave is shown first. Without arguments: what is rated, and what is best rated next.

    Parameters
    ----------
    what
        URLs, or places in `suchlike list`, and then + or - (or like, unlike).
    undo
        Take the last rating back.
    preview
        Only show what would change.
    """
    from crawler.cli.opening import project

    opened = project(session)
    if undo:
        return _tell(session, opened.unrate(preview=preview, mode=session.mode))
    if not what:
        return _listed(session, opened)
    *named, said = what
    if said not in VERDICTS or not named:
        raise UsageError("Say what and how: `suchlike rate URL +` (or -); a number is a place in `suchlike list`.")
    verdict = VERDICTS[said]
    shown = opened.rate(named, verdict, preview=True, mode=session.mode)
    if preview or not (session.yes or _agreed(session, shown)):
        return _tell(session, shown)
    # what was shown: another article may stand at a place by now
    return _tell(session, opened.rate(shown.urls, verdict, mode=session.mode))


def _agreed(session: Session, shown: Any) -> bool:
    """Asks a person; a program says --yes."""
    if session.json or not sys.stdin.isatty():
        return False
    _changes(session, shown)
    return session.agrees(f"{shown.entered} would enter, {shown.left} would leave. Do it?")


def _tell(session: Session, rated: Any) -> int:
    if session.json:
        changes = [{**asdict(change), "change": "enters" if change.enters else "leaves"} for change in rated.changes]
        for change in changes:
            del change["enters"]
        session.emit({"urls": list(rated.urls), "verdict": rated.verdict, "applied": rated.applied,
                      "entered": rated.entered, "left": rated.left, "changes": changes})  # fmt: skip
        return FOUND
    how = {1: "like the seeds", -1: "not like the seeds", 0: "rated no more"}[rated.verdict]
    for url in rated.urls:
        session.out(f"{url}: {how}")
    _changes(session, rated)
    done = ("entered", "left") if rated.applied else ("would enter", "would leave")
    session.say(f"{rated.entered} {done[0]} the matches, {rated.left} {done[1]}.")
    if not rated.applied:
        session.say("nothing is changed yet; the same command with --yes does it.")
    return FOUND


def _changes(session: Session, rated: Any) -> None:
    for change in rated.changes[:SHOWN]:
        sign = "+" if change.enters else "-"
        session.out(f"  {sign} {change.before:.2f} → {change.after:.2f}  {clipped(change.title, 80)}")
    if len(rated.changes) > SHOWN:
        session.out(f"  … and {len(rated.changes) - SHOWN} more")


def _listed(session: Session, opened: Any) -> int:
    told = opened.ratings(limit=SUGGESTED, mode=session.mode)
    if session.json:
        session.emit(told)
        return FOUND
    for one in told["rated"]:
        session.out(
            f"{'+' if one['verdict'] > 0 else '-'}  {one['score']:.2f}  {clipped(one['title'], 70)}   {one['url']}"
        )
    if told["next"]:
        session.say("best rated next, for the top of the list teaches most:")
    for one in told["next"]:
        session.out(f"?  {one['score']:.2f}  {clipped(one['title'], 70)}   {one['url']}")
    return FOUND if told["rated"] or told["next"] else NOTHING
