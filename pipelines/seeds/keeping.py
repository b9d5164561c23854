"""The seeds a project keeps in its folder: put there, and taken away."""

from __future__ import annotations

import contextlib
import gzip
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pipelines.errors import SeedError
from pipelines.seeds.contents import Contents, Unusable, is_url
from pipelines.seeds.files import open_seed, read_bytes
from pipelines.seeds.folder import ABOUT, files_in
from pipelines.seeds.naming import unpacked, writable
from pipelines.seeds.objects import without
from pipelines.seeds.read import offered, read

ADDRESSES: Final = "addresses.urls"
WHOLE: Final = 0


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


def remove(folder: Path, *names: str) -> list[Path]:
    """Removes seeds by their names, files or addresses from a folder; gives the file that each was in.

    Of a file with several articles or addresses only those named go. Nothing is removed, and SeedError raised, where a
    name is nobody's.
    """
    files = list(files_in(folder)) if folder.is_dir() else []
    written = {writable(str(path)): path for path in files}
    seeds = offered([folder]).seeds if files else ()
    named = {seed.name: (written[seed.path], seed.at) for seed in seeds}
    places = [named.get(name) or _place(folder, files, name) for name in names]
    for path in dict.fromkeys(path for path, _ in places):
        _take_out(path, {part for one, part in places if one == path})
    return [path for path, _ in places]


def _place(folder: Path, files: Sequence[Path], name: str) -> tuple[Path, int | str]:
    """The file of that name, or the one that lists that address."""
    found = [path for path in files if name in {path.name, path.stem}]
    if len(found) == 1:
        return found[0], WHOLE
    if len(found) > 1:
        raise SeedError(f"{name} may be {' or '.join(path.name for path in found)}; name the file.")
    for path in files if is_url(name) else ():
        with contextlib.suppress(Unusable):
            listed = open_seed(path).urls
            if name in listed:
                return path, name if len(listed) > 1 else WHOLE
    names = ", ".join(path.name for path in files[:10]) or "none"
    raise SeedError(f"{folder} has no seed called {name}; it has: {names}.")


def _take_out(path: Path, parts: set[int | str]) -> None:
    """Takes articles (by their places) and addresses out of a file; the file itself where nothing else is in it."""
    contents = open_seed(path) if WHOLE not in parts else Contents()
    if not parts.issuperset([*contents.urls, *(draft.at for draft in contents.drafts)]):
        body = without(read_bytes(path), {part for part in parts if isinstance(part, int)})
        kept = [line for line in body.decode().split("\n") if line.strip() not in parts]
        rest = "\n".join(kept).encode()
        path.write_bytes(gzip.compress(rest) if path.name.lower().endswith(".gz") else rest)
    else:
        path.unlink()
