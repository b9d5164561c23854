"""Looking copies up among millions of signatures: bytes a signature, and what a look-up costs as they become more.

    python benchmarks/signatures.py --database sqlite:////tmp/signatures.db [--sizes 10000,100000,1000000,5000000]
        [--sorted]

Fills an empty database with generated signatures (one key in ten is one of a few thousand that many articles have, as
phrases all the world uses), and at each size signs and looks up made-up texts, one key in ten of which is such a one,
too. Prints JSON lines: bytes a signature with its indexes, milliseconds to sign, to look up, and to write, each as the
median over batches; CPU of this process, and on PostgreSQL of the server too. `--sorted` fills in a tenth of the time,
with the indexes taken away until all rows are there: they are denser then than articles that come one by one leave
them. docs/scale.md holds runs.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import text

from benchmarks.store import server_cpu
from pipelines.signature import KEYS, SKETCH, Signature, signature
from pipelines.stores import Connection, Store, open_store, schema, signatures

BATCHES, EACH = 15, 40
CHUNK = 250_000
COMMON = 5_000
_FILL = {
    "sqlite": """
        WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})
        INSERT INTO signatures (article, {names}, sketch)
        SELECT i, {keys}, randomblob({sketch}) FROM n""",
    "postgresql": """
        INSERT INTO signatures (article, {names}, sketch)
        SELECT i, {keys}, substr(sha512(CAST(CAST(i AS text) AS bytea)), 1, {sketch})
        FROM generate_series({first}, {last}) AS i""",
}
_DRAW = {
    "sqlite": "(abs(random()) % 4294967296 - 2147483648)",
    "postgresql": "CAST(floor(random() * 4294967295) - 2147483648 AS int)",
}


def fill(store: Store, first: int, last: int, *, indexes_last: bool = False) -> None:
    """Signatures of articles that nobody wrote."""
    if indexes_last:
        with store.write() as connection:
            for index in schema.signatures.indexes:
                index.drop(connection)
    dialect = store.engine.dialect.name
    draw = _DRAW[dialect]
    # each draw is another one; where one key in ten falls together is all that matters here
    keys = ", ".join(f"CASE WHEN {draw} % 10 = 0 THEN {draw} % {COMMON} ELSE {draw} END" for _ in range(KEYS))
    for start in range(first, last + 1, CHUNK):
        statement = _FILL[dialect].format(
            first=start, last=min(last, start + CHUNK - 1), names=", ".join(f"key{at}" for at in range(KEYS)),
            keys=keys, sketch=SKETCH,
        )  # fmt: skip
        with store.write() as connection:
            connection.exec_driver_sql(statement.replace("%", "%%") if dialect == "postgresql" else statement)
    if indexes_last:
        with store.write() as connection:
            for index in schema.signatures.indexes:
                index.create(connection)
    if dialect == "postgresql":
        with store.write() as connection:
            connection.exec_driver_sql("ANALYZE signatures")


def size(store: Store) -> int:
    """The bytes of the table and its indexes."""
    with store.read() as connection:
        if store.is_sqlite:
            query = "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'signatures%'"
            try:
                return int(connection.execute(text(query)).scalar_one())
            except Exception:  # this SQLite was built without dbstat
                pages = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
                return int(connection.execute(text(pages)).scalar_one())
        return int(connection.execute(text("SELECT pg_total_relation_size('signatures')")).scalar_one())


def texts(number: int, dice: random.Random) -> list[str]:
    """Made-up articles of 450 words each."""
    words = ["".join(dice.choices("abcdefghilmnoprstu", k=dice.randint(2, 9))) for _ in range(8000)]
    return [" ".join(dice.choices(words, k=450)) for _ in range(number)]


def timed(store: Store, seed: int) -> dict[str, float]:
    """Milliseconds a text, medians over batches: to sign it, to look it up, to write its signature (rolled back)."""
    dice = random.Random(seed)
    spent: dict[str, list[float]] = {"sign_ms": [], "look_up_ms": [], "write_ms": [], "look_up_wall_ms": []}
    with store.read() as connection:
        server = server_cpu(connection)
        for batch in range(BATCHES):
            made = texts(EACH, dice)
            began = time.process_time()
            signed = [one for one in map(signature, made) if one]
            spent["sign_ms"].append((time.process_time() - began) / EACH)
            signed = [replace(one, keys=tuple(_common(key, dice) for key in one.keys)) for one in signed]
            began, wall, there = time.process_time(), time.perf_counter(), server()
            for one in signed:
                signatures.alike(connection, one)
            spent["look_up_ms"].append((time.process_time() - began + server() - there) / EACH)
            spent["look_up_wall_ms"].append((time.perf_counter() - wall) / EACH)
            began, there = time.process_time(), server()
            _put(connection, signed, 10**9 + batch * EACH)
            spent["write_ms"].append((time.process_time() - began + server() - there) / EACH)
    return {name: round(1000 * statistics.median(values), 3) for name, values in spent.items()}


def _common(key: int, dice: random.Random) -> int:
    return dice.randrange(1 - COMMON, COMMON) if dice.random() < 0.1 else key


def _put(connection: Connection, signed: list[Signature], first: int) -> None:
    signatures.put(connection, dict(enumerate(signed, first)))


def main() -> None:
    """Prints a line of JSON for each size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--database", required=True)
    parser.add_argument("--sizes", default="10000,100000,1000000,5000000")
    parser.add_argument("--sorted", action="store_true")
    asked = parser.parse_args()
    store = open_store(asked.database)
    empty, held = size(store), 0
    for wanted in map(int, asked.sizes.split(",")):
        fill(store, held + 1, wanted, indexes_last=asked.sorted)
        held = wanted
        told = {
            "database": store.engine.dialect.name,
            "signatures": held,
            "bytes_each": round((size(store) - empty) / held),
        }
        print(json.dumps(told | timed(store, held)), flush=True)
    store.close()


if __name__ == "__main__":
    main()
