"""Results that leave: export and verify."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import App, Group, Parameter

from crawler.cli.filters import Filters
from crawler.cli.flags import Flag, Hidden
from crawler.cli.session import FOUND, NOTHING


def register(app: App, group: Group) -> None:
    """Adds the verbs."""
    app.command(export, group=group)
    app.command(verify, group=group)
    app.command(report, group=group)


@Parameter(name="*", group=Group("What is written", sort_key=8))
@dataclass(frozen=True, slots=True)
class Shape:
    """What is written of each article, and into how many files.

    Parameters
    ----------
    fields
        Only these columns, such as url,title,published.
    no_text
        Addresses and hashes without the texts.
    no_copies
        Only the original of each story.
    split
        Write a file for each, such as train=.8,validation=.1; the rest is test. Copies stay with their original.
    purpose
        research or training: leaves out what forbids text and data mining, and says how many.
    """

    fields: str = ""
    no_text: Flag = False
    no_copies: Flag = False
    split: str | None = None
    purpose: Annotated[str | None, Parameter(name="--for")] = None


def export(
    kind: str, *, output: Annotated[Path | None, Parameter(name=["-o", "--output"])] = None,
    filters: Filters | None = None, shape: Shape | None = None, session: Hidden,
) -> int:  # fmt: skip
    """Write stored articles to a file, with a MANIFEST.json beside it.

    Parameters
    ----------
    kind
        jsonl, csv, xlsx, parquet, hf (a Hugging Face folder), warc, rss, atom, jsonfeed, opml, bibtex,
        links.csv or graphml.
    output
        The file (default: exports/articles.FORMAT in the project folder; beside exports of another mode,
        exports/MODE/articles.FORMAT), or the folder for hf.
    """
    from crawler.cli.opening import check_run, project
    from crawler.cli.results import nothing
    from crawler.cli.telling import counted

    check_run(session, filters.run if filters else None)
    asked = shape or Shape()
    done = project(session).export(
        kind, output, wanted=(filters or Filters()).wanted(profile=session.profile, copies=not asked.no_copies),
        fields=[name.strip() for name in asked.fields.split(",") if name.strip()], text=not asked.no_text,
        split=asked.split, purpose=asked.purpose, mode=session.mode,
    )  # fmt: skip
    if session.json:
        session.emit(done)
    session.say(
        f"{counted(done['articles'], 'article')}, {counted(done['bytes'], 'byte')} in {session.near(done['file'])}"
    )
    for one in done.get("splits", ()):
        session.say(f"  {one['split']:<12} {one['articles']:>7}  {one['file']}")
    if done["left_out"]:
        reasons = ", ".join(f"{number} {reason}" for reason, number in done["left_out"].items())
        session.say(f"left out for what their pages say: {reasons}")
    if done["articles"]:
        typed = f"{session.command('verify')} {shlex.quote(session.near(done['file']))}"
        session.next(
            (typed, "hold it against its hashes, at any time"),
            (session.command("report"), "how it was found, as one HTML file"),
        )
    elif not done["left_out"]:
        session.say(nothing(session, filtered=filters is not None or session.profile is not None))
    return FOUND if done["articles"] else NOTHING


def verify(file: Path, *, again: Flag = False, session: Hidden) -> int:
    """Check an export, a folder of exports or a WARC file against its hashes and the archive.

    Parameters
    ----------
    file
        The file or folder.
    again
        Extract the texts from the archived pages once more, too, and compare.
    """
    from crawler.cli.opening import project
    from crawler.cli.telling import counted

    told = project(session).verify(file, again=again)
    if session.json:
        session.emit(told)
    else:
        for one in told["problems"]:
            session.out(f"{one['what']}: {one['problem']}")
    articles, records = counted(told["articles"], "article"), counted(told["records"], "archived page")
    looked = f"{counted(told['files'], 'file')}, {articles}, {records} looked at"
    wrong = f"{counted(told['wrong'], 'problem')}."
    session.say(f"{looked}: " + ("all as they were written." if told["ok"] else wrong))
    return FOUND if told["ok"] else NOTHING


def report(*, output: Annotated[Path | None, Parameter(name=["-o", "--output"])] = None, session: Hidden) -> int:
    """Write a report of what was found and how: one HTML file, made to be attached to a paper.

    Parameters
    ----------
    output
        The file (default: exports/report.html in the project folder).
    """
    from crawler.cli.opening import project
    from pipelines.exports.manifest import digest

    opened = project(session)
    file = opened.report(output, mode=session.mode)
    sha256, size = digest(file)
    if session.json:
        session.emit({"file": str(file), "bytes": size, "sha256": sha256})
    session.say(f"{session.near(file)} ({size:,} bytes); open it in a browser")
    return FOUND
