"""Start: help of a verb, and the shell's completion of verbs."""

from __future__ import annotations

from functools import partial
from typing import Literal

from cyclopts import App, Group
from rich.console import Console

from crawler.cli.flags import Hidden
from crawler.cli.session import FOUND
from pipelines.errors import UsageError

NARROWEST = 20


def register(app: App, group: Group) -> None:
    """Adds the verbs."""
    app.command(partial(about, app), name="help", group=group)
    app.command(partial(install_completion, app), name="--install-completion")


class _Printed(Console):
    """What is printed on stdout; that its reader has enough is told like that of any output."""

    def on_broken_pipe(self) -> None:
        """Rich's own ends the process as if nothing had been found."""
        raise BrokenPipeError


def console(plain: bool, width: int | None = None) -> Console:
    """Where help and tables are printed; rich itself looks at NO_COLOR."""
    made = _Printed(no_color=True if plain else None, highlight=False, emoji=False, width=width)
    # in less rich's tables never end
    made.width = max(made.width, NARROWEST)
    return made


def about(app: App, *words: str, session: Hidden) -> int:
    """Show the help of a verb; `help contract` prints what scripts may rely on: verbs, fields, exit codes.

    Parameters
    ----------
    words
        A verb, or contract.
    """
    from importlib.resources import files

    if words == ("contract",):
        session.out((files("crawler.cli") / "contract.md").read_text(encoding="utf-8").rstrip())
        return FOUND
    at = app
    for word in words:
        if word not in at or word.startswith("-"):
            raise UsageError(f"There is no verb {' '.join(words)!r}; `suchlike help` lists all.")
        at = at[word]
    app.meta([*words, "--help"], console=console(not session.color))
    return FOUND


def install_completion(
    app: App, *, shell: Literal["bash", "zsh", "fish"] | None = None, session: Hidden
) -> int:  # fmt: skip
    """Let your shell complete verbs and flags; then open a new one.

    Parameters
    ----------
    shell
        Which shell, where it cannot be told.
    """
    from cyclopts.completion.detect import ShellDetectionError

    try:
        file = app.install_completion(shell=shell)
    except ShellDetectionError:
        raise UsageError("Which shell this is cannot be told; add --shell bash, zsh or fish.") from None
    session.say(f"wrote {file}; it is at work in every shell opened from now on.")
    return FOUND
