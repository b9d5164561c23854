"""The waiting candidates and the links that name them, in arrays, so that all can be estimated again at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crawler.frontier.trials import Trials

Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.float32]
Cues = tuple[float, ...]

MAX_LINKS_EACH = 6
# about 150 bytes a link and 8 a word: 25 MB at the most
MAX_LINKS = 60_000
CUES = 5
# links estimated again in one go: some milliseconds
TURN = 10_000


class Features(NamedTuple):
    """What links are estimated by: `dense` cues with bias and hub rate, a row each; their `hashed` words, one after the
    other, with the row `whose` each is; and what the words of each weigh (`norm`)."""

    dense: Floats
    hashed: npt.NDArray[np.int32]
    whose: npt.NDArray[np.intp]
    norm: Floats


class LinkTable:
    """Grows by `add`, shrinks when candidates are fetched; a hub is a page with its fetched children's likeness."""

    def __init__(self, *, hub_prior: float, hub_weight: float) -> None:
        self.trials = Trials()
        self._prior, self._weight = hub_prior, hub_weight
        self._packed = 0
        self._clear()
        self._hub_of: dict[int, int] = {}
        self._hub_number: Floats = np.zeros(1024)
        self._hub_total: Floats = np.zeros(1024)

    def _clear(self) -> None:
        self._candidate_of: dict[int, int] = {}
        # those that wait and have fewer links than are worth knowing
        self._few: set[int] = set()
        self._keys: list[int] = []
        # of a candidate its last link and how many it has; of a link the one before it, of the same candidate
        self._last, self._count = np.zeros(1024, np.int32), np.zeros(1024, np.int32)
        self._before = np.zeros(1024, np.int32)
        self._waits = np.zeros(1024, np.bool_)
        self._expected: Floats = np.zeros(1024)
        self._site = np.zeros(1024, np.int32)
        self._reach = np.ones(1024)
        self._owner = np.zeros(1024, np.int32)
        self._hub = np.zeros(1024, np.int32)
        self._cues = np.zeros((1024, CUES))
        self._norm = np.zeros(1024)
        self._start = np.zeros(1025, np.int64)
        self._hashed = np.zeros(16_384, np.int32)
        self._number = 0

    def wants(self, key: int) -> bool:
        """Whether another in-link of a candidate that waits is worth knowing. May be asked from any thread."""
        return key in self._few

    def add(self, keys: Sequence[int], parent: int | None, cues: Sequence[Cues], hashed: Sequence[list[int]]) -> None:
        """A page of row `parent` names the candidates `keys`, each once: dense cues and hashed words of each link."""
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
        ats = np.fromiter(map(self._candidate, keys), np.intp, len(keys))
        self._owner[first:last], self._before[first:last] = ats, self._last[ats]
        self._last[ats] = np.arange(first, last)
        self._count[ats] += 1
        self._few.difference_update([keys[at] for at in np.flatnonzero(self._count[ats] >= MAX_LINKS_EACH).tolist()])
        self._number = last

    def _candidate(self, key: int) -> int:
        at = self._candidate_of.get(key)
        if at is None:
            at = self._candidate_of[key] = len(self._keys)
            self._keys.append(key)
            self._few.add(key)
            if at >= len(self._waits):
                self._waits, self._expected = _doubled(self._waits), _doubled(self._expected)
                self._site, self._reach = _doubled(self._site), _doubled(self._reach)
                self._last, self._count = _doubled(self._last), _doubled(self._count)
            self._waits[at], self._last[at], self._count[at] = True, -1, 0
        return at

    def place(self, keys: Sequence[int], sites: Sequence[str], reach: Sequence[float]) -> None:
        """Where new candidates are: their sites, and what each estimate is multiplied by (0 to 1) for how it lies."""
        ats = [self._candidate_of[key] for key in keys]
        self._site[ats] = [self.trials.number(site) for site in sites]
        self._reach[ats] = reach

    def estimates(self, keys: Sequence[int], words: Words, dense: Floats, named_often: float) -> list[float]:
        """The chance of each candidate, which must wait; remembered as what the ledger holds."""
        ats = [self._candidate_of[key] for key in keys]
        links = self._last[ats]
        values = _logistic(self._logits(links, words, dense) + named_often * np.log(2))
        for place in np.flatnonzero(self._count[ats] > 1).tolist():
            values[place] = _logistic(self._logit(ats[place], words, dense, named_often))
        values *= self._held_back(ats)
        self._expected[ats] = values
        found: list[float] = values.tolist()
        return found

    def fetched(self, key: int) -> None:
        """The candidate waits no longer."""
        at = self._candidate_of.pop(key, None)
        self._few.discard(key)
        if at is not None:
            self._waits[at] = False

    def moved(self, key: int, to: int | None, site: str) -> None:
        """The candidate is another one by now, at `site`, that is named by the same links; None: it waits no longer."""
        at = self._candidate_of.get(key)
        self.fetched(key)
        if at is None or to is None or to in self._candidate_of:
            return
        self._candidate_of[to], self._keys[at], self._waits[at] = at, to, True
        self._site[at] = self.trials.number(site)
        if self._count[at] < MAX_LINKS_EACH:
            self._few.add(to)

    def hub(self, parent: int, likeness: float) -> None:
        """A child of the page `parent` was fetched."""
        at = self._hub_index(parent)
        self._hub_number[at] += 1.0
        self._hub_total[at] += likeness

    def links_of(self, key: int) -> list[int]:
        """The in-links of a candidate that waits, in the order in which they were seen."""
        at = self._candidate_of.get(key)
        return self._links_at(at) if at is not None else []

    def _links_at(self, at: int) -> list[int]:
        found, link = [], int(self._last[at])
        while link >= 0:
            found.append(link)
            link = int(self._before[link])
        return found[::-1]

    def features(self, links: npt.NDArray[np.intp]) -> Features:
        """What some links are estimated by."""
        dense = np.empty((len(links), CUES + 2))
        dense[:, 0], dense[:, 1:-1], dense[:, -1] = 1.0, self._cues[links], self._rates(self._hub[links])
        begins, ends = self._start[links], self._start[links + 1]
        parts = [self._hashed[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
        whose = np.repeat(np.arange(len(links)), ends - begins)
        return Features(dense, np.concatenate(parts), whose, self._norm[links])

    def _logit(self, at: int, words: Words, dense: Floats, named_often: float) -> Any:
        """Of a candidate: the mean over its in-links, and a little for each."""
        links = self._links_at(at)
        # one by one: all at once would gather the words of every link between them
        said = np.concatenate([self._logits(np.array([link]), words, dense) for link in links])
        return said.mean() + named_often * np.log1p(len(links))

    def _logits(self, links: npt.NDArray[np.integer], words: Words, dense: Floats) -> Floats:
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
    ) -> Iterator[list[tuple[int, float]]]:
        """Estimates every waiting candidate again, in turns between which other work may be done.

        Gives an empty list after each turn and, last of all, `(key, expected)` of the best `most` that moved. A table
        that grew so full meanwhile that it was packed anew is left as it is.
        """
        n, packed = self._number, self._packed
        if not n or not self._candidate_of:
            return
        logits = np.empty(n)
        for first in range(0, n, TURN):
            turn = np.arange(first, min(first + TURN, n))
            logits[turn] = self._logits(turn, words, dense)
            yield []
            if self._packed != packed:
                return
        count = np.bincount(self._owner[:n], minlength=len(self._keys))
        total = np.bincount(self._owner[:n], weights=logits, minlength=len(self._keys))
        # what was found since has been estimated since
        waiting = np.flatnonzero(self._waits[: len(self._keys)] & (count > 0))
        values = total[waiting] / count[waiting] + named_often * np.log1p(count[waiting])
        yield self._that_moved(
            waiting, _logistic(values) * self._held_back(waiting), self._expected[waiting], most, moved
        )

    def _held_back(self, ats: Any) -> Floats:
        return np.asarray(self.trials.discount(self._site[ats]) * self._reach[ats])

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
            self._start, self._before = _doubled(self._start), _doubled(self._before)
        while hashed > len(self._hashed):
            self._hashed = _doubled(self._hashed)

    def _compact(self) -> None:
        """Forgets links of candidates that were fetched; of those that wait, the less promising when it must."""
        n, starts = self._number, self._start
        waiting = np.flatnonzero(self._waits[: len(self._keys)])
        best = waiting[np.argsort(-self._expected[waiting], kind="stable")]
        kept = np.sort(best[np.cumsum(self._count[best]) <= MAX_LINKS // 2])
        new_at = _renumbered(kept, len(self._keys))
        held = new_at[self._owner[:n]] >= 0
        new_link = _renumbered(np.flatnonzero(held), n)
        hubs, hub = np.unique(self._hub[:n][held], return_inverse=True)
        hashed = self._hashed[: starts[n]][np.repeat(held, np.diff(starts[: n + 1]))]
        ends = np.cumsum(np.diff(starts[: n + 1])[held])
        before, cues, norm = self._before[:n][held], self._cues[:n][held], self._norm[:n][held]
        owner = new_at[self._owner[:n][held]]
        keys = np.array(self._keys, np.int64)[kept].tolist()
        of_each = [a[kept] for a in (self._waits, self._expected, self._site, self._reach, self._count)]
        last = new_link[self._last[kept]]
        parents = np.fromiter(self._hub_of, np.int64, len(self._hub_of))[hubs].tolist()
        number, total = self._hub_number[hubs], self._hub_total[hubs]
        self._clear()
        self._packed += 1
        self._grow(len(owner), len(hashed))
        self._number = many = len(owner)
        self._owner[:many], self._hub[:many], self._cues[:many], self._norm[:many] = owner, hub, cues, norm
        # of a link without one before it, -1 names the last entry, which is -1 too
        self._before[:many] = np.append(new_link, np.int32(-1))[before]
        self._start[1 : many + 1], self._hashed[: len(hashed)] = ends, hashed
        self._keys, self._candidate_of = keys, dict(zip(keys, range(len(keys)), strict=True))
        self._few = {key for key, count in zip(keys, of_each[-1].tolist(), strict=True) if count < MAX_LINKS_EACH}
        self._waits, self._expected, self._site, self._reach, self._count = map(_with_room, of_each)
        self._last = _with_room(last)
        self._hub_of = dict(zip(parents, range(len(parents)), strict=True))
        self._hub_number, self._hub_total = _with_room(number), _with_room(total)


def _renumbered(kept: Any, of: int) -> npt.NDArray[np.int32]:
    """For each of so many old numbers the new one, -1 for what is not kept."""
    new = np.full(of, -1, np.int32)
    new[kept] = np.arange(len(kept), dtype=np.int32)
    return new


def _with_room(array: Any) -> Any:
    return np.append(array, np.zeros(1024, array.dtype))


def _logistic(values: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-np.clip(values, -30, 30)))


def _doubled(array: Any) -> Any:
    return np.concatenate([array, np.zeros_like(array)])
