"""Write what was learned as JSON and read it back, so that other processes need not learn again."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from pipelines.errors import ConfigError, UsageError
from pipelines.likeness.background import Floats
from pipelines.likeness.calibrate import Grain, Spread, Weighing
from pipelines.likeness.details import Details
from pipelines.likeness.learn import Learned
from pipelines.likeness.lexical import Sparse
from pipelines.likeness.measure import Measure
from pipelines.likeness.models import Model, recalled
from pipelines.likeness.rarity import CrawlWords, Rarity, rarity
from pipelines.likeness.read import Reader
from pipelines.likeness.teach import Taught

# raised whenever scores change: what another version learned cannot be compared with ours
VERSION = 3


@dataclass(frozen=True, slots=True)
class SavedTaught:
    """A `Taught` in plain values."""

    words: tuple[str, ...]
    weights: bytes
    meaning: bytes
    bias: float
    ratings: int


@dataclass(frozen=True, slots=True)
class SavedDetails:
    """`Details` in plain values."""

    words: list[str]
    columns: bytes
    numbers: list[list[str]]


@dataclass(frozen=True, slots=True)
class Saved:
    """A `Learned` in plain values; arrays as little-endian bytes, row after row.

    `crawl`: language -> the crawl's pages, hashes and counts of its words; `means`: language -> vector.
    """

    version: int
    model: str
    names: tuple[str, ...]
    digest: str
    agreement: float | None
    grain: Grain
    expected: float
    prior: float
    pages: int
    words: list[str]
    columns: bytes
    vectors: bytes
    spreads: dict[str, tuple[Spread, Spread]]
    full_words: int
    prose: float
    ordinary: bytes
    weighing: Weighing
    days: tuple[int, ...]
    crawl: dict[str, tuple[float, bytes, bytes]]
    means: dict[str, bytes]
    taught: SavedTaught | None
    parting: float | None
    details: SavedDetails | None


def pack(learned: Learned) -> bytes:
    """As JSON."""
    kept = learned.measure
    crawl = sorted(kept.reader.rarity.crawl.items())
    means = sorted(kept.reader.means.items())
    return msgspec.json.encode(
        Saved(
            version=VERSION,
            model=kept.reader.model.name,
            names=learned.names,
            digest=learned.digest,
            agreement=learned.agreement,
            grain=learned.grain,
            expected=learned.expected,
            prior=learned.prior,
            pages=learned.pages,
            words=kept.sparse.words,
            columns=_bytes(kept.sparse.columns),
            vectors=_bytes(kept.vectors),
            spreads=kept.spreads,
            full_words=kept.full_words,
            prose=kept.prose,
            ordinary=_bytes(kept.ordinary),
            weighing=kept.weighing,
            days=kept.days,
            crawl={name: (one.pages, one.hashes.astype("<u4").tobytes(), _bytes(one.counts)) for name, one in crawl},
            means={name: _bytes(mean) for name, mean in means},
            taught=_saved(learned.taught) if learned.taught else None,
            parting=learned.parting,
            details=_saved_details(kept.details) if kept.details else None,
        )
    )


def unpack(data: bytes) -> Learned:
    """From JSON. UsageError when it is no profile, or one of another version or of a model that is not here."""
    model = _recognise(data)
    try:
        saved = msgspec.json.decode(data, type=Saved)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise UsageError(f"This is no profile of ours ({error}); learn it again from the seeds.") from error
    crawl = {
        name: CrawlWords(pages, np.frombuffer(hashes, "<u4"), _numbers(counts))
        for name, (pages, hashes, counts) in saved.crawl.items()
    }
    means = {name: _numbers(mean) for name, mean in saved.means.items()}
    measure = Measure(
        Reader(Rarity(crawl=crawl) if crawl else rarity(), means, model),
        Sparse(saved.words, _numbers(saved.columns).reshape(len(saved.words), len(saved.names) + 1)),
        _numbers(saved.vectors).reshape(len(saved.names) + 1, -1),
        saved.spreads, saved.full_words, saved.prose, _numbers(saved.ordinary), saved.weighing, saved.days,
        _details(saved.details) if saved.details else None,
    )  # fmt: skip
    return Learned(
        measure, saved.names, saved.digest, saved.agreement, saved.grain, saved.expected, saved.prior, saved.pages,
        _taught(saved.taught) if saved.taught else None, saved.parting,
    )  # fmt: skip


def _saved(taught: Taught) -> SavedTaught:
    return SavedTaught(taught.words, _bytes(taught.weights), _bytes(taught.meaning), taught.bias, taught.ratings)


def _taught(saved: SavedTaught) -> Taught:
    weights, meaning = _numbers(saved.weights), _numbers(saved.meaning)
    return Taught(saved.words, weights, meaning, saved.bias, saved.ratings)


def _saved_details(details: Details) -> SavedDetails:
    openings = details.openings
    return SavedDetails(openings.words, _bytes(openings.columns), [sorted(each) for each in details.numbers])


def _details(saved: SavedDetails) -> Details:
    columns = _numbers(saved.columns).reshape(len(saved.words), len(saved.numbers))
    return Details(Sparse(saved.words, columns), tuple(map(frozenset, saved.numbers)))


class _Origin(msgspec.Struct):
    """What every version of a profile says of itself."""

    version: int
    model: str


def _recognise(data: bytes) -> Model:
    """The model that a profile was learned with."""
    try:
        origin = msgspec.json.decode(data, type=_Origin)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise UsageError(f"This is no profile of ours ({error}); learn it again from the seeds.") from error
    try:
        model = recalled(origin.model)
    except ConfigError as error:
        raise UsageError(f"This profile was learned with a model that is not to be had here. {error}") from error
    if model is None or origin.version != VERSION:
        raise UsageError("This profile comes from another version or model; learn it again from the seeds.")
    if model.name != origin.model:
        raise UsageError(
            f"This profile was learned with the model {origin.model}, which is {model.name} today; "
            "learn it again from the seeds."
        )
    return model


def _bytes(array: Floats) -> bytes:
    return np.ascontiguousarray(array, "<f4").tobytes()


def _numbers(data: bytes) -> Floats:
    return np.frombuffer(data, "<f4")
