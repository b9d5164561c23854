"""What sites are granted: a few pages on trial, more for what they bring, and never nothing at all.

A site's own rate does not help to order links (words tell more), but a site whose links keep promising what its pages
do not hold would take a crawl's whole budget. So its estimates are halved for every TRIAL pages it was fetched beyond
its allowance, down to LEAST of what they were: behind all others, yet before nothing. Of sites, not of hosts, for names
of hosts cost nothing. Pure.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

TRIAL = 30.0
# pages more for each that was like the seeds
PAID = 15.0
LEAST = 1 / 16


class Trials:
    """Sites by number, so that the frontier can discount all estimates at once."""

    def __init__(self) -> None:
        self._number_of: dict[str, int] = {}
        self._pages = np.zeros(64)
        self._brought = np.zeros(64)

    def number(self, site: str) -> int:
        """The number of a site."""
        at = self._number_of.setdefault(site, len(self._number_of))
        if at >= len(self._pages):
            self._pages = np.concatenate([self._pages, np.zeros(len(self._pages))])
            self._brought = np.concatenate([self._brought, np.zeros(len(self._brought))])
        return at

    def fetched(self, site: str, share: float) -> None:
        """A page of `site` came back; `share`, 0 to 1, is how far it is what was looked for."""
        at = self.number(site)
        self._pages[at] += 1.0
        self._brought[at] += share

    def discount(self, numbers: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
        """What estimates are multiplied by, for each of these sites: 1 while they are within their allowance."""
        beyond = self._pages[numbers] - TRIAL - PAID * self._brought[numbers]
        return np.clip(0.5 ** (beyond / TRIAL), LEAST, 1.0)
