"""Start: demo, run, replay, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Group, Parameter, validators

from crawler.cli import making, planning
from crawler.cli.flags import Flag, Hidden, Languages, Many, Opened, Since, languages_of
from crawler.cli.session import FOUND, Web, given
from pipelines.config import check_threshold
from pipelines.errors import UsageError
from pipelines.misfits import check_since

Grain = Literal["story", "topic", "beat"] | None


def register(app: App, group: Group) -> None:
    """Adds the verbs."""
    app.command(demo, group=group)
    making.register(app, group)
    planning.register(app, group)
    app.command(run, group=group)
    app.command(replay, group=group)
    app.command(doctor, group=group)


def demo(
    *, pages: Annotated[int, Parameter(validator=validators.Number(gte=0))] = 500, no_web: Flag = False,
    open_it: Opened = False, subject: str = "harbour-dredging", session: Hidden,
) -> int:  # fmt: skip
    """See it work, offline, on an invented web of twelve sites served on this machine.

    Parameters
    ----------
    pages
        Page budget; 0 is none.
    no_web
        No dashboard.
    open_it
        Open the dashboard in a browser.
    subject
        Which bundled seed set to look for: harbour-dredging or night-trains.
    """
    from crawler.cli.showing import demo as show

    return show(session, pages, subject, web=_wanted(no_web=no_web, open_it=open_it))


def run(  # noqa: PLR0913  # the flags of contract.md
    *,
    site: Many = None,
    feed: Many = None,
    sitemap: Many = None,
    seeds: Many = None,
    pages: int | None = None,
    matches: int | None = None,
    time: Annotated[str | None, Parameter(name="--for")] = None,
    max_per_site: int | None = None,
    workers: int | None = None,
    crawlers: int | None = None,
    threshold: str | None = None,
    grain: Grain = None,
    lang: Languages = None,
    since: Since = None,
    keep: Literal["matches", "all"] | None = None,
    proxy: str | None = None,
    allow_private: Flag = False,
    stay: Flag = False,
    roam: Flag = False,
    order: Literal["focus", "breadth"] | None = None,
    watch: Flag = False,
    again: Flag = False,
    dry_run: Flag = False,
    no_web: Flag = False,
    open_it: Opened = False,
    session: Hidden,
) -> int:
    """Crawl for articles that resemble the seeds: the main job. Started again, it goes on where it stopped.

    Parameters
    ----------
    site
        A page to start from; its links are followed. May be given several times.
    feed
        A feed to start from.
    sitemap
        A sitemap to start from.
    seeds
        Seed files or folders, instead of the project's.
    pages
        Stop after this many pages.
    matches
        Stop after this many matches.
    time
        Stop after this time, such as 10m.
    max_per_site
        Take at most this many pages of one site.
    workers
        The most extraction processes.
    crawlers
        Crawler processes.
    threshold
        auto, strict, loose, or 0 to 1.
    grain
        Look for the same story, topic or beat.
    lang
        Only articles in these languages (en,de); '' for all.
    since
        Only articles published on this day (2026-11-01) or later, or 30d before they were found; '' for all.
    keep
        Which articles become part of the corpus.
    proxy
        Send every request through this HTTP proxy.
    allow_private
        Let addresses of private networks be fetched.
    stay
        Stay on the sites you named.
    roam
        Follow links to other sites.
    order
        By expected yield, or breadth first.
    watch
        Only read feeds and sitemaps; follow no links.
    again
        Look again at every list and every match, whatever their rhythm; servers are asked for what has changed.
    dry_run
        Only show what would be fetched from where, like suchlike plan.
    no_web
        No dashboard.
    open_it
        Open the dashboard in a browser.
    """
    from crawler.cli.showing import run as show

    if stay and roam:
        raise UsageError("--stay and --roam exclude each other.")
    overrides: dict[str, Any] = {
        "crawl": {
            "pages": pages, "matches": matches, "time": time, "crawlers": crawlers, "proxy": proxy, "order": order,
            "max_per_site": max_per_site,
            "allow_private_addresses": True if allow_private else None,
            "roam": True if roam else False if stay else None,
            "watch": True if watch else None,
        },
        "sources": {"sites": site, "feeds": feed, "sitemaps": sitemap},
        "store": {"keep": keep},
        "queue": {"workers": workers},
    }  # fmt: skip
    judging, web = _judging(threshold, grain, lang, since), _wanted(no_web=no_web, open_it=open_it)
    if dry_run:
        from crawler.cli.planning import planned

        return planned(session, overrides, given(seeds or []))
    return show(session, overrides, given(seeds or []), judging, again=again, web=web)


def replay(
    *paths: str, keep: Literal["matches", "all"] | None = None, seeds: Many = None, threshold: str | None = None,
    grain: Grain = None, lang: Languages = None, since: Since = None, session: Hidden,
) -> int:  # fmt: skip
    """Run the same pipeline over recorded pages (WARC, saved pages, seed files), with no network at all.

    Parameters
    ----------
    paths
        WARC files, .html[.gz] files, seed files, or folders of them; - reads one path a line from stdin.
    keep
        Which articles become part of the corpus.
    seeds
        Seed files or folders, instead of the project's.
    threshold
        auto, strict, loose, or 0 to 1.
    grain
        Look for the same story, topic or beat.
    lang
        Only articles in these languages (en,de); '' for all.
    since
        Only articles published on this day (2026-11-01) or later, or 30d before they were recorded; '' for all.
    """
    from crawler.cli.opening import judged_so
    from crawler.cli.opening import project as opened
    from crawler.cli.showing import finish

    recorded = [Path(path) for path in given(paths)]
    if not recorded:
        raise UsageError("Name what to replay: WARC files, saved pages, seed files or folders.")
    project = opened(session)
    judging = _judging(threshold, grain, lang, since)
    overrides = judged_so(project.config(), {"store": {"keep": keep}}, judging, session.profile)
    done = project.replay(recorded, overrides, seed_paths=given(seeds or []), say=session.say)
    return finish(session, done, project.store("replay"))


def doctor(*, deep: Flag = False, requests: Path | None = None, session: Hidden) -> int:
    """Check Python, packages, broker, database, disk and clock, and say how to fix what is wrong.

    Parameters
    ----------
    deep
        Check instead that what is stored keeps every promise: fates, copies, search index, archive, database.
    requests
        With --deep, a log of what servers were asked for, as JSON lines {t, host, path}.
    """
    from crawler.doctor import examine

    checks = examine(session.folder)
    if deep or requests:
        from crawler.cli.opening import project
        from crawler.deep import examine as examine_deeply

        opened = project(session)
        checks = examine_deeply(opened.store(session.mode), opened.config(), requests)
    code = FOUND
    for check in checks:
        if not check.ok:
            code = max(code, check.exit_code)
        if session.json:
            session.emit({"check": check.name, "ok": check.ok, "detail": check.detail,
                          "fix": "" if check.ok else check.fix})  # fmt: skip
        else:
            session.out(f"{'✓' if check.ok else '✗'} {check.name:<10} {check.detail}")
            if not check.ok and check.fix:
                session.out(f"             {check.fix}")
    return code


def _wanted(*, no_web: bool, open_it: bool) -> Web:
    if no_web and open_it:
        raise UsageError("--open and --no-web exclude each other.")
    return "none" if no_web else "open" if open_it else "told"


def _judging(threshold: str | None, grain: str | None, lang: str | None, since: str | None) -> dict[str, Any]:
    """What the flags say of the profile."""
    return {
        "threshold": None if threshold is None else check_threshold(threshold, "--threshold"), "grain": grain,
        "languages": languages_of(lang), "since": None if since is None else check_since(since, "--since"),
    }  # fmt: skip
