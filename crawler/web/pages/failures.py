"""Failures: what did not become an article, by reason, with one example each; and another try where one may help."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crawler.reasons import meaning
from crawler.web.frame import desk_of, form_of, framed, page
from pipelines.errors import UsageError
from pipelines.stores import Connection, fates
from pipelines.stores import failures as failed
from pipelines.stores.states import State

ENDS = {"dead": "failed", "dropped": "dropped", "refused": "never fetched"}
MISSES = 5
# of one press of the button
MOST_RETRIED = 10_000


def failures(request: Request) -> Response:
    """The groups of the latest run, largest first."""
    desk = desk_of(request)
    counted = desk.counted()
    with desk.read() as connection:
        run = desk.run(connection)
        frame = framed(connection, run)
        groups = _groups(connection, run.id, counted.value.run_ends) if counted else None
        learned = desk.learned(connection, run)
        below = learned.threshold if learned else 1.0
        misses = fates.closest_misses(connection, run.id, MISSES, below=below)
        rows = {url: fates.find(connection, url) for _, _, url in misses}
    return page(
        request, "failures.html", "failures", frame, groups=groups, as_of=counted.at if counted else None,
        misses=[(score, title, url, rows[url]) for score, title, url in misses], ends=ENDS,
        fetched=counted.value.run_ends["fetched"] if counted else 0,
        again=request.query_params.get("again"),
    )  # fmt: skip


def _groups(connection: Connection, run: int, ends: dict[str, Any]) -> list[dict[str, Any]]:
    found = [
        {"end": end, "reason": reason, "meaning": meaning(reason), "number": number,
         "may_help": failed.may_help(end, reason),
         "example": fates.example(connection, run, _state(end), reason)}
        for end in ENDS for reason, number in ends[end].items()
    ]  # fmt: skip
    # what went wrong before what was only not wanted
    order = list(ENDS)
    return sorted(found, key=lambda one: (not one["may_help"], order.index(one["end"]), -one["number"]))


def _state(end: str) -> State:
    return State[end.upper()]


async def retry(request: Request) -> Response:
    """A group waits again."""
    form = await form_of(request)
    end, reason = form.get("end", [""])[0], form.get("reason", [""])[0]
    if end not in ENDS or not reason:
        raise UsageError("Say which group is to be tried again.")
    desk = desk_of(request)

    def carry_out() -> int:
        with desk.store.write() as connection:
            choice = failed.Choice(reason, run=desk.run(connection).id, end=_state(end))
            number = failed.retry(connection, choice, at_most=MOST_RETRIED)
        desk.census.forget()
        return number

    number = await run_in_threadpool(carry_out)
    return RedirectResponse(f"/failures?again={number}", status_code=303)


ROUTES = [Route("/failures", failures), Route("/failures/retry", retry, methods=["POST"])]
