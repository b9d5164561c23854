"""Every module can be imported where only what `pip install suchlike` brings is there, and no extra."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from patience import PATIENCE_S

ROOT = Path(__file__).parents[2]
# run as programs by whoever owns them: Python, and alembic
PROGRAMS = ("__main__", "migrations.env")
_IMPORTING = """
import importlib, pkgutil, sys
for name in {blocked!r}:
    sys.modules[name] = None
import crawler, pipelines, seeds, workers
number = 0
for package in (crawler, pipelines, seeds, workers):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not found.name.endswith({programs!r}):
            importlib.import_module(found.name)
            number += 1
print(number)
"""
# the module, where it is not called as its package is
_MODULES = {
    "huggingface-hub": "huggingface_hub", "sentence-transformers": "sentence_transformers",
    "import-linter": "importlinter",
    "pytest-timeout": "pytest_timeout",
    "XlsxWriter": "xlsxwriter",
    "axe-playwright-python": "axe_playwright_python",
}  # fmt: skip


def test_every_module_is_imported_without_any_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    own = {_name(line) for line in project["dependencies"]}
    extras = {_name(line) for lines in project["optional-dependencies"].values() for line in lines} - own
    blocked = sorted(_MODULES.get(name, name) for name in extras)
    assert {"psycopg", "pyarrow", "xlsxwriter", "apprise", "pytest"} <= set(blocked)
    script = _IMPORTING.format(blocked=blocked, programs=PROGRAMS)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 200


def _name(line: str) -> str:
    found = re.match(r"[\w.-]+", line)
    assert found
    return found[0]
