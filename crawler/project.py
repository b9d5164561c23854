"""A project folder and everything that can be done with it: the Python API, and what the commands call.

from crawler import Project
found = Project("floods", seeds=["river-warning.txt"]).run(sites=["https://news.example/"], matches=50)
found.matches.to_pandas()
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from crawler.explaining import explained
from crawler.export import about, export, fit
from crawler.fetching import contact, network, proxy
from crawler.fetching.fetch import fetch_seeds
from crawler.forgetting import Forgotten, forget
from crawler.matches import Matches
from crawler.picture import Explained
from crawler.plan import Plan, survey
from crawler.rating import Rated, drain, learn_on, rate, rated_and_next, take_back
from crawler.rejudging import Rejudged, judge_again
from crawler.replay import recorded, replay, require
from crawler.report import report
from crawler.rereading import Reread, read_again
from crawler.running.conductor import Conductor
from crawler.running.lookout import Progress
from crawler.running.runlock import RunLock
from crawler.starting import starting_points, with_seed_settings
from crawler.summary import Summary, summary
from crawler.verify import verify
from pipelines import seeds
from pipelines.asked import understood
from pipelines.config import Config, load
from pipelines.errors import ConfigError, SeedError, StoreError, UsageError
from pipelines.exports import Choice, chosen_fields
from pipelines.exports.splits import splits_of
from pipelines.layers import FILE_NAME, layered
from pipelines.likeness.profile import Profile
from pipelines.likeness.read import Example
from pipelines.rhythm import Bounds
from pipelines.seeds import SeedSet
from pipelines.stores import (
    Connection,
    Store,
    articles,
    discovery,
    edges,
    editions,
    fates,
    open_store,
    rhythms,
    runs,
    search,
)
from pipelines.stores.wanted import Wanted
from workers.pooled import Pooled
from workers.tuning import tuned

Tell = Callable[[Progress], None]
START_EXPECTED = 0.9
NOWHERE = "There is nowhere to start: name a --site, --feed or --sitemap, or give a seed that is a URL."


class Project:
    """A folder with `suchlike.toml`, seeds, one database a mode, the archive and exports."""

    def __init__(
        self, folder: Path | str = ".", *, seeds: Sequence[str | Path] = (), profile: str | None = None
    ) -> None:
        """`seeds` are files, folders and URLs in place of those the configuration names, from `folder` or from here."""
        self.folder = Path(folder)
        self._seeds = tuple(seeds)
        self._profile = profile

    def config(self, overrides: Mapping[str, Any] | None = None, seed_set: SeedSet | None = None) -> Config:
        """The configuration, `overrides` (nested, as in the file) winning. Raises ConfigError.

        With a seed set, what its seed.toml asks for counts where nothing else says it.
        """
        config = load(self.folder, overrides)
        if seed_set is None:
            return config
        return with_seed_settings(config, seed_set, self._profile, layered(self.folder, overrides))

    # seeds

    def seed_set(self, config: Config, paths: Sequence[str | Path] = ()) -> SeedSet:
        """The seeds of the chosen profile, or those at `paths`. Raises SeedError when there are none."""
        paths = paths or [self._placed(one) for one in self._seeds]
        if not paths:
            name, profile = config.only_profile(self._profile)
            listed = [profile.seeds] if isinstance(profile.seeds, str) else profile.seeds
            paths = [one if "://" in one else config.path / one for one in listed]
            folders = [one for one in paths if isinstance(one, Path) and not one.exists()]
            if folders:
                made = "" if (config.path / FILE_NAME).exists() else ", or make a project with `suchlike init NAME`"
                raise SeedError(
                    f"The seeds {folders[0]} of profile {name} are not there; "
                    f"add some with `suchlike seed add FILE`{made}."
                )
        read = seeds.read(paths)
        return fetch_seeds(read, config) if read.urls else read

    def learn(self, seed_set: SeedSet, config: Config | None = None) -> Profile:
        """The likeness these seeds teach, by `config` or the project's. SeedError when none of them can be used."""
        if not seed_set.seeds:
            raise SeedError("There is no seed that can be used; `suchlike seed list` says what is wrong with each.")
        config = config or self.config(seed_set=seed_set)
        _, wanted = config.only_profile(self._profile)
        return Profile.learn(_examples(seed_set), grain=wanted.grain, model=config.model(self._profile))

    def _placed(self, path: str | Path) -> str | Path:
        """A seed's path, in the project's folder if it is there; URLs as they are."""
        if isinstance(path, str) and "://" in path:
            return path
        return self.folder / path if (self.folder / path).exists() else Path(path)

    # the main job

    def run(
        self, *, pages: int | None = None, matches: int | None = None, minutes: float | None = None,
        sites: Sequence[str] = (), feeds: Sequence[str] = (), tell: Tell | None = None,
    ) -> Summary:  # fmt: skip
        """Crawls until a budget is spent, and gives what was found: a summary as contract.md words it, with `.matches`.

        Works in child processes, so as often as you like in one notebook; Ctrl-C keeps what there is. Budgets and
        starting points that are not given are those of the configuration. Called again it goes on where it stopped.
        """
        crawl = {"pages": pages, "matches": matches, "time": f"{minutes}m" if minutes else None}
        sources = {"sites": list(sites) or None, "feeds": list(feeds) or None}
        self.folder.mkdir(parents=True, exist_ok=True)
        done = self.conduct({"crawl": crawl, "sources": sources}, tell=tell)
        return Summary(done, self.matches(run=done["run"], mode=done["mode"]))

    async def arun(self, **asked: Any) -> Summary:
        """As `run`, without blocking the loop it is awaited in."""
        return await asyncio.to_thread(lambda: self.run(**asked))

    def conduct(
        self, overrides: Mapping[str, Any] | None = None, *, seed_paths: Sequence[str | Path] = (),
        tell: Tell | None = None, say: Callable[[str], None] = lambda _: None,
        ready: Callable[[], object] = lambda: None,
    ) -> dict[str, Any]:  # fmt: skip
        """Crawls until a budget is spent, drains every stage; returns the summary of contract.md.

        A run that was stopped or killed is taken up again; one that ended is followed by another, which goes on
        with the same frontier. Raises UsageError, and changes nothing, while another run is at work in the folder.
        `ready` is called when everything needed is there, and before anything is written.
        """
        config = self.config(overrides)
        seed_set = self.seed_set(config, seed_paths)
        config = self.config(overrides, seed_set)
        starts = [one.candidate.url for one in starting_points(config, seed_set)]
        if not starts and not _knows(config):
            raise UsageError(NOWHERE)
        contact.require(config, starts)
        network.require(config, starts)
        profile = self.learn(seed_set, config)
        if config.crawl.proxy:
            proxy.require(config.crawl.proxy)
        ready()
        for problem in seed_set.problems:
            say(f"! {problem.message}")
        say(_learned(profile, seed_set))
        store = open_store(config.database, mode=config.mode)
        began = time.monotonic()
        with RunLock(config.path):  # before a row is touched: the run at work would take another's settings for its own
            run = self._begin(store, config, profile, seed_set)
            conductor = Conductor(config, store, run, tell=tell or _nobody)
            stopped_by = conductor.conduct()
        done = summary(store, run, seconds=time.monotonic() - began, stopped_by=stopped_by)
        with store.read() as connection:
            forecasts = conductor.forecast.held_against(runs.harvest(connection, run))
        return done | {"forecasts": [asdict(promise) for promise in forecasts]}

    def plan(self, overrides: Mapping[str, Any] | None = None, *, seed_paths: Sequence[str | Path] = ()) -> Plan:
        """What a run would fetch from where; fetches only robots.txt, feeds and sitemaps, and writes nothing."""
        config = self.config(overrides)
        starts: SeedSet | None = None
        with contextlib.suppress(SeedError):  # which is the run's to tell; where it would go is known without
            starts = self.seed_set(config, seed_paths)
            config = self.config(overrides, starts)
        found = starting_points(config, starts)
        contact.require(config, [one.candidate.url for one in found])
        if config.crawl.proxy:
            proxy.require(config.crawl.proxy)
        return survey(config, found)

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
            discovery.discover(connection, found, run=run, now=now)
            rhythms.put_back(connection, now=now)
            rhythms.wake_starts(connection, [one.candidate.url for one in found], now=now)
            rhythms.wake_due(connection, Bounds.of(config.crawl), now=now)
            if not found and fates.count(connection)["frontier"] == 0:
                raise UsageError(NOWHERE)
        return run

    # recorded pages

    def replay(
        self,
        paths: Sequence[Path],
        overrides: Mapping[str, Any] | None = None,
        *,
        seed_paths: Sequence[str | Path] = (),
        say: Callable[[str], None] = lambda _: None,
    ) -> dict[str, Any]:
        """The same pipeline over recorded pages, without any network; returns the summary of contract.md.

        `say` is told what is wrong with seeds, and with recorded texts.
        """
        require(paths)  # before seeds, and before a run of nothing is noted
        overrides = {"mode": "replay", **(overrides or {})}
        seed_set = self._seeds_for_replay(self.config(overrides), seed_paths)
        config = self.config(overrides, seed_set)
        profile = self.learn(seed_set, config) if seed_set else None
        for problem in seed_set.problems if seed_set else ():
            say(f"! {problem.message}")
        store = open_store(config.database, mode="replay")
        began = time.monotonic()
        with store.write() as connection:
            edition = _edition(connection, config.only_profile()[0], profile, seed_set) if profile and seed_set else ""
            run = runs.start(connection, config, edition, now=time.time()).id
        sender = Pooled(store, config, tuned(config).workers)
        try:
            number = replay(recorded(paths, say), store=store, config=config, run=run, profile=profile, sender=sender)
            if profile:
                learn_on(store, run)
                drain(store, sender)
                sender.drain()
        finally:
            sender.close()
            with store.write() as connection:
                runs.end(connection, run, "exhausted", now=time.time())
        if not number:
            raise UsageError(f"There is no recorded page in {', '.join(map(str, paths))}.")
        return summary(store, run, seconds=time.monotonic() - began, stopped_by="exhausted")

    def _seeds_for_replay(self, config: Config, paths: Sequence[str | Path]) -> SeedSet | None:
        """Replay with `keep = "all"` needs no seeds: then nothing is judged."""
        try:
            return self.seed_set(config, paths)
        except (SeedError, ConfigError):
            if config.store.keep == "all" and not paths:
                return None
            raise

    # results

    def matches(self, *, run: int | None = None, mode: str | None = None) -> Matches:
        """What was found, best first: a sequence that reads the store as it goes. Of one run, or of all."""
        return Matches(self.store(mode), Wanted(run=run), run)

    def store(self, mode: str | None = None) -> Store:
        """The store to read results from: the one of `mode`, else the one used last. Raises StoreError."""
        return open_store(self.address(mode), create=False)

    def address(self, mode: str | None = None) -> str:
        """The database of `mode`, else the one used last. Raises UsageError when none was used yet."""
        config = self.config({"mode": mode} if mode else None)
        if config.store.database or mode:
            return config.database
        modes = ("online", "replay", "demo") if config.mode == "online" else (config.mode, "replay")
        addresses = [self.config({"mode": one}).database for one in modes]
        files = [(Path(a.removeprefix("sqlite:///")), a) for a in addresses]
        held = [(_used(file), address) for file, address in files if file.exists()]
        if not held:
            raise UsageError(f"There are no results in {config.path} yet; `suchlike run` brings some.")
        return max(held)[1]

    def articles(
        self, *, everything: bool = False, copies: bool = False, mode: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """Stored articles, best first; of the mode used last, or of `mode`."""
        with contextlib.closing(self.store(mode)) as store, store.read() as connection:
            yield from articles.listed(connection, everything=everything, copies=copies)

    def chosen(self, wanted: Wanted, *, limit: int | None = None, mode: str | None = None) -> Iterator[dict[str, Any]]:
        """The stored articles that are meant, best first; streamed."""
        with contextlib.closing(self.store(mode)) as store, store.read() as connection:
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

    def explain(self, what: str | int, *, mode: str | None = None) -> Explained:
        """Why a URL, or a place in the list, has its score; parts that add up, sentences, what speaks against."""
        return Explained(explained(self.store(mode), str(what)))

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

    def export(
        self, kind: str, file: Path | None = None, *, wanted: Wanted | None = None, fields: Sequence[str] = (),
        text: bool = True, split: str | None = None, purpose: str | None = None, mode: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Writes the stored articles that are meant, by default all, copies among them.

        Returns `{file, format, articles, bytes, sha256, left_out}`; with `split` (`train=.8`) a file each, told under
        `splits`. `purpose` (research or training) leaves out what the pages' rights forbid for it.
        """
        form = fit(kind, fields=fields, text=text)
        config = self.config()
        with contextlib.closing(self.store(mode)) as store, store.snapshot() as connection:
            latest = runs.latest(connection)
            wanted = wanted or Wanted(copies=True)
            # what a later judgement took out of the matches is stored, and still not what was asked for
            if latest is not None and latest.config.store.keep == "all":
                wanted = replace(wanted, everything=True)
            choice = Choice(
                fields=chosen_fields(fields, text=text), text=text, title=config.path.resolve().name or "articles",
                archive=config.path / "warc", edges=partial(edges.steps, connection),
            )  # fmt: skip
            return export(
                kind, lambda: articles.chosen(connection, wanted), file or config.path / "exports" / form.file,
                about=about(connection, latest, wanted), choice=choice, purpose=purpose,
                shares=splits_of(split) if split else None,
            )  # fmt: skip

    def rejudge(self, threshold: float | str, *, preview: bool = False, mode: str | None = None) -> Rejudged:
        """Decides by another threshold what matches, from stored texts; with `preview` only tells what would change."""
        return judge_again(self.store(mode), threshold, preview=preview)

    def reread(self, reason: str | None = None, *, preview: bool = False, mode: str | None = None) -> Reread:
        """Reads dropped pages once more out of the archive, when a rule has changed; see `crawler.rereading`."""
        with contextlib.closing(self.store(mode)) as store:
            return read_again(store, self.config().path / "warc", reason, preview=preview)

    def forget(
        self, what: str, *, copies: bool = False, preview: bool = False, mode: str | None = None
    ) -> Forgotten:  # fmt: skip
        """Removes a URL or a site from store, index and archive for good; see `crawler.forgetting`."""
        with contextlib.closing(self.store(mode)) as store:
            return forget(store, self.config().path / "warc", what, copies=copies, preview=preview)

    def verify(self, file: Path | str, *, again: bool = False) -> dict[str, Any]:
        """Holds an export, or an archive's file, against its hashes; see `crawler.verify`."""
        folder = self.config().path / "warc"
        return verify(Path(file), folder if folder.is_dir() else None, again=again)

    def report(self, file: Path | None = None, *, mode: str | None = None) -> Path:
        """Writes what was found and how as one HTML file; gives where. Raises UsageError when nothing has run."""
        target = file or self.config().path / "exports" / "report.html"
        page = report(self.store(mode))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(page, encoding="utf-8")
        except OSError as error:
            raise StoreError(f"{target} cannot be written: {error.strerror}.") from None
        return target


def _knows(config: Config) -> bool:
    """Whether an earlier run left any URL; makes no database to find out.

    Whether one waits is known only when the run has begun, which brings back what was given up or is due again.
    """
    file = config.database.removeprefix("sqlite:///")
    if file != config.database and not Path(file).exists():
        return False
    with contextlib.closing(open_store(config.database, mode=config.mode)) as store, store.read() as connection:
        return fates.any_known(connection)


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
    number = len(seed_set.seeds)
    return f"learned from {number} seed{'' if number == 1 else 's'}: {terms} …"


def _used(file: Path) -> float:
    """When a SQLite database was last written; its log counts."""
    log = file.with_name(file.name + "-wal")
    return max(file.stat().st_mtime, log.stat().st_mtime if log.exists() else 0.0)


def _nobody(_: Progress) -> None:
    """Nobody watches."""
