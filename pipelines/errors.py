"""Every error suchlike raises on purpose. An error's message is one sentence a user can act on.

SuchlikeError
├── UsageError            the user's own input: a flag, a config line, a seed file      exit 2
│   ├── ConfigError
│   └── SeedError
├── UnreachableError      broker or storage cannot be reached or written                exit 4
│   ├── BrokerError
│   └── StoreError
│       └── RefusedError
└── AlertError            a channel did not take an alert                           exit 4
"""

from __future__ import annotations


class SuchlikeError(Exception):
    """Something went wrong that the user can act on."""

    exit_code = 2


class UsageError(SuchlikeError):
    """What was asked for cannot be done as it was asked."""


class ConfigError(UsageError):
    """A line of the configuration is wrong; the message names the line's key and where it came from.

    It is one line, whatever the configuration holds that it names.
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(one if one.isprintable() else repr(one)[1:-1] for one in message))


class SeedError(UsageError):
    """A seed cannot be used; the message names the file."""


class UnreachableError(SuchlikeError):
    """Broker or storage cannot be reached."""

    exit_code = 4


class BrokerError(UnreachableError):
    """Redis or Valkey cannot be reached or started."""


class StoreError(UnreachableError):
    """The database or the disk cannot be reached or written."""


class RefusedError(StoreError):
    """The database is there, and does not take what it was given: that is as it is, however often one asks."""


class AlertError(SuchlikeError):
    """A channel did not take an alert; the message names it without its secrets."""

    exit_code = 4


def is_away(error: BaseException) -> bool:
    """Whether there is no room, or no database, for now: whatever was to be written down is not to blame."""
    return isinstance(error, StoreError) and not isinstance(error, RefusedError)
