"""JSON: an article, a list of them, or one a line."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any, Final

from pipelines.seeds.contents import Contents, Draft, Unusable, day, decoded

_TEXT_KEYS: Final = ("text", "body", "content", "articleBody")


def from_json(body: bytes) -> Contents:
    """An object, or a list of them; raises Unusable where it is broken."""
    text = decoded(body)
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise Unusable(f"its JSON is broken at line {line} ({getattr(error, 'msg', error)}); mend that line") from error
    things = loaded if isinstance(loaded, list) else [loaded]
    return _from_things("article", list(enumerate(things, 1)))


def from_json_lines(body: bytes) -> Contents:
    """An object a line; broken lines are complained of."""
    lines = enumerate(decoded(body).split("\n"), 1)  # not splitlines: a text may hold a U+2028
    return _from_things("line", [(number, _loaded(line)) for number, line in lines if line.strip()])


def without(body: bytes, gone: Collection[int]) -> bytes:
    """A list, or lines, of articles without those at these places (`Draft.at`)."""
    text = decoded(body)
    try:
        loaded = json.loads(text)
    except ValueError:
        lines = enumerate(text.split("\n"), 1)
        return "\n".join(line for number, line in lines if number not in gone).encode()
    kept = [thing for number, thing in enumerate(loaded, 1) if number not in gone]
    return json.dumps(kept, ensure_ascii=False, indent=1).encode()


def _loaded(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _from_things(word: str, numbered: list[tuple[int, Any]]) -> Contents:
    contents, bad = Contents(), []
    for number, thing in numbered:
        where = f"{word} {number}"
        text = next(filter(None, _strings(thing, _TEXT_KEYS)), "")
        if text:
            title, url = next(_strings(thing, ("title", "headline"))), next(_strings(thing, ("url",)))
            published = day(next(_strings(thing, ("published", "date"))))
            place = (where, number) if len(numbered) > 1 else ("", 0)
            contents.drafts.append(Draft(text, title, url, where=place[0], at=place[1], published=published))
        else:
            bad.append(where)
    if bad:
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        contents.complaints.append(f'{bad[0]}{more} is no JSON object with a "text"; give it "title" and "text"')
    return contents


def _strings(thing: Any, keys: tuple[str, ...]) -> Iterator[str]:
    values = [thing.get(key) for key in keys] if isinstance(thing, dict) else []
    yield from (value for value in values if isinstance(value, str) and value.strip())
    yield ""
