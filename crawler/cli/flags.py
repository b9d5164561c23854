"""The kinds of flags that several verbs have."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter, validators

from crawler.cli.session import Session
from pipelines.layers import split
from pipelines.misfits import check_languages

# what the global flags said; no flag of the verb itself
Hidden = Annotated[Session, Parameter(parse=False)]
# there or not there; without a --no-… of its own
Flag = Annotated[bool, Parameter(negative=())]
# whether a browser is to show what is served
Opened = Annotated[bool, Parameter(name="--open", negative=())]
# given once for each value
Many = Annotated[list[str] | None, Parameter(negative=(), consume_multiple=False)]
# how many are shown; without it all, or as many as the verb says
AT_MOST = Parameter(name=["--limit", "-n"], validator=validators.Number(gte=1, lte=2**62))
Limit = Annotated[int | None, AT_MOST]
# codes with commas between them; none takes all
Languages = Annotated[str | None, Parameter(name="--lang")]
# a day, or an age
Since = str | None


def languages_of(given: str | None) -> list[str] | None:
    """The codes of a --lang; None where it is not given. Raises ConfigError for what is no code."""
    return None if given is None else check_languages(split(given), "--lang")
