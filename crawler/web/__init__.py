"""The dashboard: what a crawl finds and why, in a browser, on this machine unless told otherwise."""
