"""Pages out of WARC files (ISO 28500), ours and those of others."""

from __future__ import annotations

import contextlib
import logging
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import brotli
from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import ChunkedDataReader
from warcio.exceptions import ArchiveLoadFailed

from pipelines.errors import UsageError

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 8 * 1024 * 1024
# what the body no longer is once it is decoded
STALE_HEADERS = {"content-encoding", "transfer-encoding", "content-length"}
_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK_BYTES = 64 * 1024
# what a record may unpack to before it is given out although its end was not yet seen
_WHOLE_BYTES = 4 * MAX_BODY_BYTES
# the last second of the year 9999: no record was made later
_LAST_MOMENT = 253_402_300_799.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """A page somebody saved. `fetched_at` in seconds since 1970, 0 when unknown."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes
    fetched_at: float = 0.0


def read(file: Path) -> Iterator[Recorded]:
    """The HTTP responses in a WARC file, their bodies decoded and cut at MAX_BODY_BYTES.

    A torn end is the end: the record it tore is left out. Raises UsageError, naming the file, when it cannot be
    read or is no WARC at all.
    """
    seen = 0
    try:
        with _unpacked(file) as stream:
            for record in ArchiveIterator(stream):
                page = _recorded(record) if record.rec_type == "response" and record.http_headers else None
                if _is_torn(record):
                    return
                seen += 1
                if page is not None:
                    yield page
    # AttributeError: what warcio makes of a record that lost its address
    except (ArchiveLoadFailed, AttributeError, OSError, ValueError, zlib.error) as error:
        if not seen:
            why = getattr(error, "strerror", None)
            raise UsageError(f"{file} cannot be read: {why}." if why else f"{file} is not a WARC file.") from None
        logger.warning("%s is damaged after its first %d records; the rest of it is left out", file, seen)


def complaint(file: Path, offset: int) -> str | None:
    """What is wrong with the record that begins at `offset`, None when it is whole and its bytes are as written."""
    try:
        with file.open("rb") as stream:
            stream.seek(offset)
            record = next(iter(ArchiveIterator(stream, check_digests=True)))
            while record.raw_stream.read(_CHUNK_BYTES):
                pass
            if record.rec_type != "response":
                return "no page begins there"
            return None if record.digest_checker.passed else "its bytes are not those that were written"
    except OSError as error:
        return error.strerror or "it cannot be read"
    except (StopIteration, ArchiveLoadFailed, AttributeError, ValueError, EOFError, zlib.error):
        return "no record can be read there"


def read_one(packed: bytes) -> Recorded | None:
    """The page in one packed record (`pipelines.members` cuts them out); None when it holds no HTTP response."""
    for record in ArchiveIterator(BytesIO(packed)):
        return _recorded(record) if record.rec_type == "response" and record.http_headers else None
    return None


class _Unpacked:
    """What a packed file holds, a record at a time: what does not unpack to what was packed is never given out.

    Where it is cut off in the middle it ends. A file packed as a whole is given out unchecked, as far as it goes.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._packed = b""
        self._unpacker = _unpacker()
        self._begun = False
        self._whole = memoryview(b"")

    def read(self, size: int) -> bytes:
        """At most so many bytes; none at the end. zlib.error where the next record is damaged."""
        if not self._whole:
            self._whole = memoryview(self._next())
        found, self._whole = self._whole[:size], self._whole[size:]
        return bytes(found)

    def _next(self) -> bytearray:
        found = bytearray()
        while len(found) < _WHOLE_BYTES:
            self._packed = self._packed or self._more()
            if not self._packed:
                break
            found += self._unpacker.decompress(self._packed, _WHOLE_BYTES)  # looks at the checksum at its end
            self._packed, self._begun = self._unpacker.unconsumed_tail, True
            if self._unpacker.eof:
                self._packed, self._begun = self._unpacker.unused_data.lstrip(b"\0"), False
                self._unpacker = _unpacker()
                if found:
                    break
        return found

    def _more(self) -> bytes:
        """What comes next of the file; between two records without the zeros that may fill it up."""
        while chunk := self._file.read(_CHUNK_BYTES):
            if wanted := chunk if self._begun else chunk.lstrip(b"\0"):
                return wanted
        return b""


def _unpacker() -> Any:
    return zlib.decompressobj(16 + zlib.MAX_WBITS)


@contextlib.contextmanager
def _unpacked(file: Path) -> Iterator[Any]:
    """The file's records. Unpacked here and not by warcio, which reads a file packed as a whole no further than its
    first record, and takes what is left of a torn one for a page."""
    with file.open("rb") as stream:
        packed = stream.read(2) == _GZIP_MAGIC
        stream.seek(0)
        yield _Unpacked(stream) if packed else stream


def _is_torn(record: Any) -> bool:
    while record.raw_stream.read(_CHUNK_BYTES):
        pass
    # a record torn in its own header has no length
    return bool(getattr(record.raw_stream, "limit", 1) > 0)


def _recorded(record: Any) -> Recorded:
    status = record.http_headers.get_statuscode() or ""
    headers = {name.lower(): value for name, value in record.http_headers.headers}
    return Recorded(
        url=(record.rec_headers.get_header("WARC-Target-URI") or "").strip("<>"),
        status=int(status) if status.isascii() and status.isdigit() else 0,
        headers={name: value for name, value in headers.items() if name not in STALE_HEADERS},
        body=_body(record.raw_stream, headers),
        fetched_at=seconds(record.rec_headers.get_header("WARC-Date")),
    )


def _body(stream: Any, headers: dict[str, str]) -> bytes:
    """The body as the browser would see it; as it stands where it is not encoded as its headers say."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        stream = ChunkedDataReader(stream)
    body: bytes = stream.read(MAX_BODY_BYTES)
    decode = _DECODERS.get(headers.get("content-encoding", "").strip().lower())
    if decode is None:
        return body
    try:
        return decode(body)[:MAX_BODY_BYTES] or body
    except (zlib.error, brotli.error):
        return body


def _inflated(body: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(body, MAX_BODY_BYTES)
    except zlib.error:  # some servers leave the header out
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(body, MAX_BODY_BYTES)


# warcio has decoders of its own, but the one for br fails with brotli 1.2
_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda body: zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body, MAX_BODY_BYTES),
    "x-gzip": lambda body: zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body, MAX_BODY_BYTES),
    "deflate": _inflated,
    "br": lambda body: bytes(brotli.Decompressor().process(body, output_buffer_limit=MAX_BODY_BYTES)),
}


def seconds(stamp: str | None) -> float:
    """An ISO 8601 time as seconds since 1970; 0 for anything else."""
    try:
        moment = datetime.fromisoformat(stamp or "")
        return plausible((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return 0.0


def plausible(moment: float) -> float:
    """Seconds since 1970; 0 where nothing can have been fetched then."""
    return moment if 0.0 <= moment <= _LAST_MOMENT else 0.0
