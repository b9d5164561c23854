"""Schedules: what a line means, and which slot a moment belongs to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.config import load
from pipelines.errors import ConfigError
from workers.clock import parse, schedules


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


@pytest.mark.parametrize("text", ["", "soon", "every", "0s", "-5m", "6 h 7", "61 * * * *", "* * *", "every day"])
def test_a_line_that_means_nothing_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(ConfigError, match=r"schedule\.news"):
        parse("news", text)


@given(
    st.sampled_from(["1s", "7s", "0.1h", "1.5m", "6h", "1d", "*/7 * * * *", "0 */6 * * *", "15 3 * * 0"]),
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


def test_schedules_come_from_profiles_and_from_their_own_section(tmp_path: Path) -> None:
    (tmp_path / "suchlike.toml").write_text(
        '[profile.floods]\nevery = "6h"\n[profile.fires]\n[profile.storms]\nevery = "1d"\n'
        '[schedule]\nnightly = "0 3 * * *"\nstorms = "2d"\n'
    )
    found = {one.name: one.text for one in schedules(load(tmp_path))}
    assert found == {"floods": "6h", "nightly": "0 3 * * *", "storms": "2d"}
