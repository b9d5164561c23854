"""news-please as a library, as its documentation shows it: it is given the addresses (so it looks for no links),
fetches them by its own threads and extracts in a pool of processes."""

from __future__ import annotations

import os

from shared import LIKE, Kept, Likeness, Task

TASK = Task()
os.environ["http_proxy"] = TASK.proxy

from newsplease import NewsPlease  # noqa: E402  # it reads the proxy when it is imported

KEPT = Kept(TASK.out)
LIKENESS = Likeness(TASK.seeds)
fetched = 0
if __name__ == "__main__":
    urls = TASK.urls[: TASK.pages]
    for first in range(0, len(urls), 200):
        some = NewsPlease.from_urls(urls[first : first + 200], request_args={"timeout": 30}, fetch_images=False)
        for url, found in some.items():
            text = getattr(found, "maintext", None)
            fetched += 1
            if text and len(text) > 500 and (TASK.keeps_all or LIKENESS(text) > LIKE):
                KEPT.add(url, found.title, text, str(found.date_publish))
    KEPT.flush()
    print(fetched)
