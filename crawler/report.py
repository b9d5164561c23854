"""A report of what was found, as one HTML file without anything from elsewhere: made to be attached to a paper."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2

from crawler.figures import count, day, moment, share
from crawler.picture import Harvest
from crawler.reasons import ended, meaning
from pipelines.errors import StoreError, UsageError
from pipelines.likeness.profile import Profile
from pipelines.moments import iso_at
from pipelines.stores import Connection, Store, articles, editions, fates, ledger, ratings, runs, tallies
from pipelines.stores.wanted import Wanted

BEST = 25
SITES = 40
# thresholds the table of thresholds shows, in hundredths
STEPS = range(0, 100, 5)
PACKAGES = ("suchlike", "scrapy", "trafilatura", "wordllama")


def report(store: Store) -> str:
    """The report of everything in a store. Raises UsageError when nothing has run."""
    with store.read() as connection:
        told = _facts(connection)
    page = jinja2.Environment(
        loader=jinja2.PackageLoader("crawler", "templates"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    page.filters |= {"count": count, "day": day, "moment": moment, "share": share}
    return page.get_template("report.html").render(**told)


def write(store: Store, file: Path) -> Path:
    """The same in a file; gives where. Raises StoreError when the disk refuses."""
    page = report(store)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}.") from None
    return file


def _facts(connection: Connection) -> dict[str, Any]:
    listed = runs.listed(connection, 1000)
    if not listed:
        raise UsageError("There is nothing to report yet; `suchlike run` brings something.")
    latest = listed[0]
    ends = fates.count(connection)
    by_site = fates.sites(connection)
    name, wanted = latest.config.only_profile()
    held = editions.get(connection, latest.profile) if latest.profile else None
    profile = Profile.from_bytes(held.learned) if held else None
    best = list(articles.chosen(connection, Wanted(), limit=BEST))
    return {
        "mode": latest.mode,
        "name": name,
        "made": datetime.now(UTC).isoformat(timespec="minutes").replace("+00:00", "Z"),
        "versions": {package: _version(package) for package in PACKAGES},
        "config": latest.config,
        "digest": latest.config.digest,
        "runs": [
            {"number": run.id, "began": iso_at(run.started_at), "ended": iso_at(run.ended_at),
             "by": ended(run.stopped_by) if run.stopped_by else "under way",
             "pages": runs.pages_fetched(connection, run.id), "matches": tallies.matches(connection, run.id),
             "harvest": Harvest.of(runs.harvest(connection, run.id))}
            for run in listed[:12][::-1]
        ],
        "all_runs": len(listed),
        "seeds": [seed.title or seed.name for seed in held.seeds] if held else [],
        "ratings": [*ratings.standing(connection, held.family).values()] if held else [],
        "grain": profile.grain if profile else None,
        "model": profile.model if profile else None,
        "threshold": profile.threshold(wanted.threshold) if profile else None,
        "known": ledger.known(connection),
        "refused": [(meaning(reason), number) for reason, number in ends["refused"].items()],
        "ends": ends,
        "funnel": funnel(ends),
        "stories": tallies.stories(connection),
        "matches": tallies.matches(connection),
        "sites": by_site[:SITES],
        "other_sites": len(by_site[SITES:]),
        "useful": sum(1 for site in by_site if site["matches"]),
        "all_sites": len(by_site),
        "kept": _at_thresholds(tallies.scores(connection)),
        "languages": tallies.numbers(connection, "language"),
        "months": {_month(at): number for at, number in tallies.months(connection).items()},
        "best": best,
    }  # fmt: skip


def funnel(ends: Mapping[str, Any]) -> list[tuple[str, int]]:
    """What became of the pages fetched, in words; the numbers add up to `fetched`."""
    steps = [("stored", ends["stored"]), ("copies of a stored story", ends["duplicate"])]
    dropped = sorted(ends["dropped"].items(), key=lambda one: -one[1])
    steps += [(meaning(reason), number) for reason, number in dropped]
    dead = sorted(ends["dead"].items(), key=lambda one: -one[1])
    steps += [(f"failed: {meaning(reason)}", number) for reason, number in dead]
    return [*steps, ("still on their way", ends["in_flight"])] if ends["in_flight"] else steps


def _at_thresholds(scores: Mapping[int, int]) -> list[tuple[float, int]]:
    """How many judged articles each threshold would keep; `scores` counts them by hundredths."""
    return [(step / 100, sum(number for at, number in scores.items() if at >= step)) for step in STEPS]


def _month(at: str) -> str:
    """Jan 2024, from 2024-01; nothing stays nothing."""
    return day(f"{at}-01").removeprefix("1 ")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
