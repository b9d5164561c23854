"""The command line: `suchlike VERB`. Four groups of verbs over crawler.project; nothing is done here only."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line and exits with the code contract.md promises."""
    from crawler.cli.app import run
    from crawler.cli.signs import make_do
    from crawler.cli.streams import prepare

    prepare()
    make_do()
    sys.exit(run(sys.argv[1:]))
