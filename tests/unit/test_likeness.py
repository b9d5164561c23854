"""The likeness: what must hold of any score, whatever the weights."""

from __future__ import annotations

import math
import random
import re
import socket
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from conftest import cpu_within
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import ConfigError, SeedError, UsageError
from pipelines.likeness import naming
from pipelines.likeness.background import background
from pipelines.likeness.calibrate import bound, logistic, logit, parting, percentile, total
from pipelines.likeness.dense import DIMENSIONS, embed
from pipelines.likeness.explain import explain, sentences
from pipelines.likeness.lexical import nearness
from pipelines.likeness.measure import DENSE_COPY_POWER
from pipelines.likeness.ordinary import pieces
from pipelines.likeness.profile import Profile
from pipelines.likeness.rarity import Rarity, rarity
from pipelines.likeness.read import Text
from pipelines.likeness.tokens import WORD_LIMIT, words
from pipelines.records import Likeness

LIGHTHOUSE = (
    "The lighthouse keepers of the northern skerries have been told that their lamps will be replaced by automatic "
    "beacons before winter. The coastal authority says that the lighthouse at Farrow Point will be the first to lose "
    "its keeper, and that the fog signal will be sounded by radio. Fishermen who steer by the lamp are against it. "
    "They say that a beacon that fails in a storm is worse than no lighthouse at all, and that the keepers have saved "
    "eleven crews in six years. The authority answers that automatic lamps fail less often than people fall ill."
)
BEACONS = (
    "Automatic beacons failed twice in one night along the northern skerries, the coastal authority has admitted. The "
    "lamps at two lighthouses went dark in the gale and the fog signal could not be reached by radio. Keepers who had "
    "been kept on for the winter lit the old lamp by hand. The authority had promised fishermen that a beacon would "
    "never leave them without a light, and the union of lighthouse keepers asks that no further lamp be automated."
)
RETURN = (
    "Keepers may return to three lighthouses after a winter of failed beacons. A committee of the coastal authority "
    "voted to keep a crew at each of the outer skerries until the automatic lamps have run for a year without a "
    "failure. Fishermen welcomed the vote. The lighthouse at Farrow Point, whose lamp went dark in the gale, will have "
    "its keeper back in March, and the fog signal there will again be sounded by hand."
)
OTHERS = {
    "cup": (
        "The home side won the cup on penalties after a goalless final. The goalkeeper saved two and the captain, who "
        "had missed the semi-final with a knee injury, scored the last. The manager praised the supporters and said "
        "that the season would be remembered for its defence rather than for its goals."
    ),
    "rates": (
        "The central bank left its rate unchanged and said that inflation would fall more slowly than it had hoped. "
        "Economists had expected a cut before summer. Shares of lenders rose and the currency gained against the "
        "dollar, while builders said that dear mortgages had already emptied their order books."
    ),
    "choir": (
        "A choir of four hundred children sang in the market square to open the festival of early music. The "
        "organisers had feared rain, but the evening stayed dry and the last concert, of songs for lute, ended after "
        "midnight."
    ),
}
SEEDS = [
    ("a.txt", "Keepers to leave the lighthouses", LIGHTHOUSE, "en"),
    ("b.txt", "Beacons fail in the gale", BEACONS, "en"),
    ("c.txt", "Keepers may return", RETURN, "en"),
]


@pytest.fixture(scope="module")
def profile() -> Profile:
    return Profile.learn(SEEDS)


def same(one: Likeness, two: Likeness) -> bool:
    """Equal but for the names given to the seeds."""
    return (one.score, one.parts, one.terms, one.percentile) == (two.score, two.parts, two.terms, two.percentile)


def test_the_parts_add_up_to_the_logit_of_the_score(profile: Profile) -> None:
    for title, text in [("", RETURN), *((name, text) for name, text in OTHERS.items())]:
        likeness = profile.score(title, text, "en")
        assert set(likeness.parts) == {"words", "meaning", "bias"}
        assert logistic(sum(likeness.parts.values())) == pytest.approx(likeness.score, abs=1e-12)
        facts = explain(profile, Text(title, text, "en"), profile.threshold())
        assert sum(share for _, share in facts.parts) == pytest.approx(facts.logit, abs=1e-12)
        assert facts.taken == (likeness.score >= facts.threshold)


def test_the_order_of_seeds_is_irrelevant(profile: Profile) -> None:
    for seed in range(3):
        mixed = random.Random(seed).sample(SEEDS, len(SEEDS))
        other = Profile.learn(mixed)
        assert other.to_bytes() == profile.to_bytes()
        assert other.score("", OTHERS["cup"], "en") == profile.score("", OTHERS["cup"], "en")


def test_a_copy_of_a_seed_changes_nothing(profile: Profile) -> None:
    copied = Profile.learn([*SEEDS, ("z.txt", "Keepers to leave the lighthouses", f"  {LIGHTHOUSE}\n\n", "en")])
    assert copied.digest == profile.digest
    assert copied.to_bytes() == profile.to_bytes()


def test_a_copy_under_an_earlier_name_changes_no_score(profile: Profile) -> None:
    copied = Profile.learn([*SEEDS, ("0.txt", "Beacons fail in the gale", BEACONS, "en")])
    assert same(copied.score("", RETURN, "en"), profile.score("", RETURN, "en"))
    assert copied.threshold() == profile.threshold()


def test_a_seed_scores_at_least_as_high_as_any_other_article(profile: Profile) -> None:
    lowest = min(profile.score(title, text, language).score for _, title, text, language in SEEDS)
    mixtures = [" ".join(pair) for pair in [(LIGHTHOUSE, BEACONS), (BEACONS, RETURN), (LIGHTHOUSE, RETURN)]]
    words_of_all = [" ".join(term.word for term in profile.terms)]
    for text in [*OTHERS.values(), *mixtures, *words_of_all, " ".join([LIGHTHOUSE, BEACONS, RETURN])]:
        assert profile.score("", text, "en").score <= lowest + 1e-9


def test_an_article_on_the_subject_is_taken_and_others_are_not() -> None:
    profile = Profile.learn(SEEDS[:2])
    found = profile.score("Keepers may return", RETURN, "en")
    assert found.score >= profile.threshold("loose")
    assert found.percentile == 100.0
    assert "keepers" in [term.word for term in found.terms]
    assert profile.quick(RETURN, "en") >= profile.gate
    for text in OTHERS.values():
        assert profile.score("", text, "en").score < min(0.2, profile.threshold("loose"))


def test_many_at_once_are_as_one_by_one(profile: Profile) -> None:
    articles = [(name, text, "en") for name, text in OTHERS.items()]
    assert profile.score_many(articles) == [profile.score(*article) for article in articles]
    assert profile.score_many([]) == []


def test_what_was_saved_gives_the_same_scores(profile: Profile) -> None:
    again = Profile.from_bytes(profile.to_bytes())
    for text in [RETURN, *OTHERS.values(), ""]:
        assert again.score("", text, "en") == profile.score("", text, "en")
        assert again.quick(text, "en") == profile.quick(text, "en")
    assert (again.digest, again.threshold(), again.gate) == (profile.digest, profile.threshold(), profile.gate)
    assert again.terms == profile.terms


def test_what_another_model_saved_is_refused(profile: Profile) -> None:
    with pytest.raises(UsageError, match="another version or model"):
        Profile.from_bytes(profile.to_bytes().replace(b"wordllama", b"othermodel"))
    with pytest.raises(UsageError, match="no profile"):
        Profile.from_bytes(b"{}")


def test_seeds_without_words_are_refused_by_name() -> None:
    with pytest.raises(SeedError, match=r"no seed"):
        Profile.learn([])
    with pytest.raises(SeedError, match=r"empty\.txt"):
        Profile.learn([*SEEDS, ("empty.txt", "", "12 34", "en")])


def test_thresholds_are_in_order_and_numbers_are_taken(profile: Profile) -> None:
    assert 0 < profile.threshold("loose") < profile.threshold("auto") < profile.threshold("strict") < 1
    assert profile.gate < profile.threshold("loose")
    assert profile.threshold(0.7) == profile.threshold("0.7") == 0.7
    assert Profile.learn(SEEDS[:1]).threshold() == 0.5
    with pytest.raises(ConfigError, match="strickt"):
        profile.threshold("strickt")


def test_the_bound_comes_down_when_seeds_lie_apart_but_not_without_end() -> None:
    assert bound(None, 0.05) == 0.0
    assert bound(-100.0, 0.05) == -1.5
    assert bound(10.0, 0.05) > bound(5.0, 0.05) > 0


def test_a_higher_share_of_matches_lifts_every_score_alike(profile: Profile) -> None:
    richer = Profile.learn(SEEDS, prior=0.5)
    for text in OTHERS.values():
        lift = total(richer.score("", text, "en").parts) - total(profile.score("", text, "en").parts)
        assert lift == pytest.approx(logit(0.5) - logit(0.05))


def test_quick_ranks_roughly_as_the_whole_text_does(profile: Profile) -> None:
    texts = [LIGHTHOUSE, BEACONS, RETURN, *OTHERS.values()]
    full = np.array([profile.score("", text, "en").score for text in texts])
    quick = np.array([profile.quick(" ".join(text.split()[:40]), "en") for text in texts])
    ranks = np.corrcoef(full.argsort().argsort(), quick.argsort().argsort())[0, 1]
    assert ranks > 0.7
    assert quick[:3].min() > quick[3:].max()


def test_the_cue_knows_the_subjects_words(profile: Profile) -> None:
    near = profile.cue(words("Lighthouse keepers win a year"), words("the lamp at the point"))
    surroundings = profile.cue(words("Read more"), words("lighthouse keepers and their lamps"))
    far = profile.cue(words("Cup final goes to penalties"), words("a goalless evening"))
    assert 1 >= near > surroundings > far >= 0
    assert profile.cue([], []) == 0


@pytest.mark.parametrize(
    "text", ["", " \n", "a", "lighthouse", "123 456", "\ud800", "\x00", "東京", "lighthouse " * 91_000]
)
def test_odd_texts_have_a_finite_score(profile: Profile, text: str) -> None:
    with cpu_within(5):
        likeness = profile.score("", text, "en")
    assert 0 <= likeness.score <= 1
    assert all(math.isfinite(share) for share in likeness.parts.values())
    assert 0 <= profile.quick(text, "xx") <= 1


@pytest.mark.parametrize(
    "text", ["lighthouse", "lighthouse keepers", "lighthouse " * 500, "lighthouse keepers lamp beacon"]
)
def test_a_few_key_words_are_not_an_article(profile: Profile, text: str) -> None:
    assert profile.score("", text, "en").score < profile.threshold("auto")


@given(st.text(max_size=400), st.sampled_from(["en", "de", "uk", "sw", "zh", "xx", ""]))
@settings(max_examples=150, deadline=None)
def test_any_text_has_a_finite_score(text: str, language: str) -> None:
    likeness = Profile.learn(SEEDS[:1]).score(text, text, language)
    assert 0 <= likeness.score <= 1
    assert 0 <= likeness.percentile <= 100
    assert all(math.isfinite(share) for share in likeness.parts.values())


@given(st.text(max_size=60).filter(words))
@settings(max_examples=40, deadline=None)
def test_any_text_with_words_can_be_a_seed_and_finds_itself(text: str) -> None:
    profile = Profile.learn([("odd", "", text, "en")])
    assert profile.score("", text, "en").score >= profile.score("", OTHERS["cup"], "en").score - 1e-9


def test_words_are_cut_in_every_script() -> None:
    assert words("The Harbour's 3 e\u0301coles a1") == ["the", "harbour", "écoles"]
    assert words("Привіт, СВІТЕ") == ["привіт", "світе"]  # noqa: RUF001 - Cyrillic is meant
    assert words("東京都") == ["東京", "京都"]
    assert words("हिन्दी") == ["हिन्दी"]
    assert len(words("ab " * (WORD_LIMIT + 5))) == WORD_LIMIT


@pytest.mark.parametrize("grain", ["story", "topic", "beat"])
def test_ordinary_news_ranks_evenly_among_itself_also_once_a_crawl_has_learned(grain: str) -> None:
    dice, news = random.Random(1), [piece.split() for piece in pieces()]
    pages = [("", " ".join(dice.sample(dice.choice(news), 60) + dice.choice(news)), "en") for _ in range(60)]
    rows = background().rows
    english = rows.languages == "en"
    for sample in ([], pages):
        held = Profile.learn(SEEDS, grain=grain, pages=sample)
        measure = held._learned.measure
        lexical = nearness(measure.sparse.against(rows, rarity()))[english]
        dense = nearness(rows.vectors[english] @ measure.vectors.T, DENSE_COPY_POWER)
        in_words, in_meaning = measure.spreads["en"]
        logits = measure.weighing.logits(in_words.stand_out(lexical), in_meaning.stand_out(dense))
        assert 45 < np.mean([percentile(float(one), measure.ordinary) for one in logits]) < 55


def test_a_seed_of_words_that_weigh_nothing_can_be_learned_from() -> None:
    held = Profile.learn([("a", "", "the The THE the", "en")])
    again = Profile.from_bytes(held.to_bytes())
    assert again.score("", LIGHTHOUSE, "en").score == held.score("", LIGHTHOUSE, "en").score < 1


@pytest.mark.parametrize("asked", [math.nan, "nan", 50, -0.1, "lose"])
def test_what_is_no_threshold_is_an_error(profile: Profile, asked: float | str) -> None:
    with pytest.raises(ConfigError, match="use auto, strict, loose or a number from 0 to 1"):
        profile.threshold(asked)


def test_common_words_of_a_language_weigh_little_in_it() -> None:
    rarity = Rarity()
    assert rarity.weigh(["war"], "de").get("war", 0.0) < 1 < rarity.weigh(["war"], "en")["war"]
    assert rarity.weigh(["lighthouse"], "en")["lighthouse"] > 4


def test_the_background_holds_figures_of_many_languages() -> None:
    figures = background()
    assert {"en", "fr", "es", "de", "ru", "uk", "ar", "sw", ""} <= figures.means.keys()
    assert len(figures.rows.languages) >= 900
    assert embed([]).shape == (0, DIMENSIONS)


def test_the_background_is_small_and_holds_figures_alone() -> None:
    file = Path(naming.__file__).with_name(naming.BACKGROUND)
    assert file.stat().st_size <= 6_000_000
    with np.load(file) as figures:
        for name in figures.files:
            codes = figures[name].dtype.kind == "U" and all(len(code) <= 3 for code in figures[name].tolist())
            assert figures[name].dtype.kind in "iuf" or codes, name


@pytest.mark.parametrize("grain", ["story", "topic", "beat"])
def test_a_text_in_every_language_has_a_finite_score(grain: str) -> None:
    figures, held = background(), Profile.learn(SEEDS[:1], grain=grain)
    written = [
        RETURN,
        "Привіт, світе! Маяк горить.",
        "灯台の光が消えた。",
        "المنارة مظلمة الليلة",
        "हिन्दी में प्रकाशस्तंभ",
        "ประภาคารมืด",
    ]
    languages = sorted({*figures.tables, *figures.means, "zh", "ja", "th", "hi", "und"})
    assert len(languages) > 40
    for found in held.score_many([("", text, language) for language in languages for text in written]):
        assert 0 <= found.score <= 1 and all(math.isfinite(share) for share in found.parts.values())


def test_a_language_without_figures_is_centred_by_the_crawls_own_pages() -> None:
    pages = [("", f"La urba konsilo decidis hieraŭ pri la haveno kaj la kajoj, numero {n}.", "eo") for n in range(30)]
    assert "eo" not in background().means
    held = Profile.learn(SEEDS[:1], pages=pages)
    assert held.reader.means.keys() == {"eo"}
    assert Profile.learn(SEEDS[:1], pages=[(*page[:2], "fr") for page in pages]).reader.means == {}
    assert Profile.from_bytes(held.to_bytes()).score(*pages[0]) == held.score(*pages[0])


@pytest.mark.parametrize("language", ["no", "tl", "hr", "bs"])
def test_a_language_is_known_by_the_name_that_articles_have_of_it(language: str) -> None:
    # ordinary in some language, but not in this one
    assert rarity().weigh(["dass"], language)["dass"] > 3 > rarity().weigh(["dass"], "xx").get("dass", 0.0)


def test_a_web_that_claims_ever_other_languages_does_not_fill_the_memory() -> None:
    known, said = Rarity(), [f"word{number}" for number in range(1000)]
    weighed = known.weigh(said, "xx")
    tracemalloc.start()
    assert all(known.weigh(said, f"x{number}") == weighed for number in range(100))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.skipif(not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="a system without large pages")
def test_the_table_refuses_large_pages_where_the_system_gives_them_to_all() -> None:
    from pipelines.likeness.dense import embedder

    at = embedder()._pieces.table.ctypes.data
    flags, inside = "", False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if found := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
            inside = int(found[1], 16) <= at < int(found[2], 16)
        elif inside and line.startswith("VmFlags:"):
            flags = line
    assert "nh" in flags.split()


def test_a_word_that_is_one_piece_is_found_as_the_tokenizer_would_split_it() -> None:
    from pipelines.likeness.dense import embedder

    pieces = embedder()._pieces
    vocabulary = pieces._tokenizer.get_vocab(with_added_tokens=False)
    whole = {piece[1:]: row for piece, row in vocabulary.items() if len(piece) > 1 and piece[0] == "\u2581"}
    assert len(whole) > 10_000
    assert [word for word, row in whole.items() if pieces._split(word) != (row,)] == []


def test_a_table_that_is_filled_at_once_says_the_same(profile: Profile) -> None:
    from pipelines.likeness.dense import embedder

    embedder.cache_clear()
    before = embed([RETURN, "Wiederaufbau"])
    embedder().fill()
    embedder()._pieces.clear()
    assert np.array_equal(embed([RETURN, "Wiederaufbau"]), before)


def test_nothing_is_asked_of_the_network(monkeypatch: pytest.MonkeyPatch, profile: Profile) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the likeness reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    background.cache_clear()
    from pipelines.likeness.dense import embedder

    embedder.cache_clear()
    fresh = Profile.learn(SEEDS).score("", RETURN, "en")
    assert same(fresh, profile.score("", RETURN, "en"))


# what a crawl of shipping news may have fetched: words that every page has, some pages on the subject
HARBOUR = [
    (
        "",
        f"Tonnage {number} quay cargo berth. {OTHERS[name]} The harbour master logged vessel {name} at the quay.",
        "en",
    )
    for number in range(20)
    for name in OTHERS
]


def test_words_common_in_the_crawl_count_less() -> None:
    seed = ("a.txt", "Quay", f"The quay and its cargo. {LIGHTHOUSE} The harbour master of the quay agreed.", "en")
    before, after = Profile.learn([seed]), Profile.learn([seed], pages=HARBOUR)
    weights = [{term.word: term.weight for term in one.terms} for one in (before, after)]
    assert weights[1]["quay"] < weights[0]["quay"] / 1.5
    assert weights[1]["lighthouse"] >= weights[0]["lighthouse"]
    page = HARBOUR[0]
    assert after.score(*page).lexical < before.score(*page).lexical


def test_the_subjects_own_words_do_not_become_common() -> None:
    pages = [
        *HARBOUR[:40],
        *(("", f"{text} Number {number}.", "en") for number in range(10) for text in (BEACONS, RETURN)),
    ]
    profile = Profile.learn(SEEDS[:1], pages=pages)
    assert "lighthouse" in [term.word for term in profile.terms[:6]]
    assert profile.score("", RETURN, "en").score > 0.5 > profile.score(*HARBOUR[0]).score


def test_a_crawl_of_many_matches_lifts_every_score() -> None:
    few = Profile.learn(SEEDS[:1], pages=HARBOUR)
    many = Profile.learn(SEEDS[:1], pages=[*HARBOUR[:30], *(("", f"{LIGHTHOUSE} {n}", "en") for n in range(60))])
    assert many.score("", RETURN, "en").parts["bias"] > few.score("", RETURN, "en").parts["bias"]


def test_the_order_of_pages_and_ratings_is_irrelevant() -> None:
    mixed = random.Random(1).sample(HARBOUR, len(HARBOUR))
    rated = [("", text, "en") for text in OTHERS.values()]
    one = Profile.learn(SEEDS, pages=HARBOUR, disliked=rated, liked=[("", RETURN + " Yes.", "en")])
    two = Profile.learn(SEEDS, pages=mixed, disliked=rated[::-1], liked=[("", RETURN + " Yes.", "en")])
    assert one.score("", BEACONS, "en").score == pytest.approx(two.score("", BEACONS, "en").score, abs=1e-6)


def test_an_edition_is_named_by_all_that_was_learned(profile: Profile) -> None:
    pages, disliked = Profile.learn(SEEDS, pages=HARBOUR), Profile.learn(SEEDS, disliked=[HARBOUR[0]])
    beat = Profile.learn(SEEDS, grain="beat")
    assert len({each.digest for each in (profile, pages, disliked, beat)}) == 1
    assert len({each.edition for each in (profile, pages, disliked, beat)}) == 4
    for each in (profile, pages, disliked, beat):
        again = Profile.from_bytes(each.to_bytes())
        assert (again.edition, again.grain) == (each.edition, each.grain)
        for text in (RETURN, *OTHERS.values(), ""):
            assert again.score("", text, "en") == each.score("", text, "en")


def test_what_is_disliked_goes_down_and_what_is_liked_comes_up(profile: Profile) -> None:
    near_miss = (
        "A lighthouse-shaped restaurant opened in the shopping centre. Guests eat under a turning lamp, fishermen's "
        "nets hang on the walls, and the keeper, as the waiter is called, blows a fog signal when a table is free. "
        "The menu changes every week and the wine list is long."
    )
    more = near_miss.replace("restaurant", "bistro").replace("opened", "was opened by the mayor")
    before = profile.score("", more, "en")
    told = Profile.learn(SEEDS, disliked=[("", near_miss, "en")])
    after = told.score("", more, "en")
    assert after.score < before.score
    assert after.parts["ratings"] < 0
    assert math.fsum(after.parts.values()) == pytest.approx(logit(after.score), abs=1e-9)
    assert told.score("", RETURN, "en").score > told.threshold("loose")
    liked = Profile.learn(SEEDS, liked=[("", near_miss, "en")]).score("", more, "en")
    assert liked.score > before.score


def test_an_unknown_grain_is_refused_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match="use story, topic, beat"):
        Profile.learn(SEEDS, grain="vibe")


def test_a_story_is_of_its_days() -> None:
    day = date(2024, 3, 1)
    seeds = [(*SEEDS[0], day), (*SEEDS[1], None)]
    story, topic = Profile.learn(seeds, grain="story"), Profile.learn(seeds)
    scores = [story.score("", RETURN, "en", day + timedelta(days=days)).score for days in (0, 3, 20, 90, 4000)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > story.score("", RETURN, "en").score > scores[-1]
    assert "time" not in story.score("", RETURN, "en").parts
    assert topic.score("", RETURN, "en", day).parts == topic.score("", RETURN, "en").parts


def test_stories_are_told_apart_by_their_numbers_and_openings() -> None:
    dated = f"At 4.15 on 3 March 2024 the lamp failed for 97 minutes. {LIGHTHOUSE}"
    story = Profile.learn([("a.txt", "Lamp fails", dated, "en")], grain="story", pages=HARBOUR)
    same_event = story.score("", dated.replace("the lamp failed", "a lamp went dark"), "en")
    look_alike = story.score(
        "", dated.replace("4.15", "11.50").replace("97", "20").replace("3 March 2024", "May"), "en"
    )
    assert same_event.parts["numbers"] > look_alike.parts["numbers"] >= 0
    late = story.score("", f"{OTHERS['choir']} {OTHERS['cup']} {OTHERS['rates']} {dated}", "en")
    assert same_event.parts["opening"] > late.parts["opening"]
    told = explain(story, Text("", dated, "en"), story.threshold())
    assert sum(share for _, share in told.parts) == pytest.approx(told.logit, abs=1e-12)
    again = Profile.from_bytes(story.to_bytes())
    assert (again.score("", dated, "en"), again.threshold()) == (story.score("", dated, "en"), story.threshold())


@pytest.mark.parametrize("grain", ["story", "topic", "beat"])
def test_a_seed_is_never_beaten_at_any_grain_whatever_a_crawl_taught(grain: str) -> None:
    # one seed names no number, so others could be nearer to the rest in that
    seeds = [("n.txt", "", f"In 1921 and 1963 a lamp burnt for 37 days. {BEACONS}", "en"), *SEEDS]
    matches = [("", f"{text} Number {number}.", "en") for number in range(9) for text in (BEACONS, RETURN)]
    profile = Profile.learn(seeds, grain=grain, pages=[*HARBOUR, *matches])
    lowest = min(profile.score(title, text, language).score for _, title, text, language in seeds)
    for text in [f"{LIGHTHOUSE} {seeds[0][2]}", f"{RETURN} In 1921 and 1963, 37 days.", *OTHERS.values()]:
        assert profile.score("", text, "en").score <= lowest + 1e-6


def test_the_bound_lies_where_a_crawls_pages_part() -> None:
    logits = np.array([-6, -5.5, -5, -1, -0.8, 1.6, 1.8, 4], np.float32)
    assert parting(logits, 0.0, 3.0) == pytest.approx(0.4)
    # what lies further off than it may reach is not looked at, and without pages it stays
    assert parting(np.array([-9, 9], np.float32), 0.5, 3.0) == pytest.approx(0.5)
    story = Profile.learn(SEEDS, grain="story", pages=HARBOUR)
    assert abs(logit(story.threshold()) - logit(Profile.learn(SEEDS, grain="story").threshold())) <= 3


def test_a_beat_leans_on_its_surest_matches_and_never_lets_go_of_the_seeds() -> None:
    matches = [("", f"{text} The halyard of number {n} was new.", "en") for n in range(9) for text in (BEACONS, RETURN)]
    pages = [*HARBOUR, *matches]
    beat, story = (Profile.learn(SEEDS[:1], grain=grain, pages=pages) for grain in ("beat", "story"))
    weights = {term.word: term.weight for term in beat.terms}
    assert weights["halyard"] > 0
    assert weights["lighthouse"] > weights["halyard"]
    assert "halyard" not in [term.word for term in story.terms]
    copied = Profile.learn(SEEDS[:1], grain="beat", pages=[*pages, *[matches[0]] * 30])
    assert {term.word: term.weight for term in copied.terms}["halyard"] == pytest.approx(weights["halyard"], rel=0.2)


def test_an_explanation_shows_sentences_and_what_is_missing(profile: Profile) -> None:
    texts = {name: (text, language) for name, _, text, language in SEEDS}
    told = explain(profile, Text("", RETURN.replace("lighthouse", "tower"), "en"), 0.99, texts)
    assert told.nearest[0][0] == "c.txt"
    assert "lighthouse" in [term.word for term in told.missing]
    assert told.pairs[0].closeness >= told.pairs[-1].closeness > 0
    for pair in told.pairs:
        assert pair.seeds in RETURN
        assert set(pair.words) <= set(words(pair.ours)) & set(words(pair.seeds))
    assert any("lighthouse" in one for one in explain(profile, Text("", OTHERS["cup"], "en"), 0.5).against)
    assert explain(profile, Text("", "", "en"), 0.5, texts).pairs == ()


def test_what_shares_no_word_or_is_no_running_text_is_told_so(profile: Profile) -> None:
    spanish = (
        "Un coro de cuatrocientos jóvenes cantó anoche en la plaza mayor para abrir el festival de música antigua."
    )
    no_words, untrusted = "no closer to the seeds' than those of ordinary news", "of its closeness counts"
    for text, language in [(RETURN, "en"), (spanish, "es"), ("lighthouse keepers lamp beacon", "en")]:
        facts = explain(profile, Text("", text, language), profile.threshold())
        against = "; ".join(facts.against)
        assert (no_words in against) == (dict(facts.parts)["words"] == 0) == (text != RETURN)
        assert (untrusted in against) == (facts.trust < 0.99) == (text != RETURN)


def test_sentences_end_where_they_do() -> None:
    told = sentences(
        "It cost 3.5 percent more than they had said. Was it really so much more?\nNo one knew what to say now"
    )
    assert told == [
        "It cost 3.5 percent more than they had said.", "Was it really so much more?", "No one knew what to say now",
    ]  # fmt: skip


def test_a_list_of_key_words_is_no_article(profile: Profile) -> None:
    terms = [term.word for term in profile.terms]
    for listed in (terms, terms * 20, [f"{word}," for word in terms * 3]):
        assert profile.score("", " ".join(listed), "en").score < 0.1
    assert profile.score("", f"{' '.join(terms)}. {RETURN}", "en").score > profile.threshold("loose")
    # what the crawl's pages all say is common there, but makes no sentence of a list
    warm = Profile.learn(SEEDS, pages=[("", f"{text} {' '.join(terms[20:])}", "en") for _, text, _ in HARBOUR])
    assert warm.score("", " ".join(terms), "en").score < 0.1


def test_copies_may_be_disliked_together() -> None:
    day = datetime(2024, 3, 1, tzinfo=UTC)
    told = Profile.learn(SEEDS, disliked=[("Cup", OTHERS["cup"], "en"), ("Cup", OTHERS["cup"], "en", day)])
    assert told.score("Cup", OTHERS["cup"], "en").parts["ratings"] < 0
