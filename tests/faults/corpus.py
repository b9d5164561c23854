"""Pages made to hurt whoever reads them, and real ones with bytes changed; each through a child like a worker's own.

    python tests/faults/corpus.py [--seed 7] [--made 240] [--mutated 120]

A child has the limits of a worker's (`workers/work.py`): memory, CPU seconds, and the kernel's alarm. A page on which
it dies is read plainly in another, as a worker does at last. Prints how pages ended, and what the worst ones cost.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from crawler.reading.gate import Gate
from pipelines import extract
from workers.limits import limit_memory
from workers.queues import PAGE_S
from workers.work import CPU_S

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "pages"
MOST_S = 25.0
MOST_BYTES = 1 << 30
SENTENCE = "The harbour council heard on Tuesday what clearing the winter's silt from the channel is going to cost. "
TAGS = [
    "div",
    "p",
    "span",
    "table",
    "tr",
    "td",
    "ul",
    "li",
    "a",
    "b",
    "article",
    "section",
    "form",
    "select",
    "option",
    "svg",
    "math",
    "template",
    "noscript",
    "iframe",
    "frameset",
    "plaintext",
    "textarea",
    "title",
    "xmp",
]
ODD = (
    "\x00", "\u202e", "\ufeff", "\ud7ff", "\U0001f468\u200d\U0001f469", "\u0301" * 50, "<", "&", "&#0;", "&#x110000;",
    "&amp;" * 20, "]]>", "<!--", "-->", "<![CDATA[", "<?php", "\x1b[31m", "%s%n", "{{7*7}}", "\r", "\x85", "\u2028",
)  # fmt: skip
RUNS = ("a", "a ", "1", "(C) ", ". ", SENTENCE, "2024-01-01 ", "www.a.b ")
DATES = (
    "9999-12-31", "0000-00-00", "31.02.2024", "1" * 100_000, "20240101" * 10_000, "\u0661\u0662.\u0663.\u0662\u0660",
    "Jan " * 50_000,
)  # fmt: skip
LD = (
    '{"a":' * 40_000, "[" * 100_000, '{"@type":"NewsArticle","author":' + "[" * 5000,
    '{"@type":"NewsArticle","datePublished":"' + "9" * 500_000, '{"@graph":[' + '{"@type":"Article"},' * 30_000,
    '{"@type":"Article","author":"' + "J D, " * 200_000 + '"}',
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """How one page ended: `reason` is `article`, or why it is none; what it cost at most, beyond what we hold."""

    name: str
    reason: str
    seconds: float
    peak_bytes: int


def _page(body: str) -> str:
    return f"<!doctype html><html><head><title>What the silt costs</title></head><body>{body}</body></html>"


def _deep(dice: random.Random) -> str:
    tag = dice.choice(TAGS)
    return _page(f"<{tag}>" * dice.randint(1_000, 120_000) + SENTENCE * 40)


def _wide(dice: random.Random) -> str:
    return _page(f"<{dice.choice(TAGS)}>{dice.choice(ODD)}" * dice.randint(1_000, 300_000))


def _attributes(dice: random.Random) -> str:
    names = " ".join(f"{dice.choice('abc')}{n}='{n}'" for n in range(dice.randint(10, 60_000)))
    return _page(f"<div {names}>" + SENTENCE * 40)


def _long_text(dice: random.Random) -> str:
    return _page(f"<p>{dice.choice(RUNS)}" + dice.choice(RUNS) * dice.randint(1_000, 200_000))


def _paragraphs(dice: random.Random) -> str:
    return _page(f"<{dice.choice(['p', 'br', 'li', 'td', 'h2'])}>{SENTENCE}" * dice.randint(100, 20_000))


def _nested_lists(dice: random.Random) -> str:
    one, two = dice.choice([("ul", "li"), ("table", "tr><td"), ("dl", "dd"), ("ol", "li")])
    return _page(f"<{one}><{two}>" * dice.randint(100, 20_000) + SENTENCE * 40)


def _links(dice: random.Random) -> str:
    links = (f"<a href='/{dice.randrange(10**6)}'>{SENTENCE[:20]}</a>" for _ in range(dice.randint(10, 40_000)))
    return _page("".join(links))


def _metas(dice: random.Random) -> str:
    name = dice.choice(["author", "article:author", "date", "description", "keywords", "og:title", "robots"])
    value = dice.choice(["x", "Jane Doe, ", "2024-01-01T00:00:00Z", "a;" * 1000, "\u202e"])
    metas = f"<meta name='{name}' property='{name}' content='{value * dice.randint(1, 50)}'>" * dice.randint(1, 20_000)
    return f"<html><head>{metas}</head><body>{SENTENCE * 40}</body></html>"


def _json_ld(dice: random.Random) -> str:
    return _page(f"<script type='application/ld+json'>{dice.choice(LD)}</script><p>{SENTENCE * 40}</p>")


def _dates(dice: random.Random) -> str:
    times = (f"<time datetime='{dice.choice(DATES)}'>{dice.choice(DATES)}</time>" for _ in range(dice.randint(1, 30)))
    return _page("".join(times) + f"<p>{SENTENCE * 40}</p>")


def _noise(dice: random.Random) -> str:
    pieces = [*ODD, *(f"<{tag}>" for tag in TAGS), *(f"</{tag}>" for tag in TAGS), SENTENCE, "='", '"', " id=", ">"]
    return "".join(dice.choices(pieces, k=dice.randint(100, 60_000)))


def _comments(dice: random.Random) -> str:
    begins = dice.choice(["<!--", "<!", "<?", "<![CDATA[", "<!-->", "</"])
    return _page(begins * dice.randint(100, 100_000) + SENTENCE * 40)


def _entities(dice: random.Random) -> str:
    return _page(dice.choice(["&lt;", "&#", "&#x41", "&notit;", "&amp;amp;", "&"]) * dice.randint(1_000, 400_000))


SHAPES: tuple[Callable[[random.Random], str], ...] = (
    _deep, _wide, _attributes, _long_text, _paragraphs, _nested_lists, _links, _metas, _json_ld, _dates, _noise,
    _comments, _entities,
)  # fmt: skip
CHARSETS = [
    "utf-8",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "cp1252",
    "shift_jis",
    "gb18030",
    "iso-2022-jp",
    "koi8-r",
    "utf-7",
]


def made(seed: int, number: int) -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """`(name, body, headers)` of so many pages; the same for the same seed."""
    for at in range(number):
        dice = random.Random(f"{seed}/{at}")
        shape = SHAPES[at % len(SHAPES)]
        charset = dice.choice(CHARSETS) if dice.random() < 0.3 else "utf-8"
        body = shape(dice).encode(charset, "replace")
        said = dice.choice([charset, charset, *CHARSETS, "no-such", "hex", "idna", "x" * 300])
        yield f"{shape.__name__[1:]}-{at}", body, {"content-type": f"text/html; charset={said}"}


def mutated(seed: int, number: int, folder: Path = REAL) -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """Real pages with bytes flipped, taken out, doubled, moved or cut off; none where there are no real pages."""
    files = sorted(folder.glob("*.html.gz"))
    for at in range(number if files else 0):
        dice = random.Random(f"{seed}/mutated/{at}")
        body = bytearray(gzip.decompress(files[at % len(files)].read_bytes()))
        for _ in range(dice.choice([1, 10, 100, 1000])):
            place, length = dice.randrange(len(body) + 1), dice.randrange(1, 200)
            how = dice.randrange(5)
            if how == 0 and place < len(body):
                body[place] = dice.randrange(256)
            elif how == 1:
                del body[place : place + length]
            elif how == 2:
                body[place:place] = body[place : place + length]
            elif how == 3:
                body[place:place] = dice.choice(ODD).encode("utf-8", "replace")
            elif how == 4 and dice.random() < 0.02:
                del body[place:]
        yield f"mutated-{at}", bytes(body), {"content-type": "text/html"}


def read(name: str, body: bytes, headers: dict[str, str]) -> Outcome:
    """One page through the gate and a child; where that dies, plainly through another."""
    reason, seconds, peak = _in_a_child(lambda: _extracted(extract.extract, body, headers))
    if reason == "killed":
        reason, more_s, more = _in_a_child(lambda: _extracted(extract.extract_plainly, body, headers))
        seconds, peak = max(seconds, more_s), max(peak, more)
    return Outcome(name, reason, seconds, peak)


def _extracted(how: Callable[..., object], body: bytes, headers: dict[str, str]) -> str:
    look = Gate(None, keeps_all=True).look(body, "https://hostile.example/a", headers)
    if look.reason:
        return look.reason
    try:
        how(body, "https://hostile.example/a", headers=headers)
    except extract.NotAnArticle as error:
        return error.reason
    return "article"


def _in_a_child(work: Callable[[], str]) -> tuple[str, float, int]:
    """`(reason, seconds, peak bytes)`; the reason is `killed` when it died, `failed` when it raised.

    Of the memory it is what the child takes beyond ours, which it begins with: in a long run of tests that is much.
    """
    reading, writing = os.pipe()
    ours = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
            limit_memory()
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(PAGE_S)
            os.write(writing, work().encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    _, status, used = os.wait4(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    ended = "killed" if os.WIFSIGNALED(status) else "failed"
    return said or ended, time.monotonic() - began, max(0, used.ru_maxrss * 1024 - ours)


def outcomes(pages: Iterator[tuple[str, bytes, dict[str, str]]]) -> list[Outcome]:
    """All of them, one after the other."""
    extract.warm()
    return [read(*page) for page in pages]


def unsettled(told: list[Outcome]) -> list[Outcome]:
    """Pages without a fate, or dearer than a page may be."""
    reasons = extract.REASONS | {"article", "empty", "not-html"}
    return [
        one for one in told if one.reason not in reasons or one.seconds > MOST_S or one.peak_bytes > MOST_BYTES
    ]  # fmt: skip


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--made", type=int, default=240)
    parser.add_argument("--mutated", type=int, default=120)
    asked = parser.parse_args()
    for what, pages in (("made", made(asked.seed, asked.made)), ("mutated", mutated(asked.seed, asked.mutated))):
        told = outcomes(pages)
        if not told:
            print(f"{what}: there are none")
            continue
        ends = ", ".join(f"{number} {reason}" for reason, number in Counter(one.reason for one in told).most_common())
        slow, large = max(told, key=lambda one: one.seconds), max(told, key=lambda one: one.peak_bytes)
        print(f"{what}: {len(told)} pages: {ends}")
        print(f"  longest {slow.seconds:.1f} s ({slow.name}); most {large.peak_bytes >> 20} MB ({large.name})")
        for one in unsettled(told):
            print(f"  ! {one}")
        if unsettled(told):
            sys.exit(1)


if __name__ == "__main__":
    main()
