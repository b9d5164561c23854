"""Sources: every site with what robots.txt says, its pace, what it brought; and a way to have less or more of it."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crawler.web.frame import desk_of, form_of, framed, number, page
from pipelines.errors import UsageError
from pipelines.stores import browse
from pipelines.stores import sites as rows
from pipelines.stores.hosts import BLOCKED
from pipelines.stores.wanted import Wanted

SHOWN = 50
BEST = 10
DEEDS = {"block": rows.block, "unblock": rows.unblock, "boost": rows.boost}


def sources(request: Request) -> Response:
    """The sites, most matches first."""
    desk = desk_of(request)
    begin, wanted = number(request.query_params.get("from")) or 0, request.query_params.get("q", "").strip().lower()
    counted = desk.counted()
    every = counted.value.sites if counted else ()
    chosen = [site for site in every if wanted in site.name]
    some = chosen[begin : begin + SHOWN]
    with desk.read() as connection:
        run = desk.run(connection)
        frame = framed(connection, run)
        firsts = rows.first_of(connection, [site.name for site in some])
    return page(
        request, "sources.html", "sources", frame, sites=some, firsts=firsts, begin=begin, q=wanted, blocked=BLOCKED,
        more=begin + SHOWN if len(chosen) > begin + SHOWN else None, rate_s=run.config.delay_s,
        pages=sum(site.pages for site in every) or 1, as_of=counted.at if counted else None, number=len(chosen),
    )  # fmt: skip


def source(request: Request) -> Response:
    """One site: its hosts, and the best of what it brought."""
    desk, name = desk_of(request), request.path_params["name"]
    counted = desk.counted()
    with desk.read() as connection:
        run = desk.run(connection)
        frame = framed(connection, run)
        hosts = rows.of_site(connection, name)
        if not hosts:
            raise HTTPException(404, "This site was never heard of.")
        best = browse.shown(connection, browse.leaf(connection, Wanted(site=name), limit=BEST).rows)
    site = next((one for one in counted.value.sites if one.name == name), None) if counted else None
    return page(
        request, "source.html", "sources", frame, name=name, hosts=hosts, best=best, site=site,
        rate_s=run.config.delay_s, is_blocked=all(host.given_up == BLOCKED for host in hosts), blocked=BLOCKED,
    )  # fmt: skip


async def decide(request: Request) -> Response:
    """Blocks a site, takes a block back, or has what waits there come sooner."""
    form = await form_of(request)
    name, deed = request.path_params["name"], DEEDS.get(form.get("deed", [""])[0])
    if deed is None:
        raise UsageError("Say what to do with the site: block, unblock or boost.")
    desk = desk_of(request)

    def carry_out() -> None:
        with desk.store.write() as connection:
            deed(connection, name)
        desk.census.forget()

    await run_in_threadpool(carry_out)
    return RedirectResponse(f"/source/{name}", status_code=303)


ROUTES = [
    Route("/sources", sources), Route("/source/{name}", source), Route("/source/{name}", decide, methods=["POST"]),
]  # fmt: skip
