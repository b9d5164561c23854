"""One file a user offers as a seed: its bytes, and who reads them."""

from __future__ import annotations

import stat
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pipelines.seeds.contents import Contents, Unusable
from pipelines.seeds.mail import from_mail
from pipelines.seeds.markdown import from_markdown
from pipelines.seeds.objects import from_json, from_json_lines
from pipelines.seeds.page import from_page
from pipelines.seeds.text import from_addresses, from_shortcut, from_text

MAX_BYTES: Final = 20_000_000
READERS: Final[tuple[tuple[tuple[str, ...], Callable[[bytes], Contents]], ...]] = (
    ((".html", ".htm", ".xhtml", ".html.gz", ".htm.gz"), from_page),
    ((".txt", ".text", ".txt.gz"), from_text),
    ((".md", ".markdown"), from_markdown),
    ((".jsonl", ".ndjson", ".jsonl.gz"), from_json_lines),
    ((".json", ".json.gz"), from_json),
    ((".eml",), from_mail),
    ((".url",), from_shortcut),
    ((".urls",), from_addresses),
)


def open_seed(path: Path) -> Contents:
    """The contents of a seed file, by the ending of its name; raises Unusable."""
    name = path.name.lower()
    for endings, reader in READERS:
        if name.endswith(endings):
            return reader(read_bytes(path))
    if "." not in name.lstrip("."):
        return from_text(read_bytes(path))
    raise Unusable("suchlike reads .txt .md .html .json .jsonl .eml .url and .urls; save it as one of these")


def read_bytes(path: Path) -> bytes:
    """The bytes of an ordinary file of at most 20 MB, unpacked if they are gzip; raises Unusable."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise Unusable("it is not an ordinary file; copy its contents into one")
        if found.st_size > MAX_BYTES:
            raise Unusable(f"it has {found.st_size // 1_000_000} MB and a seed at most 20; cut the article out of it")
        with path.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # that a name with a NUL in it raises
        raise Unusable(
            f"it cannot be read ({getattr(error, 'strerror', None) or error}); check its name and permissions"
        ) from error
    if path.name.lower().endswith(".gz"):
        body = _unpacked(body)
    if not body.strip():
        raise Unusable("it is empty; put the article's text into it, or remove it")
    return body


def _unpacked(body: bytes) -> bytes:
    try:
        unpacker = zlib.decompressobj(wbits=31)
        unpacked = unpacker.decompress(body, MAX_BYTES + 1)
    except zlib.error as error:
        raise Unusable("it is not gzip, though its name says so; rename it or pack it again") from error
    if len(unpacked) > MAX_BYTES or not unpacker.eof:
        raise Unusable("unpacked it is cut off or has more than 20 MB; unpack it and look")
    return unpacked
