"""seed.toml: what a seed folder says about itself and its files."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from pipelines.config import check_threshold
from pipelines.errors import ConfigError, SeedError

TOML: Final = "seed.toml"
MAX_TOML_BYTES: Final = 1_000_000

_SETTINGS: Final[dict[str, tuple[type, ...]]] = {
    "grain": (str,),
    "threshold": (str, float, int),
    "sites": (list,),
    "feeds": (list,),
    "sitemaps": (list,),
}
_KEYS: Final[dict[str, tuple[type, ...]]] = {
    "name": (str,),
    "about": (str,),
    "language": (str,),
    "cut": (bool,),
    "files": (dict,),
    # told that it counts for nothing here: the clock reads no seeds
    "every": (str,),
    # what replaying a file must give: read by tests, not here
    "expect": (list,),
    **_SETTINGS,
}
_FILE_KEYS: Final[dict[str, tuple[type, ...]]] = {"cut": (bool,), "language": (str,), "title": (str,), "url": (str,)}
_THRESHOLD: Final = re.compile(r"""\s*["']?threshold\b""")
_SPOKEN: Final = {
    str: "text",
    bool: "true or false",
    list: "a list",
    dict: "a table",
    float: "a number",
    int: "a number",
}


@dataclass(frozen=True, slots=True)
class FileWishes:
    """What is said of one file. `cut` false leaves its stray headlines in; None says nothing of it."""

    cut: bool | None = None
    language: str = ""
    title: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a seed.toml says; `files` by path relative to the folder, `settings` for the run."""

    name: str = ""
    about: str = ""
    language: str = ""
    every: str = ""
    cut: bool = True
    files: Mapping[str, FileWishes] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def of(self, file: str) -> FileWishes:
        """What holds for one file: what is said of it, else of all."""
        own = self.files.get(file, FileWishes())
        return replace(own, cut=self.cut if own.cut is None else own.cut, language=own.language or self.language)

    def joined_by(self, later: Wishes) -> Wishes:
        """These, completed by another folder's."""
        return Wishes(
            name=self.name or later.name, about=self.about or later.about, settings={**later.settings, **self.settings}
        )


def read_wishes(folder: Path) -> Wishes:
    """What the folder's seed.toml says; nothing if there is none. SeedError names the file and the wrong key."""
    file = folder / TOML
    if not file.is_file():
        return Wishes()
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_TOML_BYTES).decode("utf-8")
        said = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SeedError(f"{file} is not TOML: {error}.") from error
    except OSError as error:
        raise SeedError(f"{file} cannot be read: {error.strerror}.") from error
    _check(file, said, _KEYS)
    if "threshold" in said:
        line = next((at for at, one in enumerate(text.splitlines(), 1) if _THRESHOLD.match(one)), 1)
        try:
            check_threshold(str(said["threshold"]), f"{file}, line {line}: threshold")
        except ConfigError as error:
            raise SeedError(str(error)) from error
    for name, wishes in said.get("files", {}).items():
        if not isinstance(wishes, dict):
            raise SeedError(f'{file}: files."{name}" is not a table; write [files."{name}"] with cut = false below it.')
        _check(file, wishes, _FILE_KEYS, f'files."{name}".')
    return Wishes(
        name=said.get("name", ""),
        about=said.get("about", ""),
        language=said.get("language", ""),
        every=said.get("every", ""),
        cut=said.get("cut", True),
        files={name: FileWishes(**wishes) for name, wishes in said.get("files", {}).items()},
        settings={key: said[key] for key in _SETTINGS if key in said},
    )


def _check(file: Path, said: Mapping[str, Any], known: Mapping[str, tuple[type, ...]], prefix: str = "") -> None:
    for key, value in said.items():
        if key not in known:
            raise SeedError(f"{file}: unknown key {prefix}{key}; {_nearest(key, known)}.")
        # a bool is an int to Python, and no threshold
        fits = isinstance(value, known[key]) and (isinstance(value, bool) == (known[key] == (bool,)))
        if not fits or (isinstance(value, list) and key != "expect" and not all(isinstance(one, str) for one in value)):
            raise SeedError(f"{file}: {prefix}{key} must be {_SPOKEN[known[key][0]]}, not {value!r}.")


def _nearest(word: str, known: Iterable[str]) -> str:
    match = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.5)
    return f"did you mean {match[0]}?" if match else f"known are {', '.join(known)}"
