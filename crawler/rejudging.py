"""Another threshold: everything stored is decided again by it, without fetching; shown first, done then."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import msgspec

from pipelines import rejudge
from pipelines.config import Config
from pipelines.errors import UsageError
from pipelines.judge import Judge
from pipelines.likeness.profile import Profile
from pipelines.rejudge import Change
from pipelines.stores import Store, editions, fates, ratings, runs
from workers import build
from workers.drain import drain
from workers.inline import Inline


@dataclass(frozen=True, slots=True)
class Rejudged:
    """The threshold before and now, and which articles enter and leave the matches by it.

    `unread` pages were dropped at the quick look and hold no text to decide by.
    """

    before: float
    threshold: float
    changes: tuple[Change, ...]
    unread: int
    applied: bool


def judge_again(store: Store, threshold: float | str, *, preview: bool = False) -> Rejudged:
    """Decides every article of the latest run's profile anew. What now matches goes through the stages that follow.

    Raises UsageError when nothing was judged yet.
    """
    with store.read() as connection:
        run = runs.latest(connection)
        if run is None or not run.profile:
            raise UsageError("Nothing was judged by seeds yet; `suchlike run` does it.")
        held = editions.get(connection, run.profile)
        rated = ratings.standing(connection, held.family)
        unread = fates.unread(connection)
    profile, config = Profile.from_bytes(held.learned), _asked(run.config, threshold)
    before, now = Judge(run.config, profile).threshold, Judge(config, profile).threshold
    changes = tuple(rejudge.changes(store, run.id, profile, held.family, rated, config))
    if not preview:
        with store.write() as connection:
            runs.ask(connection, run.id, config)
        rejudge.catch_up(store, run.id)
        with contextlib.closing(Inline(build.stages(store, config))) as sender:
            drain(store, sender)
    return Rejudged(before, now, changes, unread, not preview)


def _asked(config: Config, threshold: float | str) -> Config:
    name, held = config.only_profile()
    return msgspec.structs.replace(config, profile={name: msgspec.structs.replace(held, threshold=threshold)})
