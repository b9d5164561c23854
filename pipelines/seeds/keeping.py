"""The seeds a project keeps in its folder: put there, and taken away."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pipelines.errors import SeedError
from pipelines.seeds.contents import is_url
from pipelines.seeds.files import read_bytes
from pipelines.seeds.folder import ABOUT, files_in
from pipelines.seeds.naming import unpacked
from pipelines.seeds.read import read

ADDRESSES: Final = "addresses.urls"


def write(folder: Path, source: str | Path) -> Path:
    """Copies a seed into a project's folder under a safe name, or notes its address there; gives the file.

    What is there already is not written twice. Raises SeedError if the source cannot be a seed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if is_url(str(source)):
        return _note(folder / ADDRESSES, str(source))
    path = Path(source)
    if path.is_dir():
        raise SeedError(f"{path} is a folder; name the files in it.")
    read([path])
    body = read_bytes(path)
    name = unpacked(path.name)
    stem, dot, ending = name.rpartition(".") if "." in name else (name, "", "")
    safe = re.sub(r"[^\w-]+", "-", stem)[:80].strip("-_") or "seed"
    safe = f"seed-{safe}" if safe.lower() in ABOUT else safe
    for number in range(1, 10_000):
        target = folder / f"{safe}{f'-{number}' if number > 1 else ''}{dot}{ending.lower()}"
        if not target.exists():
            target.write_bytes(body)
            return target
        if target.read_bytes() == body:
            return target
    raise SeedError(f"{folder} has too many seeds called {safe}; rename {path}.")


def _note(file: Path, address: str) -> Path:
    known = file.read_text("utf-8").splitlines() if file.exists() else []
    if address not in known:
        file.write_text("\n".join([*known, address]) + "\n", "utf-8")
    return file


def remove(folder: Path, name: str) -> Path:
    """Removes the seed of that name, file name or address from a folder; gives the file it was in."""
    files = list(files_in(folder)) if folder.is_dir() else []
    found = [path for path in files if name in {path.name, path.stem}]
    if len(found) == 1:
        found[0].unlink()
        return found[0]
    if len(found) > 1:
        raise SeedError(f"{name} may be {' or '.join(path.name for path in found)}; name the file.")
    for path in files:
        lines = path.read_text("utf-8").splitlines() if path.suffix == ".urls" else []
        if name in lines:
            path.write_text("".join(f"{line}\n" for line in lines if line != name), "utf-8")
            return path
    names = ", ".join(path.name for path in files[:10]) or "none"
    raise SeedError(f"{folder} has no seed called {name}; it has: {names}.")
