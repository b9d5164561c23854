"""The expected yield of a candidate: how likely fetching it brings a match. Pure.

Shark search (Hersovici et al. 1998) with two more cues: what the page that named it turned out to be, and how its
other children did. Fixed weights; the order is best first over all hosts.
"""

from __future__ import annotations

import math
from collections import Counter

from pipelines import urls as identity
from pipelines.likeness.profile import Profile
from pipelines.records import Candidate

# logits; an anchor that names the subject alone lifts a link of an unlike page over its neighbours
BIAS, ANCHOR, CONTEXT, PARENT, HUB = -2.6, 4.0, 1.5, 2.0, 2.0
LIST_EXPECTED = 0.95
START_EXPECTED = 0.9
# pages of one shape in a row that brought nothing, before that shape of URL needs better evidence than its place
BARREN_AFTER = 25
BARREN_FACTOR = 0.25
HUB_PRIOR, HUB_WEIGHT = 0.05, 3.0


class Focus:
    """Estimates candidates and learns from what was fetched. `breadth` turns the estimates off: first found, first
    fetched."""

    def __init__(self, profile: Profile | None, *, breadth: bool = False) -> None:
        self._profile = None if breadth else profile
        self._breadth = breadth
        self._found = 0
        self._children: dict[int, tuple[int, float]] = {}
        self._barren: Counter[str] = Counter()

    def expected(self, candidate: Candidate, *, parent: int | None, parent_likeness: float, depth: int) -> float:
        """A number in 0..1 to order candidates by. `parent_likeness` is the quick score of the page that named it."""
        if candidate.kind != "page":
            return LIST_EXPECTED
        if self._breadth:
            self._found += 1
            return 1.0 / (1.0 + depth + self._found * 1e-9)
        if candidate.source == "start" or self._profile is None:
            return START_EXPECTED if candidate.source == "start" else START_EXPECTED / (1.0 + depth)
        words = identity.words_of(candidate.url)
        anchor = self._profile.cue(f"{candidate.anchor} {candidate.title}", "", words)
        context = self._profile.cue("", candidate.context, ()) if candidate.context else 0.0
        logit = BIAS + ANCHOR * anchor + CONTEXT * context + PARENT * parent_likeness + HUB * self._hub(parent)
        expected = 1.0 / (1.0 + math.exp(-logit))
        barren = self._barren.get(identity.template_of(candidate.url), 0) >= BARREN_AFTER
        return expected * BARREN_FACTOR if barren else expected

    def learn(self, url: str, parent: int | None, likeness: float, *, alike: bool) -> None:
        """A fetched page turned out `likeness` alike; `alike` when it went on to extraction."""
        template = identity.template_of(url)
        if alike:
            self._barren.pop(template, None)
        else:
            self._barren[template] += 1
        if parent is not None:
            number, total = self._children.get(parent, (0, 0.0))
            self._children[parent] = (number + 1, total + likeness)

    def _hub(self, parent: int | None) -> float:
        number, total = self._children.get(parent, (0, 0.0)) if parent is not None else (0, 0.0)
        return (total + HUB_WEIGHT * HUB_PRIOR) / (number + HUB_WEIGHT)
