"""A recorded web: read from a file or a folder, or taken from the demo, and served through a forward proxy.

    python benchmarks/recorded_web.py WEB       prints the proxy's address; ends on SIGTERM

WEB is a `.jsonl.gz` of pages (`url, title, text, links: [{url, anchor, context}], labels`), a folder of pages with a
`manifest.jsonl` (`file, url, labels`; a file may end in `.gz`), or the word `demo`. Labels are what a page is about:
crawls never see them.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.loopback import NOT_FOUND, serve
from crawler.demo.gold import allowed, labels
from crawler.demo.web import DemoWeb
from crawler.reading.gate import is_list
from crawler.reading.glance import glance
from crawler.sources.links import candidates
from pipelines.records import Candidate

HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One page. `links` lead to pages of the same web; `starts` marks what a reader would begin at."""

    url: str
    row: int
    title: str
    text: str
    links: tuple[Candidate, ...]
    labels: frozenset[str]
    body: bytes
    starts: bool = False


Web = dict[str, Recorded]


def read(name: str) -> Web:
    """The pages by URL."""
    pages = list(_of_demo() if name == "demo" else _of_folder(Path(name)) if Path(name).is_dir() else _of_file(name))
    known = {page.url for page in pages}
    return {
        page.url: Recorded(
            page.url, row, page.title, page.text, tuple(link for link in page.links if link.url in known), page.labels,
            page.body, page.starts,
        )
        for row, page in enumerate(pages, 1)
    }  # fmt: skip


def _of_file(name: str) -> Iterator[Recorded]:
    with gzip.open(name, "rt", encoding="utf-8") as lines:
        for line in lines:
            page = json.loads(line)
            links = tuple(
                Candidate(link["url"], "links", anchor=link["anchor"], context=link["context"])
                for link in page["links"]
            )
            named = frozenset(page.get("labels") or ())
            yield Recorded(page["url"], 0, page["title"], page["text"], links, named, _html(page))


def _html(page: dict[str, object]) -> bytes:
    """A page of text and links as HTML: its paragraphs, then each link in the words that stood around it."""
    paragraphs = "".join(f"<p>{escape(line)}</p>\n" for line in str(page["text"]).split("\n"))
    items = []
    for link in page["links"]:  # type: ignore[attr-defined]  # a list of records
        before, _, after = link["context"].partition("  ")
        anchor = f'<a href="{escape(link["url"])}">{escape(link["anchor"])}</a>'
        items.append(f"<li>{escape(before)} {anchor} {escape(after)}</li>\n")
    title = escape(str(page["title"]))
    head = f'<meta charset="utf-8"><title>{title}</title><meta property="og:type" content="article">'
    body = f"<h1>{title}</h1>\n{paragraphs}<ul>{''.join(items)}</ul>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'.encode()


def _of_folder(folder: Path) -> Iterator[Recorded]:
    for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        page = json.loads(line)
        body = (folder / page["file"]).read_bytes()
        yield _seen(page["url"], gzip.decompress(body) if page["file"].endswith(".gz") else body, page.get("labels"))


def _of_demo() -> Iterator[Recorded]:
    web = DemoWeb.build()
    about = labels(web)
    for url in web.urls:
        answer = web.answer("GET", url, {})
        if answer.status == 200 and not is_list(answer.body) and allowed(url):
            yield _seen(url, answer.body, [about[url]] if url in about else (), starts=url in web.start_urls)


def _seen(url: str, body: bytes, about: object, *, starts: bool = False) -> Recorded:
    seen = glance(body, url)
    links = tuple(link for link in candidates(seen) if link.kind == "page")
    text = f"{seen.description}\n{seen.text}"
    return Recorded(url, 0, seen.title, text, links, frozenset(about or ()), body, starts)  # type: ignore[call-overload]


def answer(web: Web, asked: bytes) -> bytes:
    """The answer to a request to a proxy."""
    page = web.get(asked.split(b" ", 2)[1].decode("latin-1"))
    return HEAD.format(len(page.body)).encode() + page.body if page else NOT_FOUND


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("web")
    asyncio.run(serve(partial(answer, read(options.parse_args().web))))
