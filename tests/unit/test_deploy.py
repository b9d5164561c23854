"""What deploy/ holds: its units and its compose file are sound, and run the lines of the Procfile."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import absent

from crawler.cli.app import app
from crawler.web.access import check_bind
from pipelines.config import load
from workers.broker import address

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
# 0 is sealed off, 10 is exposed
EXPOSED = 2.5


def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    return {name: command.strip() for name, _, command in (line.partition(":") for line in lines)}


def compose() -> dict[str, Any]:
    held: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    return held


def needs_systemd() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        absent("systemd")
    assert found is not None
    return found


def test_every_line_of_the_procfile_is_a_verb() -> None:
    for command in procfile().values():
        program, verb, *_ = command.split()
        assert program == "suchlike"
        assert verb in set(app)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_runs_a_line_of_the_procfile(unit: Path) -> None:
    (line,) = re.findall(r"^ExecStart=\S+/suchlike -C \S+ (.+)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
    assert f"suchlike {line}" in procfile().values()


def test_the_target_wants_every_unit() -> None:
    target = (ROOT / "deploy" / "systemd" / "suchlike.target").read_text(encoding="utf-8")
    assert all(unit.name in target for unit in UNITS)


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = needs_systemd()
    program = tmp_path / "suchlike"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in (ROOT / "deploy" / "systemd").iterdir():
        text = unit.read_text(encoding="utf-8").replace("/opt/suchlike/bin/suchlike", str(program))
        (tmp_path / unit.name).write_text(text)
    units = [str(path) for path in tmp_path.iterdir() if path.suffix in (".service", ".target")]
    done = subprocess.run([analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "suchlike" in line]
    assert ours == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_is_sealed_off(unit: Path) -> None:
    done = subprocess.run(
        [needs_systemd(), "security", "--offline=yes", "--no-pager", str(unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(r"Overall exposure level.*: ([\d.]+)", done.stdout)
    assert found is not None, done.stderr
    assert float(found[1]) <= EXPOSED


def test_the_compose_file_is_one_by_the_rules_of_compose() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
         str(ROOT / "deploy" / "compose.yaml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_services_of_the_compose_file_run_the_procfile_with_what_they_need() -> None:
    services = compose()["services"]
    lines = {
        name: f"suchlike {' '.join(service['command'])}" for name, service in services.items() if "build" in service
    }
    assert lines.items() <= procfile().items()
    for name in lines:
        told = services[name]["environment"]
        assert told.keys() >= {"SUCHLIKE_DATABASE", "SUCHLIKE_REDIS"}
        env = {key: re.sub(r"\$\{\w+:\?[^}]*\}", "a-password", value) for key, value in told.items()}
        assert address(load(ROOT / "deploy", env=env)) == env["SUCHLIKE_REDIS"]
        assert all(services[need]["healthcheck"] for need in services[name]["depends_on"])
        assert services[name]["read_only"] and services[name]["cap_drop"] == ["ALL"]
        # without rights of its own it writes to the project only as whoever owns that
        assert services[name]["user"].startswith("${PROJECT_OWNER:?")
    broker = services["broker"]["command"]
    assert {"--appendonly", "noeviction", "--requirepass"} <= set(broker)
    # the dashboard alone can be reached, from this machine and with a token
    assert {name: one["ports"] for name, one in services.items() if "ports" in one} == {"web": ["127.0.0.1:7420:7420"]}
    shown = {key: re.sub(r"\$\{\w+:\?[^}]*\}", "a-token-of-16-chars", value)
             for key, value in services["web"]["environment"].items()}  # fmt: skip
    config = load(ROOT / "deploy", env=shown)
    assert (config.web.host, config.web.port) == ("0.0.0.0", 7420)
    check_bind(config.web.host, config.web.token)


def test_the_example_names_what_compose_asks_for_and_holds_no_password() -> None:
    lines = (ROOT / "deploy" / "example.env").read_text(encoding="utf-8").splitlines()
    named = [line for line in lines if not line.startswith("#")]
    assert all(line.endswith("=") for line in named)
    asked = re.findall(r"\$\{(\w+):\?", (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
    assert {line.removesuffix("=") for line in named} == set(asked)


def test_the_image_is_made_of_the_package_and_of_nothing_that_lies_beside_it() -> None:
    held = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = held["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    files = ["pyproject.toml", "constraints.txt", held["project"]["readme"], *held["project"]["license-files"]]
    told = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    copied = [one for line in re.findall(r"^COPY (.+) \S+$", told, re.MULTILINE) for one in line.split()]
    assert sorted(copied) == sorted([*packages, *files])
