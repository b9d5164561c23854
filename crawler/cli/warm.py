"""`python -m crawler.cli.warm FOLDER`: the nursery of a run's crawlers and workers, with all they need imported.

The folder is only named, so that `ps` shows whose it is.
"""

from __future__ import annotations

from importlib import import_module

from crawler.cli.app import run
from pipelines import extract, urls
from pipelines.likeness import dense
from workers import nursery
from workers.lifeline import tie

# what a crawler or a worker imports once it knows what to do
NEEDED = (
    "crawler.crawl", "crawler.spiders.roam", "crawler.spiders.watch", "workers.build", "workers.work",
    "pipelines.parse", "pipelines.dedupe", "pipelines.store",
)  # fmt: skip

if __name__ == "__main__":
    tie()
    for name in NEEDED:
        import_module(name)
    extract.warm()
    dense.embedder().fill()
    urls.site_of("example.com")
    nursery.serve(run)
