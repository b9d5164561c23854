"""trafilatura's own crawler, as its documentation shows it: `focused_crawler` finds a host's pages, then each is
fetched and extracted. Its downloads know SOCKS proxies only, so they are given one for HTTP; no pauses."""

from __future__ import annotations

import trafilatura
import urllib3
from shared import LIKE, Kept, Likeness, Task
from trafilatura import downloads
from trafilatura.settings import use_config
from trafilatura.spider import focused_crawler

TASK = Task()
KEPT = Kept(TASK.out)
LIKENESS = Likeness(TASK.seeds)


def pool(ssrf_protection=True, **arguments):
    """Connections by way of the proxy."""
    return urllib3.ProxyManager(TASK.proxy, **arguments)


downloads.create_pool = pool
config = use_config()
config.set("DEFAULT", "SLEEP_TIME", "0")
config.set("DEFAULT", "SSRF_PROTECTION", "off")
fetched = 0
for host in TASK.hosts:
    if fetched >= TASK.pages:
        break
    _, known = focused_crawler(f"http://{host}/", max_seen_urls=1, config=config)
    for url in known:
        if fetched >= TASK.pages:
            break
        html = trafilatura.fetch_url(url, config=config)
        fetched += html is not None
        found = html and trafilatura.bare_extraction(html, url=url, with_metadata=True)
        if found and found.text and len(found.text) > 500 and (TASK.keeps_all or LIKENESS(found.text) > LIKE):
            KEPT.add(url, found.title, found.text, found.date)
KEPT.flush()
print(fetched)
