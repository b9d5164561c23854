"""The waiting candidates and the links that name them, in arrays, so that all can be estimated again at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from crawler.frontier.trials import Trials

Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.float32]
Cues = tuple[float, ...]

MAX_LINKS_EACH = 6
# about 150 bytes a link and 8 a word: 40 MB at the most
MAX_LINKS = 100_000
CUES = 5


class LinkTable:
    """Grows by `add`, shrinks when candidates are fetched; a hub is a page with its fetched children's likeness."""

    def __init__(self, *, hub_prior: float, hub_weight: float) -> None:
        self.trials = Trials()
        self._prior, self._weight = hub_prior, hub_weight
        self._clear()
        self._hub_of: dict[int, int] = {}
        self._hub_number: Floats = np.zeros(1024)
        self._hub_total: Floats = np.zeros(1024)

    def _clear(self) -> None:
        self._candidate_of: dict[int, int] = {}
        self._keys: list[int] = []
        self._links: list[list[int]] = []
        self._waits = np.zeros(1024, np.bool_)
        self._expected: Floats = np.zeros(1024)
        self._host = np.zeros(1024, np.int32)
        self._reach = np.ones(1024)
        self._owner = np.zeros(1024, np.int32)
        self._hub = np.zeros(1024, np.int32)
        self._cues = np.zeros((1024, CUES))
        self._norm = np.zeros(1024)
        self._start = np.zeros(1025, np.int64)
        self._hashed = np.zeros(16_384, np.int32)
        self._number = 0

    def wants(self, key: int) -> bool:
        """Whether another in-link of a candidate that waits is worth knowing."""
        at = self._candidate_of.get(key)
        return at is not None and len(self._links[at]) < MAX_LINKS_EACH

    def add(self, keys: Sequence[int], parent: int | None, cues: Sequence[Cues], hashed: Sequence[list[int]]) -> None:
        """A page of row `parent` names the candidates `keys`: dense cues and hashed words of each link."""
        if self._number + len(keys) > MAX_LINKS:
            self._compact()
        first, begin = self._number, int(self._start[self._number])
        sizes = np.fromiter(map(len, hashed), np.int64, len(hashed))
        ends = begin + np.cumsum(sizes)
        last, end = first + len(keys), int(ends[-1])
        self._grow(last, end)
        self._hashed[begin:end] = np.fromiter(chain.from_iterable(hashed), np.int32, end - begin)
        self._start[first + 1 : last + 1] = ends
        self._hub[first:last] = self._hub_index(parent)
        self._cues[first:last] = cues
        self._norm[first:last] = np.where(sizes > 0, 1.0 / np.sqrt(np.maximum(sizes, 1)), 0.0)
        for link, key in enumerate(keys, first):
            at = self._candidate(key)
            self._owner[link] = at
            self._links[at].append(link)
        self._number = last

    def _candidate(self, key: int) -> int:
        at = self._candidate_of.get(key)
        if at is None:
            at = self._candidate_of[key] = len(self._keys)
            self._keys.append(key)
            self._links.append([])
            if at >= len(self._waits):
                self._waits, self._expected = _doubled(self._waits), _doubled(self._expected)
                self._host, self._reach = _doubled(self._host), _doubled(self._reach)
            self._waits[at] = True
        return at

    def place(self, keys: Sequence[int], hosts: Sequence[str], reach: float) -> None:
        """Where new candidates are: their hosts, and what is left (0 to 1) of the allowance for tunnelling."""
        ats = [self._candidate_of[key] for key in keys]
        self._host[ats] = [self.trials.number(host) for host in hosts]
        self._reach[ats] = reach

    def estimates(self, keys: Sequence[int], words: Words, dense: Floats, named_often: float) -> list[float]:
        """The chance of each candidate, which must wait; remembered as what the ledger holds."""
        ats = [self._candidate_of[key] for key in keys]
        alone = [self._links[at][-1] for at in ats]
        links = np.array(alone)
        values = _logistic(self._logits(links, words, dense) + named_often * np.log(2))
        for place, at in enumerate(ats):
            if len(self._links[at]) > 1:
                values[place] = _logistic(self._logit(at, words, dense, named_often))
        values *= self._held_back(ats)
        self._expected[ats] = values
        found: list[float] = values.tolist()
        return found

    def fetched(self, key: int) -> None:
        """The candidate waits no longer."""
        at = self._candidate_of.pop(key, None)
        if at is not None:
            self._links[at] = []
            self._waits[at] = False

    def hub(self, parent: int, likeness: float) -> None:
        """A child of the page `parent` was fetched."""
        at = self._hub_index(parent)
        self._hub_number[at] += 1.0
        self._hub_total[at] += likeness

    def links_of(self, key: int) -> list[int]:
        """The in-links of a candidate that waits."""
        at = self._candidate_of.get(key)
        return self._links[at] if at is not None else []

    def features(self, link: int) -> tuple[Floats, npt.NDArray[np.int32], float]:
        """`(dense cues with bias and hub rate, hashed words, their weight)` of a link."""
        dense = np.empty(CUES + 2)
        dense[0], dense[1:-1], dense[-1] = 1.0, self._cues[link], self._rates(self._hub[link : link + 1])[0]
        return dense, self._hashed[self._start[link] : self._start[link + 1]], float(self._norm[link])

    def logit_of(self, link: int, words: Words, dense: Floats) -> float:
        """What the model says of one link."""
        return float(self._logits(np.array([link]), words, dense)[0])

    def _logit(self, at: int, words: Words, dense: Floats, named_often: float) -> Any:
        """Of a candidate: the mean over its in-links, and a little for each."""
        links = self._links[at]
        return self._logits(np.array(links), words, dense).mean() + named_often * np.log1p(len(links))

    def _logits(self, links: npt.NDArray[np.int64], words: Words, dense: Floats) -> Floats:
        """Of links in the order of their numbers."""
        begins, ends = self._start[links], self._start[links + 1]
        first, last = int(begins.min()), int(ends.max())
        # reduceat needs every segment to hold something: a link without words borrows a zero, and gets none of it
        gathered = np.zeros(last - first + 1, np.float32)
        np.take(words, self._hashed[first:last], out=gathered[:-1])
        edges = np.empty(2 * len(links), np.int64)
        edges[::2], edges[1::2] = begins - first, ends - first
        sums = np.add.reduceat(gathered, edges)[::2]
        sums[begins == ends] = 0.0
        said = dense[0] + self._cues[links] @ dense[1:-1] + dense[-1] * self._rates(self._hub[links])
        return np.asarray(said + self._norm[links] * sums)

    def rescore(
        self, words: Words, dense: Floats, named_often: float, *, most: int, moved: float
    ) -> list[tuple[int, float]]:
        """Estimates every waiting candidate again; gives `(key, expected)` of the best `most` that moved."""
        n = self._number
        if not n or not self._candidate_of:
            return []
        logits = self._logits(np.arange(n), words, dense)
        count = np.bincount(self._owner[:n], minlength=len(self._keys))
        total = np.bincount(self._owner[:n], weights=logits, minlength=len(self._keys))
        waiting = np.flatnonzero(self._waits[: len(self._keys)])
        values = total[waiting] / count[waiting] + named_often * np.log1p(count[waiting])
        return self._that_moved(
            waiting, _logistic(values) * self._held_back(waiting), self._expected[waiting], most, moved
        )

    def _held_back(self, ats: Any) -> Floats:
        return np.asarray(self.trials.discount(self._host[ats]) * self._reach[ats])

    def _that_moved(
        self, waiting: npt.NDArray[np.int64], new: Floats, old: Floats, most: int, moved: float
    ) -> list[tuple[int, float]]:
        matters = np.maximum(new, old)
        bar = np.partition(matters, -most)[-most] if len(matters) > most else 0.0
        changed = np.flatnonzero((np.abs(new - old) > moved * np.maximum(new, old)) & (matters >= bar))
        self._expected[waiting[changed]] = new[changed]
        return [(self._keys[at], value) for at, value in zip(waiting[changed], new[changed].tolist(), strict=True)]

    def _rates(self, hub: npt.NDArray[np.int32]) -> Any:
        return (self._hub_total[hub] + self._weight * self._prior) / (self._hub_number[hub] + self._weight)

    def _hub_index(self, parent: int | None) -> int:
        at = self._hub_of.setdefault(-1 if parent is None else parent, len(self._hub_of))
        if at >= len(self._hub_number):
            self._hub_number = np.concatenate([self._hub_number, np.zeros(len(self._hub_number))])
            self._hub_total = np.concatenate([self._hub_total, np.zeros(len(self._hub_total))])
        return at

    def _grow(self, links: int, hashed: int) -> None:
        while links >= len(self._owner):
            self._owner, self._hub = _doubled(self._owner), _doubled(self._hub)
            self._cues, self._norm = _doubled(self._cues), _doubled(self._norm)
            self._start = _doubled(self._start)
        while hashed > len(self._hashed):
            self._hashed = _doubled(self._hashed)

    def _compact(self) -> None:
        """Forgets links of candidates that were fetched; of those that wait, the less promising when it must."""
        n, keys, starts = self._number, self._keys, self._start
        waiting = np.flatnonzero(self._waits[: len(keys)])
        best = waiting[np.argsort(-self._expected[waiting], kind="stable")]
        each = np.bincount(self._owner[:n], minlength=len(keys))
        kept = np.sort(best[np.cumsum(each[best]) <= MAX_LINKS // 2])
        new_owner = np.full(len(keys), -1, np.int32)
        new_owner[kept] = np.arange(len(kept), dtype=np.int32)
        held = new_owner[self._owner[:n]] >= 0
        words_each = np.diff(starts[: n + 1])
        hubs, hub = np.unique(self._hub[:n][held], return_inverse=True)
        hashed = self._hashed[: starts[n]][np.repeat(held, words_each)]
        owner, cues, norm = new_owner[self._owner[:n][held]], self._cues[:n][held], self._norm[:n][held]
        expected, ends = self._expected[kept], np.cumsum(words_each[held])
        at_host, reach = self._host[kept], self._reach[kept]
        of_hub = {at: parent for parent, at in self._hub_of.items()}
        number, total = self._hub_number[hubs], self._hub_total[hubs]
        self._clear()
        self._grow(len(owner), len(hashed))
        self._number = len(owner)
        self._owner[: len(owner)], self._hub[: len(owner)] = owner, hub
        self._cues[: len(owner)], self._norm[: len(owner)] = cues, norm
        self._start[1 : len(owner) + 1], self._hashed[: len(hashed)] = ends, hashed
        self._keys = [keys[at] for at in kept]
        self._candidate_of = {key: at for at, key in enumerate(self._keys)}
        self._waits, self._expected = np.arange(len(kept) + 1024) < len(kept), np.append(expected, np.zeros(1024))
        self._host, self._reach = np.append(at_host, np.zeros(1024, np.int32)), np.append(reach, np.ones(1024))
        self._links = [[] for _ in self._keys]
        for link, at in enumerate(owner.tolist()):
            self._links[at].append(link)
        self._hub_of = {of_hub[int(at)]: index for index, at in enumerate(hubs)}
        self._hub_number, self._hub_total = np.append(number, np.zeros(1024)), np.append(total, np.zeros(1024))


def _logistic(values: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-np.clip(values, -30, 30)))


def _doubled(array: Any) -> Any:
    return np.concatenate([array, np.zeros_like(array)])
