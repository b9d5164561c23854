"""Sources: every site with what robots.txt says, its pace and what it brought; and a way to have less or more of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cyclopts import App, Group

from crawler.cli.flags import Hidden, Limit
from crawler.cli.session import FOUND, NOTHING, Session
from pipelines.errors import UsageError

UNBLOCKED = "no longer blocked"
ROBOTS = {
    None: "robots.txt not asked", "rules": "robots.txt has rules", "allow": "robots.txt allows all",
    "disallow": "robots.txt forbids all", "later": "robots.txt: no answer yet",
}  # fmt: skip


def register(app: App, group: Group) -> None:
    """Adds the verbs."""
    sources = App(name="sources", help="The sites a crawl has met: what each brought; block one, or boost it.",
                  group=group)  # fmt: skip
    sources.default(listed)
    sources.command(listed, name="list")
    sources.command(block)
    sources.command(unblock)
    sources.command(boost)
    app.command(sources)


def listed(*, limit: Limit = None, session: Hidden) -> int:
    """List the sites, most matches first: pages, harvest, what waits, errors, robots.txt and pace.

    Parameters
    ----------
    limit
        Show only this many.
    """
    from crawler.cli.opening import project
    from crawler.sites import sites

    opened = project(session)
    found = sites(opened.store(session.mode), opened.config(), limit)
    for one in found:
        if session.json:
            session.emit(one)
        else:
            session.out(_line(one))
    if not found:
        session.say("no site was met yet; `suchlike run` begins a crawl.")
    return FOUND if found else NOTHING


def _line(one: dict[str, Any]) -> str:
    harvest = f"{one['harvest']:.0%}" if one["pages"] else "-"
    errors = f"{one['errors']} {'error' if one['errors'] == 1 else 'errors'}   " if one["errors"] else ""
    state = f"   {one['given_up']}" if one["given_up"] else ""
    return (
        f"{one['matches']:>5} of {one['pages']:>5} pages {harvest:>4}  {one['site']:<28} {one['waiting']} waiting   "
        f"{errors}{ROBOTS.get(one['robots'], one['robots'])}   {one['delay_s']:g} s{state}"
    )


def block(*sites: str, session: Hidden) -> int:
    """Fetch nothing of a site any more, in this run and all others. What is stored of it stays.

    Parameters
    ----------
    sites
        Sites, such as shop.example.
    """
    from pipelines.stores import sites as rows

    return _decided(session, sites, rows.block, "blocked")


def unblock(*sites: str, session: Hidden) -> int:
    """Take a block back: what it kept from being fetched waits again. What the configuration blocks stays blocked.

    Parameters
    ----------
    sites
        Sites, such as shop.example.
    """
    from pipelines.stores import sites as rows

    return _decided(session, sites, rows.unblock, UNBLOCKED)


def boost(*sites: str, session: Hidden) -> int:
    """Fetch what waits at a site sooner, until the crawl learns otherwise.

    Parameters
    ----------
    sites
        Sites, such as news.example.
    """
    from pipelines.stores import sites as rows

    return _decided(session, sites, rows.boost, "boosted")


def _decided(session: Session, sites: tuple[str, ...], deed: Callable[[Any, str], object], told: str) -> int:
    from crawler.cli.opening import project
    from pipelines import urls
    from pipelines.stores.sites import first_of, of_site

    if not sites:
        raise UsageError("Name the sites, as `suchlike sources` lists them.")
    names = [urls.site_of(urls.host_named(site)) for site in sites]
    with project(session).store(session.mode).write() as connection:
        known = first_of(connection, names)
        for typed, name in zip(sites, names, strict=True):
            if name not in known:
                still = _configured(session, [urls.host_named(typed)]) if told == UNBLOCKED else ""
                instead = still or "to keep a site out, use block under [sources]"
                raise UsageError(f"{name} was never heard of here; {instead}.")
        for name in names:
            deed(connection, name)
        hosts = {name: [host.name for host in of_site(connection, name)] for name in names}
    for name in names:
        still = _configured(session, hosts[name]) if told == UNBLOCKED else ""
        session.say(f"{name} is {told}{still and f' by you, but {still}'}")
        if session.json:
            session.emit({"site": name, "done": told, **({"still": still or None} if told == UNBLOCKED else {})})
    return FOUND


def _configured(session: Session, hosts: Sequence[str]) -> str:
    """Where the configuration blocks one of a site's hosts, in words; nothing where it does not."""
    from crawler.frontier.scope import blocking
    from pipelines.layers import FILE_NAME
    from pipelines.provenance import one

    block = one(session.folder, "sources.block")
    where = f"{block.said}," if FILE_NAME in block.said else block.said
    for host in hosts:
        if pattern := blocking(block.value, host):
            return f'{host} stays out: {where} has block = ["{pattern}"] under [sources]'
    return ""
