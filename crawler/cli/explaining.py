"""Why an article matched, or why not, on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crawler.cli import changed
from crawler.cli.flags import Hidden
from crawler.cli.session import FOUND, NOTHING
from crawler.picture import ordinary

# of a sentence as it is shown, in characters
WIDTH = 110


def explain(url: str, *, session: Hidden) -> int:
    """Say why an article matched, or why not; the parts add up to the score.

    Parameters
    ----------
    url
        A URL, or a place in `suchlike list`.
    """
    from crawler.cli.opening import project
    from crawler.explaining import explained

    told = explained(project(session).store(session.mode), url)
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
    if told["terms"]:
        session.out(" words    " + "  ".join(f"{term['word']} {term['weight']:+.2f}" for term in told["terms"][:10]))
    session.out(f" closer   in words and meaning than {ordinary(told['percentile'])}")
    for pair in told["pairs"]:
        session.out(f" like     “{_short(pair['ours'])}”\n  seed    “{_short(pair['seeds'])}”")
    for one in told["against"]:
        session.out(f" against  {one}")
    session.out(" found by " + "  →  ".join(step["url"] for step in told["path"]))
    session.out(f" found {found(told['found_by'], told['path'])}")
    changed.story(session, told["story"])
    if told["copies"]:
        session.out(f" copies   {len(told['copies'])}: " + "  ".join(copy["url"] for copy in told["copies"][:3]))
    session.out(f" kept     {_kept(told)}")
    if told["match"]:
        session.out(f" not if   --threshold were above {told['score']:.3f}")
    if told["reason"] and told["detail"] not in told["against"]:
        session.out(f" but      {told['reason']}: {told['detail'] or ''}")
    session.next(
        (session.command("rate", url, "+"), "or -: not what you look for; the likeness learns"),
        (session.command("show", url), "where it comes from"), (session.command("export", "csv"), "all of it"),
    )  # fmt: skip
    return FOUND


def found(by: dict[str, Any], path: Sequence[dict[str, Any]]) -> str:
    """On which page a URL was found, in which words, and what was expected of it, which is when its turn came."""
    where = f"on  {path[-2]['url']}" if len(path) > 1 else f"by  {by['source']}"
    anchor = f", anchor “{_short(by['anchor'])}”" if by["anchor"] else ""
    return f"{where}{anchor}, expected {by['expected']:.2f} ({by['source']}, depth {by['depth']})"


def _kept(told: dict[str, Any]) -> str:
    """Where the text and the page are."""
    page = f"page in warc/{told['archive']['file']} @ {told['archive']['offset']}" if told["archive"] else "no page"
    return f"text sha256 {told['sha256'][:16]}…   {page}"


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= WIDTH else f"{sentence[: WIDTH - 1].rstrip()}…"
