"""A corpus of retold articles with known stories: what agencies' customers, desks and scanners make of one text.

Originals are the events in ../shared/data where present, else the demo's hand-written articles. Of every other one
there are copies at made-up outlets, changed as a Change says; translations, forms (weather, prices, fixtures) and the
other articles of the same events are no copies of anything.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

EVENTS = ROOT.parent / "shared" / "data" / "events" / "events.jsonl.gz"
DEMO = ROOT / "crawler" / "demo" / "articles"
FIRST_DAY = datetime(2026, 3, 1, 6, tzinfo=UTC)
# originals that share more of their shingles are copies in truth, and not taken
UNRELATED = 0.15
MIN_WORDS, MAX_WORDS = 90, 1200
SCANNED = str.maketrans({"l": "1", "m": "rn", "o": "0", "e": "c", "h": "b", "i": "j", "s": "5", "u": "ii"})
SYLLABLES = [a + b for a in "bdfgklmnprstv" for b in ("a", "e", "i", "o", "u", "ai", "en", "or")]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a copy. Shares are of words: edited, of the outlet's own paragraphs in the whole, cut, misread."""

    name: str
    edits: float = 0.0
    own: float = 0.0
    cut: float = 0.0
    scanned: float = 0.0
    headline: bool = False
    furniture: bool = False


CHANGES = (
    Change("verbatim"),
    *(Change(f"{percent} % of the words edited", edits=percent / 100) for percent in (2, 5, 10, 15, 20, 30)),
    Change("a third of the text the outlet's own", own=1 / 3),
    Change("a third own, 5 % edited", own=1 / 3, edits=0.05),
    Change("a third own, 10 % edited", own=1 / 3, edits=0.10),
    Change("half the text the outlet's own", own=0.5),
    Change("a third cut", cut=1 / 3),
    Change("headline swapped, furniture added", headline=True, furniture=True),
    Change("scanned: one word in ten misread", scanned=0.10),
    Change("5 % edited, 20 % own, 15 % cut, new headline, furniture", 0.05, 0.2, 0.15, 0.01, True, True),
)


@dataclass(frozen=True, slots=True)
class Told:
    """An article of the corpus; `story` is the gold label, `subject` what unrelated ones may share."""

    url: str
    site: str
    title: str
    paragraphs: tuple[str, ...]
    published: datetime
    story: str
    subject: str
    authors: tuple[str, ...] = field(default=())

    @property
    def text(self) -> str:
        """The paragraphs, parted by one newline."""
        return "\n".join(self.paragraphs)


def originals() -> list[Told]:
    """Articles of which none is a copy of another, in their order."""
    kept: list[tuple[Told, set[tuple[str, ...]]]] = []
    for one in _events() if EVENTS.exists() else _written():
        words = re.findall(r"\w+", one.text.lower())
        runs = set(zip(words, words[1:], words[2:], strict=False))
        alike = any(len(runs & other) > UNRELATED * len(runs | other) for _, other in kept)
        if MIN_WORDS <= len(words) <= MAX_WORDS and not alike:
            kept.append((one, runs))
    return [one for one, _ in kept]


def _events() -> Iterator[Told]:
    with gzip.open(EVENTS, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            one = json.loads(line)
            text = tuple(part.strip() for part in one["text"].split("\n") if part.strip())
            when = FIRST_DAY + timedelta(hours=number)
            site = one["source"].removeprefix("www.") or f"source{number}.example"
            yield Told(one["url"], site, one["title"], text, when, f"o{number}", one["event"])


def _written() -> Iterator[Told]:
    from crawler.demo.written import read

    for number, path in enumerate(sorted(DEMO.glob("*/*.md"))):
        one = read(path)
        if one.language == "en":
            yield Told(f"https://{one.site}/{one.slug}", one.site, one.title, (one.standfirst, *one.paragraphs),
                       FIRST_DAY + timedelta(hours=number), f"o{number}", path.parent.name)  # fmt: skip


class Desk:
    """Makes copies: draws on a pool of paragraphs nobody else used, and on the words of all articles."""

    def __init__(self, texts: Sequence[Told], seed: int) -> None:
        self.dice = Random(seed)
        self._words = [word for one in texts for word in one.text.split()]
        self._pool = [part for one in texts for part in one.paragraphs if 20 <= len(part.split()) <= 90]

    def copy(self, one: Told, change: Change, number: int) -> Told:
        """One more telling of an article, at an outlet of its own, hours later."""
        parts = list(one.paragraphs)
        if change.cut:
            parts = self._shortened(parts, change.cut)
        if change.edits:
            parts = [self._edited(part, change.edits) for part in parts]
        if change.scanned:
            parts = [self._scanned(part, change.scanned) for part in parts]
        if change.own:
            parts = self._own(parts, change.own)
        site = f"outlet{self.dice.randrange(10**6)}-{number}.example"
        if change.furniture:
            parts.append(self.furniture(f"group{self.dice.randrange(12)}"))
        title = " ".join(self.dice.sample(self._words, 8)).capitalize() if change.headline else one.title
        later = one.published + timedelta(minutes=self.dice.randint(5, 3000))
        return replace(one, url=f"https://{site}/{self.dice.randrange(10**9)}", site=site, title=title,
                       paragraphs=tuple(parts), published=later)  # fmt: skip

    def translation(self, one: Told) -> Told:
        """The same report in a language that shares only names and numbers with it."""

        def word(found: re.Match[str]) -> str:
            plain = found.group()
            if plain[0].isupper():
                return plain
            dice = Random(plain)
            return "".join(dice.choice(SYLLABLES) for _ in range(1 + len(plain) // 4))

        parts = tuple(re.sub(r"[^\W\d_]+", word, part) for part in one.paragraphs)
        return replace(
            one,
            url=f"https://xx-{one.site}/{one.story}",
            site=f"xx-{one.site}",
            paragraphs=parts,
            story=f"{one.story}-xx",
        )

    def _edited(self, part: str, share: float) -> str:
        words = []
        for word in part.split():
            if self.dice.random() >= share:
                words.append(word)
                continue
            way = self.dice.randrange(3)
            words += [[self.dice.choice(self._words)], [], [word, self.dice.choice(self._words)]][way]
        return " ".join(words)

    def _scanned(self, part: str, share: float) -> str:
        def misread(word: str) -> str:
            return word.translate(SCANNED) if self.dice.random() < share else word

        return " ".join(map(misread, part.split()))

    def _shortened(self, parts: list[str], share: float) -> list[str]:
        left = sum(len(part.split()) for part in parts) * (1 - share)
        kept = []
        for part in parts:
            words = part.split()[: max(0, round(left))]
            left -= len(words)
            kept += [" ".join(words)] * bool(words)
        return kept

    def _own(self, parts: list[str], share: float) -> list[str]:
        wanted = sum(len(part.split()) for part in parts) * share / (1 - share)
        parts = list(parts)
        while wanted > 0:
            own = self._pool[self.dice.randrange(len(self._pool))].split()
            # nobody else's: its words in an order of their own
            for at in self.dice.sample(range(len(own)), len(own) // 3):
                own[at] = self.dice.choice(self._words)
            own = own[: max(8, round(wanted))]
            wanted -= len(own)
            parts.insert(self.dice.randint(0, len(parts)), " ".join(own))
        return parts

    def furniture(self, group: str) -> str:
        """What a publisher's sites put under every article, of about seventy words."""
        dice = Random(group)
        return f"{group.capitalize()} News. " + " ".join(dice.choice(self._words) for _ in range(66)) + "."


_TOWNS = [
    "Northhaven",
    "Easthaven",
    "Meridia",
    "Karst",
    "Lindenhof",
    "Hesk",
    "Allmende",
    "Saltgate",
    "Corvin",
    "Dunmere",
    "Aldery",
    "Brackwell",
    "Tolford",
    "Ashmoor",
    "Quill",
    "Farrow",
    "Tarn",
    "Wexley",
    "Holm",
    "Orrin",
    "Pell",
    "Strand",
    "Vance",
    "Yarrow",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def forms(number: int, seed: int) -> list[Told]:
    """Pages that fill in a form: weather, prices, fixtures; some at sister sites with the same form."""
    dice, made = Random(seed), []
    for at in range(number):
        kind = ("weather", "prices", "fixtures")[at % 3]
        town, other, day, n = *dice.sample(_TOWNS, 2), dice.choice(_DAYS), lambda most=99: dice.randint(2, most)
        if kind == "weather":
            title = f"Weather for {town} on {day}"
            text = (
                f"The weather for {town} on {day} will be mostly dry with sunny spells, temperatures will reach {n(35)} "
                f"degrees in the afternoon and fall to {n(15)} degrees at night.\nWinds from the west will blow at up to "
                f"{n()} kilometres an hour, with gusts of {n(120)} near the coast, and the chance of rain is {n()} per cent."
                f"\nThe sun rises at {n(9)}.{n(59)} and sets at {n(22)}.{n(59)}. The sea off {other} is at {n(20)} degrees, "
                "and bathing is safe at all beaches that are watched. The pollen count will be moderate, and those who "
                "suffer from hay fever are advised to keep their windows shut in the morning.\nThis forecast is made "
                "every morning at six from the figures of the national weather service and is not changed by hand."
            )
        elif kind == "prices":
            firm = f"{town} {dice.choice(['Steel', 'Mining', 'Power', 'Foods', 'Rail'])}"
            title = f"{firm} shares: price and key figures"
            text = (
                f"Shares in {firm} closed at {n(900)}.{n()} crowns on {day}, a change of {n(9)}.{n()} per cent against the "
                f"day before, on a volume of {n(90)},{dice.randint(100, 999)} shares. The highest price of the day was "
                f"{n(900)}.{n()} and the lowest {n(900)}.{n()} crowns.\nOver the last twelve months the share has moved "
                f"between {n(900)} and {n(990)} crowns. The company is valued at {n()} billion crowns, which is {n(40)} times "
                f"its profit of last year, and pays a dividend of {n(9)}.{n()} per cent.\nOf the analysts who follow the "
                f"company {n(20)} recommend buying the share, {n(20)} holding and {n(9)} selling it. The next quarterly "
                f"report is due in {n(12)} weeks. This article was made automatically from the data of the exchange in {other}."
            )
        else:
            title = f"{town} v {other}: kick-off, team news and where to watch"
            text = (
                f"{town} play {other} on {day} at {n(22)}.{n(59)} in round {n(38)} of the league, and the match can be seen "
                f"live on Channel {n(12)} and followed here minute by minute.\n{town} come into the game in place {n(20)} of the "
                f"table with {n(80)} points, while {other} are in place {n(20)} with {n(80)}. In their last meeting {town} won "
                f"by {n(6)} goals to {n(3)}, and of the last {n(20)} games between the two sides each has won {n(9)}.\nThe "
                "referee will name his assistants an hour before kick-off, when both teams will hand in their line-ups too. "
                f"Tickets are still to be had at the gate from {n()} crowns. Gates open two hours before the match begins, "
                "and visitors are asked to come by public transport since parking is scarce."
            )
        site = f"{kind}{at % 4}.example"
        made.append(Told(f"https://{site}/{kind}/{at}", site, title, tuple(text.split("\n")),
                         FIRST_DAY + timedelta(hours=at), f"form{at}", f"form-{kind}"))  # fmt: skip
    return made


def corpus(texts: Sequence[Told], change: Change, *, seed: int, form_pages: int = 90) -> list[Told]:
    """Originals, the changed copies of every other one, translations and forms, in an order of no meaning."""
    desk = Desk(texts, seed)
    told = list(texts)
    for number, one in enumerate(texts[::2]):
        told += [desk.copy(one, change, copy) for copy in range((1, 2, 4)[number % 3])]
    told += [desk.translation(one) for one in texts[1::4]]
    told += forms(form_pages, seed)
    desk.dice.shuffle(told)
    return told


@dataclass(frozen=True, slots=True)
class Marks:
    """How well stories were found, over pairs of articles; `ari` is the adjusted Rand index (Hubert, Arabie 1985).

    `false_merges` is the share of pairs on one subject that tell different stories and were put into one.
    """

    precision: float
    recall: float
    f1: float
    ari: float
    false_merges: float


def mark(told: Sequence[Told], found: Sequence[object]) -> Marks:
    """Compares stories found, a label for each article, with the gold ones."""
    gold = [one.story for one in told]
    both = _pairs(list(zip(gold, found, strict=True)))
    ours, theirs, every = _pairs(gold), _pairs(list(found)), len(told) * (len(told) - 1) / 2
    precision, recall = (both / theirs if theirs else 1.0), (both / ours if ours else 1.0)
    chance = ours * theirs / every
    best = (ours + theirs) / 2
    by_subject = defaultdict(list)
    for at, one in enumerate(told):
        by_subject[one.subject].append(at)
    unrelated = merged = 0
    for places in by_subject.values():
        for one, other in combinations(places, 2):
            if gold[one] != gold[other]:
                unrelated += 1
                merged += found[one] == found[other]
    return Marks(
        precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        (both - chance) / (best - chance) if best > chance else 1.0, merged / unrelated if unrelated else 0.0,
    )  # fmt: skip


def _pairs(labels: Sequence[object]) -> float:
    number: dict[object, int] = defaultdict(int)
    for label in labels:
        number[label] += 1
    return sum(n * (n - 1) / 2 for n in number.values())
