"""What a person reads at the end of a run: what was found, where, and, when nothing was, why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from crawler.cli.session import Session, safe
from pipelines.stores import Store, fates

_STOPPED = {
    "budget": "the page budget is spent", "matches": "enough matches", "time": "the time is up",
    "exhausted": "nothing is left to fetch now", "user": "stopped by you; the same command goes on",
    "stalled": "the stages stopped moving; see suchlike status",
}  # fmt: skip
_WHY = {
    "not-article": "not articles (lists, tags, front pages)", "unlike": "articles below the threshold",
    "redirect": "redirects", "robots": "forbidden by robots.txt", "too-short": "too short to judge",
}  # fmt: skip


def tell(session: Session, done: Mapping[str, Any]) -> None:
    """The end of a run, for people."""
    console = session.console
    if session.quiet:
        return
    seconds = int(done["seconds"])
    found = f"{done['matches']} match" + (
        f", {done['duplicates']} copies folded into {done['stories']} stories" if done["duplicates"] else ""
    )
    useful = sum(1 for site in done["sites"] if site["matches"])
    console.print(
        f"\n done in {seconds // 60}:{seconds % 60:02} · {done['pages_fetched']} pages, {found} · "
        f"{useful} of {len(done['sites'])} sites useful · {_STOPPED.get(done['stopped_by'], done['stopped_by'])}",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    if done["known"] or done["revisited"]:
        session.say(f" {_again(done)}")
    if done["stopped_by"] == "exhausted" and (waiting := done["fates"]["frontier"]):
        session.say(f" {waiting} URLs wait for sites that did not answer or asked to be left alone for a while.")
    if done["matches"]:
        console.print(_sites(done["sites"][:5]))


def _again(done: Mapping[str, Any]) -> str:
    """What was known before this run, and what looking at it again brought."""
    known = f"{done['known']} match known before, {done['matches']} new"
    if not done["revisited"]:
        return known
    looked = f"{done['revisited']} looked at again, {done['unmodified']} unmodified, {done['changed']} with a new text"
    return f"{known} · {looked}"


def _sites(sites: list[dict[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column("best sites")
    for name in ("pages", "match", "harvest"):
        table.add_column(name, justify="right")
    for site in sites:
        harvest = site["matches"] / site["pages"] if site["pages"] else 0.0
        table.add_row(Text(site["site"]), str(site["pages"]), str(site["matches"]), f"{harvest:.0%}")
    return table


def why_zero(session: Session, done: Mapping[str, Any], store: Store) -> None:
    """Instead of an empty table: what became of every page, and what to try."""
    ends = done["fates"]
    session.say(f"\n nothing matched. {done['pages_fetched']} pages fetched. Why:")
    with store.read() as connection:
        misses = fates.closest_misses(connection, done["run"], 1)
    counts = {**ends["dropped"], **ends["dead"], **{k: v for k, v in ends["refused"].items() if v}}
    for reason, number in sorted(counts.items(), key=lambda one: -one[1])[:6]:
        session.say(f"   {number:>5}  {_WHY.get(reason, reason)}{_hint(reason, misses)}")
    if counts:
        return
    if done["mode"] == "replay":
        why = "all these pages were replayed here before; `suchlike list` shows what is kept"
    elif ends["frontier"]:
        why = f"{ends['frontier']} URLs wait for sites that did not answer; all else was fetched before"
    else:
        why = "all that is known was fetched before; give it time, or another --site, --feed, --sitemap"
    session.say(f"          {why}")


def _hint(reason: str, misses: list[tuple[float, str, str]]) -> str:
    if reason == "unlike" and misses:
        score, title, url = misses[0]
        return f"; closest {score:.2f} “{safe(title)[:60]}” → suchlike explain {url}"
    if reason in ("not-article", "redirect"):
        return "; try --feed or --sitemap"
    if reason == "robots":
        return "; they asked not to be visited"
    if reason.startswith("http-4"):
        return "; the site refuses us: is identify set, with a contact?"
    return ""
