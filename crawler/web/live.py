"""What is live, as server-sent events: the same parts of a page its template made, made again when they changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from crawler.web.frame import desk_of
from crawler.web.pages import overview, queues
from crawler.web.refusal import Refusal, refusal
from pipelines.errors import SuchlikeError

LOOK_S = 1.0
# in between it is seen so often whether we leave, which may take a second (served.LEAVE_S)
LOOKS = 5
# said when there was nothing to say for so long, so that whoever stands between does not hang up
QUIET_S = 15.0
# open streams hold a connection each
MOST = 64
# name of a page -> its parts, by the id of what they replace
PARTS = {"overview": overview.parts, "queues": queues.parts}


async def live(request: Request) -> Response:
    """The stream of one page."""
    make = PARTS.get(request.path_params["page"])
    if make is None:
        return refusal(request.scope, Refusal(404, "Nothing of that name is live."))
    state = request.app.state
    if state.streams >= MOST:
        return refusal(request.scope, Refusal(503, "Too many pages are open; this one shows what it has."))
    return StreamingResponse(_events(request), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


async def _events(request: Request) -> AsyncIterator[str]:
    state, make = request.app.state, PARTS[request.path_params["page"]]
    said: dict[str, str] = {}
    quiet = 0.0
    state.streams += 1
    try:
        yield "retry: 2000\n\n"
        last = False
        while not last and not await request.is_disconnected():
            last = state.leaving  # how the run ended is still told
            try:
                parts = await run_in_threadpool(make, desk_of(request))
            except SuchlikeError:
                parts = {}
            changed = {name: part for name, part in parts.items() if said.get(name) != part}
            said |= changed
            quiet = 0.0 if changed else quiet + LOOK_S
            if changed:
                yield f"data: {json.dumps(changed)}\n\n"
            elif quiet >= QUIET_S:
                quiet = 0.0
                yield ": still here\n\n"
            for _ in range(LOOKS):
                if not state.leaving:
                    await asyncio.sleep(LOOK_S / LOOKS)
    finally:
        state.streams -= 1


ROUTES = [Route("/live/{page}", live)]
