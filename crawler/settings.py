"""Scrapy's settings: polite and safe, and nothing the frontier decides (delays, retries, redirects, robots)."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from pipelines.config import Config
from workers.tuning import tuned

BODY_BYTES = 8 * 1024 * 1024

_IDLE_BEHIND = (
    "start.StartSpiderMiddleware", "httperror.HttpErrorMiddleware", "referer.RefererMiddleware",
    "urllength.UrlLengthMiddleware", "depth.DepthMiddleware", "metacopy.MetaCopyDetectionMiddleware",
)  # fmt: skip
_IDLE_BEFORE = (
    "offsite.OffsiteMiddleware", "httpauth.HttpAuthMiddleware", "downloadtimeout.DownloadTimeoutMiddleware",
    "useragent.UserAgentMiddleware", "stats.DownloaderStats",
)  # fmt: skip

SPIDER_MODULES = ["crawler.spiders"]
BOT_NAME = "suchlike"


def settings(config: Config) -> dict[str, Any]:
    """The settings of a crawl with this configuration."""
    concurrency = tuned(config).concurrency
    return {
        "BOT_NAME": BOT_NAME,
        "SPIDER_MODULES": SPIDER_MODULES,
        "USER_AGENT": config.crawl.identify,
        # ours instead of Scrapy's: the ledger decides what is fetched, when, how often and how it ended
        "SCHEDULER": "crawler.frontier.scheduler.Scheduler",
        "DUPEFILTER_CLASS": "scrapy.dupefilters.BaseDupeFilter",
        "ROBOTSTXT_OBEY": False,
        "RETRY_ENABLED": False,
        "REDIRECT_ENABLED": False,
        "METAREFRESH_ENABLED": False,
        "HTTPERROR_ALLOW_ALL": True,
        "DEPTH_LIMIT": 0,
        "DOWNLOAD_DELAY": 0,
        "CONCURRENT_REQUESTS": concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": concurrency,
        # 100 tasks a response otherwise (scrapy#5182)
        "CONCURRENT_ITEMS": 1,
        # safe where Scrapy's defaults are not
        "DOWNLOAD_MAXSIZE": BODY_BYTES,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_TIMEOUT": 20,
        "DNS_TIMEOUT": 10,
        "DOWNLOAD_VERIFY_CERTIFICATES": config.crawl.verify_certificates,
        "SUCHLIKE_TRUST_CERTIFICATES": config.crawl.trust_certificates,
        # nothing but the web, through one door
        "DOWNLOAD_HANDLERS": {
            "http": "crawler.fetching.transport.Transport",
            "https": "crawler.fetching.transport.Transport",
            "file": None,
            "data": None,
            "ftp": None,
            "s3": None,
        },
        "REMOTE_CONTROL_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "COOKIES_ENABLED": False,
        "REFERER_ENABLED": False,
        "MEMUSAGE_LIMIT_MB": 1536,
        # only the proxy that was configured, never one from the environment
        "HTTPPROXY_ENABLED": False,
        "SUCHLIKE_ALLOW_PRIVATE": config.crawl.allow_private_addresses,
        "SUCHLIKE_PROXY": config.crawl.proxy,
        "LOG_ENABLED": False,
        "LOG_INSTALL_ROOT_HANDLER": False,
        "LOG_LEVEL": "WARNING",
        "LOGSTATS_INTERVAL": 0,
        "STATS_DUMP": False,
        "EXTENSIONS": {"scrapy.extensions.corestats.CoreStats": None},
        # each would look at every answer and find nothing to do: our spiders give no requests back
        "SPIDER_MIDDLEWARES": {f"scrapy.spidermiddlewares.{name}": None for name in _IDLE_BEHIND},
        "DOWNLOADER_MIDDLEWARES": {f"scrapy.downloadermiddlewares.{name}": None for name in _IDLE_BEFORE},
        "DEFAULT_REQUEST_HEADERS": {
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5",
            "User-Agent": config.crawl.identify or None,
        },
    }


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Scrapy and Twisted tell their versions and every request; the ledger tells what matters."""
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)
    # Scrapy's own set-up would undo it, were it done before
    for name in ("scrapy", "twisted"):
        logging.getLogger(name).setLevel(logging.WARNING)
