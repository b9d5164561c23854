"""How the commands speak: results on stdout, everything for people on stderr."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from crawler.cli.signs import has_all
from pipelines.masking import steers

# what `-` is called while the command line is parsed, which would take it for a flag; no real argument can hold it
STDIN = "\0stdin"
# the arguments that may be a list on stdin, and what `rate` is told
_LISTS = frozenset({"sources", "paths", "seeds", "what"})
# around what is marked; signs of no width, which nothing else that is written here has
MARK, END = "\x0e", "\x0f"
_MARKS = re.compile(f"([{MARK}{END}])")
# terminals that would show how bold is asked for, not boldness
_DUMB = ("dumb", "unknown")
# fewer columns leave no room for two things beside each other
NARROW = 60
# what stands before the text of a line, such as ` words    `
_LABEL = re.compile(r" *\S+(?: \S+)? {2,}")
# a command in a sentence; what needs no project folder stays as it is
_TYPED = re.compile(r"`suchlike( (?!demo|init|help|VERB)\w)")
# the dashboard beside a run: none, its address told, or opened in a browser, too
Web = Literal["none", "told", "open"]
FOUND, NOTHING, USAGE, STOPPED, UNREACHABLE, REFUSED = range(6)


@dataclass(slots=True)
class Session:
    """What the global flags said."""

    folder: Path = field(default_factory=Path)
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: bool = True
    yes: bool = False
    profile: str | None = None
    mode: str | None = None
    # the verb and its own flags, as they were typed
    typed: Sequence[str] = ()

    @property
    def console(self) -> Console:
        """For people; on stderr. Control characters of the web never reach the terminal through it."""
        return Console(stderr=True, quiet=self.quiet, no_color=not self.color, highlight=False, emoji=False)

    @property
    def loud(self) -> Console:
        """The same, also with -q: for what went wrong."""
        return Console(stderr=True, no_color=not self.color, highlight=False, emoji=False)

    @property
    def width(self) -> int | None:
        """Columns of the terminal that stdout is; None where it is none, and nothing needs to be cut."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    def command(self, *words: str) -> str:
        """What to type next, in this project folder, as suchlike was called now."""
        typed = sys.argv[0]
        here = Path(typed).name == "suchlike" and not shutil.which("suchlike")
        # a folder elsewhere is clearer by its whole path
        folder = min(str(self.folder), os.path.relpath(self.folder), key=len)
        at = [] if folder == os.curdir else ["-C", folder]
        return shlex.join([typed if here else "suchlike", *at, *words])

    def spoken(self, text: str) -> str:
        """A sentence whose `suchlike verb` can be typed here and now, as `command` tells it."""
        return _TYPED.sub(lambda found: f"`{self.command()}{found[1]}", text)

    def near(self, file: Path | str) -> str:
        """A file as it is called from here, if that is shorter."""
        return min(str(file), os.path.relpath(file), key=len)

    def say(self, text: str) -> None:
        """A line for people; on a terminal as many as it takes to fit."""
        if not self.quiet:
            console, text = self.console, safe(self.spoken(text))
            for line in fitted(text, console.width) if console.is_terminal else [text]:
                console.print(line, markup=False, soft_wrap=True)

    def next(self, *steps: tuple[str, str], always: bool = False) -> None:
        """What to type next and what for: on a terminal, or `always`. A step is what `command()` gave, and its use."""
        console = self.console
        if self.json or self.quiet or not (always or console.is_terminal):
            return
        width = max(len(typed) for typed, _ in steps)
        narrow = console.is_terminal and console.width < width + max(len(use) for _, use in steps) + 13
        for number, (typed, use) in enumerate(steps):
            if not narrow:
                self.say(f" {'next' if not number else '':<6} {typed:<{width}}   {use}")
                continue
            if not number:
                self.say(" next")
            console.print(f"  {safe(typed)}", markup=False, soft_wrap=True)
            self.say(f"     {use}")

    def agrees(self, question: str) -> bool:
        """Whether a person says yes; nobody does at the end of stdin (Ctrl-D)."""
        self.loud.print(f"{safe(question)} [y/N] ", markup=False, soft_wrap=True, end="")
        try:
            return input().strip().lower() in {"y", "yes"}
        except EOFError:
            return False

    def emit(self, record: Mapping[str, Any]) -> None:
        """A record for programs: one JSON object on a line of stdout."""
        text = json.dumps(record, ensure_ascii=not has_all(sys.stdout))
        try:
            text.encode()
        except UnicodeEncodeError:  # the name of a file that is no UTF-8
            text = json.dumps(record)
        if self.width is not None:  # a terminal: the same record, and nothing in it that steers
            text = "".join(f"\\u{ord(c):04x}" if steers(c) else c for c in text)
        sys.stdout.write(f"{text}\n")

    def out(self, text: str, *, marked: bool = False) -> None:
        """A line of the result itself, for people who pipe it on; on a terminal as many as it takes to fit.

        In text that is `marked`, what stands between MARK and END is bold on a terminal that may have it.
        """
        width = self.width
        bold = self.color and width is not None and os.environ.get("TERM", "").lower() not in _DUMB
        text = "".join(one if one in (MARK, END) else safe(one) for one in _MARKS.split(text)) if marked else safe(text)
        for line in [text] if width is None else fitted(text, width):
            sys.stdout.write(line.replace(MARK, "\x1b[1m" * bold).replace(END, "\x1b[0m" * bold) + "\n")


def given(values: Iterable[str]) -> list[str]:
    """What was named on the command line, `-` being replaced by the lines of stdin."""
    return [line.strip() for value in values for line in (sys.stdin if value == STDIN else [value]) if line.strip()]


def stray(arguments: Mapping[str, Any]) -> bool:
    """Whether `-` was typed where no list is read from stdin, and where it is no verdict."""
    many = {name: value for name, value in arguments.items() if isinstance(value, (list, tuple))}
    ones = [arguments[name] for name in arguments.keys() - many.keys()]
    named = [one for name, values in many.items() if name not in _LISTS for one in values]
    return STDIN in map(str, [*ones, *named])


def fitted(text: str, width: int) -> list[str]:
    """Lines of at most so many columns: cut between words, what follows set under its beginning.

    A word longer than that (an address, mostly) stays whole: cut in two it could not be copied.
    """
    lines: list[str] = []
    for line in text.split("\n"):
        if cell_len(line) <= width:
            lines.append(line)
            continue
        label = _LABEL.match(line)
        begin = label.end() if label and label.end() <= width // 3 else len(line) - len(line.lstrip())
        under = begin if label and begin == label.end() else begin + 2
        pieces = _cut(line[begin:], max(8, width - under))
        lines += [line[:begin] + pieces[0], *(" " * under + piece for piece in pieces[1:])]
    return lines


def _cut(text: str, width: int) -> list[str]:
    if cell_len(text) > len(text):  # of scripts that are set without spaces, and twice as wide
        return [piece.plain.strip() for piece in Text(text).wrap(Console(width=width), width)]
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


def clipped(text: str, width: int) -> str:
    """The beginning of a text, in so many columns."""
    held = Text(text)
    held.truncate(max(1, width), overflow="ellipsis")
    return held.plain


def safe(text: str) -> str:
    """Text without control and bidirectional characters: what the web wrote must not steer a terminal."""
    return "".join(" " if steers(c) else c for c in text)
