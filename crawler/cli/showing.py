"""What the starting verbs do, with something to look at meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crawler import summary
from crawler.cli.session import FOUND, NOTHING, REFUSED, STOPPED, Session
from crawler.cli.telling import tell, why_zero
from crawler.cli.watching import Watching
from crawler.project import Project
from pipelines.config import Config
from pipelines.stores import Store


def project(session: Session) -> Project:
    """The project the global flags name."""
    return Project(session.folder, profile=session.profile)


def run(session: Session, overrides: dict[str, Any], seeds: Sequence[str], judging: dict[str, Any], spider: str) -> int:
    """The run verb."""
    opened = project(session)
    judged_so(opened.config(), overrides, judging, session.profile)
    config = opened.config(overrides)
    if config.mode == "demo":
        return _demo(session, opened, overrides, config)
    with Watching(session, config.crawl.pages) as watching:
        done = opened.run(overrides, seed_paths=seeds, tell=watching, spider=spider, say=session.say)
    return finish(session, done, opened.store(config.mode))


def demo(session: Session, pages: int, subject: str) -> int:
    """The demo verb: makes the demo's own project folder, crawls the invented web, compares."""
    from crawler.demo.folder import prepare

    folder = prepare(session.folder, subject, pages)
    session.folder = folder
    opened = project(session)
    config = opened.config()
    return _demo(session, opened, {"crawl": {"pages": pages}}, config)


def _demo(session: Session, opened: Project, overrides: dict[str, Any], config: Config) -> int:
    from crawler.demo.compare import compare
    from crawler.demo.served import served

    session.say(" suchlike   DEMO: a made-up web of 12 sites on this machine. Nothing leaves it.")
    with served() as address:
        overrides.setdefault("crawl", {})["proxy"] = address
        with Watching(session, opened.config(overrides).crawl.pages) as watching:
            done = opened.run(overrides, tell=watching, say=lambda text: session.say(f" {text}"))
    store = opened.store("demo")
    if done["stopped_by"] != "user":
        done |= compare(store, opened, opened.config(overrides), done)
    code = finish(session, done, store)
    if "planted" in done and not session.quiet:
        breadth = done["breadth_first"]
        session.say(
            f" of the {done['planted']} planted stories {done['planted_found']} were found; breadth-first finds "
            f"{breadth['matches']} matches on as many pages, against {done['matches']} here."
        )
        session.say(f" next   suchlike -C {config.folder} explain 1     why it matched")
        session.say(f"        suchlike -C {config.folder} export csv    all of it")
        session.say("        suchlike init mytopic    your own articles, the real web")
    return code


def finish(session: Session, done: dict[str, Any], store: Store) -> int:
    """Prints the end of a run and gives its exit code."""
    if session.json:
        session.emit(done)
    tell(session, done)
    if not done["matches"] and done["stopped_by"] != "user":
        why_zero(session, done, store)
    if done["stopped_by"] == "user":
        return STOPPED
    if done["matches"]:
        return FOUND
    return REFUSED if summary.refused_everywhere(done["fates"]) else NOTHING


def judged_so(
    config: Config, overrides: dict[str, Any], judging: dict[str, Any], profile: str | None
) -> dict[str, Any]:
    """The overrides with what flags say of the profile the command is about."""
    said = {key: value for key, value in judging.items() if value is not None}
    if said:
        name, _ = config.only_profile(profile)
        overrides["profile"] = {name: said}
    return overrides
