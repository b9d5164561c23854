"""Recorded pages in place of the network: WARC files, saved pages, folders of them, and seed files."""

from __future__ import annotations

import gzip
import hashlib
import html
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec

from crawler.frontier.focus import START_EXPECTED
from crawler.gate import Gate
from crawler.links import glance
from pipelines import archive, seeds
from pipelines import urls as identity
from pipelines.archive import Recorded
from pipelines.config import Config
from pipelines.errors import SeedError, UsageError
from pipelines.likeness.profile import Profile
from pipelines.records import Candidate
from pipelines.stores import Store, ledger, replayed
from pipelines.stores.ledger import Fetched, Found
from pipelines.stores.schema import State
from workers.queues import Sender
from workers.reconcile import reconcile

BATCH = 32
MAX_BYTES = 64 * 1024 * 1024
PAGES = (".html", ".htm", ".xhtml", ".html.gz", ".htm.gz")
WARCS = (".warc", ".warc.gz")
SEEDS = (".txt", ".md", ".json", ".jsonl", ".eml")


class ManifestLine(msgspec.Struct, frozen=True):
    """A line of a folder's manifest.jsonl. `file` is relative to the folder."""

    file: str
    url: str
    fetched_at: float | str | None = None
    status: int = 200
    headers: dict[str, str] = {}


def recorded(paths: Sequence[Path]) -> Iterator[Recorded]:
    """Every page the paths hold, in a stable order. Raises UsageError naming the path that is nothing of the kind."""
    for path in paths:
        if path.is_dir():
            yield from _folder(path)
        elif path.is_file():
            yield from _file(path)
        else:
            raise UsageError(f"{path} does not exist; replay takes WARC files, saved pages, seed files and folders.")


def replay(
    pages: Iterator[Recorded], *, store: Store, config: Config, run: int, profile: Profile | None, sender: Sender
) -> int:
    """Puts recorded pages through the gate and every stage; returns how many there were.

    A page whose URL is already known to this store is left as it is.
    """
    _go_on(store, sender)
    gate = Gate(profile, keeps_all=config.store.keep == "all")
    number = 0
    batch: list[Recorded] = []
    for page in pages:
        number += 1
        batch.append(page)
        if len(batch) >= BATCH:
            _enter(batch, store, config, run, gate, sender)
            batch = []
    _enter(batch, store, config, run, gate, sender)
    return number


def _go_on(store: Store, sender: Sender) -> None:
    """Ends the pages that a replay which was killed left half-way."""
    with store.write() as connection:
        ledger.make_due(connection, now=time.time())
    while any(count for name, count in reconcile(store, sender, None).items() if name != "urls"):
        pass


def _enter(
    batch: Sequence[Recorded], store: Store, config: Config, run: int, gate: Gate, sender: Sender
) -> None:  # fmt: skip
    by_url: dict[str, Recorded] = {}
    for page in batch:
        url = identity.canonical(page.url)
        # of several records of one address the first counts, or the first that is a page
        if url is not None and (url not in by_url or (by_url[url].status != 200 and page.status == 200)):
            by_url[url] = page
    now = time.time()
    found = [Found(Candidate(url, "replay"), START_EXPECTED) for url in by_url]
    with store.write() as connection:
        ledger.discover(connection, found, run=run, now=now)
        rows = replayed.lease(connection, list(by_url), run=run, now=now)
        fetched = [_fetched(rows[url], page, config, gate, now) for url, page in by_url.items() if url in rows]
        parse = ledger.record(connection, fetched, run=run, ring_after=now)
        archived = [one.row for one in fetched if one.state == State.DROPPED and one.body is not None]
    sender.send("parse", parse)
    if archived:
        sender.send("store", archived)


def _fetched(row: int, page: Recorded, config: Config, gate: Gate, now: float) -> Fetched:
    moment = page.fetched_at or now
    if page.status != 200:
        detail = f"the record says {page.status}"
        return Fetched(row, State.DROPPED, page.status, f"http-{page.status}", detail, fetched_at=moment)
    look = gate.look(page.body, page.url, page.headers)
    keeps = look.state == State.FETCHED or config.store.archive == "all"
    return Fetched(
        row, look.state, 200, look.reason, look.detail, look.quick, final_url=page.url, headers=page.headers,
        fetched_at=moment, body=page.body if keeps else None,
    )  # fmt: skip


def _folder(folder: Path) -> Iterator[Recorded]:
    manifest = folder / "manifest.jsonl"
    if manifest.is_file():
        yield from _listed(folder, manifest)
        return
    found = False
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name.lower().endswith(PAGES + WARCS + SEEDS) and file.name != "seed.toml":
            found = True
            yield from _file(file)
    if not found:
        raise UsageError(f"{folder} holds no WARC files, saved pages or seed files.")


def _listed(folder: Path, manifest: Path) -> Iterator[Recorded]:
    with manifest.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                entry = msgspec.json.decode(line, type=ManifestLine)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise UsageError(f"{manifest}, line {number}: {error}.") from None
            try:
                file = (folder / entry.file).resolve()
            except (OSError, RuntimeError, ValueError):  # an endless loop of links, a NUL
                file = folder
            if not file.is_relative_to(folder.resolve()) or not file.is_file():
                raise UsageError(f"{manifest}, line {number}: there is no file {entry.file} in the folder.")
            headers = {name.lower(): value for name, value in entry.headers.items()}
            if identity.canonical(entry.url) is None:
                raise UsageError(f"{manifest}, line {number}: {entry.url!r} is not the address of a page.")
            yield Recorded(entry.url, entry.status, headers, _read(file), _moment(entry.fetched_at))


def _file(file: Path) -> Iterator[Recorded]:
    name = file.name.lower()
    if name.endswith(WARCS):
        yield from archive.read(file)
    elif name.endswith(PAGES):
        body = _read(file)
        canonical = glance(body, "https://unknown.invalid/").canonical
        url = canonical or f"https://unknown.invalid/{hashlib.sha256(body).hexdigest()}"
        yield Recorded(url, 200, {"content-type": "text/html"}, body, file.stat().st_mtime)
    elif name.endswith(SEEDS):
        yield from _seeds(file)
    else:
        raise UsageError(
            f"{file} is nothing replay can read; it takes .warc, .warc.gz, .html, .html.gz and seed files."
        )


def _seeds(file: Path) -> Iterator[Recorded]:
    """Seed files as pages of https://seed.invalid/<name>, so that they pass the very same stages."""
    try:
        read = seeds.read([file])
    except SeedError as error:
        raise UsageError(str(error)) from None
    for seed in read.seeds:
        paragraphs = "".join(f"<p>{html.escape(line)}</p>\n" for line in seed.text.split("\n") if line.strip())
        title = html.escape(seed.title)
        page = (
            f'<!doctype html><html lang="{html.escape(seed.language)}"><head><meta charset="utf-8">'
            f'<title>{title}</title><meta property="og:type" content="article">'
            f"</head><body><article><h1>{title}</h1>\n{paragraphs}</article></body></html>"
        )
        url = f"https://seed.invalid/{quote(seed.name)}"
        yield Recorded(url, 200, {"content-type": "text/html; charset=utf-8"}, page.encode(), file.stat().st_mtime)


def _read(file: Path) -> bytes:
    """A file's bytes, unpacked if they are gzipped, at most MAX_BYTES of them."""
    try:
        with file.open("rb") as stream:
            packed = file.name.lower().endswith(".gz")
            return gzip.GzipFile(fileobj=stream).read(MAX_BYTES) if packed else stream.read(MAX_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{file} cannot be read: {error}.") from None


def _moment(value: float | str | None) -> float:
    if isinstance(value, str):
        return archive.seconds(value)
    return archive.plausible(value or 0.0)
