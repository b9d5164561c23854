"""Turns placed articles into HTML pages, each site in its own manner."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from html import escape
from random import Random
from typing import Literal
from urllib.parse import urlsplit

from crawler.demo.sites import BY_HOST, SITES, Site
from crawler.demo.skins import Words, link, long_date, skin, words
from crawler.demo.traps import LEADS
from crawler.demo.world import Placed, World, number
from crawler.demo.written import slugify

READ_MORE_SHARE = 0.15
TEASER_WORDS = 60


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders pages of one world; the same world always gives the same bytes."""

    world: World

    def href(self, here: str, target: str, rng: Random) -> str:
        """Return a link's address as the page at `here` writes it: relative at home, with the quirks of the site."""
        start, there = urlsplit(here), urlsplit(target)
        if there.netloc != start.netloc:
            return target
        site, path = BY_HOST[start.netloc], there.path
        if site.sessions and rng.random() < 0.6:
            session = blake2b(start.path.encode(), digest_size=8).hexdigest()
            return path + rng.choice((f";jsessionid={session}", f"?sid={session}", "?utm_source=box&utm_medium=link"))
        if site.host == "northhaven-post.test" and target in self.world.by_url and rng.random() < 0.1:
            return f"/news.php?id={number(site.host, self.world.by_url[target].article.slug)}"
        return path + (f"?{there.query}" if there.query else "")

    def frame(self, site: Site, here: str, title: str, content: str, *, crumbs: str = "", head: str = "") -> str:
        """Put content into a site's page: navigation, boxes, cookie text, footer."""
        said = words(site.language)
        sections = self.world.names(site, "section")[:7]
        nav = "".join(f"<li>{link(f'/section/{name}/', self.world.labels[name].title())}</li>" for name in sections)
        return skin(site.skin).frame.substitute(
            lang=site.language,
            charset="utf-8",
            title=escape(title, quote=False),
            head=head + self._feed_link(site),
            sitename=escape(site.name),
            motto=escape(site.motto),
            nav=f"<li>{link('/', said.home)}</li>{nav}<li>{link('/sections/', said.sections)}</li>",
            crumbs=crumbs,
            content=content,
            aside=self._aside(site, here, said),
            cookie=said.cookie,
            newsletter=said.newsletter,
            footer=" ".join(
                [said.footer, *(link(f"/{name.lower()}", name) for name in ("About", "Contact", "Privacy"))]
            ),
        )

    def _feed_link(self, site: Site) -> str:
        if not site.feed:
            return ""
        kind = "atom" if site.feed == "atom" else "rss"
        return f'<link rel="alternate" type="application/{kind}+xml" title="{escape(site.name)}" href="/feed.xml">'

    def _aside(self, site: Site, here: str, said: Words) -> str:
        shelf = self.world.shelf(site.host, "latest", "")
        picked = self.world.rng("most read", site.host).sample(shelf, min(6, len(shelf)))
        rng = self.world.rng("aside", here)
        read = "".join(f"<li>{link(self.href(here, one.url, rng), one.article.title)}</li>" for one in picked)
        partner = self.world.rng("partner", here).choice([other for other in SITES if other.host != site.host])
        leads = (*LEADS.get(site.host, ()), (partner.home, partner.name))
        service = "".join(f"<li>{link(href, text)}</li>" for href, text in leads)
        return (
            f'<div class="box"><h4>{said.most_read}</h4><ol>{read}</ol></div>'
            f'<div class="box"><h4>{said.service}</h4><ul>{service}</ul></div>'
        )

    def teaser(self, one: Placed, here: str, language: str) -> str:
        """Return an article's entry in a list; some are linked by "Read more" only."""
        article, rng = one.article, self.world.rng("teaser", here, one.url)
        href = self.href(here, one.url, rng)
        plain = rng.random() < READ_MORE_SHARE
        return skin(BY_HOST[urlsplit(here).netloc].skin).teaser.substitute(
            heading=escape(article.title, quote=False) if plain else link(href, article.title),
            standfirst=escape(article.standfirst, quote=False),
            more=link(href, words(language).more) if plain else "",
            date=long_date(article.published, language),
            iso=article.published.isoformat(),
        )

    def _head(self, one: Placed, canonical: bool) -> str:
        article, site = one.article, BY_HOST[one.article.site]
        lines = [f'<link rel="canonical" href="{one.url}">'] if canonical else []
        if one.amp_url:
            lines.append(f'<link rel="amphtml" href="{one.amp_url}">')
        if one.mark == "noindex":
            lines.append('<meta name="robots" content="noindex">')
        lines.append(f'<meta name="description" content="{escape(article.standfirst)}">')
        if site.skin == "wire":
            said = {
                "@context": "https://schema.org",
                "@type": "NewsArticle",
                "headline": article.title,
                "datePublished": article.published.isoformat(),
                "author": {"@type": "Person", "name": article.author},
            }
            lines.append(f'<script type="application/ld+json">{json.dumps(said)}</script>')
        elif site.skin in {"broadsheet", "magazine"}:
            lines.append(f'<meta property="article:published_time" content="{article.published.isoformat()}">')
            lines.append(f'<meta property="og:title" content="{escape(article.title)}">')
        return "\n".join(lines)

    def _body(self, one: Placed, here: str, said: Words) -> str:
        article, rng = one.article, self.world.rng("body", one.url)
        if one.mark == "stub":
            opening = " ".join(" ".join(article.paragraphs).split()[:TEASER_WORDS])
            wall = link(f"/subscribers/{article.slug}", "Subscribe to read on")
            return f'<p>{escape(opening, quote=False)} …</p>\n<div class="b-wall">{wall}</div>'
        parts = [f"<p>{escape(paragraph, quote=False)}</p>" for paragraph in article.paragraphs]
        for mention in self.world.mentions.get(one.url, []):
            linked = link(self.href(here, mention.href, rng), mention.anchor, mention.rel)
            parts.insert(rng.randint(1, len(parts)), f"<p>{said.also} {linked}</p>")
        return "\n".join(parts)

    def _related(self, one: Placed, said: Words) -> str:
        rng, rows = self.world.rng("article", one.url), []
        for other in self.world.related(one):
            href, title = self.href(one.url, other.url, rng), other.article.title
            plain = f"{escape(title, quote=False)} {link(href, said.more)}"
            rows.append(f"<li>{plain if rng.random() < READ_MORE_SHARE else link(href, title)}</li>")
        return "".join(rows)

    def _tags(self, one: Placed) -> str:
        site = BY_HOST[one.article.site]
        known = self.world.names(site, "tag") if site.tags else ()
        names = {slugify(tag): tag for tag in one.article.tags}
        return ", ".join(link(f"/tag/{slug}/", tag) if slug in known else escape(tag) for slug, tag in names.items())

    def _shelf_link(self, site: Site, kind: Literal["section", "author"], name: str) -> str:
        """Link to a list if there is one; what only hidden articles share has none."""
        slug = slugify(name)
        shown = name.title() if kind == "section" else name
        return link(f"/{kind}/{slug}/", shown) if slug in self.world.names(site, kind) else escape(shown)

    def article(self, one: Placed) -> str:
        """Render an article's own page."""
        article, site = one.article, BY_HOST[one.article.site]
        said, here = words(site.language), one.url
        content = skin(site.skin).article.substitute(
            sitename=escape(site.name),
            headline=escape(article.title, quote=False),
            standfirst=escape(article.standfirst, quote=False),
            by=said.by,
            author=escape(article.author),
            author_link=self._shelf_link(site, "author", article.author),
            iso=article.published.isoformat(),
            date=long_date(article.published, site.language),
            links=link(urlsplit(one.print_url).path, said.print_label) if one.print_url else "",
            body=self._body(one, here, said),
            tags=self._tags(one),
            related_label=said.related,
            related=self._related(one, said),
        )
        section = self._shelf_link(site, "section", article.section)
        crumbs = f"<span>{link('/', said.home)} &rsaquo; {section}</span>"
        return self.frame(site, here, article.title, content, crumbs=crumbs, head=self._head(one, canonical=True))

    def plain(self, one: Placed, kind: str) -> str:
        """Render the print or AMP copy: the text, hardly any frame, and the canonical link."""
        article, site = one.article, BY_HOST[one.article.site]
        said = words(site.language)
        mark, extra = (" amp", '<script async src="/amp/v0.js"></script>') if kind == "amp" else ("", "")
        return (
            f'<!doctype html>\n<html{mark} lang="{site.language}"><head><meta charset="utf-8">{extra}'
            f'<meta name="generator" content="suchlike demo web"><title>{escape(article.title)}</title>\n'
            f'<link rel="canonical" href="{one.url}"></head>\n<body><p>{link("/", site.name)}</p>\n'
            f"<h1>{escape(article.title)}</h1><p>{escape(article.author)}, "
            f"{long_date(article.published, site.language)}</p>\n<p><b>{escape(article.standfirst)}</b></p>\n"
            f"{self._body(one, one.url, said)}\n<p><small>{said.footer}</small></p></body></html>\n"
        )
