"""What a user names becomes a seed set: folders, files, addresses, and lists of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from pipelines.errors import SeedError
from pipelines.seeds.admission import Admission
from pipelines.seeds.contents import Unusable, is_url
from pipelines.seeds.files import open_seed
from pipelines.seeds.folder import files_in
from pipelines.seeds.naming import name_of, writable
from pipelines.seeds.records import Problem, SeedSet
from pipelines.seeds.wishes import TOML, Wishes, read_wishes

# what is learned grows with words times seeds (8 MB at so many), and more hardly change it
MAX_SEEDS: Final = 200
# what nothing is learned from, a file of it
MAX_TEXTS: Final = 5_000


def read(paths: Sequence[str | Path]) -> SeedSet:
    """The seed set of folders, files and addresses; `-` reads such a list from standard input, one a line.

    A folder is read with its direct subfolders, and its seed.toml. Raises SeedError when nothing at all can be used,
    or when a seed.toml is wrong.
    """
    found = offered(paths)
    if not found.seeds and not found.urls:
        raise SeedError(_nothing(paths, found.problems))
    return found


def offered(paths: Sequence[str | Path], *, judged: bool = False) -> SeedSet:
    """The same of what may hold nothing that can be used: its problems say why, if anything is wrong with it.

    Texts that are only `judged` may be MAX_TEXTS, and copies of each other. Raises SeedError when a seed.toml
    is wrong.
    """
    reading = _Reading(judged=judged)
    for path in paths:
        reading.take(str(path))
    seeds, problems = tuple(reading.admission.seeds), tuple(reading.problems)
    urls = tuple(dict.fromkeys(reading.urls))
    wishes = reading.wishes
    name = wishes.name or name_of(str(next(iter(paths), "")))
    return SeedSet(name, wishes.about, seeds, problems, urls, wishes.settings)


class _Reading:
    """What has been read so far."""

    def __init__(self, *, judged: bool) -> None:
        self._judged = judged
        self._at_most = MAX_TEXTS if judged else MAX_SEEDS
        self.admission = Admission(copies=judged)
        self.problems: list[Problem] = []
        self.urls: list[str] = []
        self.wishes = Wishes()

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
        if wishes.every:
            told = f'every = "{wishes.every}" counts for nothing here; write it in the profile, in suchlike.toml'
            self._complain(folder / TOML, told)
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
            contents = open_seed(path)
        except Unusable as error:
            self._complain(path, str(error))
            return
        self.urls += contents.urls
        complaints = list(contents.complaints)
        for number, draft in enumerate(contents.drafts, 1):
            if len(self.admission.seeds) >= self._at_most:
                left_out = _left_out(draft.where or "it", len(contents.drafts) - number, judged=self._judged)
                complaints.insert(0, left_out)
                break
            name = name_of(path.name) + (f"-{number}" if len(contents.drafts) > 1 else "")
            complaint = self.admission.admit(draft, name, path, wish)
            complaints += [f"{draft.where or 'it'} {complaint}"] if complaint else []
        if complaints:
            more = f" (and {len(complaints) - 1} more complaints)" if len(complaints) > 1 else ""
            self._complain(path, complaints[0] + more)

    def _complain(self, path: Path, complaint: str) -> None:
        at = writable(str(path))
        self.problems.append(Problem(at, writable(f"{at}: {complaint}.")))


def _left_out(first: str, more: int, *, judged: bool) -> str:
    after = f" and {more} articles after it were" if more else " was"
    why = f"a seed set has at most {MAX_SEEDS} articles; choose the most typical ones"
    if judged:
        why = f"at most {MAX_TEXTS} articles of a file are read; put the others into another"
    return f"{first}{after} left out, for {why}"


def _nothing(paths: Sequence[str | Path], problems: Sequence[Problem]) -> str:
    if problems:
        more = f" ({len(problems) - 1} more files had problems.)" if len(problems) > 1 else ""
        return f"No seed could be used. {problems[0].message}{more}"
    named = writable(", ".join(str(path) for path in paths)) or "nothing"
    return f"No seed in {named}; put a few example articles there as .txt, .md, .html, .json or .eml."
