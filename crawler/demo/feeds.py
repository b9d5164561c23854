"""What the sites publish for machines: feeds (one of them broken), sitemaps, robots.txt."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import format_datetime
from html import escape

from crawler.demo.answers import packed
from crawler.demo.sites import Site
from crawler.demo.world import Placed, World

IN_FEED = 20
IN_NEWS_SITEMAP = 30
XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
SITEMAP = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
# two ways of getting it wrong: in the future, and the same for all
WRONG_LASTMOD = {"inland-echo.test": "2031-01-01", "ledger.test": "2026-11-20T00:00:00Z"}


def in_feed(world: World, site: Site) -> list[Placed]:
    """Return the newest articles of a site and those that only its feed names."""
    extra = [one for one in world.placed if one.role == "feed" and one.article.site == site.host]
    return world.shelf(site.host, "latest", "")[:IN_FEED] + extra


def rss(world: World, site: Site) -> str:
    """Render RSS 2.0."""
    rows = "".join(
        f"<item><title>{escape(one.article.title)}</title><link>{one.url}</link><guid>{one.url}</guid>"
        f"<pubDate>{format_datetime(one.article.published)}</pubDate>"
        f"<description>{escape(one.article.standfirst)}</description></item>\n"
        for one in in_feed(world, site)
    )
    return (
        f'{XML}<rss version="2.0"><channel><title>{escape(site.name)}</title><link>{site.home}</link>'
        f"<description>{escape(site.motto)}</description><generator>suchlike demo web</generator>\n{rows}"
        "</channel></rss>\n"
    )


def broken(world: World, site: Site) -> str:
    """Render a feed that no XML parser accepts: bare ampersands, an unknown entity, cut off in an item."""
    text = rss(world, site).replace("<description>", "<description>News & views &nbsp;<br>", 3)
    text = text.replace("</guid>", "", 2)
    return text[: len(text) * 3 // 4]


def atom(world: World, site: Site) -> str:
    """Render Atom 1.0."""
    rows = "".join(
        f'<entry><title>{escape(one.article.title)}</title><link href="{one.url}"/><id>{one.url}</id>'
        f"<updated>{one.article.published.isoformat()}</updated><summary>{escape(one.article.standfirst)}</summary></entry>\n"
        for one in in_feed(world, site)
    )
    newest = world.shelf(site.host, "latest", "")[0].article.published
    return (
        f'{XML}<feed xmlns="http://www.w3.org/2005/Atom"><title>{escape(site.name)}</title><id>{site.home}</id>'
        f'<link rel="self" href="{site.home}feed.xml"/><updated>{newest.isoformat()}</updated>\n{rows}</feed>\n'
    )


def sitemap(site: Site, ones: list[Placed]) -> str:
    """Render a sitemap whose lastmod cannot be trusted."""
    rows = "".join(f"<url><loc>{one.url}</loc><lastmod>{WRONG_LASTMOD[site.host]}</lastmod></url>\n" for one in ones)
    return f"{XML}<urlset {SITEMAP}>\n{rows}</urlset>\n"


def news_sitemap(world: World, site: Site) -> str:
    """Render a news sitemap: the newest, and those that only it names."""
    extra = [one for one in world.placed if one.role == "news" and one.article.site == site.host]
    rows = "".join(
        f"<url><loc>{one.url}</loc><news:news><news:publication><news:name>{escape(site.name)}</news:name>"
        f"<news:language>{one.article.language}</news:language></news:publication>"
        f"<news:publication_date>{one.article.published.isoformat()}</news:publication_date>"
        f"<news:title>{escape(one.article.title)}</news:title></news:news></url>\n"
        for one in world.shelf(site.host, "latest", "")[:IN_NEWS_SITEMAP] + extra
    )
    news = 'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
    return f"{XML}<urlset {SITEMAP} {news}>\n{rows}</urlset>\n"


def robots(site: Site) -> str:
    """Render robots.txt."""
    if site.host == "sealed-archive.test":
        return "User-agent: *\nDisallow: /\n"
    lines = ["User-agent: *", "Disallow: /search"]
    if site.private:
        lines.append("Disallow: /private/")
    if site.host == "meridian-times.test":
        lines.append("Crawl-delay: 0.2")
    if site.sitemap:
        name = "news-sitemap.xml" if site.sitemap == "news" else "sitemap.xml"
        lines.append(f"\nSitemap: {site.home}{name}")
    return "\n".join(lines) + "\n"


def documents(world: World, site: Site) -> Iterator[tuple[str, str, bytes]]:
    """Yield (path, content type, body) of everything a site publishes for machines."""
    yield "/robots.txt", "text/plain; charset=utf-8", robots(site).encode()
    if site.feed:
        write = {"rss": rss, "atom": atom, "broken": broken}[site.feed]
        kind = "application/atom+xml" if site.feed == "atom" else "application/rss+xml"
        yield "/feed.xml", kind, write(world, site).encode()
    if site.sitemap == "news":
        yield "/news-sitemap.xml", "application/xml", news_sitemap(world, site).encode()
    if site.sitemap == "index":
        shelf = world.shelf(site.host, "latest", "")
        half = len(shelf) // 2
        parts = ("sitemap-1.xml.gz", "sitemap-2.xml")
        names = "".join(f"<sitemap><loc>{site.home}{part}</loc></sitemap>" for part in parts)
        yield "/sitemap.xml", "application/xml", f"{XML}<sitemapindex {SITEMAP}>{names}</sitemapindex>\n".encode()
        yield "/sitemap-1.xml.gz", "application/gzip", packed(sitemap(site, shelf[:half]).encode())
        yield "/sitemap-2.xml", "application/xml", sitemap(site, shelf[half:]).encode()
