"""Stray headline lists go, prose stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.hygiene import clean, paragraphs, unwrapped

BODY = [
    "The harbour board voted on Tuesday to dredge the northern channel twice a year, at a cost of four million crowns.",
    "Ingrid Solle, who chairs it, said that the silt had come faster than anyone expected after the wet autumn.",
    '"We are not buying depth," she said. "We are buying days on which a ship can come in."',
    "Fishermen had asked for the work to wait until the herring were gone, and were told that it could not.",
    "The contract goes to Brandt & Oyle, whose dredger is to arrive before the end of the month.",
]
HEADLINES = [
    "Mountain Rescue Teams Warn Walkers About Soft Snow",
    "Steel Makers Seek Help With Power Prices",
    "Swimmer Breaks Ten-Year-Old National Record",
    "Why Do Village Cats Prefer the Post Office?",
    "Council Approves Plan to Plant a Tree for Every Child",
    "Two Ministers Resign Over Contract for Road Signs",
]
TITLE = "Harbour board will dredge twice a year"
CUES = [
    "Most read",
    "Lire aussi",
    "Lesen Sie auch:",
    "Te puede interesar",
    "Soma zaidi",
    "Czytaj też",
    "Lees ook",
    "Читайте также:",
    "Читайте також:",
    "اقرأ أيضا",
]


def joined(*parts: list[str] | str) -> str:
    return "\n".join(line for part in parts for line in ([part] if isinstance(part, str) else part))


def test_a_clean_article_loses_nothing() -> None:
    text = joined(TITLE, "", BODY)
    cleaned = clean(text)
    assert cleaned.text == text
    assert (cleaned.cut_leading, cleaned.cut_trailing, cleaned.title) == ((), (), TITLE)


def test_title_subtitle_byline_and_date_are_no_list() -> None:
    text = joined(TITLE, "Board chair says the silt comes faster", "By Jane Doe", "12 March 2024", "", BODY)
    assert clean(text).text == text


@pytest.mark.parametrize("gap", [["", ""], [""], []], ids=["two blank lines", "one", "none"])
def test_trailing_headlines_go_whatever_parts_them_from_the_body(gap: list[str]) -> None:
    cleaned = clean(joined(BODY, gap, HEADLINES))
    assert cleaned.cut_trailing == tuple(HEADLINES)
    assert cleaned.text == joined(BODY)


@pytest.mark.parametrize(
    "headline",
    [
        "Dredging: for whom? why? and how much? | The Port Paper",
        "Silt is here! Ships wait outside! - Latest from the port",
        "Does the ruling in Pier v. Harbour change what the board may do next year?",
        "Pourquoi la digue n'a pas tenu et qu'est-ce que l'on peut faire pour qu'elle soit plus haute ?",
        "Captains beg the board: dredge it now!",
        "समुद्र तट पर दो जहाज़ फँसे: चार दिनों में बंदरगाह का रास्ता खुलेगा, कंपनी ने बताया पूरा हाल - Port News",
    ],
)
def test_a_headline_of_several_parts_does_not_save_the_list_above_it(headline: str) -> None:
    cleaned = clean(joined(BODY, HEADLINES[:4], headline, HEADLINES[4:]))
    assert cleaned.text == joined(BODY)


def test_a_line_of_several_sentences_is_prose_wherever_it_stands() -> None:
    closing = "The work is done. The ships are back. The silt will be, too."
    assert clean(joined(BODY, HEADLINES[:2], closing, HEADLINES[2:])).text.endswith(closing)


def test_a_list_that_a_colon_announces_stays_and_the_headlines_below_it_go() -> None:
    measures = ["- A dredger for eight weeks in spring", "- Soundings every month", "- No work while the herring run"]
    cleaned = clean(joined(BODY, "The contract names three measures:", measures, HEADLINES))
    assert cleaned.cut_trailing == tuple(HEADLINES)
    bulleted = [f"- {headline}" for headline in HEADLINES]
    assert clean(joined(BODY, "Most read:", bulleted)).cut_trailing == ("Most read:", *bulleted)


@pytest.mark.parametrize("cue", CUES)
def test_a_cue_goes_with_its_headlines(cue: str) -> None:
    cleaned = clean(joined(BODY, "", cue, HEADLINES[:2], "3 hours ago"))
    assert cleaned.cut_trailing == (cue, *HEADLINES[:2], "3 hours ago")


def test_a_menu_goes_and_the_title_under_it_stays() -> None:
    menu = ["Home", "World", "Business", "Sport", "Sign in", *HEADLINES[:3]]
    cleaned = clean(joined(menu, "", "", TITLE, BODY))
    assert cleaned.cut_leading == tuple(menu)
    assert cleaned.text == joined(TITLE, BODY)
    assert cleaned.title == TITLE


def test_a_text_that_is_only_headlines_is_given_back() -> None:
    assert clean(joined(HEADLINES)).text == joined(HEADLINES)
    assert clean("").text == ""


def test_a_sentence_wrapped_by_hand_is_prose() -> None:
    wrapped = [
        "The board said that the work would begin before the end of",
        "the month and that it would last six weeks",
    ]
    assert clean(joined(BODY, wrapped)).cut_trailing == ()


def test_wrapped_paragraphs_are_made_whole_and_lists_left_alone() -> None:
    wrapped = (
        "The question in this week's postbag is a\nfair one, and it deserves to be answered\nat length, if only once."
    )
    assert unwrapped(f"{wrapped}\n\nShort.").startswith("The question in this week's postbag is a fair one, and it")
    assert unwrapped(joined(HEADLINES)) == joined(HEADLINES)


def test_paragraphs_are_parted_by_one_newline_and_composed() -> None:
    assert paragraphs("Cafe\u0301\u200b  one\r\n\r\n two\u00ad ") == "Caf\u00e9 one\ntwo"


def test_the_original_seed_loses_its_sixteen_headlines_and_nothing_else() -> None:
    folder = Path(__file__).parents[3] / "shared" / "seeds"
    files = sorted(folder.glob("000_*.txt"))
    if not files:
        pytest.skip("the original seed is not part of the repository")
    text = files[0].read_text("utf-8")
    cleaned = clean(text)
    body, _, headlines = text.partition("\n\n\n")
    assert cleaned.text == body.strip()
    assert cleaned.cut_leading == ()
    assert cleaned.cut_trailing == tuple(line.strip() for line in headlines.splitlines() if line.strip())
    assert len(cleaned.cut_trailing) == 16
