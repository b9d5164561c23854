"""Decides where each article goes and how it can be reached; the only place that knows subjects while building."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random

from crawler.demo.copies import reprint, retell
from crawler.demo.filler import compose_all
from crawler.demo.sites import BY_HOST, ON_TOPIC, SITES
from crawler.demo.world import Mention, Placed, Role, World, number, put
from crawler.demo.written import Article, read_all

# how many articles of a subject get each role, if their site offers it
WANTED: tuple[tuple[Role, int], ...] = (("news", 1), ("private", 1), ("feed", 1), ("tunnel", 2))
REPRINTERS = ("tidewater-herald.test", "inland-echo.test", "meridian-times.test", "ledger.test", "northhaven-post.test")
VAGUE = ("this earlier report", "what happened elsewhere", "more on that here", "a neighbouring matter")
VAGUE_DE = ("dieser frühere Bericht", "mehr dazu hier")


def offers(role: Role, host: str) -> bool:
    """Say whether a site can hold an article in that role."""
    site = BY_HOST[host]
    return {
        "news": site.sitemap == "news",
        "private": site.private,
        "feed": site.feed in {"rss", "atom"},
    }.get(role, True)


def roles(articles: list[Article], rng: Random) -> dict[str, Role]:
    """Choose which articles of one subject are hard to reach; the others are simply listed."""
    left = rng.sample(articles, len(articles))
    chosen: dict[str, Role] = {}
    for role, count in WANTED:
        fitting = [one for one in left if offers(role, one.site)][:count]
        chosen |= {one.slug: role for one in fitting}
        left = [one for one in left if one.slug not in chosen]
    return chosen


def agency_copies(source: Placed, rng: Random) -> list[Placed]:
    """Republish a text on one to three other sites: the first of several word for word, the others edited."""
    article = source.article
    hosts = rng.sample([host for host in REPRINTERS if host != article.site], rng.randint(1, 3))
    if article.site != "coastal-wire.test" and rng.random() < 0.4:
        hosts.append("coastal-wire.test")
    copies = []
    for turn, host in enumerate(hosts):
        delay = timedelta(minutes=rng.randint(4, 900))
        verbatim = len(hosts) > 1 and turn == 0
        copy = reprint(article, host, delay) if verbatim else retell(article, host, delay, rng)
        copies.append(put(copy, source.story))
    return copies


def copied(written: list[tuple[str, Placed]], filler: list[Placed], rng: Random) -> list[Placed]:
    """Choose the texts that go round, of every subject and none, and return their copies."""
    groups: dict[str, list[Placed]] = defaultdict(list)
    for subject, one in written:
        if one.role == "listed" and one.article.language == "en":
            groups[subject].append(one)
    chosen = [one for _, group in sorted(groups.items()) for one in rng.sample(group, min(4, len(group)))]
    chosen += rng.sample([one for one in filler if one.article.site == "coastal-wire.test"], 16)
    placed = [copy for one in chosen for copy in agency_copies(one, rng)]
    deposits = [one for _, group in sorted(groups.items()) for one in group[:4]] + rng.sample(filler, 24)
    for one in deposits:
        deposit = replace(reprint(one.article, "sealed-archive.test", timedelta(days=1)), section="deposits")
        placed.append(put(deposit, one.story, "sealed"))
    return placed


def tunnels(hidden: list[Placed], filler: list[Placed], rng: Random) -> tuple[dict[str, list[Mention]], set[str]]:
    """Hide articles behind everyday ones: returns the mentions, and the everyday articles to take off the lists.

    Every second one is two unlisted steps away: the article that mentions it is itself only mentioned.
    """
    mentions: dict[str, list[Mention]] = defaultdict(list)
    unlisted: set[str] = set()
    for turn, one in enumerate(hidden):
        near = [f for f in filler if f.article.site == one.article.site] or filler
        doors = rng.sample(near, 2)
        vague = VAGUE_DE if one.article.language == "de" else VAGUE
        chain = [doors[0], one] if turn % 2 else [doors[1], doors[0], one]
        if len(chain) == 3:
            unlisted.add(doors[0].url)
        for door, behind in pairwise(chain):
            anchor = behind.article.title if rng.random() < 0.5 else rng.choice(vague)
            mentions[door.url].append(Mention(behind.url, anchor))
        filler = [f for f in filler if f not in doors]
    return mentions, unlisted


def pointers(everything: list[Placed], rng: Random) -> dict[str, list[Mention]]:
    """Links in the text that a crawl has to get right: private, sealed, nofollow, https, outside, redirected."""
    mentions: dict[str, list[Mention]] = defaultdict(list)
    open_ones = [one for one in everything if one.role == "listed" and not one.mark]
    for one in everything:
        if one.role in {"private", "sealed"}:
            mentions[rng.choice(open_ones).url].append(Mention(one.url, one.article.title))
    for one, other in zip(rng.sample(open_ones, 24), rng.sample(open_ones, 24), strict=True):
        mentions[one.url] += [
            Mention(other.url.replace("http:", "https:"), other.article.title),
            Mention(f"http://example.com/{other.article.slug}", "example.com"),
        ]
    for one in rng.sample(open_ones, 30):
        mentions[one.url].append(Mention(f"http://{one.article.site}/sponsored/{len(mentions)}", "Advert", "nofollow"))
    rail = [one for one in open_ones if one.article.site == "railview.test"]
    for one, other in zip(rng.sample(rail, 12), rng.sample(rail, 12), strict=True):
        ident = number("railview.test", other.article.slug)
        mentions[one.url].append(Mention(f"http://railview.test/r/1/{ident}", other.article.title))
    return mentions


def marked(article: Article, turn: int) -> Placed:
    """Place an everyday article; a few stop after a teaser, a few ask not to be indexed."""
    if article.site == "ledger.test" and article.section == "markets" and turn % 3 == 0:
        return put(article, f"{article.site}/{article.slug}", mark="stub")
    if article.site == "kitchen-table.test" and turn % 12 == 0:
        return put(article, f"{article.site}/{article.slug}", mark="noindex")
    return put(article, f"{article.site}/{article.slug}")


def build(seed: int) -> World:
    """Place everything: the hand-written articles, the everyday ones, and the copies of both."""
    rng = Random(seed)
    subjects: dict[str, list[Article]] = defaultdict(list)
    for subject, article in read_all():
        subjects[subject].append(article)
    written: list[tuple[str, Placed]] = []
    for subject, articles in subjects.items():
        chosen = roles(articles, rng) if subject in ON_TOPIC else {}
        written += [(subject, put(one, one.slug, chosen.get(one.slug, "listed"))) for one in articles]
    filler = [
        marked(article, turn)
        for site in SITES
        if site.filler
        for turn, article in enumerate(compose_all(site, Random(f"{seed}:{site.host}")))
    ]
    plain = [one for one in filler if not one.mark]
    hidden = [one for _, one in written if one.role == "tunnel"]
    mentions, unlisted = tunnels(hidden, plain, rng)
    filler = [put(one.article, one.story, "tunnel") if one.url in unlisted else one for one in filler]
    plain = [one for one in filler if not one.mark and one.role == "listed"]
    placed = [one for _, one in written] + filler
    placed += copied(written, plain, rng)
    for url, more in pointers(placed, rng).items():
        mentions[url] = mentions.get(url, []) + more
    return World(seed, placed, mentions)
