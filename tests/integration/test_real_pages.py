"""Real pages, served from this machine under the names of their hosts, crawled through --proxy."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import until
from patience import RUN_S
from scripted_site import ABOUT_HOST, Answer, Scripted, serving

from pipelines import urls as identity
from pipelines.stores import fates, hosts, open_store

PAGES = Path(__file__).parents[2].parent / "shared" / "data" / "pages"

ABSENT = "the real pages are not beside the project"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not PAGES.is_dir(), reason=ABSENT)]


def _recorded() -> dict[str, bytes]:
    """Every page by its canonical address, as http."""
    pages = {}
    for line in (PAGES / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        url = identity.canonical("http://" + entry["url"].partition("://")[2])
        assert url is not None
        pages[url] = gzip.decompress((PAGES / entry["file"]).read_bytes())
    return pages


def test_a_crawl_of_real_pages_ends_every_page_in_one_fate(suchlike: Any, tmp_path: Path) -> None:
    pages = _recorded()
    answers: dict[str, Scripted] = {
        url.partition("://")[2]: Answer(200, body, {"content-type": "text/html"}) for url, body in pages.items()
    }
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for number, body in enumerate(list(pages.values())[:3]):
        (seeds / f"{number}.html").write_bytes(body)
    (tmp_path / "suchlike.toml").write_text(f"[sources]\nsites = {json.dumps(list(pages))}\n")
    with serving(answers) as site:
        said = suchlike("run", "--keep", "all", "--proxy", site.url, "--stay", "--pages", str(len(pages)), "--json",
                        timeout=RUN_S, SUCHLIKE_CRAWL__RATE="100/1s")  # fmt: skip
        assert said.returncode in (0, 1), said.stderr
        asked = [one for one in site.requests() if one.path not in ABOUT_HOST]
    done = json.loads(said.stdout)
    ends = done["fates"]
    ended = ends["stored"] + ends["duplicate"] + sum(ends["dropped"].values()) + sum(ends["dead"].values())
    assert ends["fetched"] == ended == done["pages_fetched"] == len(pages)
    assert ends["in_flight"] == 0
    assert {one.target for one in asked} >= set(pages)
    store = open_store(f"sqlite:///{tmp_path / 'suchlike.db'}", create=False)
    with store.read() as connection:
        assert hosts.frontier(connection)["leased"] == 0
        told = {url: fates.tell(connection, fates.find(connection, url) or 0) for url in pages}
    assert {one["fate"] for one in told.values()} <= {"stored", "duplicate", "dropped", "dead"}
    assert sum(1 for one in told.values() if one["fate"] == "stored") >= 0.85 * len(pages)
    assert all(one["reason"] for one in told.values() if one["fate"] in ("dropped", "dead"))
    until(lambda: not (tmp_path / ".suchlike" / "broker" / "valkey.sock").exists(), "the broker's end")
