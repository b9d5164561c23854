"""Templates, always escaped: what the web wrote is text here, and never markup, an address of code, or a direction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from crawler.picture import ordinary
from crawler.reasons import ended, left, meaning

# what stands where there is no number yet
NOTHING = "\u2013"
# control characters and those that turn the direction of writing: they disguise what a line says
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# as browsers read it: nothing before the scheme, and a host behind it
_WEB = re.compile(r"https?://[^/?#\s]", re.IGNORECASE)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The one environment all pages are made with; a name a template does not know is an error."""
    folder = str(files("crawler.web") / "pages")
    made = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=_plain, auto_reload=False,
    )  # fmt: skip
    made.filters |= {
        "outward": outward, "score": score, "day": day, "moment": moment, "share": share, "count": count,
        "clock": clock, "bare": bare, "seconds": seconds, "exact": exact, "signed": signed, "quoted": quoted,
        "meaning": meaning, "ended": ended, "left": left, "ordinary": ordinary,
    }  # fmt: skip
    made.globals["query"] = query
    return made


def render(template: str, /, *, status: int | None = None, **told: Any) -> HTMLResponse:
    """A template as an answer."""
    if status is not None:
        told["status"] = status
    return HTMLResponse(environment().get_template(template).render(told), status_code=status or 200)


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    return _STEERING.sub(" ", value) if isinstance(value, str) and not isinstance(value, Markup) else value


def outward(url: object) -> str:
    """The address if a link may lead there (http or https), else nothing."""
    text = str(url or "")
    return text if _WEB.match(text) and not _STEERING.search(text) else ""


def bare(url: object) -> str:
    """An address as people say it: without its scheme."""
    return re.sub(r"^https?://(www\.)?", "", str(url or "")).rstrip("/")


def score(value: float | None) -> str:
    """.87"""
    return NOTHING if value is None else f"{value:.2f}"


def share(value: float | None) -> str:
    """27 %"""
    return NOTHING if value is None else f"{100 * value:.0f} %"


def count(value: float | None) -> str:
    """12 345, with thin spaces."""
    return NOTHING if value is None else f"{value:,.0f}".replace(",", "\u202f")


def seconds(value: float | None) -> str:
    """How long, in the largest unit that says it: 2.5 s, 14 min, 3 h."""
    if value is None:
        return NOTHING
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if value >= size:
            return f"{_short(value / size)} {name}"
    return f"{value:.2g} s" if value < 1 else f"{_short(value)} s"


def _short(number: float) -> str:
    """With a digit behind the point below 10."""
    return f"{number:.1f}".removesuffix(".0") if number < 9.95 else f"{number:.0f}"


def day(value: str | None) -> str:
    """2 Nov 2026, from ISO 8601."""
    found = _moment(value)
    return f"{found.day} {found:%b %Y}" if found else ""


def moment(value: str | float | None) -> str:
    """2 Nov 2026, 14:03 UTC; the day alone where a page named no hour, which is stored as midnight."""
    found = _moment(value)
    if found and isinstance(value, str) and (found.hour, found.minute, found.second) == (0, 0, 0):
        return day(value)
    return f"{found.day} {found:%b %Y, %H:%M} UTC" if found else ""


def clock(value: float | None) -> str:
    """12:04:31 UTC, of seconds since 1970."""
    found = _moment(value) if value else None
    return f"{found:%H:%M:%S} UTC" if found else ""


def exact(value: str | float | None) -> str:
    """2026-11-02 14:03:31Z: what is shown where a pointer rests on a date, and what programs read."""
    found = _moment(value)
    return f"{found:%Y-%m-%d %H:%M:%S}Z" if found else ""


def signed(value: float) -> str:
    """+1.26, with a minus sign as wide as the plus."""
    return f"{value:+.2f}".replace("-", "\u2212")


def quoted(sentence: str) -> Markup:
    """A sentence of ours: what stands between backticks is shown as what is typed."""
    pieces = _plain(sentence).split("`")
    return Markup().join(Markup("<code>{}</code>").format(one) if at % 2 else one for at, one in enumerate(pieces))


def _moment(value: str | float | None) -> datetime | None:
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        found = datetime.fromisoformat(value) if value else None
        # a day alone is the same day everywhere
        return found.astimezone(UTC) if found and found.tzinfo else found and found.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def query(held: Mapping[str, Any], **changed: Any) -> str:
    """A query string like `held` with some values changed; None and "" leave a name out."""
    merged = {**held, **changed}
    return urlencode([(name, value) for name, value in merged.items() if value not in (None, "", False)])
