"""Overview: is it working, does it find anything, what did it find last."""

from __future__ import annotations

import json
import threading
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crawler.report import report
from crawler.running.steering import DEEDS, MORE, steer
from crawler.web import charts
from crawler.web.desk import Desk
from crawler.web.frame import desk_of, form_of, framed, page
from crawler.web.render import environment
from pipelines.errors import UsageError
from pipelines.stores import Connection, browse, ledger, marks, runs
from pipelines.stores.runs import Run

LATEST = 12
# it reads everything stored, so one is written at a time
_one_report = threading.Lock()
# fate -> what it means, in the words of the guide
FATES = {"stored": "stored", "duplicate": "copies of a stored one", "dropped": "dropped", "dead": "failed",
         "in_flight": "on their way"}  # fmt: skip


def overview(request: Request) -> Response:
    """The front page."""
    desk = desk_of(request)
    with desk.read() as connection:
        run = desk.run(connection)
        frame = framed(connection, run)
        told = _told(desk, connection, run, frame)
    return page(request, "overview.html", "overview", frame, **told)


def parts(desk: Desk) -> dict[str, str]:
    """What of the page is live: id of an element -> what it holds now; the curve as numbers for uPlot."""
    with desk.read() as connection:
        run = desk.run(connection)
        frame = framed(connection, run)
        told = frame | _told(desk, connection, run, frame)
    made = {
        name: environment().get_template(f"_{name}.html").render(told)
        for name in ("state", "controls", "numbers", "fates", "latest")
    }
    if told["harvest"] is not None:
        made["harvest"] = json.dumps(told["harvest"].numbers)
    return made


def _told(desk: Desk, connection: Connection, run: Run, frame: dict[str, Any]) -> dict[str, Any]:
    counted = desk.counted()
    pages = runs.pages_fetched(connection, run.id)
    on_their_way = sum(ledger.in_flight(connection).values()) if frame["state"] in ("running", "paused") else 0
    points = marks.curve(connection, run.id)
    census = counted.value if counted else None
    # a count may be some seconds old; what a run notes of itself, too
    is_newer = bool(points) and (counted is None or points[-1].at > counted.at)
    matches = points[-1].matches if is_newer else census.run_matches if census else None
    return {
        "pages": pages,
        "budget": run.config.crawl.pages,
        "matches": matches,
        "kept": census.run_kept if census else None,
        "before": census.run_before if census else None,
        "stories": census.run_stories if census else None,
        "sites": census.sites if census else (),
        "useful": sum(1 for site in census.sites if site.matches) if census else None,
        "known": sum(1 for site in census.sites if site.pages) if census else None,
        "waiting": census.frontier["urls"] if census else None,
        "in_flight": on_their_way,
        "ends": _ends(census.run_ends) if census else None,
        "as_of": counted.at if counted else None,
        "harvest": charts.harvest(points),
        "latest": browse.shown(connection, browse.newest(connection, run.id, LATEST)),
        "window": charts.WINDOW,
        "more": MORE,
    }


def _ends(ends: dict[str, Any]) -> dict[str, Any]:
    """Every end with its share of the pages fetched; reasons, most frequent first."""
    fetched = ends["fetched"] or 1
    rows = []
    for name, meaning in FATES.items():
        held = ends[name]
        number = sum(held.values()) if isinstance(held, dict) else held
        reasons = sorted(held.items(), key=lambda one: -one[1]) if isinstance(held, dict) else []
        rows.append({"name": name, "meaning": meaning, "number": number, "share": number / fetched, "reasons": reasons})
    return {"rows": rows, "fetched": ends["fetched"], "refused": sum(ends["refused"].values()), "lists": ends["lists"]}


async def decide(request: Request) -> Response:
    """Pauses the run at work, goes on with it, stops it, or gives it more pages."""
    form = await form_of(request)
    deed = form.get("deed", [""])[0]
    if deed not in DEEDS:
        raise UsageError("Say what to do with the run: pause, resume, stop or more.")
    await run_in_threadpool(steer, desk_of(request).store, deed)
    return RedirectResponse("/", status_code=303)


def written(request: Request) -> Response:
    """The report: one HTML file to keep. It is not shown here, since it brings styles and pictures of its own."""
    if not _one_report.acquire(blocking=False):
        raise HTTPException(503, "The report is being written for somebody else; try again in a moment.")
    try:
        text = report(desk_of(request).store)
    finally:
        _one_report.release()
    headers = {"content-disposition": 'attachment; filename="suchlike-report.html"'}
    return Response(text, media_type="text/html; charset=utf-8", headers=headers)


ROUTES = [Route("/", overview), Route("/run", decide, methods=["POST"]), Route("/report", written)]
