"""What a run asked for, as a judgement: is this article one of those it looks for?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from pipelines.config import Config
from pipelines.likeness.profile import Profile
from pipelines.likeness.read import Text
from pipelines.misfits import UNLIKE, Limits, Misfit, Traits
from pipelines.records import Article, Likeness
from pipelines.stores import Store, runs

_UNJUDGED = Likeness(score=0.0, lexical=0.0, dense=0.0, nearest_seed="")


class Judge:
    """Scores articles for one run. Without seeds everything scores 0 and nothing matches.

    `name` tells its judgements from those of another edition or threshold, or under other limits.
    """

    def __init__(self, config: Config, profile: Profile | None) -> None:
        self.config = config
        self.profile = profile
        self.threshold = profile.threshold(config.only_profile()[1].threshold) if profile else 1.0
        self._limits = Limits(config.only_profile()[1]) if profile else None
        self.keeps_all = config.store.keep == "all"
        self._warm = False
        told = f"{profile.edition if profile else ''} {self.threshold!r}"
        if self._limits and self._limits.name:
            told += f" {self._limits.name}"
        self.name = hashlib.sha256(told.encode()).hexdigest()[:32]

    def score(self, articles: Sequence[Article]) -> list[Likeness]:
        """How much each article resembles the seeds."""
        return self.profile_scores([Text(a.title, a.text, a.language, a.published) for a in articles])

    def profile_scores(self, texts: Sequence[Text]) -> list[Likeness]:
        """As `score`, of what counts of an article."""
        return self.profile.score_many(texts) if self.profile else [_UNJUDGED] * len(texts)

    def warm(self) -> None:
        """Loads what scoring needs beside the profile: its model, and whatever is made at first use."""
        if not self._warm:
            self._warm = True
            self.profile_scores([Text("A first page", "It has a few words.", "en")])

    def misfit(self, likeness: Likeness, traits: Traits, verdict: int = 0) -> Misfit | None:
        """Why an article is none of those the run looks for; None where it is one.

        `verdict` is what the user said of it: 1 like, -1 unlike, 0 nothing. It counts whatever its score and traits.
        """
        if verdict > 0:
            return None
        if verdict < 0:
            return Misfit(UNLIKE, "it was rated as unlike")
        if self._limits is None or likeness.score < self.threshold:
            return Misfit(UNLIKE, f"score {likeness.score:.2f} is below the threshold {self.threshold:.2f}")
        return self._limits.misfit(traits)


class Judges:
    """The judge of each run, learned once a process and again when the run is judged by another edition."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[int, Judge] = {}
        self._asked: dict[int, tuple[str, str]] = {}

    def renew(self, wanted: Iterable[int]) -> None:
        """Looks whether these runs are judged as they were: by the same edition, under the same configuration."""
        with self._store.read() as connection:
            asked = runs.asked_of(connection, wanted)
        for run, now in asked.items():
            if self._asked.get(run) != now:
                self._held.pop(run, None)
        self._asked |= asked

    def of(self, run: int) -> Judge:
        """The judge of the run with this number."""
        if run not in self._held:
            with self._store.read() as connection:
                asked = runs.get(connection, run)
                blob = runs.learned(connection, asked.profile) if asked.profile else None
            self._held[run] = Judge(asked.config, Profile.from_bytes(blob) if blob else None)
        return self._held[run]
