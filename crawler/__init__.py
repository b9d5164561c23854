"""Finds and fetches pages; the front door (command line, Python API), since it alone may import all three packages.

`from crawler import Project` is all a program or a notebook needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crawler.matches import Match, Matches
    from crawler.project import Project
    from crawler.summary import Summary

__all__ = ["Match", "Matches", "Project", "Summary"]
_WHERE = {"Match": "matches", "Matches": "matches", "Project": "project", "Summary": "summary"}


def __getattr__(name: str) -> Any:
    """Imported when it is asked for: worker processes and `suchlike --help` need none of it."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
