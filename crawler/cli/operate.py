"""Operate: status, schedule, scrapy, and the long-running processes of the Procfile."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Group, Parameter

from crawler.cli.session import FOUND, Session
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.config import Config

Hidden = Annotated[Session, Parameter(parse=False)]
Flag = Annotated[bool, Parameter(negative=())]


def register(app: App, group: Group) -> None:
    """Adds the verbs."""
    schedule = App(name="schedule", help="What the clock will start, and what it started.", group=group)
    schedule.command(schedules, name="list")
    app.command(schedule)
    app.command(status, group=group)
    app.command(broker, group=group)
    app.command(work, group=group)
    app.command(crawl_worker, name="crawl-worker", group=group)
    app.command(clock, group=group)
    app.command(scrapy, group=group)


def status(*, session: Hidden) -> int:
    """Show queues, workers, frontier and runs."""
    from crawler.cli.showing import project
    from pipelines.stores import articles, hosts, runs
    from workers.report import queues

    opened = project(session)
    config = opened.config()
    frontier = {"hosts": 0, "urls": 0, "leased": 0}
    latest: list[dict[str, Any]] = []
    with contextlib.suppress(UsageError), opened.store(session.mode).read() as connection:  # nothing has run yet
        frontier = hosts.frontier(connection)
        latest = [
            {"run": r.id, "mode": r.mode, "started_at": articles.iso_at(r.started_at),
             "ended_at": articles.iso_at(r.ended_at), "stopped_by": r.stopped_by,
             "pages": runs.pages_fetched(connection, r.id), "matches": articles.matches(connection, r.id)}
            for r in runs.listed(connection, 5)
        ]  # fmt: skip
    depth, workers = queues(config)
    if session.json:
        session.emit({"queues": depth, "workers": workers, "frontier": frontier, "runs": latest})
        return FOUND
    for name, counts in depth.items():
        session.out(
            f"queue {name:<8} {counts['waiting']} waiting  {counts['running']} running  {counts['failed']} failed"
        )
    session.out(
        f"workers        {workers}" + ("" if workers else "   (they run while `suchlike run` or `suchlike work` does)")
    )
    session.out(f"frontier       {frontier['urls']} URLs on {frontier['hosts']} hosts, {frontier['leased']} leased")
    for run in latest:
        end = run["stopped_by"] or "under way or killed: `suchlike run` goes on"
        brought = f"{run['pages']} pages  {run['matches']} match"
        session.out(f"run {run['run']:<4} {run['mode']}  {run['started_at']}  {brought}  {end}")
    return FOUND


def schedules(*, session: Hidden) -> int:
    """List schedules with their last and next run."""
    from crawler.cli.showing import project
    from pipelines.errors import StoreError
    from pipelines.stores import open_store, slots
    from pipelines.stores.articles import iso_at
    from workers import clock as due

    config = project(session).config()
    listed = due.schedules(config)
    try:
        store = open_store(config.database, create=False)  # the clock's, whatever was used last
    except StoreError:
        store = None
    for one in listed:
        last = None
        if store is not None:
            with store.read() as connection:
                last = slots.last(connection, one.name)
        record = {"schedule": one.name, "when": one.text, "last": iso_at(last[0]) if last else None,
                  "last_exit_code": last[2] if last else None, "next": iso_at(one.next_at(time.time()))}  # fmt: skip
        if session.json:
            session.emit(record)
        else:
            ran = record["last"] or "never"
            session.out(f"{one.name:<20} {one.text:<16} last {ran}   next {record['next']}")
    if not listed:
        session.say('no schedule yet; write `every = "6h"` in a profile or a [schedule] line in suchlike.toml.')
    return FOUND


def broker(*, session: Hidden) -> int:
    """Serve the embedded broker until stopped (a Procfile line)."""
    from crawler.cli.showing import project
    from workers.broker import Broker, address

    config = project(session).config()
    if config.queue.redis != "embedded":
        session.say(f"queue.redis is {config.queue.redis.split('@')[-1]}: no broker of ours is needed; waiting.")
        _until_stopped(_nothing)
        return FOUND
    with Broker(config.path) as held:
        other = "" if held.process else ", served by a run; this one takes over when it ends"
        session.say(f"broker at {address(config)}{other}")
        _until_stopped(held.keep)
    return FOUND


def work(*queues: str, number: Annotated[int, Parameter(name=["-n", "--number"])] = 1, session: Hidden) -> int:
    """Work on the stages' queues until stopped (a Procfile line). One process a queue, -n for more of each.

    Parameters
    ----------
    queues
        parse, dedupe, store; all of them by default.
    number
        Processes for parse; the others need one.
    """
    from crawler.cli.showing import project
    from pipelines.stages import NAMES
    from workers.broker import require
    from workers.supervise import Supervisor

    unknown = [name for name in queues if name not in NAMES]
    if unknown:
        raise UsageError(f"There is no queue {unknown[0]!r}; there are {', '.join(NAMES)}.")
    config = project(session).config()
    _logging(session)
    if len(queues) == 1 and number == 1:
        from workers import broker as brokers
        from workers.lifeline import tie
        from workers.work import work as serve

        if not tie():
            _wait_for(lambda: brokers.is_up(brokers.address(config)))
            require(brokers.address(config))
        serve(config, queues[0])
        return FOUND
    supervisor = Supervisor(config.path)
    for name in queues or NAMES:
        for copy in range(number if name == "parse" else 1):
            supervisor.start(f"work-{name}-{copy}", ["-C", str(config.path), "work", name])
    _until_stopped(supervisor.tick)
    supervisor.stop(("work",))
    return FOUND


def crawl_worker(*, run: int | None = None, spider: str = "roam", inline: Flag = False, session: Hidden) -> int:
    """Crawl for the run that is under way, and for the next one, until stopped (a Procfile line).

    Parameters
    ----------
    run
        Only this run, and end with it.
    spider
        roam or watch.
    inline
        Run the stages in this process, without a broker.
    """
    from crawler.cli.showing import project
    from workers.lifeline import tie

    tie()
    _logging(session)
    opened = project(session)
    if run is None:
        return _crawl_for_all(opened.config())
    from crawler.crawl import crawl

    config = opened.config()
    sender = None
    if inline:
        from pipelines.stores import open_store
        from workers import build
        from workers.inline import Inline

        sender = Inline(build.stages(open_store(config.database), config))
    reason = crawl(config, run, spider, sender)
    return 1 if reason == "failed" else FOUND


def _crawl_for_all(config: Config) -> int:
    from pipelines.errors import StoreError
    from pipelines.stores import open_store, runs
    from workers.supervise import Supervisor

    store = open_store(config.database, mode=config.mode)
    supervisor = Supervisor(config.path)
    joined: int | None = None

    def look() -> None:
        nonlocal joined
        supervisor.tick()
        try:
            with store.read() as connection:
                run = runs.under_way(connection, now=time.time())
        except StoreError as error:
            logging.getLogger(__name__).warning("%s", error)
            return
        if joined is not None and run != joined:
            supervisor.stop(("crawl",))
            joined = None
        if run is not None and joined is None:
            joined = run
            arguments = ["-C", str(config.path), "crawl-worker", "--run", str(run)]
            supervisor.start("crawl-joined", arguments, again=False)

    _until_stopped(look)
    supervisor.stop(("crawl",))
    return FOUND


def clock(*, session: Hidden) -> int:
    """Start what is due and ring again for what was lost, until stopped (a Procfile line)."""
    from crawler.cli.showing import project
    from crawler.clockwork import Clockwork

    _logging(session)
    config = project(session).config()
    work = Clockwork(config)
    _until_stopped(work.tick)
    work.stop()
    return FOUND


def scrapy(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True)], session: Hidden) -> int:
    """Pass through to Scrapy's own commands, with our spiders and settings: list, crawl, shell, fetch, parse.

    Parameters
    ----------
    arguments
        What `scrapy` takes.
    """
    from scrapy import cmdline
    from scrapy.settings import Settings

    from crawler.cli.showing import project
    from crawler.crawl import latest_run
    from crawler.settings import settings

    config = project(session).config()
    if arguments[:1] == ("crawl",):
        # our spiders go on with the latest run, under the configuration it was begun with
        config, _ = latest_run(session.folder)
    wanted = Settings()
    wanted.setdict({**settings(config), "LOG_ENABLED": True, "LOG_LEVEL": "WARNING"}, "project")
    if arguments and arguments[0] in ("shell", "fetch", "view", "parse"):
        # these fetch one page themselves: Scrapy's own scheduler, still with our guard and robots obeyed
        wanted.set("SCHEDULER", "scrapy.core.scheduler.Scheduler", "project")
        wanted.set("ROBOTSTXT_OBEY", True, "project")
    os.chdir(session.folder)
    # without it Scrapy sees no project, and hides crawl and list
    os.environ.setdefault("SCRAPY_SETTINGS_MODULE", "crawler.settings")
    cmdline.execute(["scrapy", *arguments], wanted)
    return FOUND


def _wait_for(ready: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not ready():
        time.sleep(0.2)


def _until_stopped(look: Callable[[], object]) -> None:
    """Calls `look` a few times a second until SIGTERM or SIGINT."""
    from workers.lifeline import Stop

    stop = Stop()
    stop.listen()
    while not stop.asked:
        look()
        stop.wait(0.3)


def _nothing() -> None:
    """Somebody else does the work."""


def _logging(session: Session) -> None:
    level = logging.DEBUG if session.verbose else logging.INFO
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    for noisy in ("alembic", "asyncio", "scrapy", "twisted", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
