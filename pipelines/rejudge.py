"""Learn a profile again from what a crawl has brought and what the user said, and judge every article by it anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pipelines.config import Config
from pipelines.errors import UsageError
from pipelines.judge import Judge
from pipelines.likeness.learn import SAMPLE_PAGES
from pipelines.likeness.profile import Profile
from pipelines.misfits import UNLIKE, Misfit
from pipelines.records import Likeness
from pipelines.stores import Connection, Store, editions, ratings, runs, stories
from pipelines.stores.editions import Edition, Judged

# judged articles at which a crawl learns again: early and often, then no more, for the figures hardly move
MILESTONES = (50, 150, 450, 1350)
# a crawl that ends before the third of them learns once more, if it has judged so many times what it last learned from
GROWN = 1.2
BATCH = 100

Said = Callable[[Connection], None]


@dataclass(frozen=True, slots=True)
class Change:
    """An article that enters the matches or leaves them."""

    url: str
    title: str
    before: float
    after: float
    enters: bool


def judged_last(connection: Connection, profile: str | None) -> runs.Run:
    """The latest run, or the latest of a profile. Raises UsageError where seeds have judged nothing there yet."""
    number = None if profile is None else editions.last_of(connection, profile)
    run = runs.latest(connection) if profile is None else runs.get(connection, number) if number else None
    if run is None or not run.profile:
        whose = "by seeds" if profile is None else f"by the seeds of {profile}"
        raise UsageError(f"Nothing was judged {whose} yet; `suchlike run` does it.")
    return run


def learn_again(
    store: Store, run: int, *, anew: bool, verdicts: Mapping[int, int] | None = None
) -> tuple[Profile, Edition]:
    """A new edition of a run's profile, not yet kept.

    `anew` samples the articles afresh; without it the edition learns from those its last one learned from, so that
    only the ratings make a difference. `verdicts` (article -> 1 or -1) are taken for the ratings that stand.
    """
    with store.read() as connection:
        held = editions.get(connection, runs.get(connection, run).profile)
        rated = dict(verdicts) if verdicts is not None else ratings.standing(connection, held.family)
        sample = editions.sample(connection, held.family, SAMPLE_PAGES) if anew else list(held.sample)
        judged = editions.count(connection, held.family) if anew else held.judged
        pages = editions.texts(connection, sample)
        said = editions.texts(connection, sorted(rated))
    last = Profile.from_bytes(held.learned)
    profile = Profile.learn(
        held.seeds,
        grain=last.grain,
        prior=last.expected,
        model=last.reader.model,
        pages=[pages[row] for row in sample if row in pages],
        liked=[said[row] for row in said if rated[row] > 0],
        disliked=[said[row] for row in said if rated[row] < 0],
    )
    return profile, Edition(profile.edition, held.family, held.seeds, tuple(sample), judged, profile.to_bytes())


def adopt(
    store: Store, run: int, edition: Edition, said: Said | None = None, *, standing: Mapping[int, int] | None = None
) -> bool:  # fmt: skip
    """From now on the run is judged by this edition: workers notice at their next batch.

    `said` writes down, in the same transaction, the rating that made the edition. Where other ratings stand by now than
    those it was `standing` on, nothing is written and the answer is False: it would forget what others have said.
    """
    with store.write() as connection:
        runs.get(connection, run, lock=True)
        if standing is not None and ratings.standing(connection, edition.family) != standing:
            return False
        if said:
            said(connection)
        editions.keep(
            connection, edition.name, edition.family, "", edition.seeds, edition.learned,
            sample=edition.sample, judged=edition.judged,
        )  # fmt: skip
        runs.judge_by(connection, run, edition.name)
    return True


def changes(
    store: Store, run: int, profile: Profile, family: str, verdicts: Mapping[int, int], config: Config | None = None
) -> list[Change]:
    """What would enter and leave the matches under this profile, these ratings and this configuration (the run's own).

    Those that match surest, before or after, come first. Nothing is written.
    """
    with store.read() as connection:
        judge = Judge(config or runs.get(connection, run).config, profile)
    found = _changes(store, judge, family, verdicts)
    return sorted(found, key=lambda change: (-max(change.before, change.after), change.url))


def _changes(store: Store, judge: Judge, family: str, verdicts: Mapping[int, int]) -> Iterator[Change]:
    for batch in _batches(store, family):
        for one, score in zip(batch, judge.profile_scores([each.text for each in batch]), strict=True):
            if (_misfit(judge, one, score, verdicts) is None) != one.matched:
                yield Change(one.url, one.text.title, one.score, score.score, not one.matched)


def _misfit(judge: Judge, one: Judged, score: Likeness, verdicts: Mapping[int, int]) -> Misfit | None:
    """What the user has said of an article counts, whatever its score and traits."""
    found = judge.misfit(score, one.traits, verdicts.get(one.row, 0))
    if found and found.reason == UNLIKE:
        return Misfit(UNLIKE, f"score {score.score:.2f} is not enough; judged anew with what was learned")
    return found


def catch_up(store: Store, run: int, stop: Callable[[], bool] = lambda: False) -> int:
    """Judges every article of the family that another edition judged, or by another configuration; returns how many.

    Stopped half-way, it goes on where it stopped when it is called again.
    """
    with store.read() as connection:
        asked = runs.get(connection, run)
        held = editions.get(connection, asked.profile)
        rated = ratings.standing(connection, held.family)
    judge = Judge(asked.config, Profile.from_bytes(held.learned))
    number = 0
    for batch in _batches(store, held.family, but=judge.name):
        scores = judge.profile_scores([each.text for each in batch])
        with store.write() as connection:
            stories.lock(connection)
            # what got another text meanwhile was judged by that
            same = editions.unchanged(connection, batch)
            judged = [
                (one, score, _misfit(judge, one, score, rated))
                for one, score in zip(batch, scores, strict=True) if one.row in same
            ]  # fmt: skip
            told = [(one.row, score, misfit) for one, score, misfit in judged]
            editions.judge_again(connection, told, judge.name, now=time.time())
            # who does not want an article is not shown its copy instead
            changed = [one.row for one, _, no in judged if (no is None) != one.matched and one.row not in rated]
            stories.fold_again(connection, changed)  # matches come first among those that tell a story
        number += len(judged)
        if stop():
            break
    return number


def _batches(store: Store, family: str, but: str | None = None) -> Iterator[list[Judged]]:
    after = 0
    while True:
        with store.read() as connection:
            batch = editions.judged(connection, family, after=after, limit=BATCH, but=but)
        if not batch:
            return
        yield batch
        after = batch[-1].row


def due(judged: int, learned_at: int, *, last: bool = False) -> bool:
    """Whether a crawl that has judged so many articles, and last learned at so many, should learn again.

    `last` says that it is over.
    """
    if last and MILESTONES[0] <= judged < MILESTONES[2] and judged >= GROWN * learned_at:
        return True
    return any(learned_at < milestone <= judged for milestone in MILESTONES)
