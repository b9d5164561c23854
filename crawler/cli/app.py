"""The app: global flags, errors as one sentence, exit codes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import App, Group, Parameter

from crawler.cli import evaluate, operate, rating, results, searching, seeds, start
from crawler.cli.session import STDIN, STOPPED, UNREACHABLE, USAGE, Session, safe
from pipelines.errors import SuchlikeError

app = App(
    name="suchlike",
    help="Give it a few example articles; it brings back the articles that are suchlike.",
    version_flags=["--version"],
    result_action="return_value",
)
start.register(app, Group("Start", sort_key=1))
seeds.register(app, Group("Seeds", sort_key=2))
found = Group("Results", sort_key=3)
results.register(app, found)
searching.register(app, found)
rating.register(app, Group("Rate", sort_key=3))
evaluate.register(app, Group("Measure", sort_key=4))
operate.register(app, Group("Operate", sort_key=5))


@app.meta.default
def _launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    folder: Annotated[Path, Parameter(name=["-C", "--folder"])] = Path(),
    json: Annotated[bool, Parameter(name="--json", negative=())] = False,
    quiet: Annotated[bool, Parameter(name=["-q", "--quiet"], negative=())] = False,
    verbose: Annotated[bool, Parameter(name=["-v", "--verbose"], negative=())] = False,
    no_color: Annotated[bool, Parameter(name="--no-color", negative=())] = False,
    yes: Annotated[bool, Parameter(name="--yes", negative=())] = False,
    profile: Annotated[str | None, Parameter(name="--profile")] = None,
    mode: Annotated[str | None, Parameter(name="--mode")] = None,
) -> int:
    """Give it a few example articles; it brings back the articles that are suchlike.

    Parameters
    ----------
    folder
        Project folder.
    json
        One JSON object (or, where results are many, one a line) on stdout.
    quiet
        Say nothing but the result.
    verbose
        Show tracebacks and the processes' names.
    no_color
        No colours.
    yes
        Answer yes to every question.
    profile
        Which seed set of the project.
    mode
        Whose results: demo, replay or online (default: those of the latest run).
    """
    session = Session(folder, json, quiet, verbose, not no_color, yes, profile, mode)
    try:
        command, bound, ignored = app.parse_args(
            [STDIN if token == "-" else token for token in tokens], print_error=False, exit_on_error=False
        )
        extra = dict.fromkeys(ignored, session)
        result = command(*bound.args, **bound.kwargs, **extra)
    except SuchlikeError as error:
        return _told(session, str(error), error.exit_code)
    except BrokenPipeError:
        raise
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        return _told(session, f"{named}{error.strerror or error}.", UNREACHABLE)
    except cyclopts.CycloptsError:
        raise
    except Exception as error:  # the edge of the process: a fault of ours, and still one sentence
        what = f"{type(error).__name__}: {error}".strip(": ")
        return _told(
            session, f"Something went wrong that should not ({what}); -v shows where. Please report it.", USAGE
        )
    return result if isinstance(result, int) else 0


def _told(session: Session, sentence: str, code: int) -> int:
    """Says what went wrong in one sentence; with -v, where, too."""
    if session.verbose:
        session.console.print_exception()
    # even with -q: a failure is no chatter
    session.loud.print(f"suchlike: {safe(sentence)}", markup=False, soft_wrap=True)
    return code


def run(arguments: list[str]) -> int:
    """Runs one command line; returns its exit code."""
    try:
        code = app.meta(arguments, print_error=False, exit_on_error=False)
    except cyclopts.CycloptsError as error:
        sys.stderr.write(f"suchlike: {' '.join(str(error).split())} See suchlike --help.\n")
        return USAGE
    except KeyboardInterrupt:
        return STOPPED
    except BrokenPipeError:
        # whoever read our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code if isinstance(code, int) else 0
