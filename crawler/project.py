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

from crawler import cell, report, seeding
from crawler.databases import used_last
from crawler.explaining import explained
from crawler.export import about, export, fit, place
from crawler.fetching import contact, network, proxy
from crawler.forgetting import Forgotten, forget
from crawler.matches import Matches
from crawler.picture import Explained
from crawler.plan import Plan, survey
from crawler.rating import Rated, rate, rated_and_next, take_back
from crawler.recordings import recorded, require
from crawler.rejudging import Rejudged, judge_again
from crawler.replay import replay_run
from crawler.rereading import Reread, read_again
from crawler.running.conductor import Conductor
from crawler.running.lookout import Progress
from crawler.running.runlock import RunLock
from crawler.searching import searched
from crawler.starting import begin, require_somewhere, starting_points, with_seed_settings
from crawler.summary import Summary, summary
from crawler.verify import verify
from pipelines.asked import understood
from pipelines.config import Config, load
from pipelines.errors import ConfigError, SeedError, UsageError
from pipelines.exports import Choice, chosen_fields
from pipelines.exports.splits import splits_of
from pipelines.layers import layered
from pipelines.likeness.profile import Profile
from pipelines.seeds import SeedSet
from pipelines.stores import Store, articles, edges, feeds, open_store, require_writes, runs
from pipelines.stores.wanted import Wanted

Tell = Callable[[Progress], None]


class Project:
    """A folder with `suchlike.toml`, seeds, one database a mode, the archive and exports."""

    def __init__(
        self, folder: Path | str = ".", *, seeds: Sequence[str | Path] = (), profile: str | None = None
    ) -> None:
        """`run` makes `folder`. `seeds` (files, folders, URLs) replace those that the configuration names.

        Paths are looked for in `folder` first, then in the current one. `profile` is needed where there are several.
        """
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
        paths = paths or [seeding.placed(one, self.folder) for one in self._seeds]
        return seeding.read_seeds(paths or seeding.seeds_of(config, self._profile), config)

    def learn(self, seed_set: SeedSet, config: Config | None = None) -> Profile:
        """The likeness these seeds teach, by `config` or the project's. SeedError when none of them can be used."""
        return seeding.learn(seed_set, config or self.config(seed_set=seed_set), self._profile)

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
        done = self.conduct({"crawl": crawl, "sources": sources}, tell=tell or cell.shown())
        return Summary(done, self.matches(run=done["run"], mode=done["mode"]))

    async def arun(self, **asked: Any) -> Summary:
        """As `run`, without blocking the loop it is awaited in."""
        return await asyncio.to_thread(lambda: self.run(**asked))

    def conduct(
        self, overrides: Mapping[str, Any] | None = None, *, seed_paths: Sequence[str | Path] = (),
        again: bool = False, tell: Tell | None = None, say: Callable[[str], None] = lambda _: None,
        ready: Callable[[], object] = lambda: None,
    ) -> dict[str, Any]:  # fmt: skip
        """Crawls until a budget is spent, drains every stage; returns the summary of contract.md.

        A run that was stopped or killed is taken up again; one that ended is followed by another, which goes on
        with the same frontier; `again` looks once more at all it knows, see `waking.wake_all`. Raises UsageError, and
        changes nothing, while another run is at work in the folder.
        `ready` is called when everything needed is there, and before anything is written.
        """
        config = self.config(overrides)
        seed_set = self.seed_set(config, seed_paths)
        config = self.config(overrides, seed_set)
        found = starting_points(config, seed_set)
        require_somewhere(config, found)
        starts = [one.candidate.url for one in found]
        contact.require(config, starts)
        network.require(config, starts)
        profile = self.learn(seed_set, config)
        if config.crawl.proxy:
            proxy.require(config.crawl.proxy)
        require_writes(config.database)
        ready()
        for problem in seed_set.problems:
            say(f"! {problem.message}")
        say(seeding.learned(profile, seed_set))
        began = time.monotonic()
        with (
            contextlib.closing(open_store(config.database, mode=config.mode, forks=False)) as store,
            RunLock(config.path),  # before a row is touched: the run at work would take another's settings for its own
        ):
            run = begin(store, config, profile, seed_set, again=again)
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
        pages = recorded(paths, say)
        run, number = replay_run(pages, store=store, config=config, profile=profile, seed_set=seed_set)
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
        """What was found, of one run or of all, best first: a sequence that reads the store as it goes."""
        return Matches(self.store(mode), Wanted(run=run, profile=self._profile), run)

    def store(self, mode: str | None = None) -> Store:
        """The store to read results from: the one of `mode`, else the one used last. Raises StoreError."""
        return open_store(self.address(mode), create=False)

    def address(self, mode: str | None = None) -> str:
        """The database of `mode`, else the one used last. Raises UsageError when none was used yet."""
        config = self.config({"mode": mode} if mode else None)
        return config.database if mode else used_last(config)

    def articles(
        self, *, everything: bool = False, copies: bool = False, mode: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """Stored matches as dictionaries, best first, of the mode used last, or of `mode`.

        With `copies` copies too, with `everything` also stored articles that do not match.
        """
        with contextlib.closing(self.store(mode)) as store, store.read() as connection:
            yield from articles.listed(connection, everything=everything, copies=copies)

    def chosen(self, wanted: Wanted, *, limit: int | None = None, mode: str | None = None) -> Iterator[dict[str, Any]]:
        """The stored articles that `wanted` chooses, best first; streamed."""
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
            return searched(connection, asked, wanted or Wanted(profile=self._profile), limit=limit)

    def explain(self, what: str | int, *, mode: str | None = None) -> Explained:
        """Why a URL, or a place in the list, has its score; parts that add up, sentences, what speaks against."""
        return Explained(explained(self.store(mode), str(what)))

    def rate(self, what: Sequence[str], verdict: int, *, preview: bool = False, mode: str | None = None) -> Rated:
        """Says that URLs, or places in the list, are like the seeds (1) or not (-1), and judges everything again.

        With `preview` nothing is written; what would enter and leave is told all the same.
        """
        return rate(self.store(mode), what, verdict, preview=preview, profile=self._profile)

    def unrate(self, *, preview: bool = False, mode: str | None = None) -> Rated:
        """Takes the last rating back and judges everything again. Raises UsageError when there is none."""
        return take_back(self.store(mode), preview=preview, profile=self._profile)

    def ratings(self, *, limit: int = 5, mode: str | None = None) -> dict[str, Any]:
        """`{rated: [{url, title, score, verdict}], next: [{url, title, score, match}]}`, next being best rated next."""
        return rated_and_next(self.store(mode), limit, profile=self._profile)

    def export(
        self, kind: str, file: Path | None = None, *, wanted: Wanted | None = None, fields: Sequence[str] = (),
        text: bool = True, split: str | None = None, purpose: str | None = None, mode: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Writes the stored articles that `wanted` chooses; by default all matches, copies among them.

        Returns `{file, format, articles, bytes, sha256, left_out}`; with `split` (`train=.8`) a file each, told under
        `splits`. `purpose` (research or training) leaves out what the pages' rights forbid for it.
        """
        form = fit(kind, fields=fields, text=text)
        config = self.config()
        with contextlib.closing(self.store(mode)) as store, store.snapshot() as connection:
            latest = runs.latest(connection)
            wanted = wanted or Wanted(copies=True, profile=self._profile)
            # what a later judgement took out of the matches is stored, and still not what was asked for
            if latest is not None and latest.config.store.keep == "all":
                wanted = replace(wanted, everything=True)
            choice = Choice(
                fields=chosen_fields(fields, text=text), text=text, title=config.path.resolve().name or "articles",
                archive=config.path / "warc", edges=partial(edges.steps, connection),
                feeds=partial(feeds.read, connection),
            )  # fmt: skip
            file = file or place(config.path / "exports", form.file, latest.mode if latest else None)
            return export(
                kind, lambda: articles.chosen(connection, wanted), file,
                about=about(connection, latest, wanted), choice=choice, purpose=purpose,
                shares=splits_of(split) if split else None,
            )  # fmt: skip

    def rejudge(
        self, threshold: float | str | None = None, *, languages: Sequence[str] | None = None,
        since: str | None = None, preview: bool = False, mode: str | None = None,
    ) -> Rejudged:  # fmt: skip
        """Decides by another threshold, other languages or another first day what matches, from stored texts.

        What is None stays; empty `languages` and `since` take all. With `preview` only tells what would change.
        """
        return judge_again(
            self.store(mode), threshold, languages=languages, since=since, preview=preview, profile=self._profile
        )

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
        """Checks an export, or an archive's file, against its hashes; see `crawler.verify`."""
        folder = self.config().path / "warc"
        return verify(Path(file), folder if folder.is_dir() else None, again=again)

    def report(self, file: Path | None = None, *, mode: str | None = None) -> Path:
        """Writes what was found and how as one HTML file; gives where. Raises UsageError when nothing has run."""
        return report.write(self.store(mode), file or self.config().path / "exports" / "report.html")


def _nobody(_: Progress) -> None:
    """Nobody watches."""
