"""What a seed set adds to the configuration of a run, and where the run begins."""

from __future__ import annotations

import msgspec

from crawler.frontier.focus import START_EXPECTED
from pipelines import urls as identity
from pipelines.config import Config
from pipelines.errors import SeedError, UsageError
from pipelines.layers import Layers, origin
from pipelines.likeness.calibrate import GRAINS
from pipelines.records import Candidate
from pipelines.seeds import SeedSet
from pipelines.stores.discovery import Found


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
