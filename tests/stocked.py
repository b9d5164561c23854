"""A store with a run, URLs, pages and articles in it, put there as crawlers and stages put them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from pipelines.config import Config
from pipelines.records import Article, Candidate, Likeness
from pipelines.stages import LEASE_S, unwatched
from pipelines.stores import articles, discovery, fates, fetches, ledger, open_store, replayed, runs
from pipelines.stores.articles import Draft
from pipelines.stores.discovery import Found
from pipelines.stores.fetches import Fetched
from pipelines.stores.schema import urls
from pipelines.stores.states import State
from pipelines.urls import host_of, key, site_of
from workers import build
from workers.inline import Inline


class Stock:
    """One store, opened, and a run in it that keeps everything."""

    def __init__(self, address: str, folder: Path, *, open_run: bool = True, **store: Any) -> None:
        asked = {"keep": "all", "archive": "kept", **store, "database": address}
        self.config = msgspec.convert({"mode": "replay", "store": asked, "folder": str(folder)}, Config)
        self.address = address
        self.store = open_store(address, mode="replay")
        self.run = 0
        if open_run:
            with self.store.write() as connection:
                self.run = runs.start(connection, self.config, "", now=time.time()).id

    def find(self, *wanted: str, expected: float = 0.5, now: float = 0.0) -> int:
        """Discovers URLs; returns how many were new."""
        found = [Found(Candidate(url, "link"), expected) for url in wanted]
        with self.store.write() as connection:
            return len(discovery.discover(connection, found, run=self.run, now=now))

    def row(self, url: str) -> Any:
        """The ledger's row of a URL."""
        with self.store.read() as connection:
            return connection.execute(select(urls).where(urls.c.key == key(url))).one()

    def states(self) -> dict[str, State]:
        """Every URL's state."""
        with self.store.read() as connection:
            return {url: State(state) for url, state in connection.execute(select(urls.c.url, urls.c.state))}

    def fetched(self, bodies: dict[str, bytes], *, state: State = State.FETCHED, **more: Any) -> list[int]:
        """Rows as a crawler leaves them: discovered, leased and recorded, in the order given."""
        self.find(*bodies)
        now = time.time()
        with self.store.write() as connection:
            rows = replayed.lease(connection, dict.fromkeys(bodies, 0.0), run=self.run, now=now)
            done = [
                Fetched(rows[url], state, 200, final_url=url, headers={"content-type": "text/html"}, fetched_at=now,
                        body=body, **more)
                for url, body in bodies.items()
            ]  # fmt: skip
            fetches.record(connection, done, run=self.run, ring_after=0.0)
        return [rows[url] for url in bodies]

    def parsed(self, told: Sequence[tuple[str, str]], **more: Any) -> list[int]:
        """Rows as the parse stage leaves them: `(url, text)`, with articles. `more` are fields of all of them."""
        rows = self.fetched({url: b"<html>" for url, _ in told})
        with self.store.write() as connection:
            for row, (url, text) in zip(rows, told, strict=True):
                taken = ledger.take(connection, State.FETCHED, [row], now=time.time(), lease_s=LEASE_S)
                ledger.move(connection, row, State.FETCHED, taken[0].attempt, to=State.PARSED)
                articles.put(connection, self.draft(row, url, text, **more))
        return rows

    def draft(self, row: int, url: str, text: str, *, canonical: str = "", matched: bool = True, score: float = 0.9,
              published: datetime | None = None, confidence: float = 0.0, fetched_at: float | None = None,
              **more: Any) -> Draft:  # fmt: skip
        """An article of this text."""
        made = {
            "title": text[:30], "authors": (), "published": published, "published_confidence": confidence,
            "language": "en", "words": len(text.split()), "sha256": hashlib.sha256(text.encode()).hexdigest(), **more,
        }  # fmt: skip
        article = Article(
            row=row, url=url, canonical_url=canonical or url, site=site_of(host_of(url)), text=text, **made
        )
        likeness = Likeness(score=score, lexical=0.5, dense=0.5, nearest_seed="seed")
        return Draft(article, likeness, matched, fetched_at or time.time(), "replay", self.run)

    def stages(self) -> dict[str, Any]:
        """The stages over this store, as a worker process builds them."""
        return build.stages(self.store, self.config)

    def work(self, stage: str, rows: Sequence[int]) -> None:
        """Runs a stage and all that follow, in this process."""
        stages = self.stages()
        Inline(stages).send(stage, rows)
        stages["store"].close()

    def dedupe(self, rows: Iterable[int]) -> None:
        """Runs dedupe and store on rows one after the other, as they come."""
        stages = self.stages()
        for row in rows:
            stages["dedupe"].run([row], unwatched)
            stages["store"].run([row], unwatched)
        stages["store"].close()

    def articles(self) -> dict[str, dict[str, Any]]:
        """Every stored article by its URL."""
        with self.store.read() as connection:
            return {one["url"]: one for one in articles.listed(connection, everything=True, copies=True)}

    def fates(self) -> dict[str, Any]:
        """The ledger, counted."""
        with self.store.read() as connection:
            return fates.count(connection)


def adds_up(told: dict[str, Any]) -> bool:
    """Whether fetched = stored + duplicate + Σ dropped + Σ dead + in flight."""
    ends = sum(told["dropped"].values()) + sum(told["dead"].values())
    return bool(told["fetched"] == told["stored"] + told["duplicate"] + ends + told["in_flight"])


def day(number: int) -> datetime:
    """The day of this number in 2024, at noon."""
    return datetime(2024, 1, 1 + number, 12, tzinfo=UTC)
