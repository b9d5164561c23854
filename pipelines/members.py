"""One record of an archive by itself: archives are packed a record at a time, so each can be cut out, or checked."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from pipelines.disk import sync_folder
from pipelines.errors import StoreError

_CHUNK_BYTES = 64 * 1024
# for so long a worker that is just writing a file is waited for
PATIENCE_S = 10.0
# a body of 64 MiB, its headers, and what we never write ourselves
MAX_RECORD_BYTES = 128 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS
# as much of a record as its own headers take
_HEAD_BYTES = 16 * 1024
_TARGET = re.compile(rb"^WARC-Target-URI: *([^\r\n]+)", re.MULTILINE | re.IGNORECASE)
_REMOVED = (
    b"WARC/1.0\r\nWARC-Type: metadata\r\nWARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-000000000000>\r\n"
    b"WARC-Date: 1970-01-01T00:00:00Z\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n\r\nremoved\r\n\r\n"
)
# a gzip header with room for an extra field, and deflate's empty blocks
_HEADER = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff"
_EMPTY_BLOCK, _LAST_BLOCK = b"\x00\x00\x00\xff\xff", b"\x01\x00\x00\xff\xff"


class Damaged(Exception):
    """A record that is not what was written; the message says how."""


def at(folder: Path, file: str, offset: int) -> bytes:
    """The packed record at this place. StoreError when the file is gone, Damaged when no whole record is there."""
    packed, whole = _at(folder / Path(file).name, offset)
    if not whole:
        raise Damaged(f"{Path(file).name} is torn at {offset}")
    return packed


def _at(file: Path, offset: int) -> tuple[bytes, bool]:
    """As `_one`, of this place; Damaged when nothing is there."""
    try:
        with file.open("rb") as stream:
            stream.seek(offset)
            packed, whole = _one(stream)
    except FileNotFoundError:
        raise StoreError(f"The archive {file} is not there, though articles lie in it.") from None
    except OSError as error:
        raise StoreError(f"The archive {file} cannot be read: {error.strerror}.") from error
    if not packed:
        raise Damaged(f"{file.name} ends before {offset}")
    return packed, whole


def each(file: Path) -> Iterator[tuple[int, bytes]]:
    """`(offset, packed record)` of a whole archive file. Raises Damaged at the first that cannot be unpacked."""
    offset = 0
    with file.open("rb") as stream:
        while True:
            stream.seek(offset)
            packed, whole = _one(stream)
            if not packed:
                return
            if not whole:
                raise Damaged(f"{file.name} is torn at {offset}")
            yield offset, packed
            offset += len(packed)


def of(folder: Path, wanted: Callable[[str], bool]) -> dict[str, list[int]]:
    """`{file: [offset, …]}` of every record in an archive whose address is `wanted`: of earlier versions of a page too,
    and of those a worker wrote and did not live to note down. Of a file that is torn, those before its tear.
    """
    found: dict[str, list[int]] = {}
    for file in sorted(folder.glob("*.warc.gz")):
        with contextlib.suppress(Damaged):
            for offset, packed in each(file):
                head = zlib.decompressobj(_GZIP).decompress(packed, _HEAD_BYTES).partition(b"\r\n\r\n")[0]
                named = _TARGET.search(head)
                if named and wanted(named[1].decode("utf-8", "replace").strip("<> ")):
                    found.setdefault(file.name, []).append(offset)
    return found


def _one(stream: Any) -> tuple[bytes, bool]:
    """The gzip member a stream stands before, and whether it has an end; Damaged when it cannot be unpacked."""
    unpacker = zlib.decompressobj(_GZIP)
    read, packed = 0, bytearray()
    try:
        while not unpacker.eof and (chunk := stream.read(_CHUNK_BYTES)):
            packed += chunk
            while chunk and not unpacker.eof:
                read += len(unpacker.decompress(chunk, _CHUNK_BYTES))
                chunk = unpacker.unconsumed_tail
            if read > MAX_RECORD_BYTES:
                raise Damaged(f"the record is larger than {MAX_RECORD_BYTES} bytes")
    except zlib.error as error:
        raise Damaged(f"the record cannot be unpacked: {error}") from None
    del packed[len(packed) - len(unpacker.unused_data) :]
    return bytes(packed), unpacker.eof


def check(packed: bytes) -> tuple[str, str]:
    """Holds a record against its own digests; returns its type and its address. Raises Damaged."""
    try:
        for record in ArchiveIterator(BytesIO(packed), check_digests=True):
            while record.raw_stream.read(_CHUNK_BYTES):
                pass
            if record.digest_checker.passed is False:
                raise Damaged(f"the record is not what was written: {'; '.join(record.digest_checker.problems)}")
            address = (record.rec_headers.get_header("WARC-Target-URI") or "").strip("<>")
            return record.rec_type, address
    # AttributeError: what warcio makes of a record without an address
    except (ArchiveLoadFailed, AttributeError, ValueError, zlib.error, EOFError) as error:
        raise Damaged(f"the record cannot be read: {error}") from None
    raise Damaged("there is no record")


def blank(folder: Path, wanted: Mapping[str, Sequence[int]]) -> None:
    """Takes records out of archive files, `{file: [offset, …]}`; whatever else lies in them stays where it lies.

    Each is replaced by a record of the same packed length that says only that something was removed, so every other
    offset stays true. A file is written anew and takes the old one's place at once, or not at all. Raises StoreError,
    before anything is changed, when one of them is missing, damaged there, or being written.
    """
    with contextlib.ExitStack() as held:
        replaced = {name: _blanks(folder / Path(name).name, offsets, held) for name, offsets in wanted.items()}
        for name, pieces in replaced.items():
            file = folder / Path(name).name
            try:
                _rewritten(file, pieces)
            except OSError as error:
                raise StoreError(f"The archive {file} cannot be written: {error.strerror}.") from error


def _blanks(file: Path, offsets: Sequence[int], held: contextlib.ExitStack) -> dict[int, bytes]:
    """Offset -> what takes the record's place there. Nobody writes the file while it is `held`."""
    try:
        _lock(held.enter_context(file.open("rb")), file)
        # what is left of a torn record goes, too
        return {offset: _blank(len(_at(file, offset)[0])) for offset in offsets}
    except Damaged as error:
        raise StoreError(f"The archive {file} is damaged, and nothing was removed: {error}.") from None
    except FileNotFoundError:
        raise StoreError(f"The archive {file} is not on this machine; nothing was removed.") from None


def _lock(stream: IO[bytes], file: Path) -> None:
    """Waits until no worker writes the file, for PATIENCE_S at most; none of them will."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StoreError(
                    f"The archive {file} is being written; stop the workers (or wait for their run) and ask again."
                ) from None
        time.sleep(0.05)


def _blank(length: int) -> bytes:
    """A packed record of exactly this length that says that one was removed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(_REMOVED) + packer.flush(zlib.Z_FULL_FLUSH)
    trailer = struct.pack("<II", zlib.crc32(_REMOVED), len(_REMOVED))
    # filled up with empty blocks of five bytes, and an extra field in the header for what five does not divide
    blocks, extra = divmod(length - len(_HEADER) - 2 - len(body) - len(trailer), len(_EMPTY_BLOCK))
    if blocks < 1:
        raise Damaged(f"a record of {length} bytes is too short to be one of ours")
    filled = _EMPTY_BLOCK * (blocks - 1) + _LAST_BLOCK
    return _HEADER + struct.pack("<H", extra) + b"\0" * extra + body + filled + trailer


def _rewritten(file: Path, pieces: Mapping[int, bytes]) -> None:
    part = file.with_name(f"{file.name}.part")
    try:
        shutil.copyfile(file, part)
        with part.open("r+b") as stream:
            for offset, piece in pieces.items():
                stream.seek(offset)
                stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
        sync_folder(file.parent)
    finally:
        part.unlink(missing_ok=True)
