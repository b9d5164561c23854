"""One quick look at a fetched page: its characters, its links, and whether it is worth extraction."""
