"""How long tests wait for what must come: so long that only what never comes is missed, on however slow a machine.

A wait that succeeds early costs nothing. What is to come soon is not told by a shorter deadline, which a busy machine
misses, but by what has not happened meanwhile, or by a count.
"""

from __future__ import annotations

from typing import Final

# one thing: a process's start or end, the next row, a page in a browser
PATIENCE_S: Final = 180.0
# a whole run, or a verb that does much
RUN_S: Final = 600.0
