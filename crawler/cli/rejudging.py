"""Another try of what is there already: rejudge, reread."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from cyclopts import App, Group

from crawler.cli.flags import Flag, Hidden, Languages, Since, languages_of
from crawler.cli.session import FOUND, NOTHING, Session, clipped
from pipelines.config import check_threshold
from pipelines.errors import UsageError
from pipelines.misfits import check_since

SHOWN = 8


def register(app: App, group: Group) -> None:
    """Adds the verbs."""
    app.command(rejudge, group=group)
    app.command(reread, group=group)


def rejudge(
    *, threshold: str | None = None, lang: Languages = None, since: Since = None, preview: Flag = False,
    session: Hidden,
) -> int:  # fmt: skip
    """Decide again what matches, by another threshold, language or day, from stored texts. Nothing is fetched.

    What would enter and leave is shown first. Pages dropped for being no match go on where they now are one.

    Parameters
    ----------
    threshold
        A number from 0 to 1, or auto, strict or loose.
    lang
        Only articles in these languages (en,de); '' for all.
    since
        Only articles published on this day (2026-11-01) or later, or 30d before they were found; '' for all.
    preview
        Only show what would change.
    """
    from crawler.cli.opening import project

    if threshold is None and lang is None and since is None:
        raise UsageError("Say what to decide by: --threshold, --lang or --since.")
    asked: dict[str, Any] = {
        "threshold": None if threshold is None else check_threshold(threshold, "--threshold"),
        "languages": languages_of(lang), "since": None if since is None else check_since(since, "--since"),
    }  # fmt: skip
    said = {key: value for key, value in asked.items() if value is not None}
    opened = project(session)
    shown = opened.rejudge(**asked, preview=True, mode=session.mode)
    if preview or not (session.yes or _agreed(session, shown)):
        return _tell(session, shown, said)
    return _tell(session, opened.rejudge(**asked, mode=session.mode), said)


def reread(*, reason: str | None = None, preview: Flag = False, session: Hidden) -> int:
    """Extract dropped pages once more from the archive, for when a rule has changed. Nothing is fetched.

    Only pages that lie in the archive can be read; with archive = "all" in [store] every page does.

    Parameters
    ----------
    reason
        Only pages that were dropped for this, as `suchlike fates` words it (too-short, not-article, …).
    preview
        Only count them.
    """
    from crawler.cli.opening import project

    told = project(session).reread(reason, preview=preview, mode=session.mode)
    if session.json:
        session.emit(asdict(told) | {"reasons": list(told.reasons)})
    missing = f"; {told.missing} dropped for the same are not in the archive" if told.missing else ""
    if not told.applied:
        session.say(f"{told.archived} pages can be read again{missing}.")
        if told.archived:
            session.say("nothing is changed yet; the same command without --preview does it.")
    else:
        ends = ", ".join(f"{number} {name}" for name, number in sorted(told.ends.items())) or "none"
        session.say(f"{sum(told.ends.values())} pages were read again: {ends}{missing}.")
        if told.damaged:
            session.say(f"{told.damaged} are damaged in the archive; `suchlike verify` says how.")
    return FOUND if told.archived else NOTHING


def _agreed(session: Session, shown: Any) -> bool:
    """Asks a person; a program says --yes."""
    if session.json or not sys.stdin.isatty():
        return False
    _changes(session, shown)
    return session.agrees(f"{_summed(shown)}. Do it?")


def _tell(session: Session, told: Any, said: dict[str, Any]) -> int:
    entered = sum(change.enters for change in told.changes)
    if session.json:
        changes = [{**asdict(change), "change": "enters" if change.enters else "leaves"} for change in told.changes]
        for change in changes:
            del change["enters"]
        session.emit({"before": told.before, "threshold": told.threshold, "languages": list(told.languages),
                      "since": told.since, "applied": told.applied, "entered": entered,
                      "left": len(changes) - entered, "unread": told.unread, "changes": changes})  # fmt: skip
        return FOUND
    _changes(session, told)
    session.say(f"{_summed(told)}.")
    if told.unread:
        session.say(f"{told.unread} pages were dropped at the quick look and have no text to decide by.")
    if told.applied:
        lines = ", ".join(f"{key} = {json.dumps(value)}" for key, value in said.items())
        session.say(f"the next run asks suchlike.toml: write {lines} in the profile to keep it.")
    else:
        session.say("nothing is changed yet; the same command with --yes does it.")
    return FOUND


def _summed(told: Any) -> str:
    entered = sum(change.enters for change in told.changes)
    verbs = ("entered", "left") if told.applied else ("would enter", "would leave")
    left = len(told.changes) - entered
    moved = f"threshold {told.before:.2f} → {told.threshold:.2f}: " if told.before != told.threshold else ""
    return f"{moved}{entered} {verbs[0]} the matches, {left} {verbs[1]}"


def _changes(session: Session, told: Any) -> None:
    for change in told.changes[:SHOWN]:
        session.out(f"  {'+' if change.enters else '-'} {change.after:.2f}  {clipped(change.title, 80)}   {change.url}")
    if len(told.changes) > SHOWN:
        session.out(f"  … and {len(told.changes) - SHOWN} more")
