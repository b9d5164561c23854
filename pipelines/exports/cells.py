"""Cells of a table for spreadsheets: one that would run as a formula is defused with an apostrophe."""

from __future__ import annotations

import json
from typing import Any

# the wide ones are what spreadsheets with an East Asian locale take for them
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(value: Any) -> Any:
    """A value as a cell: lists of texts joined by "; ", other structures as JSON, formulas defused."""
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        value = "; ".join(value)
    elif isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False)
    return "'" + value if isinstance(value, str) and _is_taken_for_one(value) else value


def undefused(text: str) -> str:
    """What a text cell held before it was defused."""
    return text[1:] if text.startswith("'") and _is_taken_for_one(text[1:]) else text


def _is_taken_for_one(text: str) -> bool:
    # one that already begins with apostrophes gets one more, so that each cell can be told from every other
    return text.lstrip("'").startswith(_FORMULA)
