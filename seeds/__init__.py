"""Example seed sets, one folder each, shipped as data with the distribution."""
