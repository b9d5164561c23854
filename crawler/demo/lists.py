"""The pages that list articles: front pages, sections, tags, authors; and the pages every site has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from crawler.demo.render import Renderer
from crawler.demo.sites import Site
from crawler.demo.skins import link, words
from crawler.demo.world import Placed

ON_HOME = 15
PER_PAGE = 9
STATIC = {
    "about": "This paper is made up by a program and a handful of people. It reports on places that do not exist.",
    "contact": "Write to the newsroom at desk@{host}. Letters are read on Thursdays.",
    "privacy": "This site keeps no accounts, sets no cookies in spite of what it says, and forgets you at once.",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """A page that lists: its path (with query), what kind it is, and how to render it."""

    path: str
    kind: str
    render: partial[str]


def page_path(site: Site, first: str, page: int) -> str:
    """Return the path of the n-th page (from 1) of a list, in the site's manner."""
    if page == 1:
        return first
    return f"{first}?page={page}" if site.pager == "query" else f"{first}page/{page}/"


def chunks(ones: list[Placed]) -> list[list[Placed]]:
    """Split a shelf into pages."""
    return [ones[at : at + PER_PAGE] for at in range(0, len(ones), PER_PAGE)]


def home(renderer: Renderer, site: Site) -> str:
    """Render a front page: the newest articles of the site."""
    newest = renderer.world.shelf(site.host, "latest", "")[:ON_HOME]
    teasers = "\n".join(renderer.teaser(one, site.home, site.language) for one in newest)
    content = f"<h1>{words(site.language).latest}</h1>\n{teasers}"
    return renderer.frame(site, site.home, site.motto, content)


def listing(renderer: Renderer, site: Site, first: str, heading: str, ones: list[Placed], page: int, last: int) -> str:
    """Render one page of a list, with links to the page before and after; `last` 0 means it never ends."""
    said, here = words(site.language), site.home.rstrip("/") + page_path(site, first, page)
    teasers = "\n".join(renderer.teaser(one, here, site.language) for one in ones)
    newer = link(page_path(site, first, page - 1), said.newer, "prev") if page > 1 else ""
    older = link(page_path(site, first, page + 1), said.older, "next") if not last or page < last else ""
    content = f"<h1>{heading}</h1>\n{teasers}\n<p class='pager'>{newer} {page} {older}</p>"
    return renderer.frame(site, here, heading, content)


def sections(renderer: Renderer, site: Site) -> str:
    """Render the page that names all sections."""
    labels = {name: renderer.world.labels[name].title() for name in sorted(renderer.world.names(site, "section"))}
    rows = "".join(f"<li>{link(f'/section/{name}/', label)}</li>" for name, label in labels.items())
    said = words(site.language).sections
    return renderer.frame(site, f"{site.home}sections/", said, f"<h1>{said}</h1><ul>{rows}</ul>")


def static(renderer: Renderer, site: Site, name: str) -> str:
    """Render an about, contact or privacy page."""
    text = STATIC[name].format(host=site.host)
    return renderer.frame(site, site.home + name, name.title(), f"<h1>{name.title()}</h1><p>{text}</p>")


def listings(renderer: Renderer, site: Site) -> Iterator[Listing]:
    """Yield every listing page of a site."""
    yield Listing("/", "home", partial(home, renderer, site))
    yield Listing("/sections/", "static", partial(sections, renderer, site))
    for name in STATIC:
        yield Listing(f"/{name}", "static", partial(static, renderer, site, name))
    for kind in ("section", "tag", "author"):
        if (kind == "tag" and not site.tags) or (kind == "author" and site.skin == "wire"):
            continue
        for name in renderer.world.names(site, kind):
            first, heading = f"/{kind}/{name}/", renderer.world.labels[name].title()
            pages = chunks(renderer.world.shelf(site.host, kind, name))
            for page, ones in enumerate(pages, 1):
                render = partial(listing, renderer, site, first, heading, ones, page, len(pages))
                yield Listing(page_path(site, first, page), kind, render)
