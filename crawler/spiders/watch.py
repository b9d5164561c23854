"""The spider that only reads feeds and sitemaps and what they list; it follows no links."""

from __future__ import annotations

from crawler.spiders.roam import RoamSpider


class WatchSpider(RoamSpider):
    """For a monitoring desk: what these sites announce, and nothing else."""

    name = "watch"
    follows_links = False
