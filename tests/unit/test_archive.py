"""WARC out and in: what was written is read back, also from the middle, and damage costs no more than it must."""

from __future__ import annotations

import contextlib
import gzip
import logging
import os
import random
import resource
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from pipelines import archive, members, warc
from pipelines.archive import Archive
from pipelines.errors import StoreError, UsageError
from pipelines.records import Page
from pipelines.warc import MAX_BODY_BYTES, Recorded, plausible, read, seconds

HTML = b"<html><body><p>R\xc3\xbcckkehr der Nachtz\xc3\xbcge</p></body></html>"


def page(number: int, body: bytes = HTML, **headers: str) -> Page:
    url = f"https://a.test/{number}"
    return Page(number, url, url, 200, {"content-type": "text/html", **headers}, 1_700_000_000.0 + number, body)


def prose(seed: int) -> bytes:
    words = ["harbour", "winter", "train", "berth", "ticket", "coach", "night"]
    return " ".join(random.Random(seed).choices(words, k=9000)).encode()


def written(folder: Path, pages: list[Page]) -> Path:
    kept = Archive(folder)
    places = kept.append(pages)
    kept.close()
    assert len({file for file, _ in places}) == 1
    return folder / places[0][0]


def record(headers: bytes, body: bytes, url: str = "https://a.test/1", kind: str = "response") -> bytes:
    http = b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n\r\n" + body
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:1>\r\nWARC-Date: 2024-05-06T07:08:09Z\r\n"
        f"WARC-Target-URI: {url}\r\nContent-Type: application/http; msgtype={kind}\r\nContent-Length: {len(http)}\r\n"
    )
    return head.encode() + b"\r\n" + http + b"\r\n\r\n"


@settings(max_examples=30, deadline=None)
@given(bodies=st.lists(st.binary(max_size=3000), min_size=1, max_size=5))
def test_what_was_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes]) -> None:
    pages = [page(number, body) for number, body in enumerate(bodies)]
    file = written(tmp_path_factory.mktemp("warc"), pages)
    assert list(read(file)) == [
        Recorded(one.url, 200, {"content-type": "text/html"}, one.body, one.fetched_at) for one in pages
    ]


def test_each_place_is_where_its_record_begins(tmp_path: Path) -> None:
    kept = Archive(tmp_path)
    pages = [page(number, os.urandom(number * 1000)) for number in range(5)]
    places = kept.append(pages[:2]) + kept.append([]) + kept.append(pages[2:])
    kept.close()
    for one, (name, offset) in zip(pages, places, strict=True):
        with (tmp_path / name).open("rb") as stream:
            stream.seek(offset)
            found = next(iter(ArchiveIterator(stream)))
            assert found.rec_headers.get_header("WARC-Target-URI") == one.url
            assert found.content_stream().read() == one.body


def test_a_new_file_is_synced_with_its_folder_and_so_is_one_that_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def noted(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        fsync(handle)

    def numbers(*paths: Path) -> list[int]:
        return [path.stat().st_ino for path in paths]

    monkeypatch.setattr(os, "fsync", noted)
    kept, folder = Archive(tmp_path / "warc"), tmp_path / "warc"
    ((name, offset),) = kept.append([page(1)])
    assert synced == numbers(folder / name, folder, tmp_path)
    kept.append([page(2)])
    assert synced[3:] == numbers(folder / name)
    kept.close()
    members.blank(folder, {name: [offset]})
    assert synced[4:] == numbers(folder / name, folder)


def test_an_archive_begins_another_file_when_one_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "FILE_BYTES", 2_000)
    kept = Archive(tmp_path)
    places = kept.append([page(number, os.urandom(1_500)) for number in range(5)])
    kept.close()
    files = sorted({name for name, _ in places})
    assert len(files) == 3
    assert sum(len(list(read(tmp_path / name))) for name in files) == 5


def test_archives_of_one_folder_never_share_a_file_even_within_a_second(tmp_path: Path) -> None:
    several = [Archive(tmp_path) for _ in range(3)]
    names = {one.append([page(1)])[0][0] for one in several}
    for one in several:
        one.close()
    assert len(names) == 3


def test_headers_that_no_longer_hold_are_not_written(tmp_path: Path) -> None:
    odd = {"content-encoding": "gzip", "Content-Length": "3", "x-robots-tag": "no\r\nindex: \u2603"}
    (found,) = read(written(tmp_path, [page(1, **odd)]))
    assert (found.body, set(found.headers)) == (HTML, {"content-type", "x-robots-tag"})


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "warc").write_text("a file")
    with pytest.raises(StoreError, match=r"^The archive \S+ cannot be written: [^\n]+\.$"):
        Archive(tmp_path / "warc").append([page(1)])


@contextlib.contextmanager
def room(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [6_000, 30_000])
def test_without_room_an_archive_says_so_each_time_and_goes_on_once_there_is_some(tmp_path: Path, size: int) -> None:
    kept = Archive(tmp_path)
    kept.append([page(1)])
    large = [page(number, random.Random(number).randbytes(20_000)) for number in (2, 3)]
    with room(size):
        for _ in range(2):
            with pytest.raises(StoreError, match=r"^The archive \S+ cannot be written: File too large\.$"):
                kept.append(large)
    places = kept.append(large)
    kept.close()
    assert len(list(tmp_path.iterdir())) == 2
    whole = [one.url for file in tmp_path.iterdir() for one in read(file)]
    assert sorted(whole) == [f"https://a.test/{number}" for number in (1, 2, 3)]
    assert all(warc.complaint(tmp_path / name, offset) is None for name, offset in places)


def test_a_page_that_cannot_be_written_leaves_nothing_of_its_batch_in_the_file(tmp_path: Path) -> None:
    kept = Archive(tmp_path)
    ((first, _),) = kept.append([page(1)])
    with pytest.raises(ValueError, match="year"):
        kept.append([page(2), replace(page(3), fetched_at=1e15)])
    ((second, _),) = kept.append([page(4)])
    kept.close()
    assert [[one.url[-1] for one in read(tmp_path / name)] for name in (first, second)] == [["1"], ["4"]]


# reading


def test_wherever_a_file_is_torn_the_whole_records_before_it_are_read(tmp_path: Path) -> None:
    pages = [page(number, random.Random(number).randbytes(200)) for number in range(3)]
    packed = written(tmp_path, pages).read_bytes()
    torn = tmp_path / "torn"
    for content in (packed, gzip.decompress(packed)):
        for cut in range(3, len(content), 7):
            torn.write_bytes(content[:cut])
            try:
                found = list(read(torn))
            except UsageError:
                found = []
            assert [one.body for one in found] == [one.body for one in pages[: len(found)]]
        torn.write_bytes(content[:-20])
        assert len(list(read(torn))) == 2


def test_a_file_packed_as_a_whole_is_read_to_its_end(tmp_path: Path) -> None:
    pages = [page(number) for number in range(3)]
    (tmp_path / "one.warc.gz").write_bytes(gzip.compress(gzip.decompress(written(tmp_path, pages).read_bytes())))
    assert len(list(read(tmp_path / "one.warc.gz"))) == 3


def test_a_file_damaged_in_its_middle_gives_what_comes_before_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = written(tmp_path, [page(number, prose(number)) for number in range(4)])
    content = bytearray(file.read_bytes())
    middle = len(content) // 2 + 500
    content[middle : middle + 40] = bytes(40)
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        found = list(read(file))
    assert 1 <= len(found) <= 2
    assert "damaged after its first" in caplog.text


@pytest.mark.parametrize("zeros", [1, 200_000])
def test_zeros_that_fill_up_a_packed_file_are_no_damage(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, zeros: int
) -> None:
    whole = written(tmp_path, [page(number, prose(number)) for number in range(2)]).read_bytes()
    (tmp_path / "filled.warc.gz").write_bytes((whole + bytes(zeros)) * 2)
    with caplog.at_level(logging.WARNING):
        assert [one.body for one in read(tmp_path / "filled.warc.gz")] == [prose(0), prose(1)] * 2
    assert not caplog.text


def test_a_page_whose_checksum_is_another_is_no_page(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = Archive(tmp_path)
    places = kept.append([page(number, prose(number)) for number in range(3)])
    kept.close()
    file = tmp_path / places[0][0]
    whole = file.read_bytes()
    for ends, left in ((places[2][1], 1), (len(whole), 2)):
        content = bytearray(whole)
        content[ends - 8] ^= 1  # of the checksum, which stands before the length at a record's end
        file.write_bytes(content)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert [one.body for one in read(file)] == [prose(number) for number in range(left)]
        assert f"damaged after its first {left} records" in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        b"hello",
        b"\x00" * 5000,
        gzip.compress(b"hello", mtime=0),
        HTML,
        b"\x1f\x8bnot gzip",
        b"PK\x03\x04zip",
        b"WARC/9.9\r\n",
    ],
)
def test_what_is_no_warc_is_one_sentence_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "photo.warc.gz"
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        list(read(file))
    assert str(caught.value) == f"{file} is not a WARC file."


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.warc cannot be read: No such file or directory\."):
        list(read(tmp_path / "gone.warc"))


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.warc").write_bytes(b"")
    assert list(read(tmp_path / "empty.warc")) == []


def chunked(body: bytes) -> bytes:
    parts = [body[at : at + 999] for at in range(0, len(body), 999)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def raw_deflated(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflated), ("br", brotli.compress),
     ("identity", bytes), ("unheard-of", bytes)],
)  # fmt: skip
@pytest.mark.parametrize("in_chunks", [False, True])
def test_bodies_are_decoded_as_their_headers_say(
    tmp_path: Path, encoding: str, encode: Callable[[bytes], bytes], in_chunks: bool
) -> None:
    body = HTML * 3000
    sent = chunked(encode(body)) if in_chunks else encode(body)
    headers = f"Content-Encoding: {encoding}".encode() + (b"\r\nTransfer-Encoding: chunked" if in_chunks else b"")
    (tmp_path / "a.warc").write_bytes(record(headers, sent) + record(b"X: y", b"next"))
    first, second = read(tmp_path / "a.warc")
    assert first.body == body
    assert first.headers == {}
    assert second.body == b"next"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
@pytest.mark.parametrize("body", [b"xx", HTML, b"", b"\x1f\x8b\x08 broken"])
def test_a_body_that_is_not_encoded_as_its_headers_say_is_taken_as_it_is(
    tmp_path: Path, encoding: str, body: bytes
) -> None:
    (tmp_path / "a.warc").write_bytes(record(f"Content-Encoding: {encoding}".encode(), body) + record(b"X: y", b"next"))
    assert [one.body for one in read(tmp_path / "a.warc")] == [body, b"next"]


@pytest.mark.parametrize("encode", [bytes, gzip.compress, brotli.compress])
def test_an_endless_body_is_cut(tmp_path: Path, encode: Callable[[bytes], bytes]) -> None:
    name = {gzip.compress: b"gzip", brotli.compress: b"br"}.get(encode, b"identity")
    (tmp_path / "a.warc").write_bytes(record(b"Content-Encoding: " + name, encode(bytes(MAX_BODY_BYTES * 3))))
    (found,) = read(tmp_path / "a.warc")
    assert len(found.body) == MAX_BODY_BYTES


def test_only_answers_of_web_servers_are_pages(tmp_path: Path) -> None:
    (tmp_path / "a.warc").write_bytes(
        record(b"X: y", b"", kind="request").replace(b"HTTP/1.1 200 OK", b"GET / HTTP/1.1")
        + record(b"X: y", b"", url="dns:a.test")
        + record(b"X: y", b"page", url="<https://a.test/old-style>")
    )
    assert [one.url for one in read(tmp_path / "a.warc")] == ["https://a.test/old-style"]


def test_a_status_that_is_no_number_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.warc").write_bytes(record(b"X: y", b"page").replace(b"200 OK", b"\xc2\xb2 K"))
    assert [one.status for one in read(tmp_path / "a.warc")] == [0]


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2024-05-06T07:08:09Z", 1714979289.0),
        ("2024-05-06T09:08:09+02:00", 1714979289.0),
        ("2024-05-06T07:08:09", 1714979289.0),
        ("0001-01-01T00:00:00+14:00", 0.0),
        ("9999-12-31T23:59:59-14:00", 0.0),
        ("yesterday", 0.0),
        ("", 0.0),
        (None, 0.0),
    ],
)
def test_times_of_records(stamp: str | None, expected: float) -> None:
    assert seconds(stamp) == expected


@given(moment=st.floats())
def test_no_time_is_too_odd_to_be_written(tmp_path_factory: pytest.TempPathFactory, moment: float) -> None:
    assert 0.0 <= plausible(moment) < 1e12
