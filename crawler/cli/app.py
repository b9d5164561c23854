"""The app: global flags, errors as one sentence, exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import App, Group, Parameter

from crawler.cli import (
    alerting,
    configuring,
    evaluate,
    examples,
    exporting,
    forgetting,
    helping,
    ledger,
    passthrough,
    rating,
    rejudging,
    results,
    scheduling,
    scoring,
    searching,
    seeds,
    serving,
    sources,
    start,
    status,
    steering,
)
from crawler.cli.session import STDIN, STOPPED, UNREACHABLE, USAGE, Session, safe, stray
from pipelines.errors import SuchlikeError, UsageError
from pipelines.masking import masked

# what only looks, or works on what is there: a folder or profile that is none is a slip, and nothing to begin
_LOOKS = frozenset((
    "status", "list", "search", "show", "explain", "dupes", "fates", "traps", "failures", "export", "report", "config",
    "rate", "rejudge", "reread", "forget", "alerts", "pause", "resume", "doctor", "sources", "down",
))  # fmt: skip
# what asks the web: a mode that promises not to would be believed
_FETCHES = frozenset(("run", "plan"))
# what begins where it was stopped
_GOES_ON = frozenset(("run", "demo", "replay"))

app = App(
    name="suchlike",
    help="Give it a few example articles; it brings back the articles that are suchlike.",
    version=lambda: version("suchlike"),
    version_flags=["--version"],
    result_action="return_value",
    default_parameter=Parameter(show_default=lambda value: None if value in (False, None, "") else str(value)),
    help_epilogue="First time here? `suchlike demo` shows it at work, offline. More: `suchlike VERB --help`.",
)
app.meta.suppress_keyboard_interrupt = app.suppress_keyboard_interrupt = False  # it has an exit code of ours
everywhere = Group("At any place", sort_key=20)
starting = Group("Start", sort_key=1)
start.register(app, starting)
helping.register(app, starting)
exemplary = Group("Seeds", sort_key=2)
seeds.register(app, exemplary)
scoring.register(app, exemplary)
found = Group("Results", sort_key=3)
results.register(app, found)
searching.register(app, found)
exporting.register(app, found)
ledger.register(app, found)
sources.register(app, found)
rejudging.register(app, found)
forgetting.register(app, found)
rating.register(app, Group("Rate", sort_key=3))
evaluate.register(app, Group("Measure", sort_key=4))
operating = Group("Operate", sort_key=5)
configuring.register(app, operating)
scheduling.register(app, operating)
alerting.register(app, operating)
steering.register(app, operating)
status.register(app, operating)
serving.register(app, operating)
passthrough.register(app, operating)
examples.show(app)
for place, verb in enumerate(name for name in app if not name.startswith("-")):
    app[verb].sort_key = place  # as registered: the first verb a newcomer needs comes first


@app.meta.default
def _launch(  # noqa: PLR0913  # the global flags
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    folder: Annotated[Path, Parameter(name=["-C", "--folder"], show_default=False, group=everywhere)] = Path(),
    json: Annotated[bool, Parameter(name="--json", negative=(), group=everywhere)] = False,
    quiet: Annotated[bool, Parameter(name=["-q", "--quiet"], negative=(), group=everywhere)] = False,
    verbose: Annotated[bool, Parameter(name=["-v", "--verbose"], negative=(), group=everywhere)] = False,
    no_color: Annotated[bool, Parameter(name="--no-color", negative=(), group=everywhere)] = False,
    yes: Annotated[bool, Parameter(name="--yes", negative=(), group=everywhere)] = False,
    profile: Annotated[str | None, Parameter(name="--profile", group=everywhere)] = None,
    mode: Annotated[Literal["demo", "replay", "online"] | None, Parameter(name="--mode", group=everywhere)] = None,
    insecure: Annotated[bool, Parameter(name="--insecure", negative=(), group=everywhere)] = False,
) -> int:
    """Give it a few example articles; it brings back the articles that are suchlike.

    Parameters
    ----------
    folder
        Project folder (default: the current one).
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
        Which seed set of the project; of results, only what its runs found.
    mode
        Whose results: demo, replay or online (default: those of the latest run).
    insecure
        Use a broker over the network though it asks for no password or has no TLS.
    """
    if insecure:  # in the environment, since the processes we start must know it too
        os.environ["SUCHLIKE_QUEUE__INSECURE"] = "true"
    session = Session(
        folder, json, quiet, verbose, color=not (no_color or os.environ.get("NO_COLOR")),
        yes=yes, profile=profile, mode=mode, typed=tokens,
    )  # fmt: skip
    try:
        command, bound, ignored = app.parse_args(
            [STDIN if token == "-" else token for token in tokens], print_error=False, exit_on_error=False,
            console=helping.console(no_color),
        )  # fmt: skip
        if stray(bound.arguments):
            raise UsageError("`-` is the list on stdin of seed add, score, replay and --seeds, and no name here.")
        if None in bound.arguments.values():
            raise UsageError(_nothing(tokens))
        if mode in ("demo", "replay") and tokens and tokens[0] in _FETCHES:
            raise UsageError(
                f"`suchlike {tokens[0]}` asks the web itself; --mode says whose results to read. `suchlike demo` "
                "crawls a made-up web, `suchlike replay FILE…` reads recorded pages."
            )
        if tokens and tokens[0] in _LOOKS and not {"--help", "-h"}.intersection(tokens):
            _there(session)
        extra = dict.fromkeys(ignored, session)
        result = command(*bound.args, **bound.kwargs, **extra)
    except SuchlikeError as error:
        return _told(session, str(error), error.exit_code)
    except KeyboardInterrupt:
        return _interrupted(quiet=quiet, goes_on=bool(_GOES_ON.intersection(tokens[:1])))
    except BrokenPipeError:
        raise
    except OSError as error:
        # the name comes last: behind one such as web-token, the reason would be masked as if it were the token
        named = f": {error.filename}" if error.filename and error.strerror else ""
        return _told(session, f"{error.strerror or error}{named}.", UNREACHABLE)
    except cyclopts.CycloptsError:
        raise
    except Exception as error:  # the edge of the process: a fault of ours, and still one sentence
        what = f"{type(error).__name__}: {error}".strip(": ")
        return _told(
            session, f"Something went wrong that should not ({what}); -v shows where. Please report it.", USAGE
        )
    return result if isinstance(result, int) else 0


def _nothing(tokens: Sequence[str]) -> str:
    """What is wrong with `--pages none`, which the parser takes for a flag that was not typed."""
    typed = [word for token in tokens for word in token.split("=", 1)]
    at = next(place for place, word in enumerate(typed) if word.lower() in ("none", "null"))
    return f"{typed[at - 1]} {typed[at]!r} says nothing; leave it out for what is configured, or write 0 for no limit."


def _there(session: Session) -> None:
    """Raises UsageError or ConfigError where folder or profile are none."""
    if not session.folder.is_dir():
        raise UsageError(f"There is no folder {session.folder}.")
    if session.profile is not None:
        from pipelines.config import load

        load(session.folder).only_profile(session.profile)


def _told(session: Session, sentence: str, code: int) -> int:
    """Says what went wrong in one sentence; with -v, where, too."""
    if session.verbose:
        session.console.print(safe(masked(traceback.format_exc())), markup=False, soft_wrap=True)
    # even with -q: a failure is no chatter
    session.loud.print(f"suchlike: {safe(masked(session.spoken(sentence)))}", markup=False, soft_wrap=True)
    return code


def _interrupted(*, quiet: bool, goes_on: bool) -> int:
    """Says that a command ended at Ctrl-C, and whether the same one takes its work up again."""
    if not quiet:
        sys.stderr.write(f"\nsuchlike: Stopped{'; the same command goes on' if goes_on else ''}.\n")
    return STOPPED


def _misread(error: cyclopts.CycloptsError) -> str:
    """What is wrong with the words typed, as their own verb's help calls them."""
    verb = " ".join(error.command_chain or ())
    help_of = " ".join(filter(None, ("suchlike", verb, "--help")))
    if isinstance(error, cyclopts.MissingArgumentError) and error.argument is not None:
        argument = error.argument
        named = argument.name.lstrip("-").upper() if argument.index is not None else argument.name
        # a flag that may be left out was typed without its value
        wrong = f"{verb} needs {named}" if argument.required else f"{argument.name} needs a value"
    elif isinstance(error, cyclopts.UnusedCliTokensError):
        wrong = f"{verb} has no use for {' '.join(error.unused_tokens or ())!r}"
    else:
        return f"{' '.join(str(error).split())} See {help_of}."
    return f"{wrong}; see `{help_of}`."


def run(arguments: list[str]) -> int:
    """Runs one command line; returns its exit code."""
    try:
        code = app.meta(
            arguments, print_error=False, exit_on_error=False, console=helping.console("--no-color" in arguments)
        )  # fmt: skip
    except cyclopts.CycloptsError as error:
        sys.stderr.write(f"suchlike: {_misread(error)}\n")
        return USAGE
    except KeyboardInterrupt:
        return _interrupted(quiet=False, goes_on=False)  # before it was clear what is to be done
    except BrokenPipeError:
        return _unread(0)
    return _written(code if isinstance(code, int) else 0)


def _written(code: int) -> int:
    """The exit code, once all of the output is where it belongs: Python itself would only look at its very end."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _unread(code)
    except OSError as error:
        if code != UNREACHABLE:  # else that was what failed before
            sys.stderr.write(f"suchlike: The output cannot be written: {error.strerror}.\n")
        return _unread(UNREACHABLE)
    return code


def _unread(code: int) -> int:
    """The same; what is still to be written of the output is left out: whoever read it has enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code
