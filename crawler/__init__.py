"""Finds and fetches pages; the front door (command line, Python API), since it alone may import all three packages."""
