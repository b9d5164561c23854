"""A run's progress in the cell of a notebook it was started from."""

from __future__ import annotations

import builtins
import importlib
from collections.abc import Callable

from crawler.running.lookout import Progress


def shown() -> Callable[[Progress], None] | None:
    """What shows each Progress in place of the last; None where there is no notebook."""
    shell = getattr(builtins, "get_ipython", None)  # where IPython puts it
    if shell is None or not hasattr(shell(), "kernel"):  # a terminal's has none
        return None
    display = importlib.import_module("IPython.display")
    place = display.display(display.HTML(drawn(Progress())), display_id=True)
    return lambda progress: place.update(display.HTML(drawn(progress)))


def drawn(progress: Progress) -> str:
    """A bar up to the page budget, where there is one, and the numbers."""
    minutes, seconds = divmod(int(progress.seconds), 60)
    of = f"/{progress.budget}" if progress.budget else ""
    bar = f'<progress value="{progress.pages}" max="{progress.budget}"></progress> ' if progress.budget else ""
    return f"{bar}{progress.pages}{of} pages · {progress.matches} match · {minutes}:{seconds:02}"
