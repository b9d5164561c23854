"""Schedules: what a line means, and which slot a moment belongs to."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.config import load
from pipelines.errors import ConfigError
from pipelines.sections import Timed
from workers.schedules import parse, schedules


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NOON = at("2026-11-23 12:34:56")


@pytest.mark.parametrize(
    ("text", "slot", "following"),
    [
        ("6h", "2026-11-23 12:00:00", "2026-11-23 18:00:00"),
        ("every 6h", "2026-11-23 12:00:00", "2026-11-23 18:00:00"),
        ("every 10m", "2026-11-23 12:30:00", "2026-11-23 12:40:00"),
        ("1d", "2026-11-23 00:00:00", "2026-11-24 00:00:00"),
        ("2s", "2026-11-23 12:34:56", "2026-11-23 12:34:58"),
        ("90", "2026-11-23 12:34:30", "2026-11-23 12:36:00"),
        ("0 */6 * * *", "2026-11-23 12:00:00", "2026-11-23 18:00:00"),
        ("every 0 */6 * * *", "2026-11-23 12:00:00", "2026-11-23 18:00:00"),
        ("30 7 * * 1-5", "2026-11-23 07:30:00", "2026-11-24 07:30:00"),
        ("@hourly", "2026-11-23 12:00:00", "2026-11-23 13:00:00"),
        ("0 0 29 2 *", "2024-02-29 00:00:00", "2028-02-29 00:00:00"),
        ("* * * * *", "2026-11-23 12:34:00", "2026-11-23 12:35:00"),
        ("* * * * * */10", "2026-11-23 12:34:50", "2026-11-23 12:35:00"),
    ],
)
def test_a_line_names_its_slots(text: str, slot: str, following: str) -> None:
    schedule = parse("news", text)
    assert (schedule.slot_at(NOON), schedule.next_at(NOON)) == (at(slot), at(following))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "every",
        "0s",
        "-5m",
        "6 h 7",
        "61 * * * *",
        "* * *",
        "every day",
        "0 0 30 2 *",
        "0 7 * * * Europe/Atlantis",
        "0 7 * * * ../etc/passwd",
        "6h Europe/Berlin",
    ],
)
def test_a_line_that_means_nothing_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(ConfigError, match=r"schedule\.news"):
        parse("news", text)


def test_a_name_longer_than_the_database_keeps_is_an_error() -> None:
    assert parse("n" * 120, "6h").name == "n" * 120
    with pytest.raises(ConfigError, match="121 characters in its name"):
        parse("n" * 121, "6h")


@given(
    st.sampled_from(
        ["1s", "7s", "0.1h", "1.5m", "4.1h", "33.3m", "8.7s", "6h", "1d", "*/7 * * * *", "0 */6 * * *", "15 3 * * 0"]
    ),
    st.floats(1.6e9, 2.2e9),
    st.floats(0, 5e5),
)
def test_slots_are_the_same_whoever_asks_and_never_in_the_future(text: str, now: float, later: float) -> None:
    schedule = parse("news", text)
    slot, following = schedule.slot_at(now), schedule.next_at(now)
    assert slot <= now < following
    assert schedule.slot_at(following) == following
    assert schedule.slot_at((slot + following) / 2) == slot
    assert schedule.slot_at(now) <= schedule.slot_at(now + later)
    assert schedule.slots(slot - 0.5, slot, 9) == [slot]


def test_schedules_come_from_profiles_and_from_their_own_section(tmp_path: Path) -> None:
    (tmp_path / "suchlike.toml").write_text(
        '[profile.floods]\nevery = "6h"\n[profile.fires]\n[profile.storms]\nevery = "1d"\n'
        '[schedule]\nnightly = "0 3 * * *"\nstorms = "2d"\n'
    )
    found = {one.name: one.text for one in schedules(load(tmp_path))}
    assert found == {"floods": "6h", "nightly": "0 3 * * *", "storms": "2d"}


def berlin(text: str) -> float:
    """A moment by the clocks of Berlin, with its offset."""
    return datetime.fromisoformat(text).timestamp()


# clocks go forward on 29 March 2026 from 2 to 3, and back on 25 October from 3 to 2
DAYS = {
    "spring": (berlin("2026-03-28T12:00:00+01:00"), berlin("2026-03-30T12:00:00+02:00")),
    "autumn": (berlin("2026-10-24T12:00:00+02:00"), berlin("2026-10-26T12:00:00+01:00")),
}


@pytest.mark.parametrize(
    ("line", "season", "slots"),
    [
        ("30 2 * * *", "spring", ["2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"]),
        ("30 2 * * *", "autumn", ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]),
        ("0 3 * * *", "spring", ["2026-03-29T03:00:00+02:00", "2026-03-30T03:00:00+02:00"]),
        ("0 2,3 29 3 *", "spring", ["2026-03-29T03:00:00+02:00"]),
        ("0 7 * * *", "autumn", ["2026-10-25T07:00:00+01:00", "2026-10-26T07:00:00+01:00"]),
    ],
)
def test_a_wall_clock_that_jumps_has_each_slot_once(line: str, season: str, slots: list[str]) -> None:
    schedule = parse("news", f"{line} Europe/Berlin")
    begin, end = DAYS[season]
    wanted = [berlin(one) for one in slots]
    assert schedule.slots(begin, end, 100) == wanted
    found, at = [], begin
    while (at := schedule.next_at(at)) <= end:
        found.append(at)
    assert found == wanted


@pytest.mark.parametrize(("season", "step"), [("spring", 1800.0), ("autumn", 1800.0)])
def test_a_line_for_every_hour_runs_in_every_hour_that_passes(season: str, step: float) -> None:
    schedule = parse("news", "*/30 * * * * Europe/Berlin")
    begin, end = DAYS[season]
    slots = schedule.slots(begin, end, 1000)
    assert {later - earlier for earlier, later in itertools.pairwise(slots)} == {step}
    assert (slots[0], slots[-1]) == (begin + step, end)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["30 2 * * *", "*/7 * * * *", "0 */6 * * *", "15 3 * * 0", "59 23 31 12 *", "0 0 * * *"]),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]),
    st.floats(1.3e9, 2.2e9),
)
def test_slots_of_any_zone_follow_one_another(line: str, zone: str, now: float) -> None:
    schedule = parse("news", f"{line} {zone}")
    slot, following = schedule.slot_at(now), schedule.next_at(now)
    assert slot <= now < following
    assert schedule.slot_at(following) == following
    assert schedule.slot_at((slot + following) / 2) == slot


def test_a_zone_shifts_the_slots() -> None:
    schedule = parse("news", Timed("0 7 * * 1-5 Asia/Kathmandu", "skip"))
    assert (schedule.next_at(NOON), schedule.missed) == (at("2026-11-24 01:15:00"), "skip")
