"""Rate: what would enter and leave the matches is shown first; then it is done; and it can be taken back."""

from __future__ import annotations

import threading
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crawler.rating import Rated, rate, take_back
from crawler.web.desk import Desk
from crawler.web.entry import inner
from crawler.web.frame import desk_of, form_of, framed, number, page
from pipelines.errors import UsageError
from pipelines.stores import fates

# with more articles judged than this, nobody waits for a page: the command line does it
MOST_JUDGED = 20_000
MOST_RATED = 100
SHOWN = 12
VERDICTS = {"like": 1, "unlike": -1}
_one_at_a_time = threading.Lock()


async def rated(request: Request) -> Response:
    """A rating: shown with what it would change, or, with `do`, done."""
    form = await form_of(request)
    verdict, rows = _meant(form)
    apply, back = form.get("do") == ["1"], inner(form.get("back", ["/results"])[0])
    desk = desk_of(request)
    done = await run_in_threadpool(_rate, desk, rows, verdict, preview=not apply)
    return await run_in_threadpool(_answer, request, done, rows, back)


async def undone(request: Request) -> Response:
    """The last rating, taken back: shown first, done then."""
    form = await form_of(request)
    apply, back = form.get("do") == ["1"], inner(form.get("back", ["/seeds"])[0])
    done = await run_in_threadpool(_undo, desk_of(request), preview=not apply)
    return await run_in_threadpool(_answer, request, done, [], back)


def _meant(form: dict[str, list[str]]) -> tuple[int, list[int]]:
    """The verdict and the rows: of one button in a line, or of the lines selected."""
    for name, verdict in VERDICTS.items():
        if name in form:
            return verdict, _rows(form[name])
    verdicts = [VERDICTS[one] for one in form.get("verdict", []) if one in VERDICTS]
    if not verdicts:
        raise UsageError("Say which way: like the seeds, or not like them.")
    return verdicts[0], _rows(form.get("row", []))


def _rows(given: list[str]) -> list[int]:
    rows = [row for row in map(number, given) if row is not None][:MOST_RATED]
    if not rows:
        raise UsageError("Select what you want to rate first.")
    return rows


def _rate(desk: Desk, rows: list[int], verdict: int, *, preview: bool) -> Rated:
    _few_enough(desk)
    with desk.read() as connection:
        found = [fates.about(connection, row) for row in rows]
    urls = [one["url"] for one in found if one is not None]
    if not urls:
        raise UsageError("What was to be rated is not stored any more.")
    with _Only():
        done = rate(desk.store, urls, verdict, preview=preview)
    desk.census.forget()
    return done


def _undo(desk: Desk, *, preview: bool) -> Rated:
    _few_enough(desk)
    with _Only():
        done = take_back(desk.store, preview=preview)
    desk.census.forget()
    return done


def _few_enough(desk: Desk) -> None:
    counted = desk.counted()
    judged = counted.value.curve[0] if counted else 0
    if judged > MOST_JUDGED:
        raise UsageError(
            f"{judged} articles would be judged anew, which takes minutes: `suchlike rate URL +` in a terminal does it."
        )


def _answer(request: Request, done: Rated, rows: list[int], back: str) -> Response:
    by_htmx = request.headers.get("hx-request") == "true"
    if done.applied:
        if by_htmx:
            return Response(status_code=204, headers={"hx-redirect": back})
        return RedirectResponse(back, status_code=303)
    desk = desk_of(request)
    with desk.read() as connection:
        frame = framed(connection, desk.run(connection))
    told: dict[str, Any] = {"done": done, "rows": rows, "back": back, "shown": SHOWN}
    return page(request, "_rate.html" if by_htmx else "rate.html", "results", frame, **told)


class _Only:
    """Judging everything anew twice at once would be waiting for each other."""

    def __enter__(self) -> None:
        if not _one_at_a_time.acquire(timeout=20):
            raise UsageError("Another rating is being worked in; try again in a moment.")

    def __exit__(self, *_: object) -> None:
        _one_at_a_time.release()


ROUTES = [Route("/rate", rated, methods=["POST"]), Route("/rate/undo", undone, methods=["POST"])]
