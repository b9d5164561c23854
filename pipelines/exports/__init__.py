"""EXPORTS: the formats a corpus leaves in. A new one is a file here and a line below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TextIO

from pipelines.exports import as_csv, as_jsonl

Article = Mapping[str, Any]
# writes articles (as contract.md words them) to a text stream; returns how many
Export = Callable[[Iterable[Article], TextIO], int]

EXPORTS: dict[str, Export] = {"jsonl": as_jsonl.write, "csv": as_csv.write}
