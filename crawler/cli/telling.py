"""What a person reads at the end of a run: what was found, where, and, when nothing was, why."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from crawler.cli.session import NARROW, Session, clipped, safe
from crawler.figures import seconds
from crawler.reasons import ended, meaning
from pipelines.stores import Store, articles, fates, hosts, revisions
from pipelines.stores.wanted import Wanted

BEST = 5

# reason -> the flag that takes what was dropped for it, where it is empty
_LIMITS = {"language": "--lang", "too-old": "--since"}
_OFFLINE = "; is this machine on the network? `suchlike demo` needs none"


def tell(session: Session, done: Mapping[str, Any], store: Store, *, judged: bool = True, peak: int = 0) -> None:
    """The end of a run, for people; without seeds nothing was `judged`. `peak` matches were shown on the way."""
    if session.quiet:
        return
    took = int(done["seconds"])
    useful = sum(1 for site in done["sites"] if site["matches"])
    found = _found(done)
    if done["sites"]:  # else no page came, and none of them could be useful
        found += f" · {useful} of {counted(len(done['sites']), 'site')} useful{_closed(done, store)}"
    if not judged:
        found = f"{done['fates']['stored']} stored; without seeds none was judged"
    session.say(
        f"\n done in {took // 60}:{took % 60:02} · {counted(done['pages_fetched'], 'page')} fetched, {found} · "
        f"{_end(done)}"
    )
    if judged and (fewer := peak - done["matches"]) > 0:
        session.say(
            f" {peak:,} had been counted on the way; judged anew by what was learned here, {fewer:,} of them "
            f"{'does' if fewer == 1 else 'do'} not match."
        )
    if done["known"] or done["revisited"]:
        session.say(f" {_again(done)}")
        with store.read() as connection:
            changed = revisions.found_by(connection, done["run"], BEST)
        for url in changed:
            session.say(f"   changed: {session.command('show', url, '--history')}")
    if done["stopped_by"] == "exhausted" and (waiting := done["fates"]["frontier"]):
        rest = _rest(store)
        session.say(
            f" {counted(waiting, 'URL')} still to fetch, on sites that did not answer or asked for a pause{rest}."
        )
    if done["matches"]:
        _best(session, store, done["run"])
        session.console.print(_sites(done["sites"][:5], narrow=session.console.width < NARROW))


def counted(number: int, one: str, many: str = "") -> str:
    """`1 page`, `2,000 pages`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def _closed(done: Mapping[str, Any], store: Store) -> str:
    """How many sites gave no page because robots.txt forbids every one that was to be fetched."""
    if not done["fates"]["refused"].get("robots"):
        return ""
    with store.read() as connection:
        ends = fates.count_by(connection, "site", done["run"])
    number = sum(1 for one in ends if one["refused"].get("robots") and not one["fetched"])
    return f", {number} closed by robots.txt" if number else ""


def _rest(store: Store) -> str:
    """From when on another run has something to ask, where that is not now."""
    with store.read() as connection:
        rest_s = hosts.rest_s(connection, now=time.time())
    return f"; the first of them may be asked again in {seconds(rest_s)}" if rest_s >= 1 else ""


def _found(done: Mapping[str, Any]) -> str:
    """Matches, and into how many stories they fold."""
    copies = done["matches"] - done["stories"]
    if copies <= 0:
        return f"{done['matches']} match"
    stories = counted(done["stories"], "story", "stories")
    return f"{done['matches']:,} match: {stories} and {counted(copies, 'copy', 'copies')}"


def _best(session: Session, store: Store, run: int) -> None:
    """The first few of `suchlike list`, so that there is something to read at once."""
    width = session.console.width
    with store.read() as connection:
        best = list(articles.chosen(connection, Wanted(run=run), limit=BEST))
    sites = [clipped(safe(article["site"]), 24) for article in best]
    room = width - 12 - max(map(len, sites), default=0)
    for article, site in zip(best, sites, strict=True):
        title = safe(article["title"])
        if width >= NARROW:
            title = f"{clipped(title, room):<{room}}   {site}"
        session.say(f"  {article['score']:.2f}  {clipped(title, width - 8)}")


def _end(done: Mapping[str, Any]) -> str:
    if done["mode"] == "replay":
        return "all of it was replayed"
    if done["stopped_by"] == "exhausted" and not done["pages_fetched"] and done["fates"]["refused"]:
        return "nothing of it may be fetched"
    return ended(done["stopped_by"])


def _again(done: Mapping[str, Any]) -> str:
    """What was known before this run, and what looking at it again brought."""
    known = f"{done['known']} match known before, {done['matches']} new"
    if not done["revisited"]:
        return known
    return f"{known} · {_looked(done)}"


def _looked(done: Mapping[str, Any]) -> str:
    return f"{done['revisited']} looked at again, {done['unmodified']} unmodified, {done['changed']} with a new text"


def _sites(sites: list[dict[str, Any]], *, narrow: bool) -> Table:
    table = Table(box=None, padding=(0, 1) if narrow else (0, 2), header_style="dim")
    table.add_column("best sites", overflow="ellipsis")
    for name in ("pages", "match", "harvest"):
        table.add_column(name, justify="right", no_wrap=True)
    for site in sites:
        harvest = site["matches"] / site["pages"] if site["pages"] else 0.0
        table.add_row(Text(site["site"]), str(site["pages"]), str(site["matches"]), f"{harvest:.0%}")
    return table


def why_zero(session: Session, done: Mapping[str, Any], store: Store) -> None:
    """Instead of an empty table: what became of every page, and what to try."""
    ends = done["fates"]
    session.say(f"\n nothing matched. {counted(done['pages_fetched'], 'page')} fetched. Why:")
    with store.read() as connection:
        misses = fates.closest_misses(connection, done["run"], 1)
    counts = {**ends["dropped"], **ends["dead"], **{k: v for k, v in ends["refused"].items() if v}}
    for reason, number in sorted(counts.items(), key=lambda one: -one[1])[:6]:
        session.say(f"   {number:>5}  {meaning(reason)}{_hint(session, done, reason, misses)}")
    if kept := ends["stored"] + ends["duplicate"]:
        session.say(f"   {kept:>5}  stored, though no match; `suchlike list --all` shows them")
    if counts or kept:
        return
    if done["mode"] == "replay" and done["revisited"]:
        why = f"these pages were known before: {_looked(done)}"
    elif done["mode"] == "replay":
        why = "all these pages were replayed here before; `suchlike list` shows what is kept"
    elif ends["frontier"]:
        why = f"{counted(ends['frontier'], 'URL')} still to fetch on sites that did not answer; all else is known"
        why += "" if done["pages_fetched"] else _OFFLINE
    else:
        why = "all that is known was fetched before; give it time, or another --site, --feed, --sitemap"
    session.say(f"          {why}")


def _hint(session: Session, done: Mapping[str, Any], reason: str, misses: list[tuple[float, str, str]]) -> str:
    """What to try, or to look at."""
    if reason == "unlike" and misses:
        score, title, url = misses[0]
        return f"; closest {score:.2f} “{clipped(safe(title), 60)}” → {session.command('explain', url)}"
    if reason in _LIMITS:
        return f"; {session.command('rejudge', _LIMITS[reason], '', '--preview')} shows them"
    if reason == "private-address" and done["mode"] == "online":
        return "; --allow-private if you mean it"
    if reason in ("not-article", "redirect"):
        return "; try --feed or --sitemap"
    if reason == "robots":
        return "; they ask not to be visited"
    if reason == "dns":
        return _OFFLINE
    if reason.startswith("http-4"):
        return "; the site refuses us: is identify set, with a contact?"
    return ""
