"""The text of a page on which the parsers died, without them."""

from __future__ import annotations

import pytest
from conftest import cpu_within

from pipelines import plain
from pipelines.extract import NotAnArticle, extract_plainly

SENTENCE = "The town council met on Tuesday and heard what clearing the winter's snow is going to cost."
ARTICLE = f"""<!doctype html><html><head><title>What the snow costs</title><meta name="robots" content="noindex">
<script>var menu = "<p>{SENTENCE}</p>";</script></head><body><nav><p>{SENTENCE} Home.</p></nav>
<h1>What the snow costs</h1>{"".join(f"<p class=a>{SENTENCE} Part&nbsp;{n} &amp; more.<br>short</p>" for n in range(8))}
<footer>{SENTENCE} Imprint.</footer></body></html>"""


def test_paragraphs_are_kept_and_menus_scripts_and_short_lines_are_not() -> None:
    assert plain.text_of(ARTICLE).split("\n") == [f"{SENTENCE} Part {n} & more." for n in range(8)]


def test_an_article_keeps_its_title_and_what_it_says_of_its_rights() -> None:
    found = extract_plainly(ARTICLE.encode(), "https://news.example/snow")
    assert (found.title, found.language, found.words > 100) == ("What the snow costs", "en", True)
    assert found.rights.noindex


def test_a_page_without_enough_text_says_that_its_parsers_were_killed() -> None:
    with pytest.raises(NotAnArticle) as raised:
        extract_plainly(b"<html><body><p>Too little of it.</p></body></html>", "https://news.example/")
    assert raised.value.reason == "extraction-killed"


@pytest.mark.parametrize(
    "page", ["<" * 8_000_000, "<p " * 2_000_000, "&" * 8_000_000, "<script>" * 1_000_000, "<p>" + "a" * 8_000_000]
)
def test_no_page_takes_it_long(page: str) -> None:
    with cpu_within(30):
        plain.text_of(page)
