"""Take the stray headlines, menus and "read also" lists off the ends of a plain text, and say what was taken.

No model: every line is weighed as list-like (positive) or prose-like (negative), and the end of the text
whose sum is largest is cut where that sum is convincing: a change point, found as in Kadane's maximum
subarray. Figures and their limits: docs/likeness.md, "Seeds are cleaned".
"""

# ruff: noqa: RUF001 -- the look-alike letters of other scripts and the dashes are meant
from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pipelines.language import count_words

TRAILING_ENOUGH: Final = 3.0
# a title, a subtitle, a byline and a date at the top are ordinary: ask for more than they add up to
LEADING_ENOUGH: Final = 5.0
MIN_KEPT_CHARS: Final = 200
MIN_KEPT_SHARE: Final = 0.125
MAX_CUE_WORDS: Final = 12
MAX_HEADLINE_WORDS: Final = 22
# a line without a full stop may still be a headline, but is as likely something else
MAX_LONG_HEADLINE_WORDS: Final = 30

_PROSE: Final = -3.0
_CUE_WORDS: Final = (
    # English
    r"read (?:more|next|also|on|the full story)|related(?: (?:articles?|stories|links|topics|content|news|posts))?"
    r"|more (?:from|on|stories|news|in|like this)|most (?:read|viewed|popular|shared|commented)|top (?:stories|news)"
    r"|trending(?: now)?|recommended(?: for you)?|you (?:may|might) (?:also )?(?:like|be interested)|don'?t miss"
    r"|(?:the )?latest(?: news)?|share(?: this)?(?: article| story)?(?: on)?|advertisement|sponsored|sign (?:up|in)"
    r"|log ?in|subscribe|follow us|newsletter|(?:leave a )?comments?|editor'?s picks?|in pictures|see also|watch:"
    r"|up next|continue reading|skip to|back to top|copyright|all rights reserved|terms of (?:use|service)"
    r"|privacy policy|cookie(?:s| policy| settings)|previous (?:article|post)|next (?:article|post)"
    # French
    r"|(?:à )?lire (?:aussi|également|la suite)|voir aussi|sur le même (?:sujet|thème)|les plus (?:lus|partagés)"
    r"|articles? (?:liés?|associés?|similaires)|à la une|partager|s'abonner|abonnez-vous|publicité|dernières infos"
    # German
    r"|mehr (?:zum thema|dazu|aus)|lesen sie (?:auch|mehr|hier)|auch interessant|das könnte sie(?: auch)? interessieren"
    r"|meistgelesen|ähnliche artikel|weitere (?:artikel|meldungen|nachrichten|themen)|teilen|anzeige|kommentare?"
    r"|impressum|zur startseite|jetzt abonnieren"
    # Spanish, Portuguese, Italian
    r"|leer más|lee también|te puede interesar|(?:noticias |artículos )?relacionad[oa]s|lo más (?:leído|visto)"
    r"|compartir|suscríbete|publicidad|más noticias|ver también|leia (?:mais|também)|mais lidas|veja também|leggi anche"
    r"|potrebbe interessarti|i più letti|condividi"
    # Russian, Ukrainian
    r"|чита(?:йте|ть) (?:также|ещ[её]|по теме|далее)|по теме|похожие (?:статьи|новости)|популярн(?:ое|ые)|поделиться"
    r"|самое (?:читаемое|важное)|главное(?: сегодня)?|последние новости|подпи(?:шитесь|сывайтесь|саться)|реклама"
    r"|смотрите также|другие новости|комментарии"
    r"|чита(?:йте|ти) (?:також|ще|також за темою|далі)|за темою"
    r"|схожі (?:статті|новини)|популярне|поділитися|останні новини|найпопулярніше|головне(?: сьогодні)?"
    r"|підпи(?:шіться|суйтесь|сатися)"
    r"|дивіться також|інші новини|коментарі"
    # Swahili, Turkish, Polish, Dutch, Swedish, Danish and Norwegian
    r"|soma (?:zaidi|pia)|habari (?:nyingine|zaidi|zinazohusiana)|zinazosomwa zaidi|mada zinazohusiana|tazama pia"
    r"|ilgili haberler|çok okunanlar|bunlar da ilginizi çekebilir|son dakika haberleri|ayrıca okuyun"
    r"|czytaj (?:też|także|więcej)|zobacz (?:też|także)|najczęściej czytane|podobne artykuły"
    r"|lees (?:ook|meer|verder)|meest gelezen|gerelateerde artikelen|läs (?:också|även|mer)|mest lästa?"
    r"|læs også|les også|mest l[æe]ste?|relaterte (?:saker|artikler)"
    # Arabic
    r"|[اإ]قر[أا] (?:أيضا|ايضا|أيضًا|أيضاً|المزيد)|مواضيع ذات صلة|أخبار ذات صلة|مقالات ذات صلة|ذات صلة"
    r"|ال[أا]كثر (?:قراءة|مشاهدة|تداولا)|شارك(?: المقال)?"
    r"|آخر ال[أا]خبار|اشترك|تابعنا|إعلان|التعليقات|المزيد(?: من)?|شاهد أيضا"
)
_CUE: Final = re.compile(rf"\W*(?:{_CUE_WORDS}|©)(?!\w)", re.IGNORECASE)
_STAMP: Final = re.compile(
    r"\W*(?:(?:il y a|vor|hace|há|saa|منذ)\s+)?"
    r"(?:\d+\s*(?:min|mins|minutes?|hours?|hrs?|days?|heures?|jours?|stunden?|tagen?|minuten|horas?|días?"
    r"|час\w*|мин\w*|дн\w*|годин\w*|хвилин\w*|ساع\w+|دق\w+|[hmd])(?:\s+(?:ago|назад|тому))?"
    r"|\d{1,2}[:.h]\d{2}|\d{1,2}\.?\s+(?:de\s+)?\w+\s+(?:de\s+)?\d{4}|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}-\d{2}-\d{2}|published|updated)\b.{0,25}$",
    re.IGNORECASE,
)
# control characters, soft hyphens, zero-width spaces and byte order marks
_INVISIBLE: Final = re.compile("[\x00-\x08\x0e-\x1b\x7f\u00ad\u200b\u2060\ufeff]")
_ENDS: Final = re.compile(r"""[.!?…。！？؟۔।]["'”’»“)\]]*$""")
# what ends a sentence is followed by a new one: not by a small letter, a dash or a bar; nor is it an initial's dot
_INNER_END: Final = re.compile(
    r"(?:[!?؟。！？।۔]|(?<!\b\w)(?<!\b\d\d)\.)[\"'”’»]?\s+[\"'“‘«„¿¡(\[]?(?=[^\W_])(\S)|[。！？](?=\w)(\S)"
)
_BULLET: Final = re.compile(r"(?:[-*•·▪‣–]|\d{1,2}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text without its stray lines. The cut lines are in the order they stood; blank ones are not listed.

    `title` is the headline the text opens with, or None; it is also still the first line of `text`.
    """

    text: str
    cut_leading: tuple[str, ...] = ()
    cut_trailing: tuple[str, ...] = ()
    title: str | None = None


def clean(text: str) -> Cleaned:
    """Cut leading and trailing lists of headlines or links off a text; prose is never rewritten.

    A text that would be left with less than 200 characters is given back as it came.
    """
    lines = text.splitlines()
    evidence = _weigh(lines)
    end = _end_of_prose(lines, evidence)
    start = _longest_list(evidence[:end], enough=LEADING_ENOUGH)
    headline = _headline_before(lines, evidence, start)
    body = lines[start:end] if headline is None else [lines[headline], *lines[start:end]]
    kept = "\n".join(body).strip()
    if (start == 0 and end == len(lines)) or len(kept) < max(MIN_KEPT_CHARS, MIN_KEPT_SHARE * len(text.strip())):
        return Cleaned(text=text.strip(), title=_opening_headline(lines, evidence))
    leading = tuple(line.strip() for at, line in enumerate(lines[:start]) if line.strip() and at != headline)
    trailing = tuple(line.strip() for line in lines[end:] if line.strip())
    return Cleaned(kept, leading, trailing, _opening_headline(body, _weigh(body)))


def paragraphs(text: str) -> str:
    """The text as it is stored: NFC, paragraphs parted by one newline, single spaces, nothing invisible."""
    lines = (" ".join(_INVISIBLE.sub("", line).split()) for line in unicodedata.normalize("NFC", text).splitlines())
    return "\n".join(line for line in lines if line)


def unwrapped(text: str) -> str:
    """Text whose lines were broken at a fixed width, with its paragraphs whole again; any other text as it is."""
    width = max(map(len, text.splitlines()), default=0)
    if not 40 <= width <= 100:
        return text
    blocks = re.split(r"(\n[ \t]*\n\s*)", text)
    return "".join(_joined(block, width) for block in blocks)


def _joined(block: str, width: int) -> str:
    lines = block.splitlines()
    # a list of headlines breaks where each ends; a wrapped paragraph only where the next word had no room
    wrapped = len(lines) > 1 and all(
        len(line) + 1 + len((following.split() or [""])[0]) > width - 6 for line, following in pairwise(lines)
    )
    return " ".join(line.strip() for line in lines) if wrapped else block


def is_cue(line: str) -> bool:
    """Whether a line announces what is no part of the text, such as "Related", "Lire aussi" or "Most read"."""
    return _CUE.match(line) is not None and count_words(line) <= MAX_CUE_WORDS


def _weigh(lines: list[str]) -> list[float | None]:
    evidence = [_evidence(line.strip()) for line in lines]
    for at, following in enumerate(lines[1:]):
        # a sentence wrapped by hand: its first half has no full stop, and the next line begins small
        if (evidence[at] or 0) > 0 and following.lstrip()[:1].islower():
            evidence[at] = -0.5
    announced = False
    for at, line in enumerate(map(str.strip, lines)):
        if announced and _BULLET.match(line):
            # what a line ending in a colon counts up belongs to it
            evidence[at] = min(evidence[at] or 0, -0.5)
        elif line:
            announced = line.endswith((":", "：")) and not is_cue(line)
    return evidence


def _evidence(line: str) -> float | None:
    """How list-like (> 0) or prose-like (< 0) a line is; None for a blank one."""
    if not line:
        return None
    words = count_words(line)
    inner_ends = sum(not found[found.lastindex].islower() for found in _INNER_END.finditer(line) if found.lastindex)
    if is_cue(line):
        return 1.5
    if words <= 8 and _STAMP.match(line):
        return 1.0
    # headlines are often questions, in French above all
    if line[-1] in "?؟？" and words <= MAX_HEADLINE_WORDS and not inner_ends:
        return 0.6
    if words >= 35 or (inner_ends >= 2 and (words > MAX_HEADLINE_WORDS or _ENDS.search(line))):
        return _PROSE
    # teasers call out; quoted speech ends in its quotation mark
    if line[-1] in "!！" and words <= 14 and not inner_ends:
        return 0.3
    if _ENDS.search(line):
        return _sentence(words)
    return _fragment(line, words) if inner_ends < 2 else -1.5


def _fragment(line: str, words: int) -> float:
    if line.endswith((":", ",", ";", "،", "：")):
        return -0.3
    if words > MAX_HEADLINE_WORDS:
        return -0.5 if words <= MAX_LONG_HEADLINE_WORDS else -1.0
    return 0.5 if _BULLET.match(line) else 1.0


def _sentence(words: int) -> float:
    if words >= 14:
        return -2.0
    return -1.2 if words >= 8 else -0.4


def _longest_list(evidence: list[float | None], *, enough: float) -> int:
    """How many lines from the front make the most convincing list; 0 if none reaches `enough`."""
    best, best_at, total = 0.0, 0, 0.0
    for at, weight in enumerate(evidence):
        if weight is None:
            continue
        total += weight
        if weight <= _PROSE or total < best - 4.5:
            break
        if total > best:
            best, best_at = total, at + 1
    return best_at if best >= enough else 0


def _end_of_prose(lines: list[str], evidence: list[float | None]) -> int:
    """Where the text ends and the trailing list begins, moved up to the gap or cue line the list stands under."""
    end = len(lines) - _longest_list(evidence[::-1], enough=TRAILING_ENOUGH)
    if end == len(lines):
        return end
    above = 0
    for at in range(end - 1, 0, -1):
        line = lines[at].strip()
        if not line:
            if above and not lines[at - 1].strip():
                return at
            continue
        if is_cue(line):
            return at
        above += 1
        if above > 3 or count_words(line) >= MAX_HEADLINE_WORDS or (evidence[at] or 0) <= -2:
            break
    return end


def _headline_before(lines: list[str], evidence: list[float | None], start: int) -> int | None:
    """The line of a leading list that is the article's own title: the first headline of the list's last block."""
    found = None
    for at in range(start - 1, -1, -1):
        if not lines[at].strip():
            if found is not None:
                break
        elif _is_headline(lines[at], evidence[at]):
            if found is not None and _is_unbroken(lines, start):
                break
            found = at
    return found


def _is_unbroken(lines: list[str], start: int) -> bool:
    return all(line.strip() for line in lines[:start])


def _is_headline(line: str, weight: float | None) -> bool:
    line = line.strip()
    return weight in {1.0, 0.6} and count_words(line) >= 4 and not _CUE.match(line) and not _STAMP.match(line)


def _opening_headline(lines: list[str], evidence: list[float | None]) -> str | None:
    for line, weight in zip(lines, evidence, strict=True):
        if weight is not None:
            return line.strip() if _is_headline(line, weight) else None
    return None
