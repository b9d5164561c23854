"""Parquet, for pandas, polars, duckdb and the rest; zstd inside. Needs pyarrow, the extra `analysis`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from pipelines.errors import UsageError
from pipelines.exports.article import FIELDS, Article
from pipelines.exports.choice import Choice
from pipelines.moments import iso

# articles in memory at once, and in a row group; fewer where their texts are long
_GROUP, _GROUP_CHARS = 500, 16_000_000


def write(articles: Iterable[Article], out: BinaryIO, choice: Choice) -> int:
    """Writes a row an article, with typed columns; returns how many. UsageError when pyarrow is missing."""
    _, parquet = _pyarrow()
    number = 0
    with parquet.ParquetWriter(out, _schema(choice.fields), compression="zstd") as writer:
        for group in _groups(articles):
            writer.write_table(table(group, choice.fields))
            number += len(group)
    return number


def _groups(articles: Iterable[Article]) -> Iterator[list[Article]]:
    group: list[Article] = []
    chars = 0
    for article in articles:
        group.append(article)
        chars += len(article.get("text") or "")
        if len(group) == _GROUP or chars >= _GROUP_CHARS:
            yield group
            group, chars = [], 0
    if group:
        yield group


def table(articles: Iterable[Article], fields: Sequence[str]) -> Any:
    """Articles as a pyarrow.Table with typed columns, in memory."""
    arrow, _ = _pyarrow()
    rows = [{name: _value(name, one.get(name)) for name in fields} for one in articles]
    return arrow.Table.from_pylist(rows, schema=_schema(fields))


def _schema(fields: Sequence[str]) -> Any:
    arrow, _ = _pyarrow()
    return arrow.schema([(name, _type(arrow, name)) for name in fields])


def read(file: Path) -> Iterator[Article]:
    """The articles of such a file, as they were given."""
    _, parquet = _pyarrow()
    with parquet.ParquetFile(file) as held:
        for batch in held.iter_batches(batch_size=_GROUP):
            for row in batch.to_pylist():
                yield {name: _read(name, value) for name, value in row.items()}


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise UsageError("Parquet needs one more package (pyarrow): pip install 'suchlike[analysis]'.") from None
    return pyarrow, parquet


def _type(arrow: Any, name: str) -> Any:
    text = arrow.string()
    return {
        "text": text,
        "json": text,
        "texts": arrow.list_(text),
        "number": arrow.float64(),
        "count": arrow.int64(),
        "truth": arrow.bool_(),
        "moment": arrow.timestamp("s", tz="UTC"),
        "place": arrow.struct([("file", text), ("offset", arrow.int64())]),
        "rights": arrow.struct([("robots", text), ("noindex", arrow.bool_()), ("tdm_reserved", arrow.bool_())]),
    }[FIELDS[name]]


def _value(name: str, value: Any) -> Any:
    if FIELDS[name] == "json":
        return None if value is None else json.dumps(value, ensure_ascii=False)
    return datetime.fromisoformat(value) if value and FIELDS[name] == "moment" else value


def _read(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    return json.loads(value) if value is not None and FIELDS.get(name) == "json" else value
