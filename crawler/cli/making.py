"""Init: a project folder with a commented configuration; on a terminal it asks what a first run needs."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cyclopts import App, Group

from crawler.cli.flags import Hidden, Many
from crawler.cli.session import FOUND, Session
from pipelines.errors import UsageError
from pipelines.layers import FILE_NAME

Grain = Literal["story", "topic", "beat"]
_GRAINS: Final = ("story", "topic", "beat")

_STARTER = """\
# Every line is optional; what stands here are the defaults. An unknown key is an error that names the nearest one.

[profile.{name}]
seeds = "seeds/"          # a folder or a list of files and URLs
{grain:<25} # look for the same story, topic or beat
# threshold = "auto"      # auto, strict, loose, or 0 to 1
# every = "6h"            # crawl on a schedule, while `suchlike clock` runs

[crawl]
pages = 500               # budget of one run
rate = "1/1s"             # requests per time and host; a slower Crawl-delay in robots.txt wins
# who you are; the real web needs a contact: (+mailto:you@example.org)
identify = {identify}

[sources]
sites = {sites}
feeds = {feeds}
sitemaps = []             # sites: pages whose links are followed; feeds: RSS, Atom, JSON Feed
block = []                # hosts never visited, such as "*.shop.example"
"""


@dataclass(slots=True)
class _Wishes:
    """What the configuration begins with."""

    contact: str
    sites: list[str]
    feeds: list[str]
    grain: str


def register(app: App, group: Group) -> None:
    """Adds the verb."""
    app.command(init, group=group)


def init(
    name: str, *, contact: str = "", site: Many = None, feed: Many = None, grain: Grain = "topic", session: Hidden
) -> int:
    """Make a project folder with a commented configuration and a place for seeds.

    On a terminal it asks for what no flag says; Enter skips a question, --yes all of them.

    Parameters
    ----------
    name
        The folder to make.
    contact
        Your mail or web address, which every site you crawl is told; the real web needs one.
    site
        A page to start from; its links are followed. May be given several times.
    feed
        A feed to start from.
    grain
        Look for the same story, topic or beat.
    """
    folder = session.folder / name
    if (folder / FILE_NAME).exists():
        raise UsageError(f"{folder} already is a project; change {folder / FILE_NAME}, or choose another name.")
    wishes = _Wishes(_contact(contact), site or [], feed or [], grain)
    if _somebody_there(session) and not (contact or site or feed):
        _ask(session, wishes)
    _write(folder, wishes)
    if session.json:
        session.emit({"folder": str(folder), "config": str(folder / FILE_NAME), "seeds": str(folder / "seeds")})
    session.say(f"made {folder}/: {FILE_NAME}  seeds/")
    session.folder = folder
    session.next((f"{session.command('seed', 'add')} FILE-OR-URL…", "articles like those you look for"), always=True)
    return FOUND


def _write(folder: Path, wishes: _Wishes) -> None:
    """The folder, its configuration and a place for seeds. Raises UsageError where they cannot be made."""
    try:
        (folder / "seeds").mkdir(parents=True, exist_ok=True)
        key = "".join(c if c.isalnum() or c in "-_" else "-" for c in folder.name) or "main"
        if not key.isascii():  # TOML wants other letters in quotes
            key = json.dumps(key, ensure_ascii=False)
        told = f" ({wishes.contact})" if wishes.contact else ""
        text = _STARTER.format(
            name=key, grain=_said(wishes.grain), identify=json.dumps(f"suchlike/0.1{told}", ensure_ascii=False),
            sites=json.dumps(wishes.sites, ensure_ascii=False), feeds=json.dumps(wishes.feeds, ensure_ascii=False),
        )  # fmt: skip
        (folder / FILE_NAME).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder.resolve()} cannot be made: {error.strerror}.") from None


def _said(grain: str) -> str:
    """The line of the grain; the default is not said, for then the seeds' own seed.toml may."""
    return f'grain = "{grain}"' if grain != _GRAINS[1] else f'# grain = "{grain}"'


def _somebody_there(session: Session) -> bool:
    """Whether there is somebody to ask."""
    return not (session.yes or session.json or session.quiet) and sys.stdin.isatty() and sys.stderr.isatty()


def _ask(session: Session, wishes: _Wishes) -> None:
    """The three questions a first run depends on. An answer that cannot be is asked again; Ctrl-D skips the rest."""
    session.say("Three questions; Enter skips one, and suchlike.toml can say it later.")
    try:
        wishes.contact = _answer(session, "Your mail or web address, for the sites you will visit", _contact)
        start = _answer(session, "Where to start: a site's front page, or a feed", _address)
        wishes.grain = _answer(session, "Look for the same story, topic or beat? [topic]", _grain) or wishes.grain
    except EOFError:
        session.say("")
        return
    _, _, path = start.partition("://")[2].partition("/")  # a host may be called anything
    kind = wishes.feeds if re.search(r"(rss|atom|feed)[^/]*/?$|\.(xml|rdf)$", path, re.IGNORECASE) else wishes.sites
    kind += [start] if start else []


def _answer(session: Session, question: str, read: object) -> str:
    assert callable(read)
    while True:
        session.say(f" {question}")
        session.console.print(" > ", markup=False, end="")
        try:
            return str(read(input().strip()))
        except UsageError as error:
            session.say(f"   {error}")


def _contact(typed: str) -> str:
    """`+mailto:…` or `+https://…`, as servers are told; empty for none."""
    if not typed:
        return ""
    plain = typed.removeprefix("+").removeprefix("mailto:")
    if re.fullmatch(r"[^\s@()\"]+@[^\s@()\"]+\.[^\s@()\"]+", plain):
        return f"+mailto:{plain}"
    if re.fullmatch(r"https?://[^\s/()\"]+\.[^\s()\"]+", plain):
        return f"+{plain}"
    raise UsageError(f"{typed!r} is no contact; write it like you@your.domain or https://your.domain/about.")


def _address(typed: str) -> str:
    from pipelines.urls import canonical

    if not typed:
        return ""
    address = typed if "://" in typed else f"https://{typed}"
    if canonical(address) is None:
        raise UsageError(f"{typed!r} is no address to start from; write it like https://news.example/.")
    return address


def _grain(typed: str) -> str:
    chosen = [grain for grain in _GRAINS if typed and grain.startswith(typed.lower())]
    if typed and not chosen:
        raise UsageError(f"Write {', '.join(_GRAINS)}, or nothing.")
    return chosen[0] if chosen else ""
