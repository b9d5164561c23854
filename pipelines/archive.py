"""The pages themselves, kept in WARC files: the format every archive reads (ISO 28500)."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from isal import igzip
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipelines.disk import sync_folder
from pipelines.errors import StoreError
from pipelines.records import Page
from pipelines.warc import STALE_HEADERS

FILE_BYTES = 1_000_000_000
# of ISA-L: a twentieth of the time of zlib's 9 (warcio's own) on real pages, for 16 % more bytes
LEVEL = 2


class Archive:
    """Appends pages to WARC files of its own in `folder`; no two processes share a file.

    A process that dies leaves at most one torn record, at the end of a file nobody appends to again. Between batches
    anybody may take records out of the file (see members), and pages go to another then.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stream: Any = None
        self._name = ""
        self._number = 0
        self._synced = 0  # so much of the file is on disk for certain

    def append(self, pages: list[Page]) -> list[tuple[str, int]]:
        """Writes pages and syncs them to disk; returns `(file, offset)` of each, in order.

        Raises StoreError; whatever it raises, the file is left without the records it was at.
        """
        places = []
        if self._stream is not None and not self._is_mine():
            self.close()
        try:
            for page in pages:
                stream = self._open()
                places.append((self._name, stream.tell()))
                self._write(stream, page)
            self._sync()
            self._locked(fcntl.LOCK_UN)
        except OSError as error:
            self._abandon()
            raise StoreError(f"The archive {self._folder} cannot be written: {error.strerror}.") from error
        except BaseException:  # a page that cannot be written down, or a worker's alarm
            self._abandon()
            raise
        return places

    def close(self) -> None:
        """Closes the file; the next page begins another."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _is_mine(self) -> bool:
        """Locks the file; whether it is still the one in the folder, and nobody takes records out of it."""
        if not self._locked(fcntl.LOCK_SH | fcntl.LOCK_NB):
            return False
        try:
            return os.path.samestat(os.fstat(self._stream.fileno()), (self._folder / self._name).stat())
        except OSError:
            return False

    def _locked(self, how: int) -> bool:
        """Locks the file against those who take records out of it, or unlocks it; False when they are at it."""
        try:
            if self._stream is not None:
                fcntl.flock(self._stream, how)
        except BlockingIOError:
            return False
        except OSError:
            pass  # not every shared folder knows locks
        return True

    def _sync(self) -> None:
        if self._stream is not None:
            self._stream.flush()
            os.fsync(self._stream.fileno())
            if not self._synced:  # a new file, in what may be a new folder
                sync_folder(self._folder)
                sync_folder(self._folder.parent)
            self._synced = self._stream.tell()

    def _abandon(self) -> None:
        """Cuts the file back to what was synced, and lets go of it; one without any goes."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        # the raw file: closing the buffer would write what is left in it, and fail like the write before
        raw = stream.raw
        with contextlib.suppress(OSError):
            if self._synced:
                raw.truncate(self._synced)
            else:  # or a disk that stays full would have another empty file at every try
                (self._folder / self._name).unlink()
        with contextlib.suppress(OSError):
            raw.close()

    def _open(self) -> Any:
        if self._stream is None or self._stream.tell() > FILE_BYTES:
            self._sync()
            self.close()
            self._folder.mkdir(parents=True, exist_ok=True)
            self._number += 1
            stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
            # machines that share the folder may share process ids too
            self._name = f"{stamp}-{os.getpid()}-{secrets.token_hex(4)}-{self._number:03d}.warc.gz"
            self._stream, self._synced = (self._folder / self._name).open("xb"), 0
            self._locked(fcntl.LOCK_SH)
        return self._stream

    @staticmethod
    def _write(stream: Any, page: Page) -> None:
        plain = BytesIO()
        writer = WARCWriter(plain, gzip=False)
        kept = [(k, v) for k, v in page.headers.items() if k.lower() not in STALE_HEADERS]
        http = StatusAndHeaders(f"{page.status} OK", kept, protocol="HTTP/1.1")
        moment = datetime.fromtimestamp(page.fetched_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        writer.write_record(
            writer.create_warc_record(
                page.final_url,
                "response",
                payload=BytesIO(page.body),
                length=len(page.body),  # or warcio would copy it to a temporary file to count it
                http_headers=http,
                warc_headers_dict={"WARC-Date": moment},
            )
        )
        stream.write(igzip.compress(plain.getbuffer(), LEVEL, mtime=0))
