"""Conditions a user writes, such as `score > 0.6 and site = "news.example"`, as SQL: parsed, never pasted.

condition = both { "or" both }        both = one { "and" one }
one       = "not" one | "(" condition ")" | FIELD OPERATOR value
OPERATOR  = "=" "==" "!=" "<" "<=" ">" ">=", and "~" for "holds, whatever the case"
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Float, and_, literal, not_, or_

from pipelines.errors import UsageError
from pipelines.stores.schema import articles, storable, urls

FIELDS: Final[dict[str, Any]] = {
    "url": urls.c.url, "canonical_url": articles.c.canonical_url, "title": articles.c.title, "text": articles.c.text,
    "authors": articles.c.authors, "published": articles.c.published, "language": articles.c.language,
    "published_confidence": articles.c.published_confidence, "site": articles.c.site, "score": articles.c.score,
    "words": articles.c.words, "story": articles.c.story, "revision": articles.c.revision, "mode": articles.c.mode,
    "run": articles.c.run, "sha256": articles.c.sha256, "match": articles.c.matched,
}  # fmt: skip
_NUMBERS: Final = frozenset({"published_confidence", "score", "words", "story", "revision", "run", "match"})
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*')|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<word>[A-Za-z_]\w*)"""
    r"""|(?P<sign><=|>=|==|!=|[=<>~()]))"""
)
_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip
_MAX_CHARS: Final = 2_000
_MAX_DEPTH: Final = 20
_MAX_NUMBER: Final = 2**62


def condition(text: str) -> ColumnElement[bool]:
    """The condition a text words; UsageError that says what was expected where."""
    return _Reader(text).whole()


def whole(number: int) -> ColumnElement[int]:
    """A whole number of any size, to be compared with a column of any size."""
    return literal(_kept(number), BigInteger())


def _kept(number: Any) -> Any:
    """Larger ones are larger than anything that is kept, though not than what a small column holds."""
    return max(-_MAX_NUMBER, min(_MAX_NUMBER, number))


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._cut(text))
        self._at = 0
        self._depth = 0

    def whole(self) -> ColumnElement[bool]:
        found = self._either()
        if self._next() is not None:
            raise self._wrong("and, or, or the end (texts stand in quotes)")
        return found

    def _cut(self, text: str) -> Any:
        at = 0
        text = text.rstrip()
        if len(text) > _MAX_CHARS:
            raise UsageError(f"The condition is longer than {_MAX_CHARS} characters.")
        while at < len(text):
            found = _TOKEN.match(text, at)
            if not found:
                here = text[at : at + 20].strip()
                raise UsageError(f"The condition {text!r} cannot be read at {here!r}; put texts in quotes.")
            yield str(found.lastgroup), found.group(str(found.lastgroup))
            at = found.end()

    def _next(self) -> tuple[str, str] | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _is(self, word: str) -> bool:
        token = self._next()
        if token is None or token[0] == "text" or token[1].lower() != word:
            return False
        self._at += 1
        return True

    def _either(self) -> ColumnElement[bool]:
        parts = [self._both()]
        while self._is("or"):
            parts.append(self._both())
        return or_(*parts)

    def _both(self) -> ColumnElement[bool]:
        parts = [self._one()]
        while self._is("and"):
            parts.append(self._one())
        return and_(*parts)

    def _one(self) -> ColumnElement[bool]:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise UsageError(f"The condition {self._text!r} is nested too deeply.")
        if self._is("not"):
            found: ColumnElement[bool] = not_(self._one())
        elif self._is("("):
            found = self._either()
            if not self._is(")"):
                raise self._wrong("a closing parenthesis")
        else:
            found = self._comparison()
        self._depth -= 1
        return found

    def _comparison(self) -> ColumnElement[bool]:
        name = self._take("word")
        if name is None or name not in FIELDS:
            raise self._wrong(f"a field ({', '.join(FIELDS)})", back=name is not None)
        sign = self._take("sign")
        if sign is None or sign in "()":
            raise self._wrong("= != < <= > >= or ~", back=sign is not None)
        if sign == "~" and name in _NUMBERS:
            raise self._wrong(f"a comparison before it, since {name} is a number")
        field, value = FIELDS[name], self._value(name)
        if sign == "~":
            return field.icontains(value, autoescape=True)  # type: ignore[no-any-return]  # an operator of columns
        return _COMPARE[sign](field, value)  # type: ignore[no-any-return]  # an operator of columns

    def _value(self, name: str) -> Any:
        token = self._next()
        if token is None or token[0] == "sign":
            raise self._wrong("a value")
        kind, given = token
        if name in _NUMBERS and kind != "number" and not (name == "match" and given.lower() in ("true", "false")):
            raise self._wrong(f"a number after {name}")
        self._at += 1
        if name not in _NUMBERS:
            return storable(given[1:-1] if kind == "text" else given)
        if kind == "word":
            return int(given.lower() == "true")
        return literal(_kept(float(given)), Float()) if "." in given else whole(int(given))

    def _take(self, kind: str) -> str | None:
        token = self._next()
        if token is None or token[0] != kind:
            return None
        self._at += 1
        return token[1]

    def _wrong(self, wanted: str, *, back: bool = False) -> UsageError:
        self._at -= back
        token = self._next()
        at = repr(token[1]) if token else "its end"
        return UsageError(f"The condition {self._text!r} cannot be read at {at}: expected {wanted}.")
