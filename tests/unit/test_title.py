"""What pages are called: which source is believed, and what is taken off it."""

# ruff: noqa: RUF001 -- pages have such dashes, quotes and colons in their titles
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from pipelines import title
from pipelines.byline import house_of

HOST = "www.paper.test"


def told(
    heading: str = "", *, og: str = "", ld: str = "", tab: str = "", site: str = "The Paper", about: str = ""
) -> dict[str, str]:
    """What is read from a page with these; `heading` is markup."""
    metas = {name: text for name, text in (("og:title", og), ("description", about)) if text}
    tree = LexborHTMLParser(f"<title>{tab}</title><body>{heading}</body>")
    return title.stated(tree, metas, ld, site, house_of(site, HOST))


def believed(heading: str = "", *, og: str = "", ld: str = "", tab: str = "", about: str = "") -> tuple[str, str]:
    return next(iter(told(heading, og=og, ld=ld, tab=tab, about=about).items()))


@pytest.mark.parametrize(
    ("text", "site", "bare"),
    [
        ("Mud is back | The Sunday", "", "Mud is back"),
        ("Mud is back - The Paper", "The Paper", "Mud is back"),
        ("Mud is back — Paper", "", "Mud is back"),
        ("Mud is back ⋆ paper.test", "", "Mud is back"),
        ("泥が戻った：朝の新聞", "朝の新聞", "泥が戻った"),
        ("Boue : The Paper révèle tout", "The Paper", "Boue : The Paper révèle tout"),
        ("Mud is back - The Paper Online", "The Paper", "Mud is back"),
        ("泥が戻った - 朝の", "朝の新聞", "泥が戻った"),
        ("Mud - and more mud", "The Paper", "Mud - and more mud"),
        ("Mud summit – running out of time", "Time", "Mud summit – running out of time"),
        ("What we know about vitamin - C", "CNN", "What we know about vitamin - C"),
        ("Opinion | Mud is back in town", "", "Opinion | Mud is back in town"),
        ("Mud is back | News | The Paper", "The Paper", "Mud is back"),
    ],
)
def test_titles_lose_their_site_by_its_name_and_by_its_address(text: str, site: str, bare: str) -> None:
    assert title.without_site(text, site, house_of(site, HOST)) == bare


def test_the_end_of_an_address_alone_is_no_name_of_a_site() -> None:
    house = house_of("The Paper", "www.paper.co.uk")
    assert title.without_site("Storm warnings for the weekend - UK", "The Paper", house) == (
        "Storm warnings for the weekend - UK"
    )
    assert title.without_site("Storm warnings for the weekend - paper.co.uk", "", house) == (
        "Storm warnings for the weekend"
    )
    assert house_of("", "localhost") == {"localhost"}


def test_the_newsrooms_headline_is_believed_first_and_what_readers_see_before_what_networks_are_told() -> None:
    heading, og = "<h1>Dredgers leave the harbour</h1>", "You will not believe what left the harbour"
    assert believed(heading, og=og, ld="Harbour: dredgers leave") == ("json-ld", "Harbour: dredgers leave")
    assert believed(heading, og=og) == ("h1", "Dredgers leave the harbour")
    assert believed(og=og) == ("og:title", og)
    assert believed(tab="Dredgers leave – The Paper") == ("title", "Dredgers leave")


def test_the_heading_is_the_one_that_is_like_the_titles_and_not_the_sites_name_or_a_boxs() -> None:
    page = "<h1>The Paper</h1><h1>Menu</h1><h1>Dredgers leave our harbour</h1><h1>Most read</h1>"
    assert believed(page, og="Dredgers leave the harbour") == ("h1", "Dredgers leave our harbour")
    assert believed("<h1>Most read</h1>", og="Dredgers leave the harbour") == ("og:title", "Dredgers leave the harbour")


def test_a_headings_kicker_is_left_out_where_a_title_ends_with_the_rest() -> None:
    og = "Port: Dredgers leave the harbour"
    assert believed("<h1><b>News</b> <span>Dredgers leave the harbour</span></h1>", og=og)[1] == og[6:]
    assert believed("<h1>Live: Dredgers leave the harbour</h1>", og=og[6:])[1] == og[6:]
    # here the kicker is part of the title, for it is told with it
    assert believed("<h1><b>Port:</b> <span>Dredgers leave the harbour</span></h1>", og=og)[1] == og


def test_what_stands_behind_the_heading_is_a_suffix_whatever_it_is() -> None:
    assert told("<h1>Dredgers leave</h1>", ld="Dredgers leave – News – Sunday")["json-ld"] == "Dredgers leave"


def test_of_spellings_with_the_same_letters_the_written_one_is_taken_but_never_a_shouted_one() -> None:
    assert (
        believed("<h1>Dredgers le<i>ave</i> the bay</h1>", og="Dredgers leave the bay")[1] == "Dredgers leave the bay"
    )
    assert believed("<h1>DREDGERS LEAVE</h1>", og="Dredgers leave")[1] == "Dredgers leave"
    assert believed("<h1>Dredgers leave</h1>", og="DREDGERS LEAVE")[1] == "Dredgers leave"
    assert believed("<h1>Dred&shy;gers leave</h1>", og="")[1] == "Dredgers leave"


def test_a_title_that_was_cut_off_gives_way_to_the_whole() -> None:
    whole = "Dredgers leave the harbour after seven weeks of work"
    assert believed(og=whole, ld="Dredgers leave the harbour after…") == ("og:title", whole)
    assert believed(og=whole, ld="Dredgers leave the harbour")[0] == "json-ld"


def test_a_headline_that_is_the_description_is_none() -> None:
    about = "The dredgers that had been at work since the spring have left the harbour, to nobody's surprise."
    assert believed("<h1>Dredgers leave</h1>", og="Dredgers leave", ld=about, about=about)[1] == "Dredgers leave"
    assert believed(ld=about, about=about) == ("json-ld", about)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.text(max_size=20))
def test_whatever_sources_say_a_title_is_one_line_and_not_the_sites_name(og: str, ld: str, tab: str, site: str) -> None:
    for found in told("<h1>x</h1>", og=og, ld=ld, tab=tab, site=site).values():
        assert found == " ".join(found.split())
        assert title.letters(found) not in house_of(site, HOST)
