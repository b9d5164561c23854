"""Another threshold, other limits: everything stored is decided again by them, without fetching; shown, then done."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from pipelines import rejudge
from pipelines.config import Config
from pipelines.judge import Judge
from pipelines.likeness.profile import Profile
from pipelines.misfits import Limits, check_languages, check_since
from pipelines.rejudge import Change
from pipelines.stores import Store, editions, fates, ratings, runs
from workers import build
from workers.drain import drain
from workers.inline import Inline


@dataclass(frozen=True, slots=True)
class Rejudged:
    """The threshold before and now, the limits now, and which articles enter and leave the matches by them.

    `unread` pages were dropped at the quick look and hold no text to decide by.
    """

    before: float
    threshold: float
    languages: tuple[str, ...]
    since: str
    changes: tuple[Change, ...]
    unread: int
    applied: bool


def judge_again(
    store: Store, threshold: float | str | None = None, *, languages: Sequence[str] | None = None,
    since: str | None = None, preview: bool = False, profile: str | None = None,
) -> Rejudged:  # fmt: skip
    """Decides every article of a profile, by default the latest run's, anew. What now matches goes through the stages
    that follow.

    What is None stays as the run has it. Raises UsageError when nothing was judged yet.
    """
    asked = {"threshold": threshold, "languages": languages and check_languages(languages),
             "since": since and check_since(since)}  # fmt: skip
    with store.read() as connection:
        run = rejudge.judged_last(connection, profile)
        held = editions.get(connection, run.profile)
        rated = ratings.standing(connection, held.family)
        unread = fates.unread(connection)
    learned, config = Profile.from_bytes(held.learned), _asked(run.config, asked)
    before, now = Judge(run.config, learned).threshold, Judge(config, learned).threshold
    changes = tuple(rejudge.changes(store, run.id, learned, held.family, rated, config))
    if not preview:
        with store.write() as connection:
            # as it is now: somebody may have made its budget larger meanwhile
            runs.ask(connection, run.id, _asked(runs.get(connection, run.id, lock=True).config, asked))
        rejudge.catch_up(store, run.id)
        with contextlib.closing(Inline(build.stages(store, config))) as sender:
            drain(store, sender)
    limits = Limits(config.only_profile()[1])
    return Rejudged(before, now, limits.languages, limits.since, changes, unread, not preview)


def _asked(config: Config, asked: Mapping[str, Any]) -> Config:
    name, held = config.only_profile()
    said = {key: value for key, value in asked.items() if value is not None}
    return msgspec.structs.replace(config, profile={name: msgspec.structs.replace(held, **said)})
