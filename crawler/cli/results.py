"""Results: list, show, explain, dupes, fates, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Group, Parameter, validators

from crawler.cli.filters import Filters
from crawler.cli.session import FOUND, NOTHING, Session

Hidden = Annotated[Session, Parameter(parse=False)]
Flag = Annotated[bool, Parameter(negative=())]
Some = Annotated[int, Parameter(validator=validators.Number(gte=1))]


def register(app: App, group: Group) -> None:
    """Adds the verbs."""
    app.command(listed, name="list", group=group)
    for verb in (show, explain, dupes, fates, export):
        app.command(verb, group=group)


def _store(session: Session) -> Any:
    from crawler.cli.showing import project

    return project(session).store(session.mode)


def listed(
    *, filters: Filters | None = None, limit: Some | None = None, text: Flag = False,
    everything: Annotated[bool, Parameter(name="--all", negative=())] = False, session: Hidden,
) -> int:  # fmt: skip
    """List what was stored, best first.

    Parameters
    ----------
    limit
        So many of the best.
    text
        With each article's text.
    everything
        Copies and kept articles that do not match, too.
    """
    from crawler.cli.showing import project

    wanted = (filters or Filters()).wanted(everything=everything, copies=everything)
    # the number is a place in the whole list, which other verbs take
    numbered = filters is None and not everything
    number = 0
    for number, article in enumerate(project(session).chosen(wanted, limit=limit, mode=session.mode), 1):
        if session.json:
            session.emit(article if text else {k: v for k, v in article.items() if k != "text"})
            continue
        copy = f"   copy of {article['copy_of']}" if article["copy_of"] else ""
        day = (article["published"] or "")[:10]
        place = number if numbered else "·"
        session.out(f"{place:>4}  {article['score']:.2f}  {article['title'][:70]}   {article['site']}  {day}{copy}")
        if text:
            session.out(f"\n{article['text']}\n")
    if not number:
        nothing = "nothing is stored yet" if filters is None else "nothing stored is meant by these filters"
        session.say(f"{nothing}; `suchlike fates` says what became of the pages fetched.")
    return FOUND if number else NOTHING


def show(url: str, *, session: Hidden) -> int:
    """Show everything known about one URL: how it was found, fetched, judged, and where it is kept.

    Parameters
    ----------
    url
        A URL, or a place in `suchlike list`.
    """
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
    session.out(f" found by  {_found(by)}, depth {by['depth']}")
    for step in by["path"][:-1]:
        session.out(f"           {step['url']}")
    article = told["article"]
    if article:
        sure = f" (confidence {article['published_confidence']:.1f})"
        published = f"published {article['published']}{sure}" if article["published"] else "no date found"
        session.out(f" article   {article['title']}   {article['words']} words, {article['language']}, {published}")
        session.out(f" score     {article['score']:.2f}   nearest seed {article['nearest_seed']}")
        session.out(f" kept      text sha256 {article['sha256'][:16]}…")
    if told["archive"]:
        session.out(f" archive   warc/{told['archive']['file']} @ {told['archive']['offset']}")
    return FOUND


def _robots(told: dict[str, Any]) -> str:
    return ", robots.txt did not answer: tried again later" if told["robots"] == "later" else ""


def explain(url: str, *, session: Hidden) -> int:
    """Say why an article matched, or why not; the parts add up to the score.

    Parameters
    ----------
    url
        A URL, or a place in `suchlike list`.
    """
    from crawler.explaining import explained

    told = explained(_store(session), url)
    if session.json:
        session.emit(told)
        return FOUND if told["parts"] else NOTHING
    if not told["parts"]:
        session.say(
            f"{told['url']} was not judged: {told['reason'] or 'it waits'}, {told['detail'] or 'no more is known'}"
        )
        return NOTHING
    taken = "a match" if told["match"] else "no match"
    session.out(f" {told['score']:.2f}  {told['title']}   ({taken}: {told['grain']} from {told['threshold']:.2f})")
    session.out(
        "       closest seeds  " + " · ".join(f"{one['seed']} {one['score']:.2f}" for one in told["nearest_seeds"])
    )
    parts = "   ".join(f"{name} {value:+.2f}" for name, value in told["parts"].items())
    session.out(f" parts    {parts}   = {told['logit']:+.2f}, the logit of the score")
    session.out(" words    " + "  ".join(f"{term['word']} {term['weight']:+.2f}" for term in told["terms"][:10]))
    session.out(f" meaning  closer than {told['percentile']:.1f} % of ordinary news")
    for pair in told["pairs"]:
        session.out(f" like     “{_short(pair['ours'])}”\n  seed    “{_short(pair['seeds'])}”")
    for one in told["against"]:
        session.out(f" against  {one}")
    session.out(" found by " + "  →  ".join(step["url"] for step in told["path"]))
    session.out(f" found as {_found(told['found_by'])}")
    if told["reason"]:
        session.out(f" but      {told['reason']}: {told['detail'] or ''}")
    return FOUND


def _found(by: dict[str, Any]) -> str:
    """How a URL was found and what was expected of it, which is when its turn came."""
    return (
        f"{by['source']}, " + (f"anchor “{by['anchor']}”, " if by["anchor"] else "") + f"expected {by['expected']:.2f}"
    )


def _short(sentence: str, width: int = 110) -> str:
    return sentence if len(sentence) <= width else f"{sentence[: width - 1].rstrip()}…"


def dupes(*, session: Hidden) -> int:
    """List the stories told more than once, each with its copies."""
    from pipelines.stores import articles

    number = 0
    with _store(session).read() as connection:
        for number, story in enumerate(articles.retold(connection), 1):  # noqa: B007  # whether there was any
            if session.json:
                session.emit(story)
                continue
            session.out(story["canonical"])
            for copy in story["copies"]:
                share = "" if copy["similarity"] is None else f"{copy['similarity']:.0%} "
                session.out(f"    {share}{copy['url']}  {(copy['published'] or '')[:10]}")
    return FOUND if number else NOTHING


def fates(*, run: int | None = None, session: Hidden) -> int:
    """Add up how every fetched URL ended.

    Parameters
    ----------
    run
        Only this run.
    """
    from pipelines.stores import fates as ends

    with _store(session).read() as connection:
        total = ends.count(connection, run)
    if session.json:
        session.emit(total)
        return FOUND
    session.out(f"{total['fetched']:>7} fetched")
    session.out(f"{total['stored']:>7}   stored\n{total['duplicate']:>7}   duplicate")
    for end in ("dropped", "dead"):
        for reason, number in sorted(total[end].items(), key=lambda one: -one[1]):
            session.out(f"{number:>7}   {end}: {reason}")
    session.out(f"{total['in_flight']:>7}   in flight\n{total['frontier']:>7} in the frontier")
    for reason, number in total["refused"].items():
        session.out(f"{number:>7} never fetched: {reason}")
    return FOUND


def export(kind: str, *, output: Annotated[Path | None, Parameter(name=["-o", "--output"])] = None,
           session: Hidden) -> int:  # fmt: skip
    """Write every stored article to a file, with a MANIFEST.json beside it.

    Parameters
    ----------
    kind
        jsonl or csv.
    output
        The file (default: exports/articles.FORMAT in the project folder).
    """
    from crawler.cli.showing import project

    done = project(session).export(kind, output, mode=session.mode)
    if session.json:
        session.emit(done)
    session.say(f"{done['articles']} articles, {done['bytes']} bytes in {done['file']}")
    return FOUND if done["articles"] else NOTHING
