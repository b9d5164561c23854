"""How long the crawler's event loop is held up, by what, and whether it ever asks the database itself.

    python benchmarks/event_loop.py [--pages 1500]

A crawler on `endless_web.py`, watched as `tests/watched.py` describes. Prints JSON: callbacks, those of more than 20 ms
of CPU time with what they were, the longest ones, and every question to the database asked on the event loop.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.crawls import CONFIG, ROOT, begin, served, sow
from benchmarks.endless_web import HOSTS, host
from workers.broker import Broker

WATCHED = ROOT / "tests" / "watched.py"


def crawl(pages: int) -> dict[str, Any]:
    """A watched crawl of the generated web."""
    with ExitStack() as stack:
        proxy = stack.enter_context(served("endless_web.py"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="suchlike-loop-")))
        sow(folder)
        sites = ", ".join(f'"http://{host(each)}/"' for each in range(HOSTS))
        (folder / "suchlike.toml").write_text(CONFIG.format(pages=pages, proxy=proxy, sites=sites, keep="matches"))
        arguments = begin(folder)
        stack.enter_context(Broker(folder))
        told = folder / "told.json"
        command = [sys.executable, str(WATCHED), str(told), "-C", str(folder), *arguments]
        subprocess.run(command, cwd=ROOT, check=True, env=dict(os.environ), stdin=subprocess.DEVNULL)
        return dict(json.loads(told.read_text(encoding="utf-8")))


def main() -> None:
    """Runs and prints."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--pages", type=int, default=1_500)
    print(json.dumps(crawl(options.parse_args().pages), indent=1))


if __name__ == "__main__":
    main()
