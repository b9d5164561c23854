"""Cells of a table for spreadsheets: one that would run as a formula is defused with an apostrophe."""

from __future__ import annotations

import json
from typing import Any

# the wide ones are what spreadsheets with an East Asian locale take for them
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(value: Any) -> Any:
    """A value as a cell of a file that is all text: as `flat` has it, formulas defused."""
    value = flat(value)
    return "'" + value if isinstance(value, str) and runs(value) else value


def flat(value: Any) -> Any:
    """A value that fits a cell: lists of texts joined by "; ", other structures as JSON."""
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        return "; ".join(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


def undefused(text: str) -> str:
    """What a text cell held before it was defused."""
    return text[1:] if text.startswith("'") and runs(text[1:]) else text


def runs(text: str) -> bool:
    """Whether a spreadsheet would take a text that is typed into it for a formula."""
    # one that already begins with apostrophes gets one more, so that each cell can be told from every other
    return text.lstrip("'").startswith(_FORMULA)
