"""Operate: Scrapy's own commands, with our spiders and settings."""

from __future__ import annotations

import os
from typing import Annotated

from cyclopts import App, Group, Parameter

from crawler.cli.flags import Hidden
from crawler.cli.session import FOUND


def register(app: App, group: Group) -> None:
    """Adds the verb."""
    app.command(scrapy, group=group)


def scrapy(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True)], session: Hidden) -> int:
    """Pass through to Scrapy's own commands, with our spiders and settings: list, crawl, shell, fetch, parse.

    Parameters
    ----------
    arguments
        What `scrapy` takes.
    """
    from scrapy import cmdline
    from scrapy.settings import Settings

    from crawler.cli.opening import project
    from crawler.crawl import latest_run
    from crawler.settings import settings

    config = project(session).config()
    if arguments[:1] == ("crawl",):
        # our spiders go on with the latest run, under the configuration it was begun with
        config, _ = latest_run(session.folder)
    wanted = Settings()
    wanted.setdict({**settings(config), "LOG_ENABLED": True, "LOG_LEVEL": "WARNING"}, "project")
    if arguments and arguments[0] in ("shell", "fetch", "view", "parse"):
        # these fetch one page themselves: Scrapy's own scheduler, still with our guard and robots obeyed
        wanted.set("SCHEDULER", "scrapy.core.scheduler.Scheduler", "project")
        wanted.set("ROBOTSTXT_OBEY", True, "project")
    os.chdir(session.folder)
    # without it Scrapy sees no project, and hides crawl and list
    os.environ.setdefault("SCRAPY_SETTINGS_MODULE", "crawler.settings")
    cmdline.execute(["scrapy", *arguments], wanted)
    return FOUND
