"""Seeds: who resembles whom, which words were learned from them, and what each threshold would keep."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crawler.web import charts
from crawler.web.frame import desk_of, fraction, framed, page
from pipelines.misfits import Limits
from pipelines.stores import ratings

WORDS = 30
# thresholds of the table
STEPS = (20, 30, 40, 50, 60, 70, 80, 90)


def seeds(request: Request) -> Response:
    """The page."""
    desk = desk_of(request)
    with desk.read() as connection:
        run = desk.run(connection)
        frame = framed(connection, run)
        learned = desk.learned(connection, run)
        rated = ratings.listed(connection, frame["family"])
    counted = desk.counted()
    asked = fraction(request.query_params.get("threshold"))
    threshold = learned.threshold if learned else None
    profile = run.config.only_profile()[1]
    limited = bool(Limits(profile).name)
    by_score = None if limited or counted is None else counted.value.matches
    curve = charts.in_force(counted.value.curve, threshold, by_score) if counted else None
    shown = asked if asked is not None else threshold
    matrix = desk.resemblance(learned) if learned else None
    return page(
        request, "seeds.html", "seeds", frame, learned=learned, rated=rated, matrix=matrix, threshold=threshold,
        limited=limited, setting=profile.threshold, words=learned.profile.terms[:WORDS] if learned else (),
        chart=charts.thresholds(curve) if curve else None, curve=curve, shown=shown, steps=STEPS,
    )  # fmt: skip


ROUTES = [Route("/seeds", seeds)]
