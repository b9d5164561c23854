"""Lines of log: one each, whatever the web wrote, and without the secrets of those who run us."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

from pipelines import trail
from pipelines.masking import masked, one_line, steers

_NOISY = ("alembic", "asyncio", "scrapy", "twisted", "urllib3")


class SafeFormatter(logging.Formatter):
    """A record is one line, a traceback under it as many as it has. Control characters are spelt, passwords masked."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line itself."""
        return one_line(masked(super().formatMessage(record)))

    def formatException(self, ei: object) -> str:
        """The traceback: its own line ends stay."""
        told = masked(super().formatException(ei))  # type: ignore[arg-type]  # as logging names it
        return "".join(f"\\x{ord(c):02x}" if steers(c) else c for c in told)


class JsonFormatter(SafeFormatter):
    """A record is one JSON object on one line: `{time, level, logger, process, message}`, with what else it tells.

    Steps of a page tell `stage`, `page`, `run`, `url`, `to`, and `reason` and `status` where there are any.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The object; nothing in it can end the line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told: dict[str, Any] = {
            "time": moment.replace("+00:00", "Z"), "level": record.levelname.lower(), "logger": record.name,
            "process": os.getpid(), "message": masked(record.getMessage()),
        }  # fmt: skip
        more = getattr(record, "told", {})
        told |= {name: masked(value) if isinstance(value, str) else value for name, value in more.items()}
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told)  # in ASCII, so that no character of the web's steers a terminal


def begin(*, verbose: bool, form: str = "text") -> None:
    """Lets the process log to stderr, as `text` or `json`. JSON logs and verbose ones have the trail of every page."""
    handler = logging.StreamHandler(sys.stderr)
    json_ = form == "json"
    handler.setFormatter(JsonFormatter() if json_ else SafeFormatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.DEBUG if verbose else logging.INFO)
    trail.LOGGER.setLevel(logging.INFO if json_ or verbose else logging.WARNING)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
