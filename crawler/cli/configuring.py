"""Config: every setting with where its value comes from, and what each means."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from cyclopts import App, Group

from crawler.cli.flags import Hidden
from crawler.cli.session import FOUND
from pipelines.errors import UsageError

_LINE = re.compile(r"(\w+) = .*?#\s+(.*)")
_HEADER = re.compile(r"\[([\w.]+)\]")


def register(app: App, group: Group) -> None:
    """Adds the verb."""
    config = App(name="config", help="What is configured, where that was said, and what each line means.", group=group)
    config.default(about)
    config.command(show)
    app.command(config)


def about(*, explain: str | None = None, session: Hidden) -> int:
    """Show every setting, or explain one.

    Parameters
    ----------
    explain
        The setting to explain, such as crawl.rate.
    """
    if explain is None:
        return show(session=session)
    from pipelines.config import load
    from pipelines.provenance import one
    from workers.tuning import tuned

    setting = one(session.folder, explain)
    meaning = meanings().get(_plain(setting.key), "")
    chosen = tuned(load(session.folder)).why.get(setting.key, "")
    if session.json:
        session.emit({**asdict(setting), "about": meaning, "chosen": chosen})
        return FOUND
    session.out(f"{setting.key} = {_toml(setting.value)}   ({_where(setting.said)})")
    session.out(f"  {meaning}")
    if chosen:
        session.out(f"  here       {chosen}")
    if setting.choices:
        session.out(f"  one of     {', '.join(setting.choices)}")
    session.out(f"  default    {_toml(setting.default)}")
    if has_variable(setting.key):
        session.out(f"  or as      {_variable(setting.key)}=…  in the environment")
    return FOUND


def show(section: str | None = None, *, session: Hidden) -> int:
    """Show every setting and where its value comes from; passwords in addresses are masked.

    Parameters
    ----------
    section
        Only this section, such as crawl.
    """
    from pipelines.complaints import nearest
    from pipelines.provenance import DEFAULT, settings

    told = settings(session.folder)
    sections = dict.fromkeys(setting.key.partition(".")[0] for setting in told)
    if section is not None and section not in sections:
        raise UsageError(f"There is no section {section!r}{nearest(section, sections)}")
    told = [one for one in told if section in (None, one.key.partition(".")[0])]
    width = max((len(f"{one.key} = {_toml(one.value)}") for one in told if one.said == DEFAULT), default=0)
    for one in told:
        if session.json:
            session.emit(asdict(one))
        else:
            session.out(f"{f'{one.key} = {_toml(one.value)}':<{min(width, 44)}}   {_where(one.said)}")
    return FOUND


def meanings() -> dict[str, str]:
    """What each setting means, by its key; profiles are called `profile.*`."""
    from importlib.resources import files

    found, header = {}, ""
    for line in (files("crawler.cli") / "settings.toml").read_text(encoding="utf-8").splitlines():
        if table := _HEADER.match(line):
            header = table[1]
        elif said := _LINE.match(line):
            found[_plain(f"{header}.{said[1]}")] = said[2]
    return found | {"mode": "what kind of project this is: demo, replay or online; each has a database of its own"}


def _where(said: str) -> str:
    """The file by its name: which folder this is, who asks knows."""
    from pipelines.layers import FILE_NAME

    return said[said.index(FILE_NAME) :] if FILE_NAME in said else said


def _plain(key: str) -> str:
    section, _, rest = key.partition(".")
    if section == "profile":
        return f"profile.*.{rest.rpartition('.')[2]}"
    return "schedule.*" if section == "schedule" else key


def has_variable(key: str) -> bool:
    """Whether the environment can say it: not what bears a name of the user's own, nor the mode."""
    return "." in key and not key.startswith(("profile.", "schedule."))


def _variable(key: str) -> str:
    from pipelines.layers import ENV_PREFIX, ENV_SHORT

    path = tuple(key.split("."))
    short = next((name for name, keys in ENV_SHORT.items() if keys == path), None)
    return short or ENV_PREFIX + key.replace(".", "__").upper()


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)
