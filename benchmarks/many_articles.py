"""A database of many generated articles: a pool written by the store's own functions, then repeated in SQL.

What is repeated has its own addresses, hashes, scores, days and signatures; its words are those of the pool, whose
texts no query sees together often enough for that to matter: 10,000 of them, of 320 words each, drawn from a Zipf-like
vocabulary of 50,000. Every seventh article is a copy of the one before; to five articles come an URL that waits and one
that was dropped.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from pipelines.records import Article, Candidate, Likeness
from pipelines.signature import KEYS, SKETCH, Signature
from pipelines.stores import Connection, Store, articles, discovery, replayed, schema, signatures
from pipelines.stores.articles import Draft
from pipelines.stores.discovery import Found
from pipelines.stores.states import State
from pipelines.words import words_of

POOL, CHUNK = 10_000, 2_000
WORDS, VOCABULARY, SITES = 320, 50_000, 400
LANGUAGES = ("en", "en", "en", "de")
MATCH = 0.5
_ENDS = ((7, "not-article"), (7, "unlike"), (8, "timeout"), (8, "dns"), (7, "http-404"), (9, "robots"))


class Maker:
    """Generated articles: number n is always the same."""

    def __init__(self, seeds: Sequence[str] = ("seed",)) -> None:
        syllables = [a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "el", "or")]
        chosen = random.Random(1)
        self.vocabulary = ["".join(chosen.choices(syllables, k=chosen.randint(2, 4))) for _ in range(VOCABULARY)]
        self._seeds = seeds
        total, self._weights = 0.0, []
        for rank in range(1, VOCABULARY + 1):
            total += 1 / rank**0.9
            self._weights.append(total)

    def text(self, number: int) -> str:
        """The words of an article."""
        drawn = random.Random(number).choices(self.vocabulary, cum_weights=self._weights, k=WORDS)
        return "\n".join(" ".join(drawn[at : at + 40]).capitalize() + "." for at in range(0, WORDS, 40))

    def draft(self, row: int, number: int, run: int) -> Draft:
        """The article with a judgement."""
        said, url = self.text(number), address(number)
        score = random.Random(-number).random()
        article = Article(
            row=row, url=url, canonical_url=url, site=site(number), title=said[:60].replace("\n", " "),
            text=said, authors=("Jane Doe",), published=None, published_confidence=0.0,
            language=LANGUAGES[number % len(LANGUAGES)], words=WORDS, sha256=hashlib.sha256(said.encode()).hexdigest(),
        )  # fmt: skip
        likeness = Likeness(score, score, score, self._seeds[number % len(self._seeds)])
        return Draft(article, likeness, score >= MATCH, 1.0, "online", run)


def site(number: int) -> str:
    """The site of article `number`."""
    return f"site{number % SITES}.test"


def address(number: int) -> str:
    """The URL of article `number`."""
    return f"https://{site(number)}/story/{number}"


def signed(number: int) -> Signature:
    """A signature like no other's."""
    drawn = random.Random(number)
    return Signature(tuple(drawn.getrandbits(32) - 2**31 for _ in range(KEYS)), drawn.randbytes(SKETCH))


def grow(store: Store, maker: Maker, number: int, run: int) -> None:
    """Makes a store hold so many articles, in whole pools; called again, it goes on."""
    with store.write() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS pool_words (id BIGINT PRIMARY KEY, title TEXT, text TEXT)"))
        low = connection.execute(text("SELECT min(id) FROM pool_words")).scalar()
    if low is None:
        low = _begun(store, maker, run)
    stride, high = POOL + 2 * (POOL // 5), low + POOL - 1
    with store.read() as connection:
        held = connection.execute(text("SELECT count(*) FROM signatures")).scalar_one()
    while held < number:
        with store.write() as connection:
            top = connection.execute(text("SELECT max(id) FROM urls")).scalar_one()
            on = -(-(top + 1 - low) // stride) * stride
            _repeat(connection, low, high, on)
            _rest(connection, high + on, POOL // 5, run)
            if not store.is_sqlite:
                connection.execute(text("SELECT setval('urls_id_seq', (SELECT max(id) FROM urls))"))
        held += POOL


def _begun(store: Store, maker: Maker, run: int) -> int:
    """Writes the pool; gives its first row."""
    rows: list[int] = []
    for at in range(0, POOL, CHUNK):
        made = _pool(store, maker, range(at, at + CHUNK), run)
        rows += [one["id"] for one in made]
        words = [{"id": one["id"]} | {name: " ".join(words_of(one[name], WORDS)) for name in ("title", "text")}
                 for one in made]  # fmt: skip
        with store.write() as connection:
            connection.execute(text("INSERT INTO pool_words VALUES (:id, :title, :text)"), words)
    low, high = min(rows), max(rows)
    assert high - low == POOL - 1
    with store.write() as connection:
        _copies(connection, low, high)
    return low


def _pool(store: Store, maker: Maker, numbers: range, run: int) -> list[dict[str, Any]]:
    """Articles as they lie there in the end."""
    urls, now = {address(n): n for n in numbers}, time.time()
    with store.write() as connection:
        discovery.discover(connection, [Found(Candidate(url, "link"), 0.5) for url in urls], run=run, now=now)
        rows = replayed.lease(connection, dict.fromkeys(urls, 0.0), run=run, now=now)
        made = [articles.columns(maker.draft(rows[url], n, run)) for url, n in urls.items()]
        connection.execute(schema.articles.insert(), [one | {"story": one["id"]} for one in made])
        signatures.put(connection, {rows[url]: signed(n) for url, n in urls.items()})
        ended = {"state": State.STORED, "status": 200, "fetched_at": now, "fetches": 1}
        connection.execute(schema.urls.update().where(schema.urls.c.id.in_(rows.values())).values(ended))
        articles.seal(connection, list(rows.values()), now=now)
        articles.note_archived(connection, {rows[url]: (f"a{n // 1000}.warc.gz", n) for url, n in urls.items()})
    return made


def _copies(connection: Connection, low: int, high: int) -> None:
    pool = {"low": low, "high": high}
    connection.execute(text("UPDATE articles SET copy_of = id - 1, story = id - 1, similarity = 0.9, kind = 'near' "
                            "WHERE id > :low AND id <= :high AND id % 7 = 0"), pool)  # fmt: skip
    connection.execute(text("UPDATE urls SET state = 6, reason = 'copy' "
                            "WHERE id > :low AND id <= :high AND id % 7 = 0"), pool)  # fmt: skip


def _repeat(connection: Connection, low: int, high: int, on: int) -> None:
    sqlite = connection.dialect.name == "sqlite"
    key = "random()" if sqlite else "CAST(floor((random() - 0.5) * 9e18) AS bigint)"
    digest = "lower(hex(randomblob(32)))" if sqlite else "encode(sha256(CAST(CAST(id + :on AS text) AS bytea)), 'hex')"
    sketch = "randomblob(55)" if sqlite else "substr(sha512(CAST(CAST(article + :on AS text) AS bytea)), 1, 55)"
    small = "(random() >> 32)" if sqlite else "CAST(floor((random() - 0.5) * 4294967295) AS int)"
    month = "printf('%02d', 1 + (id + :on) / 7 % 12)" if sqlite else "to_char(1 + (id + :on) / 7 % 12, 'FM00')"
    # a random one would be drawn once for the score and once for whether it matches
    score = "((id + :on) * 7919 % 999983) / 999983.0"
    changed = {
        "urls": {"key": key, "url": "url || '/' || :at"},
        "articles": {
            "canonical_url": "canonical_url || '/' || :at", "canonical_key": key, "sha256": digest,
            "story": "story + :on", "copy_of": "copy_of + :on", "score": score,
            "matched": f"CASE WHEN {score} >= {MATCH} THEN 1 ELSE 0 END",
            "published": f"'2026-' || {month} || '-' || (10 + id % 19) || 'T10:00:00Z'",
            "stored_at": "stored_at + :on",
        },
        "signatures": {f"key{place}": small for place in range(KEYS)} | {"sketch": sketch},
    }  # fmt: skip
    told = {"on": on, "at": str(on), "low": low, "high": high}
    for table, values in changed.items():
        row = "article" if table == "signatures" else "id"
        names = [column.name for column in schema.metadata.tables[table].columns if column.name != row]
        if table == "articles" and not sqlite:
            names.append("search")
        made = ", ".join(values.get(name, name) for name in names)
        connection.execute(
            text(f"INSERT INTO {table} ({row}, {', '.join(names)}) SELECT {row} + :on, {made} FROM {table} "
                 f"WHERE {row} BETWEEN :low AND :high ORDER BY {row}"), told)  # fmt: skip
    if sqlite:
        connection.execute(text("INSERT INTO articles_search (rowid, title, text) "
                                "SELECT id + :on, title, text FROM pool_words ORDER BY id"), told)  # fmt: skip


def _rest(connection: Connection, after: int, number: int, run: int) -> None:
    """URLs that wait and such as were dropped."""
    hosts = [row.id for row in connection.execute(text("SELECT id FROM hosts ORDER BY id"))]
    dice, now = random.Random(after), time.time()
    rows = []
    for at in range(number):
        host, state, reason = hosts[at % len(hosts)], 0, None
        for kind in ("waits", "dropped"):
            if kind == "dropped":
                state, reason = dice.choice(_ENDS)
            rows.append({
                "id": after + len(rows) + 1, "key": dice.getrandbits(62), "host": host, "kind": 0, "state": state,
                "url": f"https://{site(at)}/{kind}/{at}", "expected": dice.random(), "source": "link", "run": run,
                "found_at": now, "reason": reason, "fetched_at": now if state else None, "depth": 1, "anchor": "",
                "context": "", "published": "", "due_at": 0.0, "fetches": int(state > 0), "attempts": 0,
            })  # fmt: skip
    for at in range(0, len(rows), 10 * CHUNK):
        connection.execute(schema.urls.insert(), rows[at : at + 10 * CHUNK])
