"""Recorded pages in place of the network: WARC files, saved pages, folders of them, and seed files."""

from __future__ import annotations

import gzip
import hashlib
import html
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec

from crawler.frontier.focus import START_EXPECTED
from crawler.reading.gate import Gate
from crawler.reading.links import glance
from pipelines import archive, seeds
from pipelines import urls as identity
from pipelines.archive import Recorded
from pipelines.config import Config
from pipelines.errors import SeedError, UsageError
from pipelines.likeness.profile import Profile
from pipelines.records import Candidate
from pipelines.stores import Store, discovery, ledger, replayed, rhythms
from pipelines.stores.discovery import Found
from pipelines.stores.ledger import Fetched
from pipelines.stores.schema import State
from workers.inline import Inline
from workers.pooled import Pooled
from workers.queues import Sender
from workers.reconcile import reconcile

BATCH = 32
# pages that may be at their stages when the next ones enter; beyond, all are waited for
UNDER_WAY = 4_096
MAX_BYTES = 64 * 1024 * 1024
PAGES = (".html", ".htm", ".xhtml", ".html.gz", ".htm.gz")
WARCS = (".warc", ".warc.gz")
SEEDS = (".txt", ".md", ".json", ".jsonl", ".eml")

Say = Callable[[str], None]


class ManifestLine(msgspec.Struct, frozen=True):
    """A line of a folder's manifest.jsonl. `file` is relative to the folder."""

    file: str
    url: str
    fetched_at: float | str | None = None
    status: int = 200
    headers: dict[str, str] = {}


def require(paths: Sequence[Path]) -> None:
    """Raises UsageError naming the first path that is not there."""
    for path in paths:
        if not (path.is_dir() or path.is_file()):
            raise UsageError(f"{path} does not exist; replay takes WARC files, saved pages, seed files and folders.")


def recorded(paths: Sequence[Path], say: Say = lambda _: None) -> Iterator[Recorded]:
    """Every page the paths hold, in a stable order; says which articles of seed files could not be used.

    Raises UsageError naming the path that is nothing of the kind.
    """
    require(paths)
    for path in paths:
        yield from _folder(path, say) if path.is_dir() else _file(path, say)


def replay(
    pages: Iterator[Recorded], *, store: Store, config: Config, run: int, profile: Profile | None,
    sender: Inline | Pooled,
) -> int:  # fmt: skip
    """Puts recorded pages through the gate and every stage; returns how many there were.

    A page this store has already is looked at again only by a later record of it: another text is its next revision.
    """
    _go_on(store, sender)
    threshold = config.only_profile()[1].threshold if profile else "auto"
    gate = Gate(
        profile, keeps_all=config.store.keep == "all", threshold=threshold, agent=config.agent, follows=False
    )  # fmt: skip
    number = 0
    batch: dict[str, Recorded] = {}
    under_way: set[str] = set()

    def enter() -> None:
        # what a page is to be compared with must have come to its end
        if len(under_way) > UNDER_WAY or not under_way.isdisjoint(batch):
            sender.drain()
            under_way.clear()
        _enter(batch, store, config, run, gate, sender)
        under_way.update(batch)

    for page in pages:
        number += 1
        url = identity.canonical(page.url)
        if url is None:
            continue
        # a record of another moment is another version; of those of one moment the first page counts
        if len(batch) >= BATCH or (url in batch and _is_later(page, batch[url])):
            enter()
            batch = {}
        if url not in batch or (batch[url].status != 200 and page.status == 200):
            batch[url] = page
    enter()
    sender.drain()
    return number


def _is_later(page: Recorded, than: Recorded) -> bool:
    return than.status == page.status == 200 and (page.fetched_at or 0.0) >= (than.fetched_at or 0.0) + replayed.LATER_S


def _go_on(store: Store, sender: Inline | Pooled) -> None:
    """Ends the pages that a replay which was killed left half-way."""
    with store.write() as connection:
        ledger.make_due(connection, now=time.time())
    while any(count for name, count in reconcile(store, sender, None).items() if name != "urls"):
        sender.drain()


def _enter(
    batch: Mapping[str, Recorded], store: Store, config: Config, run: int, gate: Gate, sender: Sender
) -> None:  # fmt: skip
    now = time.time()
    found = [Found(Candidate(url, "replay"), START_EXPECTED) for url in batch]
    # what is not a page says nothing new of a page
    moments = {url: (page.fetched_at or 0.0) if page.status == 200 else 0.0 for url, page in batch.items()}
    with store.write() as connection:
        discovery.discover(connection, found, run=run, now=now)
        rows = replayed.lease(connection, moments, run=run, now=now)
        fetched = [_fetched(rows[url], page, config, gate, now) for url, page in batch.items() if url in rows]
        parse = ledger.record(connection, fetched, run=run, ring_after=now)
        dropped = [one for one in fetched if one.state == State.DROPPED]
        rhythms.keep_known(connection, [one.row for one in dropped])
    sender.send("parse", parse)
    if archived := [one.row for one in dropped if one.body is not None]:
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


def _folder(folder: Path, say: Say) -> Iterator[Recorded]:
    manifest = folder / "manifest.jsonl"
    if manifest.is_file():
        yield from _listed(folder, manifest)
        return
    found = False
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name.lower().endswith(PAGES + WARCS + SEEDS) and file.name != "seed.toml":
            found = True
            yield from _file(file, say)
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


def _file(file: Path, say: Say) -> Iterator[Recorded]:
    name = file.name.lower()
    if name.endswith(WARCS):
        yield from archive.read(file)
    elif name.endswith(PAGES):
        body = _read(file)
        canonical = glance(body, "https://unknown.invalid/").canonical
        url = canonical or f"https://unknown.invalid/{hashlib.sha256(body).hexdigest()}"
        yield Recorded(url, 200, {"content-type": "text/html"}, body, file.stat().st_mtime)
    elif name.endswith(SEEDS):
        yield from _seeds(file, say)
    else:
        raise UsageError(
            f"{file} is nothing replay can read; it takes .warc, .warc.gz, .html, .html.gz and seed files."
        )


def _seeds(file: Path, say: Say) -> Iterator[Recorded]:
    """Seed files as pages of https://seed.invalid/<name>, so that they pass the very same stages."""
    try:
        read = seeds.read([file], at_most=seeds.MAX_TEXTS)
    except SeedError as error:
        raise UsageError(str(error)) from None
    for problem in read.problems:
        say(f"! {problem.message}")
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
