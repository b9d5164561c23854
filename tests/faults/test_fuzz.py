"""The readers that `make fuzz` feeds for minutes, with bytes changed, cut, doubled and moved: a little in every run."""

from __future__ import annotations

import random

import pytest
from fuzz import READERS, SEEDS
from hypothesis import given, settings
from hypothesis import strategies as st

ODD = (
    b"<",
    b"&",
    b"]]>",
    b"<!DOCTYPE a [",
    b"\x00",
    b"\xff\xfe",
    b"\r\n\r\n",
    b"{",
    b'"',
    b"-1",
    b"99999999999",
    b"\x1f\x8b",
)


def changed(seed: bytes, dice: random.Random) -> bytes:
    """A seed after a few accidents."""
    data = bytearray(seed)
    for _ in range(dice.randint(1, 12)):
        at = dice.randrange(len(data) + 1)
        kind = dice.randrange(5)
        if kind == 0:
            data[at:at] = dice.choice(ODD)
        elif kind == 1:
            del data[at : at + dice.randint(1, 30)]
        elif kind == 2:
            data[at:at] = data[dice.randrange(len(data) + 1) :][: dice.randint(1, 200)]
        elif data:
            data[min(at, len(data) - 1)] = dice.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("name", sorted(READERS))
def test_whatever_strangers_write_is_read_or_said_to_be_nothing(name: str) -> None:
    dice = random.Random(name)
    for seed in SEEDS[name]:
        READERS[name](seed)
        for _ in range(60):
            READERS[name](changed(seed, dice))


@pytest.mark.parametrize("name", sorted(READERS))
@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=2000))
def test_so_are_any_bytes(name: str, data: bytes) -> None:
    READERS[name](data)
