"""The kinds of flags that several verbs have."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from crawler.cli.session import Session

# what the global flags said; no flag of the verb itself
Hidden = Annotated[Session, Parameter(parse=False)]
# there or not there; without a --no-… of its own
Flag = Annotated[bool, Parameter(negative=())]
# given once for each value
Many = Annotated[list[str] | None, Parameter(negative=(), consume_multiple=False)]
