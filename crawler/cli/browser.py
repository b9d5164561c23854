"""The browser of whoever typed the command: a window of its own, for which nothing here waits."""

from __future__ import annotations

import contextlib
import html
import os
import threading
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# those that would take the terminal a run is shown on
_IN_TERMINALS: Final = frozenset({"www-browser", "links", "elinks", "lynx", "w3m"})
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={0}"><title>suchlike</title></head>
<body><p><a href="{0}">To the dashboard</a></p></body></html>
"""


@contextlib.contextmanager
def shown(address: str, folder: Path) -> Iterator[bool]:
    """Asks a browser to show this address; gives whether there is one. Some browsers last as long as their window.

    The address lets in whoever knows it, and what a process is started with everybody on the machine can read. So the
    browser is told of a page in the project's `folder` that leads on, which only its owner can read, and which is gone
    behind the block.
    """
    browser = _browser()
    if browser is None:
        yield False
        return
    page = folder / ".suchlike" / "open.html"
    try:
        _write(page, _PAGE.format(html.escape(address)))
    except OSError:  # a folder that takes no writes
        yield False
        return
    try:
        threading.Thread(target=browser.open, args=(page.absolute().as_uri(),), daemon=True, name="browser").start()
        yield True
    finally:
        page.unlink(missing_ok=True)


def _browser() -> webbrowser.BaseBrowser | None:
    """One with windows of its own."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return None
    return None if browser.basename in _IN_TERMINALS else browser


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
