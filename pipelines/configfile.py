"""Changes one line of `suchlike.toml`, and leaves everything else in it as its owner wrote it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from pipelines.config import load
from pipelines.errors import ConfigError, StoreError
from pipelines.layers import FILE_NAME


def set_line(folder: Path, section: str, key: str, value: str | dict[str, Any]) -> None:
    """Writes `[section] key = value`; ConfigError, and an unchanged file, when that makes no valid configuration."""

    def change(document: tomlkit.TOMLDocument) -> None:
        made = value
        if isinstance(value, dict):
            made = tomlkit.inline_table()
            made.update(value)
        table = document.setdefault(section, tomlkit.table())
        table[key] = made

    _edit(folder, change)


def drop_line(folder: Path, section: str, key: str) -> bool:
    """Takes `key` out of `[section]`; False when it was not there."""
    dropped = False

    def change(document: tomlkit.TOMLDocument) -> None:
        nonlocal dropped
        held = document.get(section, {})
        dropped = held.pop(key, None) is not None

    _edit(folder, change)
    return dropped


def _edit(folder: Path, change: Any) -> None:
    """Applies `change` to the file, whole or not at all."""
    file = folder / FILE_NAME
    try:
        before = _text_of(file) if file.exists() else ""
        document = tomlkit.parse(before)
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise ConfigError(f"{file} cannot be changed: {error}.") from None
    change(document)
    after = tomlkit.dumps(document)
    if after == before:
        return
    with tempfile.TemporaryDirectory() as apart:  # judged apart: a wrong line never reaches the file
        (Path(apart) / FILE_NAME).write_text(after, encoding="utf-8", newline="")
        load(Path(apart), env={})
    _replace(file.resolve(), after)  # it may be a link to where somebody keeps such files


def _text_of(file: Path) -> str:
    """The text with its own line ends."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return stream.read()


def _replace(file: Path, text: str) -> None:
    part = file.with_name(file.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        if file.exists():
            part.chmod(file.stat().st_mode & 0o777)
        part.replace(file)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}.") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
