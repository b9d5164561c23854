"""What was recorded: WARC files, saved pages, folders of them, and seed files, in a stable order."""

from __future__ import annotations

import gzip
import hashlib
import html
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec

from crawler.reading.glance import glance
from pipelines import seeds, warc
from pipelines import urls as identity
from pipelines.errors import UsageError
from pipelines.warc import Recorded

MAX_BYTES = 64 * 1024 * 1024
PAGES = (".html", ".htm", ".xhtml", ".html.gz", ".htm.gz")
WARCS = (".warc", ".warc.gz")
SEEDS = (".txt", ".md", ".json", ".jsonl", ".eml")

Say = Callable[[str], None]
# what seeds are called -> their file
Named = dict[str, Path]


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
    named: Named = {}
    for path in paths:
        yield from _folder(path, say, named) if path.is_dir() else _file(path, say, named)


def _folder(folder: Path, say: Say, named: Named) -> Iterator[Recorded]:
    manifest = folder / "manifest.jsonl"
    if manifest.is_file():
        yield from _listed(folder, manifest)
        return
    found = False
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name.lower().endswith(PAGES + WARCS + SEEDS) and file.name != "seed.toml":
            found = True
            try:
                yield from _file(file, say, named)
            except UsageError as error:  # of a whole folder the others still count
                say(f"! {error}")
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


def _file(file: Path, say: Say, named: Named) -> Iterator[Recorded]:
    name = file.name.lower()
    if name.endswith(WARCS):
        yield from warc.read(file)
    elif name.endswith(PAGES):
        body = _read(file)
        canonical = glance(body, "https://unknown.invalid/").canonical
        url = canonical or f"https://unknown.invalid/{hashlib.sha256(body).hexdigest()}"
        yield Recorded(url, 200, {"content-type": "text/html"}, body, file.stat().st_mtime)
    elif name.endswith(SEEDS):
        yield from _seeds(file, say, named)
    else:
        raise UsageError(
            f"{file} is nothing replay can read; it takes .warc, .warc.gz, .html, .html.gz and seed files."
        )


def _seeds(file: Path, say: Say, named: Named) -> Iterator[Recorded]:
    """Seed files as pages of https://seed.invalid/<name>, so that they pass the very same stages."""
    read = seeds.offered([file], judged=True)
    problems = [problem.message for problem in read.problems]
    if not read.seeds:
        raise UsageError(problems[0] if problems else f"{file} holds addresses, and no recorded page.")
    for problem in problems:
        say(f"! {problem}")
    for seed in read.seeds:
        paragraphs = "".join(f"<p>{html.escape(line)}</p>\n" for line in seed.text.split("\n") if line.strip())
        title = html.escape(seed.title)
        page = (
            f'<!doctype html><html lang="{html.escape(seed.language)}"><head><meta charset="utf-8">'
            f'<title>{title}</title><meta property="og:type" content="article">'
            f"</head><body><article><h1>{title}</h1>\n{paragraphs}</article></body></html>"
        )
        url = f"https://seed.invalid/{quote(_called(seed.name, file, named))}"
        yield Recorded(url, 200, {"content-type": "text/html; charset=utf-8"}, page.encode(), file.stat().st_mtime)


def _called(name: str, file: Path, named: Named) -> str:
    """A seed's name, behind as many of its folders as it takes to tell it from those of other files."""
    folders = file.absolute().parent.parts
    for depth in range(len(folders)):
        called = "/".join([*folders[len(folders) - depth :], name])
        if named.setdefault(called, file) == file:
            break
    return called


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
        return warc.seconds(value)
    return warc.plausible(value or 0.0)
