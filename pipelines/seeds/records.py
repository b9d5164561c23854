"""What a set of examples is: seeds, and what is wrong with the files that gave none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Seed:
    """An example article. `dropped_lines` are those that hygiene took off its ends, in their order.

    `sure_of_day` is false where `published` was only guessed from the text; `at` is its line, or its place in the list,
    in a file of several, counted from 1, else 0.
    """

    name: str
    path: str
    title: str
    text: str
    language: str
    words: int
    dropped_lines: tuple[str, ...] = ()
    url: str = ""
    published: date | None = None
    sure_of_day: bool = True
    at: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a file, in one sentence that names it and the way out. The other files still count."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class SeedSet:
    """The examples of one subject. `urls` are seeds given as addresses, which are still to be fetched.

    `settings` has what seed.toml says for the run: grain, threshold, sites, feeds, sitemaps.
    """

    name: str
    about: str
    seeds: tuple[Seed, ...]
    problems: tuple[Problem, ...] = ()
    urls: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
