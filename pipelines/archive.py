"""WARC out and in: the pages themselves, in the format every archive reads (ISO 28500)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipelines.errors import StoreError, UsageError
from pipelines.records import Page

FILE_BYTES = 1_000_000_000
MAX_BODY_BYTES = 8 * 1024 * 1024
# what the body no longer is once it is decoded
_STALE_HEADERS = {"content-encoding", "transfer-encoding", "content-length"}


@dataclass(frozen=True, slots=True)
class Recorded:
    """A page somebody saved. `fetched_at` in seconds since 1970, 0 when unknown."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes
    fetched_at: float = 0.0


class Archive:
    """Appends pages to WARC files of its own in `folder`; no two processes share a file.

    A process that dies leaves at most one torn record, at the end of a file nobody appends to again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stream: Any = None
        self._name = ""
        self._number = 0

    def append(self, pages: list[Page]) -> list[tuple[str, int]]:
        """Writes pages and syncs them to disk; returns `(file, offset)` of each, in order. Raises StoreError."""
        places = []
        try:
            for page in pages:
                stream = self._open()
                places.append((self._name, stream.tell()))
                self._write(stream, page)
            if self._stream is not None:
                self._stream.flush()
                os.fsync(self._stream.fileno())
        except OSError as error:
            self.close()
            raise StoreError(f"The archive {self._folder} cannot be written: {error.strerror}.") from error
        return places

    def close(self) -> None:
        """Closes the file; the next page begins another."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _open(self) -> Any:
        if self._stream is None or self._stream.tell() > FILE_BYTES:
            self.close()
            self._folder.mkdir(parents=True, exist_ok=True)
            self._number += 1
            stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
            self._name = f"{stamp}-{os.getpid()}-{self._number:03d}.warc.gz"
            self._stream = (self._folder / self._name).open("xb")
        return self._stream

    @staticmethod
    def _write(stream: Any, page: Page) -> None:
        writer = WARCWriter(stream, gzip=True)
        kept = [(k, v) for k, v in page.headers.items() if k.lower() not in _STALE_HEADERS]
        http = StatusAndHeaders(f"{page.status} OK", kept, protocol="HTTP/1.1")
        moment = datetime.fromtimestamp(page.fetched_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        writer.write_record(
            writer.create_warc_record(
                page.final_url,
                "response",
                payload=BytesIO(page.body),
                http_headers=http,
                warc_headers_dict={"WARC-Date": moment},
            )
        )


def read(file: Path) -> Iterator[Recorded]:
    """The HTTP responses in a WARC file. Bodies over MAX_BODY_BYTES are cut; a torn end is the end.

    Raises UsageError, naming the file, when it is no WARC at all.
    """
    with file.open("rb") as stream:
        seen = False
        try:
            for record in ArchiveIterator(stream, no_record_parse=False):
                seen = True
                if record.rec_type == "response" and record.http_headers is not None:
                    yield _recorded(record)
        except (ArchiveLoadFailed, EOFError, OSError, ValueError) as error:
            if not seen:
                raise UsageError(f"{file} is not a WARC file: {error}.") from None


def _recorded(record: Any) -> Recorded:
    status = record.http_headers.get_statuscode()
    return Recorded(
        url=record.rec_headers.get_header("WARC-Target-URI") or "",
        status=int(status) if status.isdigit() else 0,
        headers={name.lower(): value for name, value in record.http_headers.headers},
        body=record.content_stream().read(MAX_BODY_BYTES),
        fetched_at=seconds(record.rec_headers.get_header("WARC-Date")),
    )


def seconds(stamp: str | None) -> float:
    """An ISO 8601 time as seconds since 1970; 0 for anything else."""
    try:
        moment = datetime.fromisoformat(stamp or "")
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
