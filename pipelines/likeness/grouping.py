"""Which seeds are about one thing: each is judged by every other, alone, and by all others together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelines.likeness.calibrate import GRAINS, logistic, logit
from pipelines.likeness.learn import by_others
from pipelines.likeness.models import Model
from pipelines.likeness.models import model as the_model
from pipelines.likeness.naming import DEFAULT_MODEL
from pipelines.likeness.profile import Profile, Seed
from pipelines.likeness.read import Example, Reader, Text

# seeds compared pair by pair; of more, the first
MOST_SEEDS = 40


@dataclass(frozen=True, slots=True)
class Place:
    """Where a seed stands among the others.

    `group` numbers the seeds that belong together, the largest group being 1. `nearest` is the seed closest to it and
    `closeness` how surely they are alike, 0..1, at even odds; both None for a single seed.
    """

    name: str
    group: int
    nearest: str | None
    closeness: float | None


def places(seeds: Sequence[Seed], grain: str, *, model: str = DEFAULT_MODEL) -> list[Place]:
    """The place of each seed, in their order. Two seeds are in one group if a chain of seeds alike links them."""
    examples = [Example(*seed) for seed in seeds[:MOST_SEEDS]]
    number = len(examples)
    closeness = closenesses(examples, grain, model=model)
    groups = _groups(closeness)
    found = []
    for at, example in enumerate(examples):
        others = [other for other in range(number) if other != at]
        nearest = max(others, key=lambda other: closeness[at][other], default=None)
        found.append(
            Place(
                example.name,
                groups[at],
                examples[nearest].name if nearest is not None else None,
                closeness[at][nearest] if nearest is not None else None,
            )
        )
    return found


def to_others(seeds: Sequence[Seed], grain: str, *, model: str = DEFAULT_MODEL) -> Iterator[float | None]:
    """Each seed's score, in their order, were the others the seeds and it a page; None for a single one.

    One after the other, since many take long: of 200, each half a second.
    """
    examples, chosen, reader = [Example(*seed) for seed in seeds], GRAINS[grain], Reader.of(the_model(model))
    for at in range(len(examples)):
        yield logistic(by_others(examples, at, reader, chosen) + logit(chosen.prior)) if examples[1:] else None


def closenesses(seeds: Sequence[Seed], grain: str, *, model: str | Model = DEFAULT_MODEL) -> list[list[float]]:
    """How surely each two of the seeds are alike, 0..1, at even odds: one row a seed, of the first MOST_SEEDS."""
    examples = [Example(*seed) for seed in seeds[:MOST_SEEDS]]
    judges = [Profile.learn([one], grain=grain, prior=0.5, model=model) for one in examples]
    alike = [[likeness.score for likeness in judge.score_many(_texts(examples))] for judge in judges]
    # neither need be the better judge of the other
    return [[max(alike[i][j], alike[j][i]) for j in range(len(examples))] for i in range(len(examples))]


def _texts(examples: Sequence[Example]) -> list[Text]:
    return [Text(*example[1:]) for example in examples]


def _groups(closeness: list[list[float]]) -> list[int]:
    """The number of each one's group; groups by size, then by their first member."""
    left = set(range(len(closeness)))
    groups: list[list[int]] = []
    while left:
        members, to_visit = [], [min(left)]
        left -= {*to_visit}
        while to_visit:
            at = to_visit.pop()
            members.append(at)
            near = {other for other in left if closeness[at][other] >= 0.5}
            left -= near
            to_visit += near
        groups.append(sorted(members))
    groups.sort(key=lambda members: (-len(members), members[0]))
    number_of = {at: number for number, members in enumerate(groups, 1) for at in members}
    return [number_of[at] for at in range(len(closeness))]
