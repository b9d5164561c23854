"""Files and folders a user offers become a seed set; what cannot be used is told, file by file, with the way out."""

from pipelines.seeds.read import MAX_SEEDS, offered, read
from pipelines.seeds.records import Problem, Seed, SeedSet

__all__ = ["MAX_SEEDS", "Problem", "Seed", "SeedSet", "offered", "read"]
