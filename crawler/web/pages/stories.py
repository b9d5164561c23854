"""Stories: what was told more than once, who told it first, and what each copy changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crawler.web.diff import compare
from crawler.web.frame import desk_of, framed, number, numbered, page
from pipelines.stores import browse, tellings

SHOWN = 40


def stories(request: Request) -> Response:
    """The stories with copies, the latest first."""
    desk, before = desk_of(request), number(request.query_params.get("before"))
    with desk.read() as connection:
        run = desk.run(connection)
        frame = framed(connection, run)
        found = tellings.originals(connection, before=before, limit=SHOWN + 1)
        copies = dict(found[:SHOWN])
        rows = browse.shown(connection, list(copies))
    counted = desk.counted()
    return page(
        request, "stories.html", "stories", frame, rows=rows, copies=copies, first=before is None,
        more=found[SHOWN - 1][0] if len(found) > SHOWN else None, total=counted.value.stories if counted else None,
    )  # fmt: skip


def story(request: Request) -> Response:
    """One story: its tellings on a time line; with `a` and `b`, how these two differ."""
    desk, name = desk_of(request), numbered(request, "story")
    pair = number(request.query_params.get("a")), number(request.query_params.get("b"))
    with desk.read() as connection:
        frame = framed(connection, desk.run(connection))
        members = tellings.members(connection, name)
        if not members:
            raise HTTPException(404, "There is no story of this number.")
        a = pair[0] if pair[0] is not None else members[0]["id"]
        b = pair[1] if pair[1] is not None else members[min(1, len(members) - 1)]["id"]
        texts = tellings.texts(connection, name, (a, b)) if len(members) > 1 else {}
    difference = compare(texts[a][1], texts[b][1]) if a in texts and b in texts and a != b else None
    return page(
        request, "story.html", "stories", frame, story=name, members=members, line=time_line(members), a=a, b=b,
        difference=difference, by_id={one["id"]: one for one in members},
    )  # fmt: skip


def time_line(members: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where each dated telling stands on a line, in hundredths of it, and how many seconds after the first it came.

    None for tellings that all say the same moment.
    """
    dated = [(_seconds(one["published"]), one) for one in members if one["published"]]
    first, last = min((at for at, _ in dated), default=0.0), max((at for at, _ in dated), default=0.0)
    if first == last:
        return []
    return [
        {**one, "x": 100 * (at - first) / (last - first), "after": at - first}
        for at, one in sorted(dated, key=lambda d: d[0])
    ]


def _seconds(published: str) -> float:
    return datetime.fromisoformat(published).timestamp()


ROUTES = [Route("/stories", stories), Route("/story/{story:int}", story)]
