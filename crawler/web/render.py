"""Templates, always escaped: what the web wrote is text here, and never markup, an address of code, or a direction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from crawler import figures
from crawler.picture import ordinary
from crawler.reasons import ended, left, meaning

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
        "outward": outward, "bare": bare, "quoted": quoted, "score": figures.score, "share": figures.share,
        "count": figures.count, "signed": figures.signed, "seconds": figures.seconds, "day": figures.day,
        "moment": figures.moment, "clock": figures.clock, "exact": figures.exact,
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


def quoted(sentence: str) -> Markup:
    """A sentence of ours: what stands between backticks is shown as what is typed."""
    pieces = _plain(sentence).split("`")
    return Markup().join(Markup("<code>{}</code>").format(one) if at % 2 else one for at, one in enumerate(pieces))


def query(held: Mapping[str, Any], **changed: Any) -> str:
    """A query string like `held` with some values changed; None and "" leave a name out."""
    merged = {**held, **changed}
    return urlencode([(name, value) for name, value in merged.items() if value not in (None, "", False)])
