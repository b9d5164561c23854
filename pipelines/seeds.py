"""Files and folders a user offers become a seed set; what cannot be used is told, file by file, with the way out."""

from __future__ import annotations

import itertools
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from pipelines.errors import SeedError
from pipelines.hygiene import clean, paragraphs
from pipelines.language import count_words, detect
from pipelines.likeness import tokens
from pipelines.seedfiles import Contents, Draft, Unusable, is_url, open_seed, read_bytes
from pipelines.seedtoml import TOML, FileWishes, Wishes, read_wishes
from pipelines.signature import hashed, shingles

MIN_WORDS: Final = 25
# fewer different ones in letters, numbers left out, say nothing that could be compared
MIN_DIFFERENT: Final = 5
# what is learned grows with words times seeds (8 MB at so many), and more hardly change it
MAX_SEEDS: Final = 200
# what nothing is learned from, a file of it
MAX_TEXTS: Final = 5_000
SAME_TEXT: Final = 0.85
ADDRESSES: Final = "addresses.urls"
_TITLE_WORDS: Final = 12
_GZ: Final = re.compile(r"\.gz$", re.IGNORECASE)
_NO_SEED: Final = frozenset({"readme", "license", "licence", "notice"})


@dataclass(frozen=True, slots=True)
class Seed:
    """An example article. `dropped_lines` are those that hygiene took off its ends, in their order."""

    name: str
    path: str
    title: str
    text: str
    language: str
    words: int
    dropped_lines: tuple[str, ...] = ()
    url: str = ""
    published: date | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a file, in one sentence that names it and the way out. The other files still count."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class SeedSet:
    """The examples of one subject. `urls` are seeds given as addresses, which are still to be fetched.

    `settings` has what seed.toml says for the run: threshold, every, sites, feeds, sitemaps.
    """

    name: str
    about: str
    seeds: tuple[Seed, ...]
    problems: tuple[Problem, ...] = ()
    urls: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


def read(paths: Sequence[str | Path], *, at_most: int = MAX_SEEDS) -> SeedSet:
    """The seed set of folders, files and addresses; `-` reads such a list from standard input, one a line.

    A folder is read with its direct subfolders, and its seed.toml. Texts that are only judged may be MAX_TEXTS
    (`at_most`). Raises SeedError when nothing at all can be used, or when a seed.toml is wrong.
    """
    reading = _Reading(at_most)
    for path in paths:
        reading.take(str(path))
    seeds, problems, urls = tuple(reading.seeds), tuple(reading.problems), tuple(dict.fromkeys(reading.urls))
    if not seeds and not urls:
        raise SeedError(_nothing(paths, problems))
    wishes = reading.wishes
    return SeedSet(wishes.name or _name_of(str(paths[0])), wishes.about, seeds, problems, urls, wishes.settings)


def files_in(folder: Path) -> Iterator[Path]:
    """The files of a folder and its direct subfolders that may be seeds, in the order of their names."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == TOML or path.stem.lower() in _NO_SEED:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from (one for one in sorted(path.iterdir()) if not one.name.startswith(".") and not one.is_dir())
        else:
            yield path


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
    name = _GZ.sub("", path.name)
    stem, dot, ending = name.rpartition(".") if "." in name else (name, "", "")
    safe = re.sub(r"[^\w-]+", "-", stem)[:80].strip("-_") or "seed"
    # a file of such a name is taken for something about the folder
    safe = f"seed-{safe}" if safe.lower() in _NO_SEED else safe
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


class _Reading:
    """What has been read so far."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self.seeds: list[Seed] = []
        self.problems: list[Problem] = []
        self.urls: list[str] = []
        self.wishes = Wishes()
        self._names: set[str] = set()
        self._told: dict[int | str, list[str]] = {}

    def take(self, given: str) -> None:
        path = Path(given)
        if given == "-":
            self._take_list(sys.stdin)
        elif is_url(given):
            self.urls.append(given)
        elif path.is_dir():
            self._take_folder(path)
        else:
            self._take_file(path, Wishes())

    def _take_list(self, lines: Iterable[str]) -> None:
        for line in lines:
            entry = line.strip()
            if entry and entry != "-" and not entry.startswith("#"):
                self.take(entry)

    def _take_folder(self, folder: Path) -> None:
        wishes = read_wishes(folder)
        self.wishes = self.wishes.joined_by(wishes)
        files = list(files_in(folder))
        for missing in sorted(wishes.files.keys() - {path.relative_to(folder).as_posix() for path in files}):
            self._complain(folder / TOML, f'it speaks of "{missing}", which is not there; correct the name')
        inside = folder.resolve()
        for path in files:
            if path.is_symlink() and not path.resolve().is_relative_to(inside):
                self._complain(path, "it is a link to something outside the folder; copy the file itself here")
            elif path.is_dir():
                self._complain(path, "it is a link to a folder; name that folder itself")
            else:
                self._take_file(path, wishes, path.relative_to(folder).as_posix())

    def _take_file(self, path: Path, wishes: Wishes, key: str = "") -> None:
        wish = wishes.of(key)
        try:
            contents: Contents = open_seed(path)
        except Unusable as error:
            self._complain(path, str(error))
            return
        self.urls += contents.urls
        complaints = list(contents.complaints)
        for number, draft in enumerate(contents.drafts, 1):
            if len(self.seeds) >= self._at_most:
                left_out = _left_out(draft.where or "it", len(contents.drafts) - number, self._at_most)
                complaints.insert(0, left_out)
                break
            name = _name_of(path.name) + (f"-{number}" if len(contents.drafts) > 1 else "")
            complaint = self._take_draft(draft, name, path, wish)
            complaints += [f"{draft.where or 'it'} {complaint}"] if complaint else []
        if complaints:
            more = f" (and {len(complaints) - 1} more complaints)" if len(complaints) > 1 else ""
            self._complain(path, complaints[0] + more)

    def _take_draft(self, draft: Draft, name: str, path: Path, wish: FileWishes) -> str | None:
        said = _writable(draft.text)
        cleaned = clean(said) if draft.plain and wish.cut else None
        text = paragraphs(cleaned.text if cleaned else said)
        words = count_words(text)
        if words < MIN_WORDS:
            return f"has {words} words and a seed at least {MIN_WORDS}; put the whole article into it"
        if len(set(tokens.words(text))) < MIN_DIFFERENT:
            return "has hardly a word that is written in letters; put the whole article into it"
        unique = self._unused(name)
        same = self._same_as(text, unique)
        if same:
            return f"tells the same text as {same}, which was kept; remove one of them"
        self._names.add(unique)
        title = wish.title or _writable(draft.title) or (cleaned.title if cleaned else "") or _beginning(text)
        dropped = (*cleaned.cut_leading, *cleaned.cut_trailing) if cleaned else ()
        spoken = wish.language or draft.language or detect(text)
        even, url = " ".join(title.split()), wish.url or _writable(draft.url)
        at = _writable(str(path))
        self.seeds.append(Seed(unique, at, even, text, spoken, words, dropped, url, draft.published))
        return None

    def _unused(self, name: str) -> str:
        numbered = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
        return next(one for one in numbered if one not in self._names)

    def _same_as(self, text: str, name: str) -> str | None:
        """The name of an earlier seed that shares most shingles with this text, or None; remembers this one."""
        shingled = set(shingles(hashed(text)).tolist()) or {text}
        shared = Counter(itertools.chain.from_iterable(self._told.get(shingle, ()) for shingle in shingled))
        for same, number in shared.most_common(1):
            if number >= SAME_TEXT * len(shingled):
                return same
        for shingle in shingled:
            self._told.setdefault(shingle, []).append(name)
        return None

    def _complain(self, path: Path, complaint: str) -> None:
        at = _writable(str(path))
        self.problems.append(Problem(at, _writable(f"{at}: {complaint}.")))


def _left_out(first: str, more: int, at_most: int) -> str:
    after = f" and {more} articles after it were" if more else " was"
    why = f"a seed set has at most {at_most} articles; choose the most typical ones"
    if at_most != MAX_SEEDS:
        why = f"at most {at_most} articles of a file are read; put the others into another"
    return f"{first}{after} left out, for {why}"


def _writable(text: str) -> str:
    """With ? for each half character (of JSON), and for bytes (of file names) that are no UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _name_of(path: str) -> str:
    name = _GZ.sub("", _writable(Path(path).name))
    return (name.rpartition(".")[0] or name).strip() or "seeds"


def _beginning(text: str) -> str:
    words = text.split(None, _TITLE_WORDS)
    return " ".join(words[:_TITLE_WORDS]) + (" …" if len(words) > _TITLE_WORDS else "")


def _nothing(paths: Sequence[str | Path], problems: Sequence[Problem]) -> str:
    if problems:
        more = f" ({len(problems) - 1} more files had problems.)" if len(problems) > 1 else ""
        return f"No seed could be used. {problems[0].message}{more}"
    named = _writable(", ".join(str(path) for path in paths)) or "nothing"
    return f"No seed in {named}; put a few example articles there as .txt, .md, .html, .json or .eml."
