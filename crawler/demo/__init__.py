"""The invented web that `suchlike demo` crawls: a dozen made-up sites, served on loopback only."""
