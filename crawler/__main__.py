"""`python -m crawler` is `suchlike`."""

from crawler.cli import main

main()
