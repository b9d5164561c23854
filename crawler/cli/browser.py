"""The browser of whoever typed the command: a window of its own, for which nothing here waits."""

from __future__ import annotations

import threading
import webbrowser
from typing import Final

# those that would take the terminal a run is shown on
_IN_TERMINALS: Final = frozenset({"www-browser", "links", "elinks", "lynx", "w3m"})


def opened(address: str) -> bool:
    """Asks a browser to show this address; whether there is one. Some browsers last as long as their window."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    if browser.basename in _IN_TERMINALS:
        return False
    threading.Thread(target=browser.open, args=(address,), daemon=True, name="browser").start()
    return True
