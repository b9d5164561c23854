"""Results: list, show, dupes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from cyclopts import App, Group, Parameter

from crawler.cli import changed
from crawler.cli.explaining import explain, found
from crawler.cli.filters import Filters
from crawler.cli.flags import Flag, Hidden, Limit
from crawler.cli.ledger import fates, traps
from crawler.cli.session import FOUND, NARROW, NOTHING, Session, clipped, safe


def register(app: App, group: Group) -> None:
    """Adds the verbs."""
    app.command(listed, name="list", group=group)
    for verb in (show, explain, dupes, fates, traps):  # as help lists them
        app.command(verb, group=group)


def _store(session: Session) -> Any:
    from crawler.cli.opening import project

    return project(session).store(session.mode)


def listed(
    *, filters: Filters | None = None, limit: Limit = None, text: Flag = False,
    everything: Annotated[bool, Parameter(name="--all", negative=())] = False, session: Hidden,
) -> int:  # fmt: skip
    """List what was stored, best first.

    Parameters
    ----------
    limit
        Show only this many, the best.
    text
        With each article's text.
    everything
        Copies and kept articles that do not match, too.
    """
    from crawler.cli.opening import check_run, project
    from crawler.cli.telling import counted

    check_run(session, filters.run if filters else None)
    wanted = (filters or Filters()).wanted(profile=session.profile, everything=everything, copies=everything)
    # the number is a place in the whole list, which other verbs take
    filtered = filters is not None or session.profile is not None
    numbered = not filtered and not everything
    copies = {} if session.json or everything else _copies(session)
    number = told = 0
    for number, article in enumerate(project(session).chosen(wanted, limit=limit, mode=session.mode), 1):
        if session.json:
            session.emit(article if text else {k: v for k, v in article.items() if k != "text"})
            continue
        more = copies.get(article["story"], 0)
        told += more
        copy = (
            f"   copy of {article['copy_of']}"
            if article["copy_of"]
            else f"   {counted(more, 'copy', 'copies')}"
            if more
            else ""
        )
        day = (article["published"] or "")[:10]
        place = number if numbered else "·"
        about = f"{article['site']}  {day}{copy}"
        if session.width is not None and session.width < NARROW:
            title = clipped(safe(article["title"]), session.width - 12)
            session.out(f"{place:>4}  {article['score']:.2f}  {title}\n            {about}")
        else:
            title = clipped(safe(article["title"]), _room(session, about))
            session.out(f"{place:>4}  {article['score']:.2f}  {title}   {about}")
        if text:
            session.out(f"\n{article['text']}\n")
    if not number:
        session.say(nothing(session, filtered=filtered, everything=everything))
    elif numbered:
        if told and limit is None:
            stories, others = counted(number, "story", "stories"), counted(told, "copy", "copies")
            session.say(f"{stories} and {others}; `suchlike dupes` says who tells which")
        session.next((session.command("explain", "1"), "why it is there; rate 1 + or - says whether it should be"))
    return FOUND if number else NOTHING


def _copies(session: Session) -> dict[int, int]:
    from pipelines.stores import tellings

    with _store(session).read() as connection:
        return tellings.copies(connection)


def nothing(session: Session, *, filtered: bool, everything: bool = False) -> str:
    """Why a list or an export is empty, and where to look."""
    from pipelines.stores import fates as ends

    if not filtered and not everything:
        with _store(session).read() as connection:
            stored = ends.count(connection)["stored"]
        if stored:
            return f"{stored} stored, none a match; `suchlike list --all` shows them."
    nothing = "nothing stored is meant by these filters" if filtered else "nothing is stored yet"
    return f"{nothing}; `suchlike fates` says what became of the pages fetched."


def _room(session: Session, about: str) -> int:
    """Characters a title may have on this terminal, beside its place, score, site and day."""
    return 70 if session.width is None else max(20, min(70, session.width - len(about) - 16))


def show(url: str, *, diff: Flag = False, history: Flag = False, session: Hidden) -> int:
    """Show everything known about one URL: how it was found, fetched, judged, and where it is kept.

    Parameters
    ----------
    url
        A URL, or a place in `suchlike list`.
    diff
        How a copy differs from the canonical article of its story.
    history
        The versions the article had, with what changed from one to the next.
    """
    if diff or history:
        return _changed(url, diff=diff, session=session)
    from crawler.explaining import row_of
    from pipelines.stores import fates as ends

    with _store(session).read() as connection:
        told = ends.tell(connection, row_of(connection, url))
    if session.json:
        session.emit(told)
        return FOUND
    reason = f" ({told['reason']}: {told['detail'] or 'no more is known'})" if told["reason"] else ""
    session.out(f"{told['url']}\n fate      {told['fate']}{reason}")
    tries = "1 try" if told["fetches"] == 1 else f"{told['fetches']} tries"
    when = f"{told['fetched_at']}, status {told['status']}, {tries}" if told["fetched_at"] else "not yet"
    session.out(f" fetched   {when}{_robots(told)}")
    by = told["found_by"]
    session.out(f" found {found(by, by['path'])}")
    for step in by["path"][-3::-1]:
        session.out(f"           which was found on {step['url']}")
    article = told["article"]
    if article:
        sure = f" (confidence {article['published_confidence']:.2f})"
        published = f"published {article['published']}{sure}" if article["published"] else "no date found"
        session.out(f" article   {article['title']}   {article['words']} words, {article['language']}, {published}")
        for line in _about(article):
            session.out(line)
        session.out(f" score     {article['score']:.2f}   nearest seed {article['nearest_seed']}")
        session.out(f" rights    {_rights(article['rights'])}")
        session.out(f" kept      text sha256 {article['sha256'][:16]}…")
        changed.story(session, told["story"])
    if told["archive"]:
        session.out(f" archive   warc/{told['archive']['file']} @ {told['archive']['offset']}")
    return FOUND


def _about(article: dict[str, Any]) -> Iterator[str]:
    """Section, wall and what sources disagree about, a line each, where there is anything to say."""
    walls = {True: "behind a wall", False: "open to everybody", None: ""}[article["paywalled"]]
    short = "its text is only the beginning" if article["truncated"] else ""
    if said := ", ".join(filter(None, (article["section"], walls, short))):
        yield f" section   {said}" if article["section"] else f" access    {said}"
    if article["evidence"]:
        yield " by        " + ", ".join(f"{field} {source}" for field, source in article["evidence"].items())
    for field, told in article["disagreement"].items():
        ways = " · ".join(f"{source}: {_listed(value)}" for source, value in told.items())
        yield f" differ    {field}   {ways}"


def _listed(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else clipped(str(value), 70)


def _changed(url: str, *, diff: bool, session: Session) -> int:
    from crawler import versions

    told = (versions.differences if diff else versions.history)(_store(session), url)
    if session.json:
        session.emit(told)
    else:
        (changed.difference if diff else changed.history)(session, told)
    return FOUND


def _robots(told: dict[str, Any]) -> str:
    return ", robots.txt did not answer: tried again later" if told["robots"] == "later" else ""


def _rights(said: dict[str, Any]) -> str:
    parts = [f"robots: {said['robots']}"] if said["robots"] else []
    parts += ["asks not to be indexed"] if said["noindex"] else []
    parts += ["text and data mining reserved"] if said["tdm_reserved"] else []
    return "; ".join(parts) or "nothing is said of them"


def dupes(*, session: Hidden) -> int:
    """List the stories published more than once, each with its copies."""
    from pipelines.stores import tellings

    number = 0
    with _store(session).read() as connection:
        for number, story in enumerate(tellings.retold(connection), 1):  # noqa: B007  # whether there was any
            if session.json:
                session.emit(story)
                continue
            taken = "" if story["match"] else "   no match"
            session.out(f"{story['score']:.2f}  {story['title']}{taken}\n    {story['canonical']}")
            for copy in story["copies"]:
                session.out(f"    {copy['url']}  {(copy['published'] or '')[:10]}  {changed.why(copy)}")
    return FOUND if number else NOTHING
