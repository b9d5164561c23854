"""The demo web as one object: ask it for an address and it answers, without any network."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import blake2b
from urllib.parse import parse_qsl, urlencode, urlsplit

from crawler.demo import placement
from crawler.demo.answers import Answer, html, latin1, moved, packed, refused, typed
from crawler.demo.feeds import documents
from crawler.demo.lists import chunks, listing, listings
from crawler.demo.render import Renderer
from crawler.demo.sites import BY_HOST, SITES, Site
from crawler.demo.traps import not_found, trap
from crawler.demo.world import Placed, World, number

SESSION = re.compile(r";jsessionid=[0-9a-f]*$")
MEANINGFUL = frozenset({"page", "id"})
ENDLESS = "kitchen-table.test"
# answered at first, then no longer: (site, which of its newest, status, how often, extra header)
FLAKY: tuple[tuple[str, int, int, int, dict[str, str]], ...] = (
    ("meridian-times.test", 2, 429, 2, {"retry-after": "1"}),
    ("coastal-wire.test", 4, 503, 1, {"retry-after": "1"}),
    ("tidewater-herald.test", 3, 503, 1, {}),
)


class DemoWeb:
    """All pages of the invented web. The same seed gives the same pages, byte for byte.

    Only the few addresses in FLAKY remember how often they were asked; everything else is a pure function.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.renderer = Renderer(world)
        self.sites: tuple[Site, ...] = SITES
        self.start_urls: tuple[str, ...] = tuple(site.home for site in SITES)
        self.kinds: Counter[str] = Counter()
        self._pages: dict[tuple[str, str], Callable[[], Answer]] = {}
        self._asked: Counter[str] = Counter()
        self._flaky = {
            world.shelf(host, "latest", "")[turn].url: (status, times, extra)
            for host, turn, status, times, extra in FLAKY
        }
        for one in world.placed:
            self._add_article(one)
        for site in SITES:
            self._add_lists(site)
        self._add_redirects()

    @classmethod
    def build(cls, seed: int = 1) -> DemoWeb:
        """Build the whole web from a seed and the articles on disk. Takes under a second."""
        return cls(placement.build(seed))

    @property
    def carriers(self) -> dict[str, tuple[str, ...]]:
        """Every story (by the slug of its first text) and the addresses that carry it."""
        found: dict[str, list[str]] = defaultdict(list)
        for one in self.world.placed:
            found[one.story] += one.urls
        return {story: tuple(urls) for story, urls in found.items()}

    @property
    def urls(self) -> list[str]:
        """The addresses of all pages, feeds and sitemaps; the endless traps and redirects are not among them."""
        return [f"http://{host}{path}" for host, path in self._pages]

    def answer(self, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        """Answer a request. `headers` have lower-case names; a host outside the demo web is refused with 403."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if parts.scheme != "http" or host not in BY_HOST:
            return refused(403, "not in the demo web")
        if method not in {"GET", "HEAD"}:
            return refused(405, "only GET and HEAD")
        found = self._find(host, SESSION.sub("", parts.path) or "/", parts.query)
        return finish(found, method, headers, BY_HOST[host])

    def _find(self, host: str, path: str, query: str) -> Answer:
        kept = urlencode(sorted(pair for pair in parse_qsl(query) if pair[0] in MEANINGFUL))
        url = f"http://{host}{path}"
        if url in self._flaky:
            status, times, extra = self._flaky[url]
            self._asked[url] += 1
            if self._asked[url] <= times:
                answer = refused(status, "not now")
                return Answer(status, answer.headers | extra, answer.body)
        page = self._pages.get((host, f"{path}?{kept}" if kept else path)) or self._beyond(host, path, kept)
        return page() if page else trap(host, path) or not_found(host)

    def _beyond(self, host: str, path: str, kept: str) -> Callable[[], Answer] | None:
        """Return the last page again for any later number of the endless tag."""
        asked = re.fullmatch(r"page=(\d{1,9})", kept)
        if host == ENDLESS and path == self._endless and asked:
            return self._endless_page(int(asked[1]))
        return None

    @property
    def _endless(self) -> str:
        return f"/tag/{self.world.names(BY_HOST[ENDLESS], 'tag')[0]}/"

    def _endless_page(self, page: int) -> Callable[[], Answer]:
        name = self._endless.split("/")[2]
        pages = chunks(self.world.shelf(ENDLESS, "tag", name))
        ones = pages[min(max(page, 1), len(pages)) - 1]
        label = self.world.labels[name].title()
        return lambda: html(listing(self.renderer, BY_HOST[ENDLESS], self._endless, label, ones, page, 0))

    def _add(self, url: str, kind: str, answer: Callable[[], Answer]) -> None:
        parts = urlsplit(url)
        self._pages[parts.hostname or "", parts.path + (f"?{parts.query}" if parts.query else "")] = answer
        self.kinds[kind] += 1

    def _add_article(self, one: Placed) -> None:
        encode = latin1 if one.article.language == "de" and number("", one.url) % 5 == 0 else html
        original = one.story in {one.article.slug, f"{one.article.site}/{one.article.slug}"}
        kind = "deposited copy" if one.role == "sealed" else "article" if original else "agency copy"
        self._add(one.url, kind, lambda: encode(self.renderer.article(one)))
        if one.print_url:
            self._add(one.print_url, "print copy", lambda: html(self.renderer.plain(one, "print")))
        if one.amp_url:
            self._add(one.amp_url, "AMP copy", lambda: html(self.renderer.plain(one, "amp")))

    def _add_lists(self, site: Site) -> None:
        start = site.home.rstrip("/")
        for page in listings(self.renderer, site):
            self._add(start + page.path, page.kind, partial(_render, page.render))
        if site.host == ENDLESS:
            pages = chunks(self.world.shelf(ENDLESS, "tag", self._endless.split("/")[2]))
            for turn in range(1, len(pages) + 1):
                path = self._endless + (f"?page={turn}" if turn > 1 else "")
                self._pages[site.host, path] = self._endless_page(turn)
        for path, kind, body in documents(self.world, site):
            self._add(start + path, "machine", partial(typed, body, kind))

    def _add_redirects(self) -> None:
        for one in self.world.placed:
            host, ident = one.article.site, number(one.article.site, one.article.slug)
            if host == "northhaven-post.test":
                self._pages[host, f"/news.php?id={ident}"] = partial(moved, one.url)
            elif host == "railview.test":
                self._pages[host, f"/r/3/{ident}"] = partial(moved, one.url)
        newest = self.world.shelf("ledger.test", "latest", "")[0]
        self._pages["ledger.test", "/go/latest"] = partial(moved, newest.url, 302)


def _render(render: Callable[[], str]) -> Answer:
    return html(render())


def finish(answer: Answer, method: str, headers: Mapping[str, str], site: Site) -> Answer:
    """Add what any server adds: length, validator, compression on one site, the site's slowness."""
    body, extra = answer.body, {"server": "suchlike-demo"}
    if answer.status == 200:
        extra["etag"] = f'"{blake2b(body, digest_size=8).hexdigest()}"'
        if headers.get("if-none-match") == extra["etag"]:
            return Answer(304, {**extra, "content-length": "0"}, delay_s=site.delay_s)
        if site.host == "coastal-wire.test" and "gzip" in headers.get("accept-encoding", ""):
            body = packed(body)
            extra |= {"content-encoding": "gzip", "vary": "accept-encoding"}
    fields = {**answer.headers, **extra, "content-length": str(len(body))}
    return Answer(answer.status, fields, b"" if method == "HEAD" else body, site.delay_s)
