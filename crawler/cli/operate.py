"""Operate: status, scrapy, and the long-running processes of the Procfile."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Group, Parameter, validators

from crawler.cli.session import FOUND, Session
from pipelines.errors import BrokerError, UsageError

if TYPE_CHECKING:
    from pipelines.config import Config

Hidden = Annotated[Session, Parameter(parse=False)]
Flag = Annotated[bool, Parameter(negative=())]
UP_S = 20.0
Port = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=65535))]


def register(app: App, group: Group) -> None:
    """Adds the verbs."""
    app.command(status, group=group)
    app.command(broker, group=group)
    app.command(work, group=group)
    app.command(crawl_worker, name="crawl-worker", group=group)
    app.command(clock, group=group)
    app.command(up, group=group)
    app.command(web, group=group)
    app.command(scrapy, group=group)


def status(*, session: Hidden) -> int:
    """Show queues, workers, frontier, runs and schedules."""
    from crawler.cli.showing import project
    from crawler.running.standing import standing

    opened = project(session)
    told = None
    with contextlib.suppress(UsageError), opened.store(session.mode).read() as connection:  # nothing has run yet
        told = standing(connection, opened.config())
    told = told or standing(None, opened.config())
    if session.json:
        session.emit(told)
        return FOUND
    depth, workers, frontier, latest = told["queues"], told["workers"], told["frontier"], told["runs"]
    for name, counts in depth.items():
        session.out(
            f"queue {name:<8} {counts['waiting']} waiting  {counts['running']} running  {counts['failed']} failed"
        )
    session.out(f"workers        {workers}" + ("" if workers else "   (they run while `run` or `work` does)"))
    pressure, tuning = told["pressure"], told["tuning"]
    held = f"paused: {pressure['paused']}" if pressure["paused"] else f"crawlers pause at {pressure['pauses_at']}"
    session.out(f"pressure       {pressure['waiting']} pages wait for the workers; {held}")
    session.out(
        f"tuning         up to {tuning['workers']} extraction workers, {tuning['batch']} rows a job, "
        f"{tuning['concurrency']} hosts at once" + ("   (chosen for this machine)" if tuning["chosen"] else "")
    )
    session.out(f"frontier       {frontier['urls']} URLs on {frontier['hosts']} hosts, {frontier['leased']} leased")
    for run in latest:
        end = run["stopped_by"] or f"under way or killed: `{session.command('run')}` goes on"
        brought = f"{run['pages']} pages  {run['matches']} match"
        session.out(f"run {run['run']:<4} {run['mode']}  {run['started_at']}  {brought}  {end}")
    for one in told["schedules"]:
        following = "paused" if one["paused"] else f"next {one['next']}"
        session.out(f"schedule       {one['schedule']}   {one['when']}   {following}")
    return FOUND


def broker(*, session: Hidden) -> int:
    """Serve the embedded broker until stopped (a Procfile line)."""
    from pipelines.config import load
    from workers.broker import Broker, address

    config = load(session.folder)
    if config.queue.redis != "embedded":
        session.say(f"queue.redis is {config.queue.redis.split('@')[-1]}: no broker of ours is needed; waiting.")
        _until_stopped(_nothing)
        return FOUND
    with Broker(config.path) as held:
        other = "" if held.process else ", served by a run; this one takes over when it ends"
        session.say(f"broker at {address(config)}{other}")

        def keep() -> None:
            try:
                held.keep()
            except BrokerError as error:  # a full disk, say: it may pass
                session.say(str(error))

        _until_stopped(keep)
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
    from crawler.running.processes import NURSERY
    from pipelines.config import load
    from pipelines.stages import NAMES
    from workers.broker import require
    from workers.supervise import Supervisor

    unknown = [name for name in queues if name not in NAMES]
    if unknown:
        raise UsageError(f"There is no queue {unknown[0]!r}; there are {', '.join(NAMES)}.")
    config = load(session.folder)
    _logging(session, config)
    if len(queues) == 1 and number == 1:
        from workers import broker as brokers
        from workers.lifeline import tie
        from workers.work import work as serve

        if not tie():
            _wait_for(lambda: brokers.is_up(brokers.address(config)))
            require(brokers.address(config))
        serve(config, queues[0])
        return FOUND
    supervisor = Supervisor(config.path, nursery=NURSERY)
    for name in queues or NAMES:
        for copy in range(number if name == "parse" else 1):
            supervisor.start(f"work-{name}-{copy}", ["-C", str(config.path), "work", name])
    _until_stopped(supervisor.tick)
    supervisor.stop(("work",))
    return FOUND


def crawl_worker(*, run: int | None = None, spider: str | None = None, inline: Flag = False, session: Hidden) -> int:
    """Crawl for the run that is under way, and for the next one, until stopped (a Procfile line).

    Parameters
    ----------
    run
        Only this run, and end with it.
    spider
        roam or watch; without it, the one the run was begun for.
    inline
        Run the stages in this process, without a broker.
    """
    from pipelines.config import load
    from workers.lifeline import tie

    tie()
    config = load(session.folder)
    _logging(session, config)
    if run is None:
        return _crawl_for_all(config)
    from crawler.crawl import crawl
    from crawler.fetching.proxy import AWAY, AWAY_CODE

    sender = None
    if inline:
        from pipelines.stores import open_store
        from workers import build
        from workers.inline import Inline

        sender = Inline(build.stages(open_store(config.database), config))
    reason = crawl(config, run, spider, sender)
    return {"failed": 1, AWAY: AWAY_CODE}.get(reason, FOUND)


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
    from crawler.running.clockwork import Clockwork
    from pipelines.config import load

    config = load(session.folder)
    _logging(session, config)
    work = Clockwork(config)
    _until_stopped(work.tick)
    work.stop()
    return FOUND


def up(*, number: Annotated[int, Parameter(name=["-n", "--number"])] = 0, session: Hidden) -> int:
    """Run everything the Procfile names, restart what fails, and stop it all in order: for a machine of one's own.

    Parameters
    ----------
    number
        Processes for parse; 0 decides by the machine's cores.
    """
    from crawler.web.served import access_for, bound
    from pipelines.config import load
    from workers import broker as brokers
    from workers.supervise import Supervisor
    from workers.tuning import tuned

    config = load(session.folder)
    _logging(session, config)
    supervisor = Supervisor(config.path)
    folder = ["-C", str(config.path)]
    address = brokers.address(config)
    if config.queue.redis == "embedded":
        supervisor.start("broker", [*folder, "broker"])
        _wait_for(lambda: brokers.is_up(address), UP_S)
    brokers.require(address)
    # held here, so that its address can be said now and stays when the dashboard is started again
    listening = bound(config.web.host, config.web.port or None)
    session.say(f"dashboard  {access_for(config, config.web.host, listening).address(config.web.host)}")
    workers = number or tuned(config).workers
    for name, arguments in (
        ("work", ["work", "-n", str(workers)]),
        ("crawl", ["crawl-worker"]),
        ("clock", ["clock"]),
    ):
        supervisor.start(name, [*folder, *arguments])
    handle = listening.fileno()
    supervisor.start("web", [*folder, "web", "--socket", str(handle)], handles=(handle,))
    logging.getLogger(__name__).info("up; logs are in %s", supervisor.log_of("clock").parent)

    def look() -> None:
        for name, _, code in supervisor.tick():
            logging.getLogger(__name__).warning(
                "%s ended with %s and is started again; %s", name, code, supervisor.log_of(name)
            )

    _until_stopped(look)
    # nothing new is begun, then pages under way end, and the broker goes last
    supervisor.stop(("web", "clock", "crawl", "work", "broker"))
    listening.close()
    return FOUND


def web(
    *, host: str | None = None, port: Port | None = None,
    handle: Annotated[int | None, Parameter(name="--socket", show=False)] = None, session: Hidden,
) -> int:  # fmt: skip
    """Serve the dashboard until stopped (a Procfile line). Its address, with the token, is printed first.

    Parameters
    ----------
    host
        Where to listen (default 127.0.0.1). Open to others only with a token of your own: SUCHLIKE_WEB__TOKEN.
    port
        Default 7420, or a free one when that is taken.
    """
    import socket

    from crawler.cli.showing import project
    from crawler.web.served import access_for, bound, serve
    from workers.lifeline import tie

    tie()
    opened = project(session)
    config = opened.config()
    _logging(session, config)
    host = host or config.web.host
    if handle is not None:  # a run holds the socket and has printed its address
        os.nice(5)
        listening = socket.socket(fileno=handle)
        serve(opened, access_for(config, host, listening), [listening], mode=session.mode)
        return FOUND
    listening = bound(host, port or config.web.port or None)
    access = access_for(config, host, listening)
    session.say(f"dashboard  {access.address(host)}")
    serve(opened, access, [listening], mode=session.mode)
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


def _logging(session: Session, config: Config) -> None:
    from crawler.cli.logs import begin

    begin(verbose=session.verbose, form=config.log.format)
