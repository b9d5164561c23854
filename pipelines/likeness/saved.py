"""Write what was learned as JSON and read it back, so that other processes need not learn again."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from pipelines.errors import UsageError
from pipelines.likeness.background import Floats
from pipelines.likeness.calibrate import Grain, Spread
from pipelines.likeness.learn import Learned, Measure
from pipelines.likeness.lexical import Sparse

# raised whenever scores change: what another version learned cannot be compared with ours
VERSION = 1
MODEL = "wordllama-l2-supercat-256"


@dataclass(frozen=True, slots=True)
class Saved:
    """A `Learned` in plain values; arrays as little-endian float32 bytes, row after row."""

    version: int
    model: str
    names: tuple[str, ...]
    digest: str
    agreement: float | None
    grain: Grain
    prior: float
    words: list[str]
    columns: bytes
    vectors: bytes
    spreads: dict[str, tuple[Spread, Spread]]
    full_words: int
    ordinary: bytes


def pack(learned: Learned) -> bytes:
    """As JSON."""
    kept = learned.measure
    return msgspec.json.encode(
        Saved(
            VERSION,
            MODEL,
            learned.names,
            learned.digest,
            learned.agreement,
            learned.grain,
            learned.prior,
            kept.sparse.words,
            _bytes(kept.sparse.columns),
            _bytes(kept.vectors),
            kept.spreads,
            kept.full_words,
            _bytes(kept.ordinary),
        )
    )


def unpack(data: bytes) -> Learned:
    """From JSON. UsageError when it is no profile, or one of another version or model."""
    try:
        saved = msgspec.json.decode(data, type=Saved)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise UsageError(f"This is no profile of ours ({error}); learn it again from the seeds.") from error
    if (saved.version, saved.model) != (VERSION, MODEL):
        raise UsageError("This profile comes from another version or model; learn it again from the seeds.")
    sparse = Sparse(saved.words, _rows(saved.columns, len(saved.words)))
    vectors = _rows(saved.vectors, len(saved.names) + 1)
    measure = Measure(sparse, vectors, saved.spreads, saved.full_words, np.frombuffer(saved.ordinary, "<f4"))
    return Learned(measure, saved.names, saved.digest, saved.agreement, saved.grain, saved.prior)


def _bytes(array: Floats) -> bytes:
    return np.ascontiguousarray(array, "<f4").tobytes()


def _rows(data: bytes, rows: int) -> Floats:
    return np.frombuffer(data, "<f4").reshape(rows, -1)
