"""What to fetch next, and when a host may be asked again."""
