"""score: how much given texts or pages resemble the seeds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cyclopts import App, Group

from crawler.cli.flags import Hidden, Many
from crawler.cli.session import FOUND, NOTHING, Session, given
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.likeness.profile import Profile
    from pipelines.records import Likeness


def register(app: App, group: Group) -> None:
    """Adds the verb."""
    app.command(score, group=group)


def score(
    *paths: str, seeds: Many = None,
    grain: Literal["story", "topic", "beat"] | None = None, session: Hidden,
) -> int:  # fmt: skip
    """Say how much given texts or pages resemble the seeds; no crawl, and with --seeds no project.

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
    matched = sum(_matching(session, path, profile, bar) for path in named)
    return FOUND if matched else NOTHING


def _matching(session: Session, path: str, profile: Profile, bar: float) -> int:
    """Tells how much each text at this path resembles the seeds, and what cannot be read there; how many match."""
    from pipelines.seeds import MAX_TEXTS, Problem, offered

    found = offered([Path(path)], at_most=MAX_TEXTS)
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
        matched += likeness.score >= bar
        at = text.path if several else path
        _tell(session, at if held[text.path] == 1 else f"{at}#{text.name}", likeness, bar)
    return matched


def _tell(session: Session, path: str, likeness: Likeness, bar: float) -> None:
    match = likeness.score >= bar
    if session.json:
        terms = [{"word": term.word, "weight": term.weight} for term in likeness.terms]
        session.emit(
            {"path": path, "score": likeness.score, "match": match, "nearest_seed": likeness.nearest_seed,
             "lexical": likeness.lexical, "dense": likeness.dense, "terms": terms}
        )  # fmt: skip
    else:
        words = ", ".join(term.word for term in likeness.terms[:6])
        session.out(f"{likeness.score:.2f} {'✓' if match else ' '} {path}   {words}")
