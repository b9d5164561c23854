"""A project folder and everything that can be done with it: the Python API, and what the commands call.

from crawler.project import Project
summary = Project("floods").run(overrides={"crawl": {"matches": 50}})
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from crawler.conductor import Conductor, Progress
from crawler.explaining import explained
from crawler.export import export
from crawler.fetch import fetch_seeds
from crawler.rating import Rated, drain, learn_on, rate, rated_and_next, take_back
from crawler.replay import recorded, replay
from crawler.summary import summary
from pipelines import seeds
from pipelines import urls as identity
from pipelines.asked import understood
from pipelines.config import Config, load
from pipelines.errors import ConfigError, SeedError, UsageError
from pipelines.exports import EXPORTS
from pipelines.likeness.calibrate import GRAINS
from pipelines.likeness.profile import Profile
from pipelines.likeness.read import Example
from pipelines.records import Candidate
from pipelines.rhythm import Bounds
from pipelines.seeds import SeedSet
from pipelines.stores import Connection, Store, articles, editions, fates, ledger, open_store, rhythms, runs, search
from pipelines.stores.ledger import Found
from pipelines.stores.wanted import Wanted
from workers import build
from workers.inline import Inline

Tell = Callable[[Progress], None]
START_EXPECTED = 0.9


class Project:
    """A folder with `suchlike.toml`, seeds, one database a mode, the archive and exports."""

    def __init__(self, folder: Path | str = ".", *, profile: str | None = None) -> None:
        self.folder = Path(folder)
        self._profile = profile

    def config(self, overrides: Mapping[str, Any] | None = None) -> Config:
        """The configuration, `overrides` (nested, as in the file) winning. Raises ConfigError."""
        return load(self.folder, overrides)

    # seeds

    def seed_set(self, config: Config, paths: Sequence[str | Path] = ()) -> SeedSet:
        """The seeds of the chosen profile, or those at `paths`. Raises SeedError when there are none."""
        if not paths:
            name, profile = config.only_profile(self._profile)
            listed = [profile.seeds] if isinstance(profile.seeds, str) else profile.seeds
            paths = [one if "://" in one else config.path / one for one in listed]
            folders = [one for one in paths if isinstance(one, Path) and not one.exists()]
            if folders:
                raise SeedError(
                    f"The seeds {folders[0]} of profile {name} are not there; add some with `suchlike seed add FILE`."
                )
        read = seeds.read(paths)
        return fetch_seeds(read, config) if read.urls else read

    def learn(self, seed_set: SeedSet, config: Config | None = None) -> Profile:
        """The likeness these seeds teach. Raises SeedError when none of them can be used."""
        if not seed_set.seeds:
            raise SeedError("There is no seed that can be used; `suchlike seed list` says what is wrong with each.")
        config = config or self.config()
        _, wanted = with_seed_settings(config, seed_set, self._profile).only_profile()
        return Profile.learn(_examples(seed_set), grain=wanted.grain, model=config.model(self._profile))

    # the main job

    def run(
        self, overrides: Mapping[str, Any] | None = None, *, seed_paths: Sequence[str | Path] = (),
        tell: Tell | None = None, spider: str = "roam", say: Callable[[str], None] = lambda _: None,
    ) -> dict[str, Any]:  # fmt: skip
        """Crawls until a budget is spent, drains every stage; returns the summary of contract.md.

        A run that was stopped or killed is taken up again; one that ended is followed by another, which goes on
        with the same frontier.
        """
        config = self.config(overrides)
        seed_set = self.seed_set(config, seed_paths)
        config = with_seed_settings(config, seed_set, self._profile)
        profile = self.learn(seed_set, config)
        for problem in seed_set.problems:
            say(f"! {problem.message}")
        say(_learned(profile, seed_set))
        store = open_store(config.database, mode=config.mode)
        began = time.monotonic()
        run = self._begin(store, config, profile, seed_set)
        conductor = Conductor(config, store, run, spider=spider, tell=tell or _nobody)
        stopped_by = conductor.conduct()
        done = summary(store, run, seconds=time.monotonic() - began, stopped_by=stopped_by)
        return done | {"forecasts": [asdict(promise) for promise in conductor.forecast.kept]}

    def _begin(self, store: Store, config: Config, profile: Profile, seed_set: SeedSet) -> int:
        now = time.time()
        found = starting_points(config, seed_set)
        with store.write() as connection:
            edition = _edition(connection, config.only_profile()[0], profile, seed_set)
            latest = runs.latest(connection)
            if latest is not None and latest.ended_at is None:
                run = latest.id
                runs.resume(connection, run, config, edition, now=now)
            else:
                run = runs.start(connection, config, edition, now=now).id
            ledger.discover(connection, found, run=run, now=now)
            rhythms.put_back(connection, now=now)
            rhythms.wake_starts(connection, [one.candidate.url for one in found], now=now)
            rhythms.wake_due(connection, Bounds.of(config.crawl), now=now)
            if not found and fates.count(connection)["frontier"] == 0:
                raise UsageError(
                    "There is nowhere to start: name a --site, --feed or --sitemap, or give a seed that is a URL."
                )
        return run

    # recorded pages

    def replay(
        self,
        paths: Sequence[Path],
        overrides: Mapping[str, Any] | None = None,
        *,
        seed_paths: Sequence[str | Path] = (),
    ) -> dict[str, Any]:
        """The same pipeline over recorded pages, without any network; returns the summary of contract.md."""
        config = self.config({"mode": "replay", **(overrides or {})})
        profile, seed_set = self._profile_for_replay(config, seed_paths)
        if seed_set:
            config = with_seed_settings(config, seed_set, self._profile)
        store = open_store(config.database, mode="replay")
        began = time.monotonic()
        with store.write() as connection:
            edition = _edition(connection, config.only_profile()[0], profile, seed_set) if profile and seed_set else ""
            run = runs.start(connection, config, edition, now=time.time()).id
        sender = Inline(build.stages(store, config))
        try:
            number = replay(recorded(paths), store=store, config=config, run=run, profile=profile, sender=sender)
            if profile:
                learn_on(store, run)
                drain(store, sender)
        finally:
            sender.close()
            with store.write() as connection:
                runs.end(connection, run, "exhausted", now=time.time())
        if not number:
            raise UsageError(f"There is no recorded page in {', '.join(map(str, paths))}.")
        return summary(store, run, seconds=time.monotonic() - began, stopped_by="exhausted")

    def _profile_for_replay(self, config: Config, paths: Sequence[str | Path]) -> tuple[Profile | None, SeedSet | None]:
        """Replay with `keep = "all"` needs no seeds: then nothing is judged."""
        try:
            seed_set = self.seed_set(config, paths)
        except (SeedError, ConfigError):
            if config.store.keep == "all" and not paths:
                return None, None
            raise
        return self.learn(seed_set, config), seed_set

    # results

    def store(self, mode: str | None = None) -> Store:
        """The store to read results from: the one of `mode`, else the one used last. Raises StoreError."""
        config = self.config({"mode": mode} if mode else None)
        if config.store.database or mode:
            return open_store(config.database, create=False)
        modes = ("online", "replay", "demo") if config.mode == "online" else (config.mode, "replay")
        addresses = [self.config({"mode": one}).database for one in modes]
        files = [(Path(a.removeprefix("sqlite:///")), a) for a in addresses]
        held = [(_used(file), address) for file, address in files if file.exists()]
        if not held:
            raise UsageError(f"There are no results in {config.path} yet; `suchlike run` brings some.")
        return open_store(max(held)[1], create=False)

    def articles(
        self, *, everything: bool = False, copies: bool = False, mode: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """Stored articles, best first; of the mode used last, or of `mode`."""
        store = self.store(mode)
        with store.read() as connection:
            yield from articles.listed(connection, everything=everything, copies=copies)

    def chosen(self, wanted: Wanted, *, limit: int | None = None, mode: str | None = None) -> Iterator[dict[str, Any]]:
        """The stored articles that are meant, best first; streamed."""
        with self.store(mode).read() as connection:
            yield from articles.chosen(connection, wanted, limit=limit)

    def search(
        self, typed: str, wanted: Wanted | None = None, *, limit: int = 20, mode: str | None = None
    ) -> list[dict[str, Any]]:
        """Stored articles with all words typed, best answers first, each with `rank` and `highlight: {title, text}`.

        A highlight is `{text, marks: [[from, to]]}`. Raises UsageError when no word was typed.
        """
        asked = understood(typed)
        with self.store(mode).read() as connection:
            hits = search.find(connection, asked, wanted or Wanted(), limit=limit)
            held = articles.of_rows(connection, [hit.row for hit in hits])
        return [
            {**held[hit.row], "rank": hit.rank, "highlight": {"title": asdict(hit.title), "text": asdict(hit.text)}}
            for hit in hits
        ]

    def explain(self, what: str, *, mode: str | None = None) -> dict[str, Any]:
        """Why a URL, or a place in the list, has its score; parts that add up, sentences, what speaks against."""
        return explained(self.store(mode), what)

    def rate(self, what: Sequence[str], verdict: int, *, preview: bool = False, mode: str | None = None) -> Rated:
        """Says that URLs, or places in the list, are like the seeds (1) or not (-1), and judges everything anew.

        With `preview` nothing is written; what would enter and leave is told all the same.
        """
        return rate(self.store(mode), what, verdict, preview=preview)

    def unrate(self, *, preview: bool = False, mode: str | None = None) -> Rated:
        """Takes the last rating back and judges everything anew. Raises UsageError when there is none."""
        return take_back(self.store(mode), preview=preview)

    def ratings(self, *, limit: int = 5, mode: str | None = None) -> dict[str, Any]:
        """`{rated: [{url, title, score, verdict}], next: [{url, title, score, match}]}`, next being best rated next."""
        return rated_and_next(self.store(mode), limit)

    def export(self, kind: str, file: Path | None = None, *, mode: str | None = None) -> dict[str, Any]:
        """Writes every stored article; returns `{file, format, articles, bytes, sha256}`."""
        if kind not in EXPORTS:
            raise UsageError(f"There is no export format {kind!r}; there are {', '.join(sorted(EXPORTS))}.")
        config = self.config()
        store = self.store(mode)
        with store.read() as connection:
            latest = runs.latest(connection)
        about = {"mode": latest.mode, "config": latest.config.digest} if latest else {}
        target = file or config.path / "exports" / f"articles.{kind}"
        # what a later judgement took out of the matches is stored, and still not what was asked for
        everything = latest is not None and latest.config.store.keep == "all"
        return export(kind, self.articles(everything=everything, copies=True, mode=mode), target, about=about)


def with_seed_settings(config: Config, seed_set: SeedSet, profile: str | None = None) -> Config:
    """The configuration with what the seed set's own seed.toml asks for, where the project does not say."""
    wanted = seed_set.settings
    sources = config.sources
    for key in ("sites", "feeds", "sitemaps"):
        if wanted.get(key) and not getattr(sources, key):
            sources = msgspec.structs.replace(sources, **{key: list(wanted[key])})
    name, held = config.only_profile(profile)
    if "threshold" in wanted and held.threshold == "auto":
        held = msgspec.structs.replace(held, threshold=wanted["threshold"])
    if "grain" in wanted and held.grain == "topic":
        if wanted["grain"] not in GRAINS:
            raise SeedError(f"The seed set's grain {wanted['grain']!r} is none; write {', '.join(GRAINS)}.")
        held = msgspec.structs.replace(held, grain=wanted["grain"])
    # a run knows one profile: its judges need not be told which
    return msgspec.structs.replace(config, sources=sources, profile={name: held})


def starting_points(config: Config, seed_set: SeedSet | None) -> list[Found]:
    """Where a crawl begins. Raises UsageError for an address that is none."""
    named = [(url, "page") for url in config.sources.sites]
    named += [(url, "feed") for url in config.sources.feeds] + [(url, "sitemap") for url in config.sources.sitemaps]
    named += [(seed.url, "page") for seed in (seed_set.seeds if seed_set else ()) if seed.url]
    found = []
    for url, kind in named:
        canonical = identity.canonical(url if "://" in url else f"https://{url}")
        if canonical is None:
            raise UsageError(f"{url!r} is not an address to start from; write it like https://news.example/.")
        found.append(Found(Candidate(canonical, "start", kind), START_EXPECTED))  # type: ignore[arg-type]  # a Kind
    return found


def _examples(seed_set: SeedSet) -> list[Example]:
    return [Example(s.name, s.title, s.text, s.language, s.published) for s in seed_set.seeds]


def _edition(connection: Connection, family: str, profile: Profile, seed_set: SeedSet) -> str:
    """The edition to judge by: the family's last one if it was learned from the same seeds, else the profile's own."""
    name = editions.latest(connection, family)
    if name is not None:
        with contextlib.suppress(UsageError):  # learned by another version of suchlike
            held = Profile.from_bytes(editions.get(connection, name).learned)
            if (held.digest, held.grain, held.model) == (profile.digest, profile.grain, profile.model):
                return name
    editions.keep(connection, profile.edition, family, seed_set.name, _examples(seed_set), profile.to_bytes())
    return profile.edition


def _learned(profile: Profile, seed_set: SeedSet) -> str:
    terms = ", ".join(term.word for term in profile.terms[:6])
    return f"learned from {len(seed_set.seeds)} seeds: {terms} …"


def _used(file: Path) -> float:
    """When a SQLite database was last written; its log counts."""
    log = file.with_name(file.name + "-wal")
    return max(file.stat().st_mtime, log.stat().st_mtime if log.exists() else 0.0)


def _nobody(_: Progress) -> None:
    """Nobody watches."""
