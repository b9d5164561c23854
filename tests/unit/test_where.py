"""Conditions a user types become SQL by being understood; whatever else is typed is one clear sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import UsageError
from pipelines.stores.where import FIELDS, condition


def as_sql(text: str) -> str:
    return " ".join(str(condition(text).compile(compile_kwargs={"literal_binds": True})).split())


@pytest.mark.parametrize(
    ("typed", "sql"),
    [
        ("score>0.6", "articles.score > 0.6"),
        ('site = "news.example" and words >= 100', "articles.site = 'news.example' AND articles.words >= 100"),
        ("not (language = en or language == 'fr')", "NOT (articles.language = 'en' OR articles.language = 'fr')"),
        ("match = true", "articles.matched = 1"),
        ("title ~ '100%_x'", "(lower(articles.title) LIKE '%' || lower('100/%/_x') || '%' ESCAPE '/')"),
        ('title = "it\'s; DROP TABLE articles"', "articles.title = 'it''s; DROP TABLE articles'"),
    ],
)
def test_a_condition_is_understood(typed: str, sql: str) -> None:
    assert as_sql(typed) == sql


@pytest.mark.parametrize("typed", ["site = news.example", "published >= 2024-05-06", "title ~ 100%"])
def test_a_text_without_quotes_that_needs_them_is_told_so(typed: str) -> None:
    with pytest.raises(UsageError, match="quotes"):
        condition(typed)


@pytest.mark.parametrize(
    "typed",
    ["", "score", "score >", "score > high", "colour = 'red'", "score > 1 and", "(score > 1", "score > 1)", "1 < score",
     "score ~ 1", "title = 'x' title = 'y'", "'title' = 'x'", "score => 1", "not", "(" * 300, "x" * 9_000],
)  # fmt: skip
def test_what_is_no_condition_is_told_in_one_sentence(typed: str) -> None:
    with pytest.raises(UsageError, match=r"^The condition [^\n]*\.$"):
        condition(typed)


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(
    [*list(FIELDS)[:4], "score", "and", "or", "not", "(", ")", "=", "<", "~", "'x'", '"y"', "0.5", "-3", "9" * 40])
).map(" ".join)))  # fmt: skip
def test_no_text_does_anything_but_be_understood_or_refused(typed: str) -> None:
    try:
        condition(typed)
    except UsageError as error:
        assert len(str(error).splitlines()) == 1
