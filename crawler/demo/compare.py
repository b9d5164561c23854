"""Holds a demo against what was planted, and against the same number of pages taken breadth first.

Breadth-first is walked over the same web in memory and judged by the very same stages; only the order differs. The
gold labels are read here, after the crawl, and by tests.
"""

from __future__ import annotations

import tempfile
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec

from crawler.demo.gold import allowed, planted
from crawler.demo.web import DemoWeb
from crawler.project import Project
from crawler.reading.gate import is_html, is_list, is_sitemap
from crawler.reading.glance import glance
from crawler.replay import replay
from crawler.sources import SOURCES
from pipelines import urls as identity
from pipelines.config import Config
from pipelines.likeness.profile import Profile
from pipelines.stores import Store, articles, editions, open_store, runs, tallies
from pipelines.warc import Recorded
from workers import build
from workers.inline import Inline


def compare(store: Store, opened: Project, config: Config, done: dict[str, Any]) -> dict[str, Any]:
    """`{planted, planted_found, breadth_first: {pages_fetched, matches}}` for a finished demo.

    `planted` are the stories robots.txt lets us fetch, in the languages of the seeds; the others are counted beside.
    """
    web = DemoWeb.build()
    subject, _ = config.only_profile()
    with store.read() as connection:
        found = {article["url"] for article in articles.listed(connection, copies=True)}
        asked = runs.get(connection, done["run"])
        profile = Profile.from_bytes(runs.learned(connection, asked.profile))
    spoken = {seed.language for seed in opened.seed_set(config).seeds}
    fetchable = [story for story in planted(web, subject) if story.fetchable]
    stories = [story for story in fetchable if story.language in spoken]
    pages = list(_breadth_first(web, done["pages_fetched"]))
    return {
        "planted": len(stories),
        "planted_in_other_languages": len(fetchable) - len(stories),
        "planted_found": sum(1 for story in stories if found.intersection(story.urls)),
        "breadth_first": {"pages_fetched": done["pages_fetched"], "matches": _matches(pages, config, profile)},
    }


def _breadth_first(web: DemoWeb, budget: int) -> Iterator[Recorded]:
    """The first `budget` pages a breadth-first crawl of the same starting points fetches."""
    waiting = deque(web.start_urls)
    seen = {identity.key(url) for url in waiting}
    fetched = 0
    while waiting and fetched < budget:
        url = waiting.popleft()
        answer = web.answer("GET", url, {})
        lists = is_list(answer.body)
        fetched += not lists
        for following in _following(answer.status, answer.headers, answer.body, url, lists):
            key = identity.key(following)
            if key not in seen and following.startswith("http://") and _in_world(web, following):
                seen.add(key)
                waiting.append(following)
        if answer.status == 200 and not lists:
            yield Recorded(url, 200, {k.lower(): v for k, v in answer.headers.items()}, answer.body, time.time())


def _following(status: int, headers: dict[str, str], body: bytes, url: str, lists: bool) -> list[str]:
    if 300 <= status < 400:
        target = identity.canonical(headers.get("location", headers.get("Location", "")), url)
        return [target] if target else []
    if status != 200:
        return []
    if lists:
        name = "sitemap" if is_sitemap(body) else "feed"
        return [candidate.url for candidate in SOURCES[name](body, url)]
    if not is_html(body, headers):
        return []
    seen = glance(body, url)
    return [link.url for link in seen.links if not identity.looks_like_trap(link.url)] + list(seen.feeds)


def _in_world(web: DemoWeb, url: str) -> bool:
    host = identity.host_of(url)
    return any(site.host == host for site in web.sites) and allowed(url)


def _matches(pages: list[Recorded], config: Config, profile: Profile) -> int:
    with tempfile.TemporaryDirectory(prefix="suchlike-") as scratch:
        small = msgspec.structs.replace(
            config, folder=scratch, store=msgspec.structs.replace(config.store, database="", archive="none")
        )
        store = open_store(small.database)
        with store.write() as connection:
            editions.keep(connection, profile.edition, "main", "breadth-first", [], profile.to_bytes())
            run = runs.start(connection, small, profile.edition, now=time.time()).id
        sender = Inline(build.stages(store, small))
        replay(iter(pages), store=store, config=small, run=run, profile=profile, sender=sender)
        with store.read() as connection:
            found = tallies.matches(connection, run)
        store.close()
        return found
