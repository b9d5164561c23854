"""A run under way: who conducts it, the processes it has, and what is seen of it meanwhile."""
