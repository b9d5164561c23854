"""What takes counting: totals over everything stored, for whoever can wait for them and show them as of then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Integer, case, cast, func, or_, select

from pipelines.stores import fates, hosts, rhythms, tallies
from pipelines.stores.schema import KEPT, articles, urls
from pipelines.stores.schema import hosts as host_table
from pipelines.stores.states import Kind, State

# scores are counted in steps of a hundredth
STEPS = 100
MOST_SITES = 2_000


@dataclass(frozen=True, slots=True)
class Site:
    """What became of a site's pages. `errors` are pages that gave no answer to work with; `refused` was never asked."""

    name: str
    pages: int
    matches: int
    errors: int
    waiting: int
    refused: int


@dataclass(frozen=True, slots=True)
class Census:
    """Totals. `curve[i]`: how many judged articles, copies among them, have a score of i hundredths or more.

    `run_*` are of one run only: `run_kept` are the articles it stored first, `run_before` what it knew
    (rhythms.counted).
    """

    matches: int
    stories: int
    run_matches: int
    run_kept: int
    run_before: dict[str, int]
    run_stories: int
    ends: dict[str, Any]
    run_ends: dict[str, Any]
    frontier: dict[str, int]
    languages: tuple[str, ...]
    curve: tuple[int, ...]
    sites: tuple[Site, ...]


def take(connection: Connection, run: int) -> Census:
    """Counts everything anew."""
    kept = (KEPT, articles.c.matched == 1)
    languages = select(articles.c.language, func.count()).where(*kept).group_by(articles.c.language)
    by_language = sorted(connection.execute(languages), key=lambda row: -row[1])
    return Census(
        matches=tallies.matches(connection),
        stories=tallies.stories(connection),
        run_matches=tallies.matches(connection, run),
        run_kept=tallies.first_kept(connection, run),
        run_before=rhythms.counted(connection, run),
        run_stories=tallies.stories(connection, run),
        ends=fates.count(connection),
        run_ends=fates.count(connection, run),
        frontier=hosts.frontier(connection),
        languages=tuple(language for language, _ in by_language if language)[:40],
        curve=threshold_curve(connection),
        sites=tuple(sites(connection)),
    )


def threshold_curve(connection: Connection) -> tuple[int, ...]:
    """How many judged articles reach each hundredth: `curve[42]` have .42 or more."""
    step = cast(func.round(articles.c.score * STEPS - 0.499999), Integer)
    found = dict(connection.execute(select(step, func.count()).group_by(step)).all())
    total, curve = 0, [0] * (STEPS + 1)
    for at in range(STEPS, -1, -1):
        total += found.get(at, 0)
        curve[at] = total
    return tuple(curve)


def sites(connection: Connection) -> list[Site]:
    """Every site that was asked or waits, most matches first; at most MOST_SITES."""
    failed = case((or_(urls.c.state == State.DEAD, urls.c.reason.like("http-%")), 1), else_=0)
    matches = case((urls.c.id.in_(tallies.matching()), 1), else_=0)
    states = (
        select(urls.c.host.label("host"), urls.c.state.label("state"), func.count().label("number"),
               func.sum(failed).label("failed"), func.sum(matches).label("matched"))
        .where(urls.c.kind == Kind.PAGE).group_by(urls.c.host, urls.c.state)
    ).subquery()  # fmt: skip

    def of(*wanted: State) -> Any:
        return func.sum(case((states.c.state.in_([int(one) for one in wanted]), states.c.number), else_=0))

    fetched = of(State.FETCHED, State.PARSED, State.JUDGED, State.STORED, State.DUPLICATE, State.DROPPED, State.DEAD)
    query = (
        select(host_table.c.site, fetched, func.sum(states.c.failed), of(State.WAITING, State.LEASED),
               of(State.REFUSED), func.sum(states.c.matched))
        .join(states, states.c.host == host_table.c.id).group_by(host_table.c.site)
    )  # fmt: skip
    found = [
        Site(name, int(pages), int(matched), int(errors), int(waiting), int(refused))
        for name, pages, errors, waiting, refused, matched in connection.execute(query)
    ]
    return sorted(found, key=lambda site: (-site.matches, -site.pages, -site.waiting, site.name))[:MOST_SITES]
