"""What a team builds first: scrapy-redis for the frontier, and a job of RQ for each stage of each page.

Its workers are warm: they have imported what jobs need before they fork, and have parsed a date.
"""

from __future__ import annotations

import subprocess
import sys
import time

import redis
from rq import Queue, Worker
from scrapy.crawler import CrawlerProcess
from scrapy.linkextractors import LinkExtractor
from scrapy_redis.spiders import RedisSpider
from shared import Task

TASK = Task()
STAGES = ("parse", "dedup", "store")


def crawl() -> None:
    """Fetches; the first job of each page is enqueued here."""
    jobs = Queue("parse", connection=redis.Redis.from_url(TASK.redis))

    class News(RedisSpider):
        name = "news"
        redis_key = "news:start"
        links = LinkExtractor()

        def parse(self, response):
            jobs.enqueue("redis_stages.parse", response.url, response.text, result_ttl=0)
            for link in self.links.extract_links(response):
                yield response.follow(link, meta={"proxy": TASK.proxy})

        def make_request_from_data(self, data):
            request = super().make_request_from_data(data)
            request.meta["proxy"] = TASK.proxy
            return request

    process = CrawlerProcess({
        "LOG_LEVEL": "ERROR", "TELNETCONSOLE_ENABLED": False, "ROBOTSTXT_OBEY": True, "COOKIES_ENABLED": False,
        "CONCURRENT_REQUESTS": 32, "CONCURRENT_REQUESTS_PER_DOMAIN": 8, "CLOSESPIDER_PAGECOUNT": TASK.pages,
        "REDIS_URL": TASK.redis, "SCHEDULER": "scrapy_redis.scheduler.Scheduler", "REDIS_START_URLS_BATCH_SIZE": 64,
        "DUPEFILTER_CLASS": "scrapy_redis.dupefilter.RFPDupeFilter", "MAX_IDLE_TIME_BEFORE_CLOSE": 5,
    })  # fmt: skip
    process.crawl(News)
    process.start()


def work() -> None:
    """A worker of all three stages."""
    import redis_stages

    redis_stages.begin(TASK)
    held = redis.Redis.from_url(TASK.redis)
    Worker([Queue(stage, connection=held) for stage in reversed(STAGES)], connection=held).work(logging_level="ERROR")


def conduct() -> None:
    """Two workers and a crawler; ends when no job is left."""
    held = redis.Redis.from_url(TASK.redis)
    held.rpush("news:start", *(f"http://{host}/" for host in TASK.hosts))
    me = [sys.executable, __file__, *sys.argv[1:]]
    workers = [subprocess.Popen([*me, "--role", "work"]) for _ in range(2)]
    subprocess.run([*me, "--role", "crawl"], check=True)
    while any(Queue(s, connection=held).count or Queue(s, connection=held).started_job_registry.count for s in STAGES):
        time.sleep(0.2)
    for worker in workers:
        worker.terminate()
        worker.wait()


{"crawl": crawl, "work": work}.get(TASK.role, conduct)()
