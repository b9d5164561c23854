"""How much a text is like the seeds: a sparse half, a dense half, and a calibrated blend of both."""
