"""What became of pages: fates, traps, failures."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import App, Group, Parameter

from crawler.cli.flags import Hidden
from crawler.cli.session import FOUND, NOTHING, Session
from crawler.reasons import meaning
from pipelines.errors import UsageError


def register(app: App, group: Group) -> None:
    """Adds the verbs."""
    failures = App(name="failures", help="Pages that could not be fetched or read, and another try.", group=group)
    failures.command(failed, name="list")
    failures.command(retry)
    app.command(failures)


def failed(*, reason: str | None = None, site: str | None = None, run: int | None = None, session: Hidden) -> int:
    """List failures by stage and reason, each with an example and, where it may help, the command to try them again.

    Parameters
    ----------
    reason
        Only of this reason.
    site
        Only of this site.
    run
        Only of this run.
    """
    from crawler.cli.opening import check_run, project
    from crawler.cli.telling import counted
    from pipelines import urls
    from pipelines.stores import failures

    check_run(session, run)
    number, choice = 0, failures.Choice(reason, site and urls.host_named(site), run)
    with project(session).store(session.mode).read() as connection:
        for number, one in enumerate(failures.grouped(connection, choice), 1):  # noqa: B007
            again = session.command("failures", "retry", "--reason", one["reason"])
            told = {**one, "retry": again if failures.may_help(one["fate"], one["reason"]) else None}
            if session.json:
                session.emit(told)
                continue
            session.out(
                f"{one['number']:>7}  {one['stage']}  {one['reason']}   on {counted(one['hosts'], 'host')} "
                f"({one['fate']}): {meaning(one['reason'])}"
            )
            session.out(f"         such as {one['example']['url']}   {one['example']['detail'] or ''}")
            if told["retry"]:
                session.out(f"         again   {told['retry']}")
    if not number:
        session.say("nothing failed.")
    return FOUND if number else NOTHING


def retry(
    *, reason: str | None = None, site: str | None = None, run: int | None = None,
    everything: Annotated[bool, Parameter(name="--all", negative=())] = False, session: Hidden,
) -> int:  # fmt: skip
    """Put failed pages back in the frontier; the next run fetches them again.

    Parameters
    ----------
    reason
        Only of this reason.
    site
        Only of this site.
    run
        Only of this run.
    everything
        All of them.
    """
    from crawler.cli.opening import check_run, project
    from pipelines import urls
    from pipelines.stores import failures

    if not everything and reason is None and site is None and run is None:
        raise UsageError("Say which: `suchlike failures retry --reason timeout` (or --site, --run); --all means all.")
    check_run(session, run)
    with project(session).store(session.mode).write() as connection:
        number = failures.retry(connection, failures.Choice(reason, site and urls.host_named(site), run))
    if session.json:
        session.emit({"retried": number, "reason": reason, "site": site, "run": run})
    wait = "page waits" if number == 1 else "pages wait"
    session.say(f"{number} {wait} again; `suchlike run` fetches {'it' if number == 1 else 'them'}.")
    return FOUND if number else NOTHING


def fates(
    *, run: int | None = None, by: Annotated[Literal["site", "run"] | None, Parameter(name="--by")] = None,
    session: Hidden,
) -> int:  # fmt: skip
    """Add up how every fetched URL ended.

    Parameters
    ----------
    run
        Only this run.
    by
        Count for each site, or each run, too.
    """
    from crawler.cli.opening import check_run, project
    from pipelines.stores import fates as ends

    check_run(session, run)
    with project(session).store(session.mode).read() as connection:
        total = ends.count(connection, run)
        if by:
            total["by"] = ends.count_by(connection, by, run)
    if session.json:
        session.emit(total)
        return FOUND
    _counted(session, total)
    session.out(f"{total['frontier']:>7} in the frontier")
    for reason, number in sorted(total["traps"].items()):
        session.out(f"{number:>7} {'link' if number == 1 else 'links'} left out: {reason}")
    for one in total.get("by", ()):
        session.out(f"\n{by} {one[by]}")
        _counted(session, one)
    return FOUND


def _counted(session: Session, total: dict[str, Any]) -> None:
    session.out(f"{total['fetched']:>7} fetched")
    session.out(f"{total['stored']:>7}   stored\n{total['duplicate']:>7}   duplicate")
    for end in ("dropped", "dead"):
        for reason, number in sorted(total[end].items(), key=lambda one: -one[1]):
            session.out(f"{number:>7}   {end}: {reason}   {meaning(reason)}")
    session.out(f"{total['in_flight']:>7}   in flight")
    for reason, number in total["refused"].items():
        session.out(f"{number:>7} never fetched: {reason}   {meaning(reason)}")


def traps(*, session: Hidden) -> int:
    """List the traps met, host by host: how many links were left out, why, and one of them."""
    from crawler.cli.opening import project
    from pipelines.stores import traps as met

    with project(session).store(session.mode).read() as connection:
        found = met.met(connection)
    for one in found:
        if session.json:
            session.emit(one)
        else:
            session.out(f"{one['number']:>7}  {one['host']:<32} {one['reason']:<18} {one['example']}")
    if not found:
        session.say("no trap was met.")
    return FOUND if found else NOTHING
