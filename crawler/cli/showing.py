"""What the starting verbs do, with something to look at meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from crawler import summary
from crawler.cli.opening import judged_so, project
from crawler.cli.session import FOUND, NOTHING, REFUSED, STOPPED, Session, Web
from crawler.cli.telling import tell, why_zero
from crawler.cli.watching import Watching
from crawler.project import Project
from pipelines.config import Config
from pipelines.stores import Store, runs


def run(
    session: Session, overrides: dict[str, Any], seeds: Sequence[str], judging: dict[str, Any], *, again: bool,
    web: Web,
) -> int:  # fmt: skip
    """The run verb."""
    opened = project(session)
    judged_so(opened.config(), overrides, judging, session.profile)
    config = opened.config(overrides)
    if config.mode == "demo":
        return _demo(session, opened, overrides, config, again=again, web=web)
    with contextlib.ExitStack() as beside, Watching(session, config.crawl.pages) as watching:
        done = opened.conduct(
            overrides, seed_paths=seeds, again=again, tell=watching, say=session.say,
            ready=lambda: beside.enter_context(_dashboard(session, config, wanted=web)),
        )  # fmt: skip
    return finish(session, done, opened.store(config.mode), peak=watching.peak)


def demo(session: Session, pages: int, subject: str, *, web: Web) -> int:
    """The demo verb: makes the demo's own project folder, crawls the invented web, compares."""
    from crawler.demo.folder import prepare

    folder = prepare(session.folder, subject, pages, session.say)
    session.folder = folder
    opened = project(session)
    config = opened.config()
    return _demo(session, opened, {"crawl": {"pages": pages}}, config, web=web)


@contextlib.contextmanager
def _dashboard(session: Session, config: Config, *, wanted: Web) -> Iterator[None]:
    """The dashboard beside a run, its address being the first thing said; none where nobody is told of it."""
    if wanted == "none" or (session.quiet and wanted != "open"):
        yield
        return
    from crawler.web.beside import Beside

    with Beside(config) as beside:  # which answers from here on
        session.say(f" dashboard   {beside.address}")
        with in_browser(session, beside.address, config) if wanted == "open" else contextlib.nullcontext():
            yield


@contextlib.contextmanager
def in_browser(session: Session, address: str, config: Config) -> Iterator[None]:
    """Opens a browser there, or says that there is none."""
    from crawler.cli.browser import shown

    with shown(address, config.path) as there_is_one:
        if not there_is_one:
            session.say(" no browser could be opened here; open that address yourself")
        yield


def _demo(
    session: Session, opened: Project, overrides: dict[str, Any], config: Config, *, again: bool = False, web: Web
) -> int:  # fmt: skip
    from crawler.demo.compare import compare
    from crawler.demo.served import served

    with _dashboard(session, config, wanted=web), served() as address:
        session.say(
            f" suchlike {version('suchlike')}   DEMO: a made-up web of 12 sites on this machine. Nothing leaves it."
        )
        overrides.setdefault("crawl", {})["proxy"] = address
        with Watching(session, opened.config(overrides).crawl.pages) as watching:
            done = opened.conduct(overrides, again=again, tell=watching, say=lambda text: session.say(f" {text}"))
    store = opened.store("demo")
    code = _ended(session, done, store, watching.peak)
    compares = done["stopped_by"] != "user"
    if compares:
        session.say("\n comparing with breadth-first …")
        done |= compare(store, opened, opened.config(overrides), done)
    if session.json:
        session.emit(done)
    if compares and not session.quiet:
        _compared(session, done)
        found = [(session.command("explain", "1"), "why it matched"), (session.command("export", "csv"), "all of it")]
        further = [(session.command("run", "--pages", "100"), "goes on, to what these pages link to")]
        steps = [*(found if done["matches"] or done["known"] else further),
                 (session.command("web"), "the dashboard again")]  # fmt: skip
        session.folder = Path()
        session.next(*steps, (session.command("init", "mytopic"), "your own articles, the real web"), always=True)
    return code


def _compared(session: Session, done: dict[str, Any]) -> None:
    """Against breadth-first, and against what was planted."""
    there = done["breadth_first"]["matches"]
    times = f" ({done['matches'] / there:.1f} times)" if there else ""
    session.say(
        f" against breadth-first on as many pages: {done['matches']} match here, {there} there{times} · "
        f"{done['planted_found']} of the {done['planted']} planted stories found"
        f" ({done['planted_found'] / max(1, done['planted']):.0%})"
    )


def finish(session: Session, done: dict[str, Any], store: Store, *, peak: int = 0) -> int:
    """Prints the end of a run, of which `peak` matches were shown on the way, and gives its exit code."""
    if session.json:
        session.emit(done)
    return _ended(session, done, store, peak)


def _ended(session: Session, done: dict[str, Any], store: Store, peak: int) -> int:
    """The end of a run for people, and its exit code."""
    with store.read() as connection:
        judged = bool(runs.get(connection, done["run"]).profile)
    tell(session, done, store, judged=judged, peak=peak)
    found = done["matches"] if judged else done["fates"]["stored"]
    if found and done["mode"] != "demo":
        best = [(session.command("list"), "what was found, best first"),
                (session.command("explain", "1"), "why it matched")]  # fmt: skip
        session.next(
            *(best if judged else [(session.command("list", "--all"), "what was stored")]),
            (session.command("web"), "the dashboard again"), (session.command("export", "csv"), "all of it"),
        )  # fmt: skip
    if not found and done["stopped_by"] != "user":
        why_zero(session, done, store)
    if done["stopped_by"] == "user":
        return STOPPED
    if found:
        return FOUND
    return REFUSED if summary.refused_everywhere(done["fates"]) else NOTHING
