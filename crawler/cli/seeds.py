"""Seeds: add, list, check, remove."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cyclopts import App, Group

from crawler.cli.flags import Hidden
from crawler.cli.session import FOUND, NOTHING, USAGE, Session, given
from pipelines.errors import SeedError, UsageError

# a seed the others find no better than this is told to be far from them
FAR = 0.2


def register(app: App, group: Group) -> None:
    """Adds the verbs."""
    seed = App(name="seed", help="The example articles: add, list, check, remove.", group=group)
    seed.command(add)
    seed.command(listed, name="list")
    seed.command(show)
    seed.command(check)
    seed.command(remove)
    app.command(seed)


def _folder(session: Session) -> Path:
    from crawler.cli.opening import project

    config = project(session).config()
    _, profile = config.only_profile(session.profile)
    if not isinstance(profile.seeds, str):
        raise UsageError("The profile's seeds are a list in suchlike.toml; edit them there.")
    return config.path / profile.seeds


def add(*sources: str, session: Hidden) -> int:
    """Add files, folders or URLs to the project's seeds.

    Parameters
    ----------
    sources
        Files (.txt .md .html .json .jsonl .eml .url), folders, URLs, or - for a list on stdin.
    """
    named = given(sources)
    if not named:
        raise UsageError("Name the files, folders or URLs to add, or - to read their names from stdin.")
    folder = _folder(session)
    before = _wrong(folder)
    added, told = False, set[str]()
    for source in named:
        for record in _added(session, folder, source):
            added |= record["ok"]
            told.add(_complaint(record["problem"] or ""))
            _show(session, record)
    # what is wrong with a seed beside the others is seen among them alone
    for message, path in _wrong(folder).items() if added else ():
        if message not in before and _complaint(message) not in told:
            _show(session, _problem(path, message))
    if added:
        session.next((session.command("seed", "check"), "whether they belong together"))
    return FOUND if added else USAGE


def _wrong(folder: Path) -> dict[str, str]:
    """What is wrong with the seeds of a folder: each problem's sentence and path."""
    from pipelines.seeds import offered

    try:
        return {problem.message: problem.path for problem in offered([folder]).problems} if folder.is_dir() else {}
    except SeedError:  # of seed.toml, which whoever reads the seeds is told
        return {}


def _complaint(message: str) -> str:
    """A problem's sentence without its path."""
    return message.partition(": ")[2]


def _added(session: Session, folder: Path, source: str) -> list[dict[str, Any]]:
    from crawler.cli.opening import project
    from crawler.seeding import read_seeds
    from pipelines.seeds.folder import files_in
    from pipelines.seeds.keeping import write

    records = []
    files = [source] if "://" in source or not Path(source).is_dir() else list(files_in(Path(source)))
    for one in files:
        try:
            read = read_seeds([one], project(session).config())
            records += [_problem(p.path, p.message) for p in read.problems]
            records += [_seed(seed) for seed in read.seeds]
            if read.seeds:
                write(folder, one)
        except SeedError as error:
            records.append(_problem(str(one), str(error).removeprefix("No seed could be used. ")))
    return records or [_problem(source, f"{source} holds no seeds.")]


def listed(*, session: Hidden) -> int:
    """List the project's seeds: what is read from each, and what is wrong with any."""
    from crawler.cli.opening import project

    opened = project(session)
    seed_set = opened.seed_set(opened.config())
    for problem in seed_set.problems:
        _show(session, _problem(problem.path, problem.message))
    for seed in seed_set.seeds:
        _show(session, _seed(seed))
    return FOUND if seed_set.seeds else NOTHING


def show(*names: str, session: Hidden) -> int:
    """Show what is read from a seed: its text as it is judged, and the lines that were cut from its ends.

    Parameters
    ----------
    names
        As `seed list` shows them.
    """
    from crawler.cli.opening import project
    from pipelines.complaints import nearest

    if not names:
        raise UsageError("Name the seeds to show, as `suchlike seed list` does.")
    opened = project(session)
    held = {seed.name: seed for seed in opened.seed_set(opened.config()).seeds}
    for name in names:
        if name not in held:
            raise UsageError(f"There is no seed {name!r}{nearest(name, held)}")
        seed = held[name]
        if session.json:
            published = seed.published and seed.published.isoformat()
            session.emit(_seed(seed) | {"url": seed.url or None, "published": published, "text": seed.text})
            continue
        session.out(
            f"{seed.title}\n {seed.words} words   {seed.language}   {seed.published or 'no date'}   {seed.path}"
        )
        lines = seed.text.splitlines()
        lines = lines[1:] if lines[:1] == [seed.title] else lines
        for line in [*lines, *(f"- {line}" for line in seed.dropped_lines)]:
            session.out(f"   {line}")
    return FOUND


def check(*, session: Hidden) -> int:
    """Check whether the seeds belong together: groups, the nearest of each, and how well the others find it."""
    from crawler.cli.opening import project
    from crawler.seeding import examples
    from pipelines.likeness.grouping import places, to_others

    opened = project(session)
    seed_set = opened.seed_set(opened.config())
    config = opened.config(seed_set=seed_set)
    for problem in seed_set.problems:
        _show(session, _problem(problem.path, problem.message))
    grain, model = config.only_profile(session.profile)[1].grain, config.model(session.profile)
    found = {place.name: place for place in places(examples(seed_set.seeds), grain, model=model)}
    by_group = sorted(seed_set.seeds, key=lambda seed: found[seed.name].group if seed.name in found else 0)
    for seed, alike in zip(by_group, to_others(examples(by_group), grain, model=model), strict=True):
        place = found.get(seed.name)
        record = {**_seed(seed), "to_others": alike, "group": place and place.group,
                  "nearest": place and place.nearest, "closeness": place and place.closeness}  # fmt: skip
        if session.json:
            session.emit(record)
        else:
            _checked(session, record)
    if not session.json:
        session.say(f"learned words: {', '.join(term.word for term in opened.learn(seed_set).terms[:12])}")
        named = [*config.sources.sites, *config.sources.feeds, *config.sources.sitemaps]
        starts = named or [seed.url for seed in seed_set.seeds if seed.url]
        more = [] if starts else ["--site", "https://news.example/"]
        session.next((session.command("plan", *more), "what a run would fetch from where"))
    return FOUND


def _checked(session: Session, record: dict[str, Any]) -> None:
    name, to_others, place = record["name"], record["to_others"], ""
    if record["nearest"]:
        place = f"   group {record['group']}, nearest {record['nearest']} {record['closeness']:.2f}"
    told = "the only seed" if to_others is None else f"{to_others:.2f} to the others{place}"
    far = to_others is not None and to_others < FAR
    hint = f"; far from the rest: {session.command('seed', 'remove', name)}, unless you mean it" if far else ""
    session.out(f"{'!' if far else '✓'} {name:<24} {record['words']:>5} words  {record['language']}  {told}{hint}")
    if record["dropped_lines"]:
        cut = len(record["dropped_lines"])
        session.out(
            f"      ignored {cut} lines; `cut = false` for it in seed.toml keeps them, `seed list -v` shows them"
        )


def remove(*names: str, session: Hidden) -> int:
    """Remove seeds by their names.

    Parameters
    ----------
    names
        As `seed list` shows them.
    """
    from pipelines.seeds import keeping

    if not names:
        raise UsageError("Name the seeds to remove, as `suchlike seed list` shows them.")
    keeping.remove(_folder(session), *names)
    for name in names:
        session.say(f"removed {name}")
        if session.json:
            session.emit({"removed": name})
    return FOUND


def _seed(seed: Any) -> dict[str, Any]:
    return {"path": seed.path, "name": seed.name, "ok": True, "title": seed.title, "words": seed.words,
            "language": seed.language, "dropped_lines": list(seed.dropped_lines), "problem": None}  # fmt: skip


def _problem(path: str, message: str) -> dict[str, Any]:
    return {"path": path, "name": None, "ok": False, "title": None, "words": 0, "language": None,
            "dropped_lines": [], "problem": message}  # fmt: skip


def _show(session: Session, record: dict[str, Any]) -> None:
    if session.json:
        session.emit(record)
    elif record["ok"]:
        cut = len(record["dropped_lines"])
        note = f"   ignored {cut} lines that are no part of the article" if cut else ""
        session.out(f"✓ {record['name']:<24} {record['words']:>5} words  {record['language']}  {record['title']}{note}")
        if session.verbose:
            for line in record["dropped_lines"]:
                session.out(f"      - {line}")
    else:
        session.out(f"✗ {record['problem']}")
