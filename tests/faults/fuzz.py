"""Readers of what strangers write, fed with bytes that atheris finds: `make fuzz SECONDS=600`.

    python tests/faults/fuzz.py [--seconds 600] [--corpus FOLDER] [feed] [sitemap] [warc]

Whatever comes, a reader gives a bounded list of well-formed things or says that it is none; it never raises anything
else, nor takes longer than 20 seconds or a gigabyte. Atheris (an environment of its own: the Makefile) sees which lines
of our code, of the feed parser and of warcio an input reaches, and makes the next one of those that reached new ones.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

ITEM: Final = b"<item><title>A</title><link>/a</link><pubDate>Thu, 26 Nov 2026 07:00:00 GMT</pubDate></item>"
SEEDS: Final[dict[str, tuple[bytes, ...]]] = {
    "feed": (
        b'<?xml version="1.0"?><rss version="2.0"><channel><title>T</title>' + ITEM + ITEM + b"</channel></rss>",
        b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>A</title><link rel="alternate" href="/a"/>'
        b"<id>urn:a</id><updated>2026-11-26T07:00:00Z</updated></entry></feed>",
        b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "url": "/a", "title": "A"}]}',
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
        + ITEM + b"</rdf:RDF>",
    ),
    "sitemap": (
        b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap'
        b'-news/0.9"><url><loc>https://a.example/1</loc><news:news><news:title>A</news:title></news:news></url></urlset>',
        b"<sitemapindex><sitemap><loc>/s.xml</loc><lastmod>2026-11-26</lastmod></sitemap></sitemapindex>",
        b"https://a.example/1\nhttps://a.example/2\n",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x28\x29\x29\xb0\xd2\xd7\x07\x00",
    ),
    "warc": (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://a.example/\r\nWARC-Date: 2026-11-26T07:00:00Z\r\n"
        b"Content-Type: application/http; msgtype=response\r\nContent-Length: 60\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n\r\n\r\n",
        b"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: <https://a.example/>\r\n"
        b"Content-Type: application/http\r\nContent-Length: 46\r\n\r\n"
        b"HTTP/1.0 200 OK\r\nContent-Encoding: deflate\r\n\r\nhi\r\n\r\n",
        b"http://a.example/ 127.0.0.1 20261126070000 text/html 30\nHTTP/1.0 200 OK\r\n\r\nhi\n",
    ),
}  # fmt: skip
_PLACE: Final = "https://a.example/feeds/all.xml"


def feed(data: bytes) -> None:
    """One feed."""
    from crawler.sources.feed import MAX_ENTRIES, candidates_in

    _candidates(candidates_in(data, _PLACE), MAX_ENTRIES)


def sitemap(data: bytes) -> None:
    """One sitemap, and the same as a robots.txt."""
    from crawler.sources.sitemap import MAX_ENTRIES, MAX_SITEMAPS_IN_ROBOTS, candidates_in, sitemaps_in_robots

    _candidates(candidates_in(data, _PLACE), MAX_ENTRIES)
    _candidates(sitemaps_in_robots(data.decode("utf-8", "replace"), _PLACE), MAX_SITEMAPS_IN_ROBOTS)


def _candidates(found: list[object], most: int) -> None:
    from pipelines.urls import MAX_URL_CHARS, canonical

    assert len(found) <= most
    for one in found:
        url, title, published = (getattr(one, name) for name in ("url", "title", "published"))
        assert url.startswith(("http://", "https://")) and len(url) <= MAX_URL_CHARS and canonical(url) == url, url
        assert len(title or "") <= 300 and len(published or "") <= 64


_file: Path | None = None


def warc(data: bytes) -> None:
    """One file of records; the same as one record."""
    global _file  # noqa: PLW0603  # atheris calls a plain function, a million times
    from pipelines import warc
    from pipelines.errors import UsageError

    if _file is None:
        memory = Path("/dev/shm")
        _file = Path(tempfile.mkdtemp(prefix="suchlike-fuzz-", dir=memory if memory.is_dir() else None)) / "one.warc"
    _file.write_bytes(data)
    try:
        for page in warc.read(_file):
            assert len(page.body) <= warc.MAX_BODY_BYTES and page.status >= 0 and page.fetched_at >= 0
    except UsageError as error:
        assert str(_file) in str(error)
    for offset in (0, len(data) // 2):
        why = warc.complaint(_file, offset)
        assert why is None or why.strip()


READERS: Final[dict[str, Callable[[bytes], None]]] = {"feed": feed, "sitemap": sitemap, "warc": warc}


def run(name: str, seconds: int, corpus: Path) -> int:
    """Fuzzes one reader in a process of its own; its exit code."""
    held = corpus / name
    held.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (held / f"seed-{number}").write_bytes(seed)
    command = [sys.executable, __file__, "--reader", name, f"-max_total_time={seconds}", "-timeout=20"]
    command += ["-rss_limit_mb=1500", "-max_len=8192", "-print_final_stats=1", f"-artifact_prefix={corpus}/{name}-"]
    return subprocess.run([*command, str(held)], check=False).returncode


def _one_reader(name: str, arguments: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["crawler.sources", "pipelines.archive", "fastfeedparser", "warcio"]):
        for module in ("crawler.sources.feed", "crawler.sources.sitemap", "pipelines.archive"):
            importlib.import_module(module)
    import logging

    logging.disable()
    atheris.Setup([sys.argv[0], *arguments], READERS[name])
    atheris.Fuzz()


def main() -> int:
    """Fuzzes the readers named, or all, one after the other; 1 when one of them failed."""
    if sys.argv[1:2] == ["--reader"]:
        _one_reader(sys.argv[2], sys.argv[3:])
        return 0
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("readers", nargs="*", choices=[*READERS, []], default=[])
    options.add_argument("--seconds", type=int, default=600, help="for all of them together")
    options.add_argument("--corpus", type=Path, default=Path("build/fuzz-corpus"))
    chosen = options.parse_args()
    readers = chosen.readers or list(READERS)
    codes = {name: run(name, chosen.seconds // len(readers), chosen.corpus) for name in readers}
    print("\n".join(f"{name}: {'failed' if code else 'nothing found'}" for name, code in codes.items()))
    return int(any(codes.values()))


if __name__ == "__main__":
    sys.exit(main())
