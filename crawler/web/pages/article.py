"""Article: its text with the words that decided, the seed it is closest to, and where all of it comes from."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crawler.explaining import misfit_of
from crawler.reasons import meaning
from crawler.web.desk import Learned
from crawler.web.diff import Diff, compare
from crawler.web.frame import desk_of, framed, number, numbered, page
from crawler.web.shading import MAX_CHARS, shaded
from pipelines.likeness.explain import Explanation, explain
from pipelines.likeness.read import Text
from pipelines.misfits import Misfit
from pipelines.records import Term
from pipelines.stores import browse, fates, ratings, revisions
from pipelines.stores.revisions import Revision
from pipelines.stores.runs import Run

# as much of a seed is shown beside the article
SEED_CHARS = 20_000


def article(request: Request) -> Response:
    """Everything known about one URL, by its row."""
    desk, row = desk_of(request), numbered(request, "row")
    with desk.read() as connection:
        run = desk.run(connection)
        frame = framed(connection, run)
        told = fates.about(connection, row)
        if told is None:
            raise HTTPException(404, "Nothing is stored under this number.")
        learned = desk.learned(connection, run) if told["article"] else None
        misfit = misfit_of(connection, row, run)
        verdict = ratings.standing(connection, frame["family"]).get(row)
        copies = browse.copies_of(connection, [row]).get(row, 0)
        versions = revisions.of(connection, row) if told["article"] and told["article"]["revision"] > 1 else []
    compared, difference = _compared(request, versions)
    found = _explained(told["article"], learned, misfit) if told["article"] and learned else None
    seed = _seed(found, learned)
    terms = found.terms if found else ()
    text = told["article"]["text"] if told["article"] else ""
    return page(
        request, "article.html", "results" if told["article"] else "failures", frame, row=row, told=told, found=found,
        verdict=verdict, copies=copies, because=meaning(told["reason"] or ""),
        paragraphs=shaded(text, terms), cut=len(text) > MAX_CHARS, seed=seed,
        curl=reproduce(told["url"], run), parts=_parts(found), config=run.config.digest,
        versions=versions, compared=compared, difference=difference,
    )  # fmt: skip


def _compared(request: Request, versions: list[Revision]) -> tuple[tuple[int, int], Diff | None]:
    """The two versions asked for, else the latest and the one before it, and how they differ."""
    held = {one.number: one.text for one in versions}
    if len(held) < 2:
        return (0, 0), None
    asked = number(request.query_params.get("a")), number(request.query_params.get("b"))
    before, last = sorted(held)[-2:]
    a, b = (one if one in held else usual for one, usual in zip(asked, (before, last), strict=True))
    return (a, b), compare(held[a], held[b]) if a != b else None


def by_url(request: Request) -> Response:
    """The page of a URL that was typed."""
    url = request.query_params.get("url", "").strip()
    with desk_of(request).read() as connection:
        row = fates.find(connection, url) if url else None
    if row is None:
        raise HTTPException(404, f"Nothing is known about {url[:300]!r}: it was never discovered.")
    return RedirectResponse(f"/article/{row}", status_code=303)


def _explained(held: dict[str, Any], learned: Learned, misfit: Misfit | None) -> Explanation:
    published = datetime.fromisoformat(held["published"]) if held["published"] else None
    text = Text(held["title"], held["text"], held["language"], published)
    seeds = {seed.name: (seed.text, seed.language) for seed in learned.edition.seeds}
    return explain(learned.profile, text, learned.threshold, seeds, misfit=misfit)


def _seed(found: Explanation | None, learned: Learned | None) -> dict[str, Any] | None:
    """The nearest seed, shaded by the same words."""
    if found is None or learned is None or not found.nearest:
        return None
    name, closeness = found.nearest[0]
    seed = next((one for one in learned.edition.seeds if one.name == name), None)
    if seed is None:
        return None
    terms: tuple[Term, ...] = found.terms
    text = seed.text.removeprefix(seed.title or "")[:SEED_CHARS]
    return {"name": name, "closeness": closeness, "title": seed.title, "paragraphs": shaded(text, terms)}


def _parts(found: Explanation | None) -> list[dict[str, Any]]:
    """The parts of the score, each with its share of the largest one."""
    if found is None:
        return []
    largest = max((abs(value) for _, value in found.parts), default=1.0) or 1.0
    return [{"name": name, "value": value, "width": abs(value) / largest} for name, value in found.parts]


def reproduce(url: str, run: Run) -> str:
    """A command that asks the server what we asked it."""
    proxy = f" --proxy {shlex.quote(run.config.crawl.proxy)}" if run.config.crawl.proxy else ""
    return (
        f"curl --location --compressed --user-agent {shlex.quote(run.config.crawl.identify)}{proxy} {shlex.quote(url)}"
    )


ROUTES = [Route("/article/{row:int}", article), Route("/article", by_url)]
