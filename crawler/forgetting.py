"""Takedown: a URL or a site is removed from store, index and archive, and does not come back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from crawler.explaining import row_of
from crawler.rating import unlearn
from pipelines import members
from pipelines import urls as identity
from pipelines.errors import UsageError
from pipelines.records import Candidate
from pipelines.stores import Connection, Store, discovery, fates, forgotten, ledger, runs
from pipelines.stores.discovery import Found


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was asked to be forgotten, or would be: URLs known, articles (URL -> title), pages in the archive.

    `what` is a site or a URL, that of the article where a place was asked for.
    `copies` are the URLs of other articles that tell the same and stay.
    """

    what: str
    site: str | None
    urls: int
    articles: dict[str, str]
    archived: int
    copies: tuple[str, ...]
    applied: bool


def forget(store: Store, archive: Path, what: str, *, copies: bool = False, preview: bool = False) -> Forgotten:
    """Removes a URL (its print and AMP variants too, and what it redirected to), a place in the list, or a site; with
    `copies`, copies elsewhere.

    What ratings of it taught comes first, then the archive: were the process killed in between, asking again does the
    rest. Raises UsageError while a run is under way, or when the profile that it was rated for cannot be learned
    again, StoreError when an archive file is missing, damaged, or being written.
    """
    site = None if "/" in what or what.isdecimal() else _site(what)
    with store.read() as connection:
        if runs.under_way(connection, now=time.time()) is not None:
            raise UsageError("A run is under way; stop it first (Ctrl-C), so that nothing comes back while this works.")
        if what.isdecimal():
            what = _at_place(connection, what)
        rows, others = _meant(connection, what, site, copies=copies)
        held = forgotten.held(connection, rows)
        addresses = set(ledger.addresses(connection, rows).values())
    archived = _archived(archive, held.archived, addresses, site)
    if not preview:
        unlearn(store, rows)
        _remove(store, archive, archived, what, site, copies=copies)
    number = sum(map(len, archived.values()))
    return Forgotten(what, site, len(rows), held.articles, number, tuple(others.values()), not preview)


def _meant(connection: Connection, what: str, site: str | None, *, copies: bool) -> tuple[list[int], dict[int, str]]:
    """The rows to be forgotten, and the copies elsewhere that stay."""
    rows = forgotten.of_site(connection, site) if site else _rows(connection, what)
    others = forgotten.copies(connection, rows)
    return (sorted({*rows, *others}), {}) if copies else (rows, others)


def _remove(
    store: Store, archive: Path, archived: dict[str, list[int]], what: str, site: str | None, *, copies: bool
) -> None:  # fmt: skip
    """Takes pages out of the archive, then all else out of the database; also what is stored of it meanwhile."""
    gone: set[tuple[str, int]] = set()
    while True:
        members.blank(archive, archived)
        gone |= _places(archived)
        with store.write() as connection:
            forgotten.begin(connection)
            rows, _ = _meant(connection, what, site, copies=copies)
            archived = forgotten.held(connection, rows).archived
            if _places(archived) <= gone:
                if not rows and not site:
                    rows = [_begun(connection, what)]
                elif not site:
                    rows += filter(None, [_row(connection, one) for one in forgotten.unheard_of(connection, rows)])
                forgotten.forget(connection, rows, site=site, now=time.time())
                break
    store.settle()


def _places(archived: dict[str, list[int]]) -> set[tuple[str, int]]:
    return {(file, offset) for file, offsets in archived.items() for offset in offsets}


def _site(name: str) -> str:
    """A site or host as URLs spell it: `München.de` is xn--mnchen-3ya.de."""
    canonical = None if set(name) & set("@?#\\") else identity.canonical(f"https://{name.strip('.')}/")
    if canonical is None:
        raise UsageError(f"{name!r} is neither a URL nor a site; write https://news.example/story, or news.example.")
    return identity.host_of(canonical)


def _archived(
    archive: Path, noted: dict[str, list[int]], addresses: set[str], site: str | None
) -> dict[str, list[int]]:  # fmt: skip
    """Where pages lie: as the ledger notes it, and whatever else of these addresses the archive holds."""

    def wanted(address: str) -> bool:
        host = identity.host_of(address)
        return (site is not None and site in {host, identity.site_of(host)}) or identity.canonical(address) in addresses

    found = members.of(archive, wanted) if archive.is_dir() else {}
    return {file: sorted({*found.get(file, []), *noted.get(file, [])}) for file in sorted({*found, *noted})}


def _at_place(connection: Connection, place: str) -> str:
    row = row_of(connection, place)
    return ledger.addresses(connection, [row])[row]


def _rows(connection: Connection, what: str) -> list[int]:
    """The rows of a URL and of where it led; none when nobody has heard of it yet."""
    row = fates.meant(connection, what)
    if row is None:
        return forgotten.claiming(connection, _canonical(what))
    return sorted({one for led in forgotten.led_to(connection, row) for one in forgotten.variants(connection, led)})


def _begun(connection: Connection, url: str) -> int:
    """A row for a URL nobody has heard of, so that there is something to put the tombstone on."""
    row = _row(connection, url)
    if row is None:
        raise UsageError(f"All of the site of {url} is forgotten already.")
    return row


def _row(connection: Connection, url: str) -> int | None:
    """The row of a URL, begun where there is none; none is of a barred site."""
    latest = runs.latest(connection)
    found = Found(Candidate(_canonical(url), "forgotten"), 0.0)
    discovery.discover(connection, [found], run=latest.id if latest else 0, now=time.time())
    return fates.find(connection, url)


def _canonical(url: str) -> str:
    canonical = identity.canonical(url)
    if canonical is None:
        raise UsageError(f"{url!r} is neither a URL nor a site; write https://news.example/story, or news.example.")
    return canonical
