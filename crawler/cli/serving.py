"""Operate: the processes of the Procfile, each serving until it is stopped, and all of them together."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Group, Parameter, validators

from crawler.cli.flags import Flag, Hidden, Opened
from crawler.cli.session import FOUND, NOTHING, Session
from pipelines.errors import BrokerError, UsageError

if TYPE_CHECKING:
    from pipelines.config import Config

Port = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=65535))]
# a broker that is being started beside us
BROKER_S = 10.0
LOOK_S = 0.3
# stopping takes up to half a minute for each step of the order
DOWN_S = 150.0


def register(app: App, group: Group) -> None:
    """Adds the verbs."""
    app.command(broker, group=group)
    app.command(work, group=group)
    app.command(crawl_worker, name="crawl-worker", group=group)
    app.command(clock, group=group)
    app.command(up, group=group)
    app.command(down, group=group)
    app.command(web, group=group)


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


def work(
    *queues: str, number: Annotated[int, Parameter(name=["-n", "--number"], validator=validators.Number(gte=1))] = 1,
    session: Hidden,
) -> int:  # fmt: skip
    """Work on the stages' queues until stopped (a Procfile line). One process a queue, -n for more of each.

    Parameters
    ----------
    queues
        parse, dedupe, store; all of them by default.
    number
        Processes for parse; the others need one.
    """
    from pipelines.stages import NAMES

    unknown = [name for name in queues if name not in NAMES]
    if unknown:
        raise UsageError(f"There is no queue {unknown[0]!r}; there are {', '.join(NAMES)}.")
    config = _begun(session)
    if len(queues) == 1 and number == 1:
        return _work_alone(config, queues[0])
    from crawler.running.processes import NURSERY
    from workers.supervise import Supervisor

    supervisor = Supervisor(config.path, nursery=NURSERY)
    for name in queues or NAMES:
        for copy in range(number if name == "parse" else 1):
            supervisor.start(f"work-{name}-{copy}", ["-C", str(config.path), "work", name])
    _until_stopped(supervisor.tick)
    supervisor.stop(("work",))
    return FOUND


def _work_alone(config: Config, queue: str) -> int:
    """In this process; one that somebody keeps up has a broker, or is started again."""
    from workers import broker as brokers
    from workers.lifeline import tie
    from workers.work import work as serve

    if not tie():
        brokers.require(brokers.address(config), within_s=BROKER_S)
    serve(config, queue)
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
    from workers.lifeline import tie

    tie()
    config = _begun(session)
    if run is None:
        from crawler.running.joining import Joining

        joining = Joining(config)
        _until_stopped(joining.tick)
        joining.stop()
        return FOUND
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


def clock(*, session: Hidden) -> int:
    """Start scheduled runs, send alerts and queue again what was lost, until stopped (a Procfile line)."""
    from crawler.running.clockwork import Clockwork

    clockwork = Clockwork(_begun(session))
    _until_stopped(clockwork.tick)
    clockwork.stop()
    return FOUND


def up(
    *, number: Annotated[int, Parameter(name=["-n", "--number"], validator=validators.Number(gte=0))] = 0,
    session: Hidden,
) -> int:  # fmt: skip
    """Run everything the Procfile names on this machine, restart what fails, and stop it all in order.

    Parameters
    ----------
    number
        Processes for parse; 0 decides by the machine's cores.
    """
    from crawler.running.procfile import Procfile
    from crawler.running.uplock import UpLock
    from crawler.web.served import access_for, bound

    config = _begun(session)
    with UpLock(config.path):
        procfile = Procfile(config, number)
        procfile.start_broker()
        with bound(config.web.host, config.web.port or None) as listening:
            access = access_for(config, config.web.host, listening)
            session.say(f"dashboard  {access.address(config.web.host)}")
            procfile.start(listening)
            _until_stopped(procfile.tick)
            procfile.stop()
    return FOUND


def down(*, session: Hidden) -> int:
    """Stop what `up` keeps up in this folder, or else the run that is at work. Both go on at the next start."""
    from crawler.cli.opening import project
    from crawler.running import uplock
    from crawler.running.steering import steer

    if uplock.stop(project(session).config().path, DOWN_S):
        session.say("everything is down; what was fetched is kept")
        return FOUND
    try:
        run = steer(project(session).store(session.mode), "stop")
    except UsageError:
        session.say("nothing is up here.")
        return NOTHING
    session.say(f"run {run.id} was asked to stop; {session.command('run')} goes on with it")
    return FOUND


def web(
    *, host: str | None = None, port: Port | None = None, open_it: Opened = False,
    handle: Annotated[int | None, Parameter(name="--socket", show=False)] = None, session: Hidden,
) -> int:  # fmt: skip
    """Serve the dashboard until stopped (a Procfile line). Its address, with the token, is printed first.

    Parameters
    ----------
    host
        Where to listen (default 127.0.0.1). Open to others only with a token of your own: SUCHLIKE_WEB__TOKEN.
    port
        Default 7420, or a free one when that is taken.
    open_it
        Open it in a browser.
    """
    import contextlib
    import socket

    from crawler.cli.logs import begin
    from crawler.cli.opening import project
    from crawler.cli.showing import in_browser
    from crawler.web.served import access_for, bound, serve
    from workers.lifeline import tie

    tie()
    opened = project(session)
    config = opened.config()
    begin(verbose=session.verbose, form=config.log.format)
    host = host or config.web.host
    if handle is not None:  # whoever keeps us up holds the socket and has printed its address
        os.nice(5)
        listening = socket.socket(fileno=handle)
        access = access_for(config, host, listening)
    else:
        listening = bound(host, port or config.web.port or None)
        access = access_for(config, host, listening)
        session.say(f"dashboard  {access.address(host)}")
    with in_browser(session, access.address(host), config) if open_it else contextlib.nullcontext():
        serve(opened, access, [listening], mode=session.mode)
    return FOUND


def _begun(session: Session) -> Config:
    """The configuration of a process that logs from now on."""
    from crawler.cli.logs import begin
    from pipelines.config import load

    config = load(session.folder)
    begin(verbose=session.verbose, form=config.log.format)
    return config


def _until_stopped(look: Callable[[], object]) -> None:
    """Calls `look` a few times a second until SIGTERM or SIGINT."""
    from workers.lifeline import Stop

    stop = Stop()
    stop.listen()
    while not stop.asked:
        look()
        stop.wait(LOOK_S)


def _nothing() -> None:
    """Somebody else does the work."""
