"""The sites a crawl has met, for lists of them: what each brought, and how it wants to be asked."""

from __future__ import annotations

from typing import Any

from pipelines.config import Config
from pipelines.stores import Store, census
from pipelines.stores.sites import first_of


def sites(store: Store, config: Config, limit: int | None = None) -> list[dict[str, Any]]:
    """Site by site, most matches first, as contract.md words it; `robots`, `delay_s` and `given_up` are those of the
    host that most pages came from."""
    with store.read() as connection:
        found = census.sites(connection)[:limit]
        firsts = first_of(connection, [site.name for site in found])
    told = []
    for site in found:
        first, number = firsts.get(site.name, (None, 0))
        told.append(
            {"site": site.name, "pages": site.pages, "matches": site.matches,
             "harvest": round(site.matches / site.pages, 4) if site.pages else 0.0,
             "errors": site.errors, "waiting": site.waiting, "refused": site.refused,
             "robots": first and first.robots, "delay_s": max(config.delay_s, (first and first.delay_s) or 0.0),
             "given_up": first and first.given_up, "hosts": number}
        )  # fmt: skip
    return told
