"""How a run starts: what its seed set adds to the configuration, where it begins, and by which edition it judges."""

from __future__ import annotations

import contextlib
import time

import msgspec

from crawler.frontier.focus import START_EXPECTED
from crawler.seeding import examples
from pipelines import urls as identity
from pipelines.config import Config
from pipelines.errors import SeedError, UsageError
from pipelines.layers import Layers, origin
from pipelines.likeness.calibrate import GRAINS
from pipelines.likeness.profile import Profile
from pipelines.records import Candidate
from pipelines.rhythm import Bounds
from pipelines.seeds import SeedSet
from pipelines.stores import Connection, Store, discovery, editions, fates, open_store, runs, waking
from pipelines.stores.discovery import Found

NOWHERE = "There is nowhere to start: name a --site, --feed or --sitemap, or give a seed that is a URL."


def with_seed_settings(config: Config, seed_set: SeedSet, profile: str | None, layers: Layers) -> Config:
    """The configuration with what the seed set's own seed.toml asks for, where none of its `layers` says it."""
    wanted = seed_set.settings
    sources = config.sources
    for key in ("sites", "feeds", "sitemaps"):
        if wanted.get(key) and not getattr(sources, key):
            sources = msgspec.structs.replace(sources, **{key: list(wanted[key])})
    name, held = config.only_profile(profile)
    if "threshold" in wanted and not origin(["profile", name, "threshold"], layers):
        held = msgspec.structs.replace(held, threshold=wanted["threshold"])
    if "grain" in wanted and not origin(["profile", name, "grain"], layers):
        if wanted["grain"] not in GRAINS:
            raise SeedError(f"The seed set's grain {wanted['grain']!r} is none; write {', '.join(GRAINS)}.")
        held = msgspec.structs.replace(held, grain=wanted["grain"])
    # a run knows one profile: its judges need not be told which
    return msgspec.structs.replace(config, sources=sources, profile={name: held})


def starting_points(config: Config, seed_set: SeedSet | None) -> list[Found]:
    """Where a crawl begins. Raises UsageError for an address that is none."""
    named = [(url, "page") for url in config.sources.sites]
    named += [(url, "feed") for url in config.sources.feeds] + [(url, "sitemap") for url in config.sources.sitemaps]
    # the demo's web has no https: an address of the real one is no place to begin, like any link that leaves it
    scheme = "http://" if config.mode == "demo" else ""
    seeds = seed_set.seeds if seed_set else ()
    named += [(seed.url, "page") for seed in seeds if seed.url and seed.url.startswith(scheme)]
    found = []
    for url, kind in named:
        canonical = identity.canonical(url if "://" in url else f"https://{url}")
        if canonical is None:
            raise UsageError(f"{url!r} is not an address to start from; write it like https://news.example/.")
        found.append(Found(Candidate(canonical, "start", kind), START_EXPECTED))  # type: ignore[arg-type]  # a Kind
    return found


def require_somewhere(config: Config, found: list[Found]) -> None:
    """Raises UsageError where there is nothing to begin at, and no earlier run left any URL; makes no database.

    Whether one waits is known only when the run has begun, which brings back what was given up or is due again.
    """
    if found:
        return
    file = config.database_file
    if file is None or file.exists():
        with contextlib.closing(open_store(config.database, mode=config.mode)) as store, store.read() as connection:
            if fates.any_known(connection):
                return
    raise UsageError(NOWHERE)


def begin(store: Store, config: Config, profile: Profile, seed_set: SeedSet, *, again: bool = False) -> int:
    """The run that was stopped, taken up again, or a new one that goes on with the same frontier; gives its number.

    One that another profile left is ended: taken up, what it found would be judged by other seeds. Raises UsageError,
    and leaves the store as it was, when nothing waits to be fetched.
    """
    now = time.time()
    found = starting_points(config, seed_set)
    with store.write() as connection:
        runs.take_turn(connection)
        edition = edition_of(connection, config, profile, seed_set)
        latest = runs.latest(connection)
        left = latest if latest is not None and latest.ended_at is None else None
        if left and editions.family_of(connection, left.profile) in (None, config.only_profile()[0]):
            run = left.id
            runs.resume(connection, run, config, edition, now=now)
        else:
            if left:
                runs.end(connection, left.id, runs.USER, now=now)
            run = runs.start(connection, config, edition, now=now).id
        let_wait(connection, config, found, run=run, now=now, again=again)
        if not found and fates.count(connection)["frontier"] == 0:
            raise UsageError(NOWHERE)
    return run


def let_wait(
    connection: Connection, config: Config, found: list[Found], *, run: int, now: float, again: bool = False
) -> None:  # fmt: skip
    """Starting points wait to be fetched, those known already once more, and so does what is due to be looked at.

    `again` does not ask what is due.
    """
    discovery.discover(connection, found, run=run, now=now)
    waking.put_back(connection, now=now)
    bounds = Bounds.of(config.crawl)
    waking.wake_starts(connection, [one.candidate.url for one in found], bounds, now=now)
    if again:
        waking.wake_all(connection, bounds, limit=config.crawl.pages, now=now)
    waking.wake_due(connection, bounds, now=now)


def edition_of(connection: Connection, config: Config, profile: Profile, seed_set: SeedSet) -> str:
    """The edition to judge by: the family's last one if it was learned from the same seeds, else the profile's own."""
    family, _ = config.only_profile()
    name = editions.latest(connection, family)
    if name is not None:
        with contextlib.suppress(UsageError):  # learned by another version of suchlike
            held = Profile.from_bytes(editions.get(connection, name).learned)
            if (held.digest, held.grain, held.model) == (profile.digest, profile.grain, profile.model):
                return name
    editions.keep(connection, profile.edition, family, seed_set.name, examples(seed_set.seeds), profile.to_bytes())
    return profile.edition
