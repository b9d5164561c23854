"""Make gold for `suchlike eval likeness` out of public labelled news; nothing of it is kept in this repository.

    python benchmarks/gold_sets.py MIRROR OUT

MIRROR is a folder with a clone of each repository of the table, named `owner+name`. Writes one file a set into OUT.

| file | repository | label | licence |
|---|---|---|---|
| ecb.jsonl | tommasoc80/EventStoryLine (ECB+: two look-alike events a topic) | event, topic | CC BY 3.0 |
| basil.jsonl | launchnlp/BASIL (an event in three outlets) | event, date | none stated; texts are the publishers' |
| reuters.jsonl | CrackedSky/reuters21578 (Reuters-21578: narrow business topics) | topic | for research only |
| bbc.jsonl | suraj-deshmukh/BBC-Dataset-News-Classification | section | for research only; texts are the BBC's |
| masakhane-*.jsonl | masakhane-io/masakhane-news (English, French, Swahili; test part) | section | none stated; same |
"""

from __future__ import annotations

import argparse
import csv
import html
import io
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from background_texts import git, names

Line = dict[str, Any]
SHORTEST_CHARS = 400
LONGEST_CHARS = 20_000
# so many articles a label at most, and of the two that make up half of Reuters
MOST_REUTERS, MOST_OF_THE_COMMON = 80, 40
COMMON = ("earn", "acq")
UNLABELLED_REUTERS = 400
REUTERS_TOPICS = (12, 200)
MOST_A_SECTION = {"bbc": 100, "masakhane": 70}


def ecb(mirror: Path) -> Iterator[Line]:
    """ECB+: the number of the topic, and which of its two events."""
    folder = mirror / "tommasoc80+EventStoryLine"
    for name in names(folder, ".", (".xml",)):
        found = re.search(r"ECB\+_LREC2014/ECB\+/(\d+)/\d+_\d+(ecb|ecbplus)\.xml$", name)
        if not found:
            continue
        page = git(folder, "show", f"HEAD:{name}").decode("utf-8", "replace")
        sentences: dict[int, list[str]] = {}
        for number, token in re.findall(r'<token [^>]*?sentence="(\d+)"[^>]*>(.*?)</token>', page):
            sentences.setdefault(int(number), []).append(html.unescape(token))
        lines = [re.sub(r"\s+([.,;:!?%)\]'\u2019])", r"\1", " ".join(tokens)) for tokens in sentences.values()]
        lines = [line for line in lines if not re.match(r"https?\s*:", line)]
        if lines:
            labels = {"event": f"{found[1]}-{found[2]}", "topic": found[1]}
            yield {"title": lines[0][:200], "text": "\n".join(lines[1:] or lines), "language": "en", **labels}


def basil(mirror: Path) -> Iterator[Line]:
    """BASIL: three articles an event."""
    folder = mirror / "launchnlp+BASIL"
    for name in names(folder, "articles", (".json",)):
        article = json.loads(git(folder, "show", f"HEAD:{name}"))
        text = "\n".join(" ".join(paragraph) for paragraph in article["body-paragraphs"])
        event = Path(name).stem.rpartition("_")[0]
        yield {"title": article["title"], "text": text, "language": "en", "date": article["date"], "event": event}


def reuters(mirror: Path) -> Iterator[Line]:
    """Reuters-21578, its commonest topics capped; articles of no topic come along as what nobody asks for."""
    folder = mirror / "CrackedSky+reuters21578"
    found: list[tuple[str, str, list[str]]] = []
    for name in names(folder, ".", (".sgm",)):
        pages = git(folder, "show", f"HEAD:{name}").decode("latin-1")
        for page in re.findall(r"<REUTERS.*?</REUTERS>", pages, re.DOTALL):
            parts = [re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL) for tag in ("TITLE", "BODY", "TOPICS")]
            title, body, topics = (part[1] if part else "" for part in parts)
            if title and len(body) > SHORTEST_CHARS:
                text = html.unescape(re.sub(r"\s+", " ", body))
                found.append((html.unescape(title), text, re.findall(r"<D>(.*?)</D>", topics)))
    random.Random(1).shuffle(found)
    counted: Counter[str] = Counter()
    kept = []
    for title, text, topics in found:
        most = [(UNLABELLED_REUTERS, "")] if not topics else []
        most += [(MOST_OF_THE_COMMON if topic in COMMON else MOST_REUTERS, topic) for topic in topics]
        if any(counted[topic] < limit for limit, topic in most):
            counted.update(topics or [""])
            kept.append((title, text, topics))
    fewest, many = REUTERS_TOPICS
    asked = {topic for topic, number in counted.items() if topic and fewest <= number <= many} - {*COMMON}
    for title, text, topics in kept:
        yield {"title": title, "text": text, "language": "en", "topic": sorted(asked & set(topics))}


def bbc(mirror: Path) -> Iterator[Line]:
    """BBC: five sections."""
    folder = mirror / "suraj-deshmukh+BBC-Dataset-News-Classification"
    listed = [name for name in names(folder, ".", (".txt",)) if "/data_files/" in f"/{name}"]
    random.Random(2).shuffle(listed)
    counted: Counter[str] = Counter()
    for name in listed:
        section = Path(name).parent.name
        counted[section] += 1
        if counted[section] <= MOST_A_SECTION["bbc"]:
            title, _, text = git(folder, "show", f"HEAD:{name}").decode("latin-1").partition("\n")
            yield {"title": title, "text": text.strip(), "language": "en", "section": section}


def masakhane(mirror: Path, code: str, language: str) -> Iterator[Line]:
    """MasakhaNEWS: the sections of one language."""
    csv.field_size_limit(sys.maxsize)
    table = git(mirror / "masakhane-io+masakhane-news", "show", f"HEAD:data/{code}/test.tsv").decode()
    rows = [row for row in csv.DictReader(io.StringIO(table), delimiter="\t") if len(row["text"]) >= SHORTEST_CHARS]
    random.Random(3).shuffle(rows)
    counted: Counter[str] = Counter()
    for row in rows:
        counted[row["category"]] += 1
        if counted[row["category"]] <= MOST_A_SECTION["masakhane"]:
            text = row["text"][:LONGEST_CHARS]
            yield {"title": row["headline"], "text": text, "language": language, "section": row["category"]}


def main(mirror: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    sets = {"ecb": ecb(mirror), "basil": basil(mirror), "reuters": reuters(mirror), "bbc": bbc(mirror)}
    sets |= {
        f"masakhane-{language}": masakhane(mirror, code, language)
        for code, language in (("eng", "en"), ("fra", "fr"), ("swa", "sw"))
    }
    for name, lines in sets.items():
        file = out / f"{name}.jsonl"
        written = [json.dumps(line, ensure_ascii=False) for line in lines]
        file.write_text("".join(f"{line}\n" for line in written), "utf-8")
        print(f"{file}: {len(written)} articles")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("mirror", type=Path)
    asked.add_argument("out", type=Path)
    main(**vars(asked.parse_args()))
