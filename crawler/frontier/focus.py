"""The expected yield of a candidate, learned while the crawl runs: what the frontier is ordered by.

An online logistic regression on the words of anchor, context and URL, and on a few dense cues: what the page that
named it turned out to be, how much of the seeds' vocabulary the anchor and its surroundings hold, how close in meaning
the anchor is, and how the other children of that page did (its hub rate). It starts from weights that make it shark
search (Hersovici et al. 1998) and learns from every page fetched (Adagrad, soft targets: the likeness as a share of
what makes a match). A candidate's logit is the mean over its known in-links, a little more for being named often. What
was estimated early is estimated again soon, and often (Gouriten, Maniu, Senellart 2014 found just that to matter). No
randomness: the same pages in the same order give the same estimates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC
from itertools import chain

import numpy as np

from crawler.frontier.linktable import LinkTable
from crawler.frontier.trials import TRIAL
from pipelines import urls as identity
from pipelines.citation import date_in_url, date_of
from pipelines.likeness.profile import Profile
from pipelines.likeness.tokens import words
from pipelines.records import Candidate

LIST_EXPECTED = 0.98
START_EXPECTED = 0.95
HASHED = 1 << 18
ANCHOR_WORDS, CONTEXT_WORDS, URL_WORDS = 16, 24, 12
# dense cues: bias, parent's likeness, anchor's cue, context's cue, both first together, anchor's meaning, hub rate
PRIOR = (-3.0, 1.5, 2.5, 1.0, 1.0, 6.0, 2.0)
# anchors whose meaning is remembered: menus say the same on every page
MEANINGS = 4_096
RATE_HASHED, RATE_DENSE = 0.3, 0.1
NAMED_OFTEN = 0.25
HUB_PRIOR, HUB_WEIGHT = 0.05, 3.0
# words whose index is remembered, for each place
REMEMBERED = 1 << 15
# fetches between two rounds of estimating again: few at first, more as the model settles
SOONEST, LATEST, SHARE = 5, 100, 0.1
# only estimates that may decide anything soon are worth a write
RESCORED = 500
MOVED = 0.01
# a page that is unlike may lead on, and so may the next; but what lies more than so many of them away is worth less
TUNNEL_FREE, TUNNEL = 3, 0.8
# a candidate that a feed, a sitemap or its own address dates before the first day asked for
EARLY = 1 / 16
# pages of one URL shape of a site in a row that were unlike: from then on that shape needs evidence of its own
BARREN_AFTER = 40
BARREN_CUE = 0.1
# an index of sitemaps can lead on for ever, and lists come before all pages: of a site no more are taken up
MAX_LISTS = 2_000


class Focus:
    """Estimates candidates and learns from what was fetched. Keys are `pipelines.urls.key` of their URLs.

    `breadth` turns the estimates off: first found, first fetched. Articles of before `first_day` (YYYY-MM-DD, if any)
    are none of those asked for.
    """

    def __init__(self, profile: Profile | None, *, breadth: bool = False, first_day: str | None = None) -> None:
        self._profile = profile
        self._first_day = first_day
        self._flat = breadth or profile is None
        self._words = np.zeros(HASHED, np.float32)
        self._steps = np.full(HASHED, 1e-8, np.float32)
        self._dense = np.array(PRIOR, np.float64)
        self._dense_steps = np.full(len(PRIOR), 1e-8)
        self._table = LinkTable(hub_prior=HUB_PRIOR, hub_weight=HUB_WEIGHT)
        self._barren: Counter[tuple[str, str]] = Counter()
        self._traps: set[tuple[str, str]] = set()
        self._lists: Counter[str] = Counter()
        # rows that only led on -> the page that named them
        self._named_by: dict[int | None, int] = {}
        self._fetched = self._rescored_at = 0
        if profile is not None:
            self._full = profile.threshold()
            self._meant: dict[str, float] = {}

    @property
    def judges(self) -> bool:
        """Whether there are seeds to be like."""
        return self._profile is not None

    def expected(
        self, candidates: Sequence[Candidate], *, parent: int | None, parent_likeness: float, depth: int,
        known: Sequence[Candidate] = (),
    ) -> list[float]:  # fmt: skip
        """The chance, 0 to 1, that fetching each candidate brings a match; they are remembered until they are fetched.

        `parent` is the row of the page that named them and `parent_likeness` that page's quick score; `depth` the
        number of links followed since the start or, as `next_depth` counts, since the last page that was alike. Of
        those `known` before which it names, too, that is remembered where they wait.
        """
        values = [self._fixed(candidate, depth) for candidate in candidates]
        open_ = [at for at, value in enumerate(values) if value is None]
        new = [candidates[at] for at in open_]
        # each once: a crawl that goes on may meet as new what waits here already, and then again on the same page
        met = {candidate.url for candidate in new}
        again = {
            c.url: c for c in known if c.kind == "page" and c.url not in met and self.wants(identity.key(c.url))
        }.values()  # fmt: skip
        # all at once: most of what a call costs does not depend on how many there are
        keys = self._link([*again, *new], parent, parent_likeness)[len(again) :]
        if new:
            reach = TUNNEL ** max(0, depth - TUNNEL_FREE)
            reaches = [reach * EARLY if self._is_early(candidate) else reach for candidate in new]
            self._table.place(keys, [_site_of(candidate.url) for candidate in new], reaches)
            estimates = self._table.estimates(keys, self._words, self._dense, NAMED_OFTEN)
            for at, value in zip(open_, estimates, strict=True):
                values[at] = value
        return [value or 0.0 for value in values]

    def wants(self, key: int) -> bool:
        """Whether another page that names this candidate would change its estimate. May be asked from any thread."""
        return not self._flat and self._table.wants(key)

    def next_depth(self, depth: int, *, alike: bool) -> int:
        """The depth of what a page at `depth` names: from a page that is alike, the way begins anew."""
        return 1 if alike and not self._flat else depth + 1

    def _fixed(self, candidate: Candidate, depth: int) -> float | None:
        """The worth of what is not estimated by its words."""
        if candidate.kind != "page":
            self._lists[_site_of(candidate.url)] += 1
            return LIST_EXPECTED * min(1.0, TRIAL / self._lists[_site_of(candidate.url)])
        if candidate.source == "start":
            return START_EXPECTED
        return START_EXPECTED / (1.0 + depth) if self._flat else None

    def _is_early(self, candidate: Candidate) -> bool:
        """Whether an article is dated before the first day asked for, by what names it or by its own address."""
        if self._first_day is None:
            return False
        moment = date_of(candidate.published) or date_in_url(candidate.url)
        return moment is not None and moment.astimezone(UTC).date().isoformat() < self._first_day

    def learn(self, url: str, parent: int | None, likeness: float, *, alike: bool) -> None:
        """The page at `url` was fetched and is `likeness` alike; `alike` when it went on to extraction."""
        shape = _shape_of(url)
        if alike:
            self._barren.pop(shape, None)
            self._traps.discard(shape)
        else:
            self._barren[shape] += 1
            if self._barren[shape] >= BARREN_AFTER:
                self._traps.add(shape)
        self._fetched += 1
        if self._flat:
            return
        share = self._share(likeness)
        self._step(identity.key(url), share)
        self._table.fetched(identity.key(url))
        self._table.trials.fetched(_site_of(url), share)
        if (named_by := self._named_by.pop(parent, parent)) is not None:
            self._table.hub(named_by, share)

    def unserved(self, url: str) -> None:
        """The page at `url` was asked for in vain: that says nothing of words, but its site has had a page."""
        if not self._flat:
            self._table.fetched(identity.key(url))
            self._table.trials.fetched(_site_of(url), 0.0)

    def moved(self, url: str, to: str | None, parent: int | None, row: int) -> None:
        """The page at `url`, which `parent` named, is `to` by now, which its `row` names; None where that is known.

        What that one turns out to be is learned as if `parent` had named it.
        """
        if not self._flat:
            self._table.moved(identity.key(url), None if to is None else identity.key(to), _site_of(to or url))
            if to is not None and (named_by := self._named_by.pop(parent, parent)) is not None:
                self._named_by[row] = named_by

    def barren(self, candidate: Candidate) -> bool:
        """Whether its site's pages of this URL's shape kept being unlike and nothing says that this one differs."""
        # mostly there are none, and the shape of a URL costs more to tell than all else about it
        if not self._traps or candidate.kind != "page" or _shape_of(candidate.url) not in self._traps:
            return False
        if self._profile is None:
            return True
        named = {*words(f"{candidate.anchor} {candidate.title}"), *identity.words_of(candidate.url)}
        return self._profile.cue(named, words(candidate.context)) < BARREN_CUE

    def sated(self, candidate: Candidate) -> bool:
        """Whether a list is one more of a site that has named as many as are read."""
        return candidate.kind != "page" and self._lists[_site_of(candidate.url)] >= MAX_LISTS

    def rescored(self) -> list[tuple[int, float]]:
        """`(key, expected)` of waiting candidates whose estimate moved, when it is time to estimate again."""
        return list(chain.from_iterable(self.rescoring()))

    def rescoring(self) -> Iterator[list[tuple[int, float]]]:
        """The same in turns of some milliseconds, between which other work may be done."""
        pause = max(SOONEST, min(LATEST, int(self._fetched * SHARE)))
        if self._flat or self._fetched - self._rescored_at < pause:
            return
        self._rescored_at = self._fetched
        yield from self._table.rescore(self._words, self._dense, NAMED_OFTEN, most=RESCORED, moved=MOVED)

    def _link(self, candidates: Sequence[Candidate], parent: int | None, parent_likeness: float) -> list[int]:
        """Notes that a page names these; gives their keys."""
        if not candidates:
            return []
        assert self._profile is not None
        share, cue = self._share(parent_likeness), self._profile.cue
        named = [f"{c.anchor} {c.title}" if c.title else c.anchor for c in candidates]
        cues, hashed = [], []
        for candidate, text, meant in zip(candidates, named, self._meanings(named), strict=True):
            of_url, said, around = identity.words_of(candidate.url), words(text), words(candidate.context)
            anchor = cue({*said, *of_url}, ())
            cues.append((share, anchor, cue((), around), share * anchor, meant))
            hashed.append(_hashes(said, around, of_url))
        keys = [identity.key(candidate.url) for candidate in candidates]
        self._table.add(keys, parent, cues, hashed)
        return keys

    def _meanings(self, named: Sequence[str]) -> list[float]:
        assert self._profile is not None
        known = self._meant
        missing = [text for text in dict.fromkeys(named) if text not in known]
        if missing:
            if len(known) > MEANINGS:
                known = self._meant = {text: known[text] for text in named if text in known}
            known.update(zip(missing, self._profile.meant(missing), strict=True))
        return [known[text] for text in named]

    def _share(self, likeness: float) -> float:
        """A likeness as a share of what makes a match: what few pages reach is worth as much as what many do."""
        return min(1.0, likeness / self._full)

    def _step(self, key: int, target: float) -> None:
        """One step of Adagrad for the in-links the page was known by, all together weighing one."""
        links = np.array(self._table.links_of(key), np.intp)
        if not len(links):
            return
        dense, hashed, whose, norm = self._table.features(links)
        said = dense @ self._dense + norm * np.bincount(whose, self._words[hashed], len(links))
        error = (1.0 / (1.0 + np.exp(-np.clip(said, -30.0, 30.0))) - target) / len(links)
        slopes = error[:, None] * dense
        self._dense_steps += (slopes * slopes).sum(axis=0)
        self._dense -= RATE_DENSE * slopes.sum(axis=0) / np.sqrt(self._dense_steps)
        slopes_words = (error * norm)[whose]
        # links share words
        np.add.at(self._steps, hashed, slopes_words * slopes_words)
        np.subtract.at(self._words, hashed, RATE_HASHED * slopes_words / np.sqrt(self._steps[hashed]))


def _site_of(url: str) -> str:
    return identity.site_of(identity.host_of(url))


def _shape_of(url: str) -> tuple[str, str]:
    """A site and the shape of its URL: what somebody else's pages were like says nothing of it."""
    return _site_of(url), identity.template_of(url)


def _hashes(anchor: Sequence[str], context: Sequence[str], of_url: Sequence[str]) -> list[int]:
    """The distinct words of a link, each with where it stood, as indices of the hashed weights."""
    found = set(map(_IN_ANCHOR.__getitem__, anchor[:ANCHOR_WORDS]))
    found.update(map(_IN_CONTEXT.__getitem__, context[:CONTEXT_WORDS]))
    found.update(map(_IN_URL.__getitem__, of_url[:URL_WORDS]))
    return sorted(found)


class _Place(dict[str, int]):
    """Word -> its index where it stands at one place, the same in every process; those asked for are remembered."""

    def __init__(self, letter: str) -> None:
        super().__init__()
        self._letter = letter

    def __missing__(self, word: str) -> int:
        if len(self) >= REMEMBERED:
            self.clear()
        index = self[word] = identity.key(f"{self._letter}:{word}") % HASHED
        return index


_IN_ANCHOR, _IN_CONTEXT, _IN_URL = _Place("a"), _Place("c"), _Place("u")
