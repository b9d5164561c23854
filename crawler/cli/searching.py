"""Results by what they say: search."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Group, Parameter, validators

from crawler.cli.filters import Filters
from crawler.cli.flags import Flag, Hidden
from crawler.cli.session import END, FOUND, MARK, NOTHING, safe

Few = Annotated[int, Parameter(name=["--limit", "-n"], validator=validators.Number(gte=1, lte=200))]


def register(app: App, group: Group) -> None:
    """Adds the verb."""
    app.command(search, group=group)


def search(
    *words: str, filters: Filters | None = None, limit: Few = 20, text: Flag = False,
    everything: Annotated[bool, Parameter(name="--all", negative=())] = False, session: Hidden,
) -> int:  # fmt: skip
    """Search the articles stored; all words must occur.

    Words may be in any case, with accents or without. '"two words"' in quotes must stand side by side. After --, -word
    leaves out what contains the word.

    Parameters
    ----------
    words
        What to look for.
    limit
        Show this many, at most 200.
    text
        With each article's text.
    everything
        Copies and kept articles that do not match, too.
    """
    from crawler.cli.opening import check_run, project

    check_run(session, filters.run if filters else None)
    wanted = (filters or Filters()).wanted(profile=session.profile, everything=everything, copies=everything)
    hits = project(session).search(" ".join(words), wanted, limit=limit, mode=session.mode)
    for found in hits:
        if session.json:
            session.emit(found if text else {k: v for k, v in found.items() if k != "text"})
            continue
        title, piece = found["highlight"]["title"], found["highlight"]["text"]
        day = (found["published"] or "")[:10]
        session.out(f"   ·  {found['score']:.2f}  {_marked(title)}   {found['site']}  {day}", marked=True)
        session.out(f"            {found['url']}\n            {_marked(piece)}", marked=True)
        if text:
            session.out(f"\n{found['text']}\n")
    if not hits:
        session.say("no stored article has all these words; fewer words find more, and --all looks at copies, too.")
    return FOUND if hits else NOTHING


def _marked(told: dict[str, object]) -> str:
    """The piece with its marks."""
    text, made, at = str(told["text"]), "", 0
    for begin, end in told["marks"]:  # type: ignore[attr-defined]  # pairs of numbers
        made += f"{safe(text[at:begin])}{MARK}{safe(text[begin:end])}{END}"
        at = end
    return made + safe(text[at:])
