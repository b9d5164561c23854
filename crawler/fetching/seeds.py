"""Seeds given as URLs: fetched by a crawl of their own, as politely and as guarded as any other."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec

from pipelines import urls as identity
from pipelines.config import Config
from pipelines.errors import SeedError
from pipelines.records import Candidate
from pipelines.sections import Sources, Store
from pipelines.seeds import MAX_SEEDS, Problem, Seed, SeedSet
from pipelines.stores import articles, discovery, fates, open_store, runs
from pipelines.stores.discovery import Found

LIMIT_S = 300
UNDER_WAY = ("waiting", "leased", "in_flight")


def fetch_seeds(seed_set: SeedSet, config: Config) -> SeedSet:
    """`seed_set` with its URLs fetched and extracted; what was fetched once is kept in the project folder.

    A URL that brings no article becomes a Problem that says why, as do those that are too many for a set.
    """
    kept = config.path / ".suchlike" / "seeds"
    room = max(0, MAX_SEEDS - len(seed_set.seeds))
    urls, beyond = seed_set.urls[:room], seed_set.urls[room:]
    missing = [url for url in urls if _read(url, kept) is None]
    problems = list(seed_set.problems)
    if beyond:
        problems.append(Problem(beyond[0], _left_out(beyond)))
    if missing:
        problems += _fetch(missing, config, kept)
    fetched = filter(None, (_read(url, kept) for url in urls))
    return replace(seed_set, seeds=(*seed_set.seeds, *fetched), problems=tuple(problems))


def _fetch(wanted: list[str], config: Config, kept: Path) -> list[Problem]:
    canonical = {url: identity.canonical(url) for url in wanted}
    problems = [Problem(url, f"{url} is not an address that can be fetched.") for url, c in canonical.items() if not c]
    good = {url: c for url, c in canonical.items() if c}
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="suchlike-") as scratch:
        # the limits of a run are none of single pages
        crawl = msgspec.structs.replace(
            config.crawl, depth=0, pages=0, max_per_site=0, roam=True, order="breadth"
        )  # fmt: skip
        small = msgspec.structs.replace(
            config, folder=scratch, profile={}, crawl=crawl, sources=Sources(block=config.sources.block),
            store=Store(keep="all", archive="none"),
        )  # fmt: skip
        store = open_store(small.database)
        with store.write() as connection:
            run = runs.start(connection, small, "", now=time.time()).id
            found = [Found(Candidate(url, "start"), 1.0) for url in good.values()]
            discovery.discover(connection, found, run=run, now=time.time())
        command = [sys.executable, "-m", "crawler", "-C", scratch, "crawl-worker", "--run", str(run), "--inline"]
        # the run carries its configuration; the environment's database is the project's, not this one
        env = {**os.environ, **small.environment}
        try:
            done = subprocess.run(
                [*command, "--spider", "apart"], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S,
                check=False, env=env,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            late = True  # what came by now is kept
        else:
            late = False
            if done.returncode:
                said = done.stderr.decode(errors="replace").strip()[-300:]
                raise SeedError(f"The seeds could not be fetched: {said}")
        with store.read() as connection:
            for url, address in good.items():
                row = fates.follow(connection, address)
                article = articles.one(connection, row) if row else None
                if article:
                    _file(kept, url).write_text(json.dumps(article, ensure_ascii=False), encoding="utf-8")
                else:
                    told = fates.tell(connection, row) if row else None
                    problems.append(Problem(url, _why(told, url, late=late)))
        store.close()
    return problems


def _left_out(beyond: Sequence[str]) -> str:
    which = f"{len(beyond)} addresses, from {beyond[0]} on, were" if len(beyond) > 1 else f"{beyond[0]} was"
    return f"{which} left out, for a seed set has at most {MAX_SEEDS} articles; choose the most typical ones."


def _why(told: dict[str, object] | None, url: str, *, late: bool) -> str:
    if not told:
        return f"{url} could not be fetched."
    if told["fate"] == "listed":
        return f"{url} is a feed or a sitemap, and no article; --feed or --sitemap starts a crawl there."
    if late and told["fate"] in UNDER_WAY:
        return f"{url} was not fetched within {LIMIT_S} seconds with the others; the same command goes on with it."
    if told["fate"] == "waiting":
        return f"{url} could not be fetched, for its site did not answer; try again later, or use another page."
    reason = told["reason"] or told["fate"]
    detail = told["detail"] or "no more is known"
    return f"{url} gave no article ({reason}: {detail}); use another page, or --site to start there."


def _file(kept: Path, url: str) -> Path:
    return kept / f"{hashlib.sha256(url.encode()).hexdigest()[:24]}.json"


def _read(url: str, kept: Path) -> Seed | None:
    """A seed, called by the address that was given, wherever that led; None where it is not kept, or only half of it
    is: whoever wrote it was killed."""
    try:
        held = json.loads(_file(kept, url).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return Seed(
        name=url, path=held["url"], title=held["title"], text=held["text"], language=held["language"],
        words=held["words"], dropped_lines=(), url=held["url"],
        published=date.fromisoformat(held["published"][:10]) if held["published"] else None,
    )  # fmt: skip
