"""Which seeds a project means, and the likeness they teach."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crawler.fetching.seeds import fetch_seeds
from pipelines import seeds
from pipelines.config import Config
from pipelines.errors import SeedError
from pipelines.layers import FILE_NAME
from pipelines.likeness.profile import Profile
from pipelines.likeness.read import Example
from pipelines.seeds import Seed, SeedSet


def read_seeds(paths: Sequence[str | Path], config: Config) -> SeedSet:
    """The seeds at these paths and addresses, which are fetched. Raises SeedError when there are none."""
    read = seeds.read(paths)
    return fetch_seeds(read, config) if read.urls else read


def seeds_of(config: Config, profile: str | None) -> list[str | Path]:
    """Where the seeds of a profile lie, of the only one for None. Raises SeedError when a folder is not there."""
    name, wanted = config.only_profile(profile)
    listed = [wanted.seeds] if isinstance(wanted.seeds, str) else wanted.seeds
    paths = [one if "://" in one else config.path / one for one in listed]
    for path in paths:
        if isinstance(path, Path) and not path.exists():
            made = "" if (config.path / FILE_NAME).exists() else ", or make a project with `suchlike init NAME`"
            raise SeedError(
                f"The seeds {path} of profile {name} are not there; add some with `suchlike seed add FILE`{made}."
            )
    return paths


def placed(path: str | Path, folder: Path) -> str | Path:
    """A seed's path, in the project's folder if it is there; addresses as they are."""
    if isinstance(path, str) and "://" in path:
        return path
    return folder / path if (folder / path).exists() else Path(path)


def learn(seed_set: SeedSet, config: Config, profile: str | None) -> Profile:
    """The likeness a seed set teaches, as a profile of the configuration asks. SeedError when no seed can be used."""
    if not seed_set.seeds:
        raise SeedError("There is no seed that can be used; `suchlike seed list` says what is wrong with each.")
    _, wanted = config.only_profile(profile)
    return Profile.learn(examples(seed_set.seeds), grain=wanted.grain, model=config.model(profile))


def examples(given: Sequence[Seed]) -> list[Example]:
    """Seeds as likeness reads them."""
    return [Example(seed.name, seed.title, seed.text, seed.language, seed.published) for seed in given]


def learned(profile: Profile, seed_set: SeedSet) -> str:
    """What was learned from how many seeds, in a line."""
    terms = ", ".join(term.word for term in profile.terms[:6])
    number = len(seed_set.seeds)
    return f"learned from {number} seed{'' if number == 1 else 's'}: {terms} …"
