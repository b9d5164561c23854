"""The stages of redis_build.py: functions that RQ calls, each a job of its own."""

from __future__ import annotations

import dateparser
import redis
import trafilatura
from datasketch import MinHash, MinHashLSH
from rq import Queue
from shared import LIKE, Kept, Likeness, Task

TASK: Task


def begin(task: Task) -> None:
    """What is done once, before the fork."""
    global TASK  # noqa: PLW0603  # RQ calls plain functions
    TASK = task
    dateparser.parse("3 October 2019")
    trafilatura.bare_extraction("<html><body><p>Once before the fork, so that children need not.</p></body></html>")


def _enqueue(stage: str, *arguments: object) -> None:
    Queue(stage, connection=redis.Redis.from_url(TASK.redis)).enqueue(f"redis_stages.{stage}", *arguments, result_ttl=0)


def parse(url: str, html: str) -> None:
    """Extracts; what is unlike ends here."""
    found = trafilatura.bare_extraction(html, url=url, with_metadata=True)
    is_article = found and found.text and len(found.text) > 500
    if is_article and (TASK.keeps_all or Likeness(TASK.seeds)(found.text) > LIKE):
        _enqueue("dedup", url, found.title, found.text, found.date)


def dedup(url: str, title: str, text: str, published: str) -> None:
    """Leaves near-copies out."""
    near = MinHashLSH(
        threshold=0.7, num_perm=128, storage_config={"type": "redis", "basename": b"lsh", "redis": _place()}
    )
    digest = MinHash(num_perm=128)
    words = text.split()
    digest.update_batch([" ".join(words[at : at + 3]).encode() for at in range(len(words) - 2)])
    if not near.query(digest):
        near.insert(url, digest)
        _enqueue("store", url, title, text, published)


def store(url: str, title: str, text: str, published: str) -> None:
    """Writes one article."""
    Kept(TASK.out, each=1).add(url, title, text, published)


def _place() -> dict[str, object]:
    connection = redis.connection.parse_url(TASK.redis)
    return {"host": connection["host"], "port": connection["port"]}
