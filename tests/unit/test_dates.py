"""No date that a page, a feed, a mail or an address writes is too odd: it is a moment in UTC, or none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from email.message import Message

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.citation import date_in_url, date_of
from pipelines.seeds.mail import _sent

NOW = datetime(2026, 11, 26, tzinfo=UTC)
WRITTEN = st.text(max_size=60) | st.from_regex(
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?([+-]\d\d:\d\d|Z)?)?"
    r"|[A-Z][a-z]{2}, \d{1,3} (Jan|Dec) \d{1,6} \d\d:\d\d:\d\d( [+-]\d{4}| GMT)?"
    r"|\d{9,14}|\d{4}/\d{1,2}/\d{1,2}/",
    fullmatch=True,
)
many = settings(max_examples=300, deadline=None, database=None)


@many
@given(WRITTEN)
@example("0001-01-01T00:00:00+23:59")
@example("9999-12-31T23:59:59-23:59")
@example("Fri, 31 Dec 9999 23:59:59 -2359")
@example("Mon, 06 May 2024 07:08:09 +99999999999999")
@example("Mon, 06 May 99999999999999999999 07:08:09 GMT")
@example("99999999999999")
def test_a_written_date_is_a_likely_moment_or_none(written: str) -> None:
    for found in (date_of(written, now=NOW), date_in_url(f"https://a.test/{written}", now=NOW)):
        assert found is None or (found.astimezone(UTC).year >= 1990 and found <= NOW + timedelta(days=2))


@many
@given(WRITTEN.filter(lambda text: "\n" not in text and "\r" not in text))
@example("Mon, 06 May 99999999999999999999 07:08:09 GMT")
def test_the_date_of_a_mail_is_a_day_or_none(written: str) -> None:
    mail = Message()
    mail["date"] = written
    found = _sent(mail)
    assert found is None or isinstance(found, date)
