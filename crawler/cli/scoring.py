"""score: how much given texts or pages resemble the seeds."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cyclopts import App, Group

from crawler.cli.flags import Hidden, Many
from crawler.cli.session import FOUND, NOTHING, Session, given
from pipelines.errors import UsageError
from pipelines.misfits import Limits, Misfit, Traits

if TYPE_CHECKING:
    from pipelines.likeness.profile import Profile
    from pipelines.records import Likeness
    from pipelines.seeds import Seed


def register(app: App, group: Group) -> None:
    """Adds the verb."""
    app.command(score, group=group)


def score(
    *paths: str, seeds: Many = None,
    grain: Literal["story", "topic", "beat"] | None = None, session: Hidden,
) -> int:  # fmt: skip
    """Say how much given texts or pages resemble the seeds; no crawl, and with --seeds no project.

    Of one that resembles them, also why a run would leave it out: its language, or its age.

    Parameters
    ----------
    paths
        Texts or pages; - reads one path a line from stdin.
    seeds
        Seed files or folders, instead of the project's.
    grain
        Judge by the same story, topic or beat.
    """
    from crawler.cli.opening import judged_so, project

    named = given(paths)
    if not named:
        raise UsageError("Name the texts or pages to score, or - to read their paths from stdin.")
    if not any(Path(path).exists() for path in named):  # told of these, and not of the seeds
        raise UsageError(f"There is nothing at {', '.join(named[:3])}{' …' if len(named) > 3 else ''} to score.")
    opened = project(session)
    overrides = judged_so(opened.config(), {}, {"grain": grain}, session.profile)
    seed_set = opened.seed_set(opened.config(overrides), given(seeds or []))
    config = opened.config(overrides, seed_set)
    profile = opened.learn(seed_set, config)
    for one in seed_set.problems:
        session.say(f"! {one.message}")
    _, wanted = config.only_profile(session.profile)
    bar = profile.threshold(wanted.threshold)
    limits = Limits(wanted)
    matched = sum(_matching(session, path, profile, bar, limits) for path in named)
    return FOUND if matched else NOTHING


def _matching(session: Session, path: str, profile: Profile, bar: float, limits: Limits) -> int:
    """Tells how much each text at this path resembles the seeds, and what cannot be read there; how many match."""
    from pipelines.seeds import Problem, offered

    found = offered([Path(path)], judged=True)
    several = Path(path).is_dir()
    for problem in found.problems or (() if found.seeds else (Problem(path, f"{path} holds no text."),)):
        session.say(f"! {problem.message}")
        if session.json:
            at = problem.path if several else path
            session.emit({"path": at, "score": None, "match": False, "problem": problem.message})
    matched = 0
    held = Counter(text.path for text in found.seeds)
    for text in found.seeds:
        likeness = profile.score(text.title, text.text, text.language, text.published)
        match = likeness.score >= bar
        matched += match
        at = text.path if several else path
        shown = at if held[text.path] == 1 else f"{at}#{text.name}"
        _tell(session, shown, likeness, match=match, misfit=limits.misfit(_traits(text)) if match else None)
    return matched


def _traits(text: Seed) -> Traits:
    """What a run that found it today would hold against it."""
    published = datetime.combine(text.published, datetime.min.time(), UTC) if text.published else None
    return Traits(text.language, published, float(text.sure_of_day), time.time())


def _tell(session: Session, path: str, likeness: Likeness, *, match: bool, misfit: Misfit | None) -> None:
    if session.json:
        terms = [{"word": term.word, "weight": term.weight} for term in likeness.terms]
        left_out = misfit and {"reason": misfit.reason, "detail": misfit.detail}
        session.emit(
            {"path": path, "score": likeness.score, "match": match, "nearest_seed": likeness.nearest_seed,
             "lexical": likeness.lexical, "dense": likeness.dense, "terms": terms, "left_out": left_out}
        )  # fmt: skip
    else:
        words = ", ".join(term.word for term in likeness.terms[:6])
        session.out(f"{likeness.score:.2f} {'✓' if match else ' '} {path}   {words}")
        if misfit:
            session.out(f"       a run would leave it out: {misfit.detail}")
