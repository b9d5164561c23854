"""What every page has around it: mode, seed set, the run that is under way, the way to the other pages."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from crawler.web.desk import Desk
from crawler.web.render import render
from pipelines.errors import UsageError
from pipelines.stores import Connection, editions
from pipelines.stores.runs import ALIVE_S, PAUSED, USER, Run

NAV = (
    ("overview", "/", "Overview"), ("results", "/results", "Results"), ("stories", "/stories", "Stories"),
    ("sources", "/sources", "Sources"), ("queues", "/queues", "Queues"), ("failures", "/failures", "Failures"),
    ("seeds", "/seeds", "Seeds"),
)  # fmt: skip
MAX_FORM_BYTES = 64 * 1024
_MAX_FIELDS = 500


def desk_of(request: Request) -> Desk:
    """The process's desk."""
    held: Desk = request.app.state.desk
    return held


def framed(connection: Connection, run: Run) -> dict[str, Any]:
    """What the head of a page says."""
    family = editions.family_of(connection, run.profile) if run.profile else None
    return {"mode": run.mode, "family": family or "no seeds", "run": run, "state": state_of(run)}


def state_of(run: Run) -> str:
    """`running`, `paused`, `ended`, `stopped` (it can go on) or `lost` (nobody is at it)."""
    if run.ended_at is not None:
        return "ended"
    if run.stopped_by == USER:
        return "stopped"
    if time.time() - run.seen_at >= ALIVE_S:
        return "lost"
    return "paused" if run.stopped_by == PAUSED else "running"


def page(request: Request, template: str, active: str, frame: dict[str, Any], /, **told: Any) -> Response:
    """A page in its frame."""
    return render(template, nav=NAV, active=active, path=request.url.path, **frame, **told)


async def form_of(request: Request) -> dict[str, list[str]]:
    """The fields of a posted form. Raises UsageError for one that is too large or of another kind."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", ""):
        raise UsageError("A form was expected.")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_FORM_BYTES:
            raise UsageError("The form is larger than any of ours.")
    fields: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise UsageError("The form cannot be read.") from None
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def number(text: str | None, lowest: int = 0, highest: int = 2**62) -> int | None:
    """A whole number a visitor typed; None where it is none of these."""
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 19:
        return None
    value = int(text)
    return value if lowest <= value <= highest else None


def numbered(request: Request, name: str) -> int:
    """A whole number in the path; 0, which no row and no story has, for one that is larger than any."""
    return number(str(request.path_params[name])) or 0


def fraction(text: str | None) -> float | None:
    """A number from 0 to 1 a visitor typed; None where it is none."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0.0 <= value <= 1.0 else None
