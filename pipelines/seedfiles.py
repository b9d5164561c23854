"""One file a user offers as a seed: how each kind is opened, and what is wrong with it if it cannot be used."""

from __future__ import annotations

import email
import email.policy
import json
import re
import stat
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pipelines import markup
from pipelines.hygiene import unwrapped

MAX_BYTES: Final = 20_000_000
_MAX_CONTROL_SHARE: Final = 0.02
_TEXT_KEYS: Final = ("text", "body", "content", "articleBody")
_FRONT_MATTER: Final = re.compile(r"---[ \t]*\n(.*?)\n---[ \t]*(?:\n|$)", re.DOTALL)
_FIELD: Final = re.compile(r"^(\w+)[ \t]*:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_MARKDOWN: Final = (
    (re.compile(r"^(?:```|~~~).*$", re.MULTILINE), ""),
    (re.compile(r"!\[[^\]\n]{0,300}\]\([^)\n]{0,2000}\)"), ""),
    (re.compile(r"\[([^\]\n]{1,300})\]\([^)\n]{0,2000}\)"), r"\1"),
    (re.compile(r"(\*\*|__|`)(\S(?:[^\n]{0,300}?\S)?)\1"), r"\2"),
)
_REPLY: Final = re.compile(r"^(?:(?:re|fwd?|aw|wg|tr)\s*:\s*)+", re.IGNORECASE)
_MARKS: Final = re.compile(r"^[ \t]{0,3}(?:#{1,6}|>)[ \t]+", re.MULTILINE)
_SHORTCUT: Final = re.compile(r"^URL=(\S+)\s*$", re.MULTILINE | re.IGNORECASE)


class Unusable(Exception):
    """A file, or a line of it, that cannot be a seed; the message says why and what to do, without the file's name."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An article as its file has it. `plain` texts still need hygiene; `where` tells several of one file apart."""

    text: str
    title: str = ""
    url: str = ""
    language: str = ""
    plain: bool = True
    where: str = ""
    published: date | None = None


@dataclass(slots=True)
class Contents:
    """What one file holds: articles, addresses to fetch, and complaints about parts of it."""

    drafts: list[Draft] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def open_seed(path: Path) -> Contents:
    """The contents of a seed file, by the ending of its name; raises Unusable."""
    name = path.name.lower()
    for endings, reader in _READERS:
        if name.endswith(endings):
            return reader(read_bytes(path))
    if "." not in name.lstrip("."):
        return _from_text(read_bytes(path))
    raise Unusable("suchlike reads .txt .md .html .json .jsonl .eml .url and .urls; save it as one of these")


def read_bytes(path: Path) -> bytes:
    """The bytes of an ordinary file of at most 20 MB, unpacked if they are gzip; raises Unusable."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise Unusable("it is not an ordinary file; copy its contents into one")
        if found.st_size > MAX_BYTES:
            raise Unusable(f"it has {found.st_size // 1_000_000} MB and a seed at most 20; cut the article out of it")
        with path.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Unusable(f"it cannot be read ({error.strerror or error}); check its name and permissions") from error
    if path.name.lower().endswith(".gz"):
        body = _unpacked(body)
    if not body.strip():
        raise Unusable("it is empty; put the article's text into it, or remove it")
    return body


def _unpacked(body: bytes) -> bytes:
    try:
        unpacker = zlib.decompressobj(wbits=31)
        unpacked = unpacker.decompress(body, MAX_BYTES + 1)
    except zlib.error as error:
        raise Unusable("it is not gzip, though its name says so; rename it or pack it again") from error
    if len(unpacked) > MAX_BYTES or not unpacker.eof:
        raise Unusable("unpacked it is cut off or has more than 20 MB; unpack it and look")
    return unpacked


def _decoded(body: bytes) -> str:
    text = markup.decode(body)
    controls = sum(text.count(chr(code)) for code in (*range(9), *range(14, 27), 0xFFFD))
    if controls > _MAX_CONTROL_SHARE * len(text):
        raise Unusable("it is not text; save the article as plain text or HTML")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_url(text: str) -> bool:
    """Whether a line is the address of a page."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", text)
    except ValueError:
        return False


def _from_text(body: bytes) -> Contents:
    text = _decoded(body)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if sum(map(is_url, lines)) * 2 > len(lines):
        return from_lines(text.splitlines())
    return Contents([Draft(unwrapped(text))])


def from_lines(lines: list[str]) -> Contents:
    """Addresses, one a line; blank lines and those that begin with # are passed over."""
    contents = Contents()
    for number, line in enumerate(lines, 1):
        address = line.strip().lstrip("\ufeff")
        if not address or address.startswith("#"):
            continue
        if is_url(address) and len(address) <= 2083:
            contents.urls.append(address)
        else:
            contents.complaints.append(
                f'line {number} "{address[:40]}" is no address; begin it with https:// or remove it'
            )
    return contents


def _from_markdown(body: bytes) -> Contents:
    text = _decoded(body)
    front = _FRONT_MATTER.match(text)
    fields = {name.lower(): value.strip("\"'") for name, value in _FIELD.findall(front[1])} if front else {}
    text = text[front.end() :] if front else text
    for pattern, replacement in _MARKDOWN:
        text = pattern.sub(replacement, text)
    heading = re.search(r"^#[ \t]+(.+?)[ \t#]*$", text, re.MULTILINE)
    title = fields.get("title") or (heading[1] if heading else "")
    url = fields.get("url", "") or fields.get("canonical_url", "")
    language = fields.get("language", "") or fields.get("lang", "")
    published = _day(fields.get("published", "") or fields.get("date", ""))
    return Contents([Draft(unwrapped(_MARKS.sub("", text)), title, url, language, published=published)])


def _day(text: str) -> date | None:
    """The day that a date in ISO 8601 begins with."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _from_html(body: bytes) -> Contents:
    from pipelines.extract import NotAnArticle, extract

    try:
        found = extract(body, "", min_words=1)
    except NotAnArticle as error:
        remedy = "save the page of one article, or its text as .txt"
        raise Unusable(f"no article was found in it ({error.reason}: {error.detail}); {remedy}") from error
    url, published = found.canonical_url or "", found.published.date() if found.published else None
    return Contents([Draft(found.text, found.title, url, found.language, plain=False, published=published)])


def _from_json(body: bytes) -> Contents:
    text = _decoded(body)
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise Unusable(f"its JSON is broken at line {line} ({getattr(error, 'msg', error)}); mend that line") from error
    things = loaded if isinstance(loaded, list) else [loaded]
    return _from_things([(f"article {number}", thing) for number, thing in enumerate(things, 1)])


def _from_json_lines(body: bytes) -> Contents:
    lines = enumerate(_decoded(body).splitlines(), 1)
    return _from_things([(f"line {number}", _loaded(line)) for number, line in lines if line.strip()])


def _loaded(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _from_things(numbered: list[tuple[str, Any]]) -> Contents:
    contents, bad = Contents(), []
    for where, thing in numbered:
        text = next(filter(None, _strings(thing, _TEXT_KEYS)), "")
        if text:
            title, url = next(_strings(thing, ("title", "headline"))), next(_strings(thing, ("url",)))
            published = _day(next(_strings(thing, ("published", "date"))))
            several = where if len(numbered) > 1 else ""
            contents.drafts.append(Draft(text, title, url, where=several, published=published))
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


def _from_mail(body: bytes) -> Contents:
    try:
        message = email.message_from_bytes(body, policy=email.policy.default)
        part = message.get_body(preferencelist=("plain", "html")) if isinstance(message, EmailMessage) else None
        raw = part.get_payload(decode=True) if part else None
        subject = _REPLY.sub("", str(message.get("subject", "")))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Unusable("the mail is broken; save the article itself as .txt or .html") from error
    if part is None or not isinstance(raw, bytes) or not raw.strip():
        raise Unusable("the mail has no text; save the article itself as .txt or .html")
    sent = _sent(message)
    if part.get_content_subtype() == "html":
        drafts = _from_html(raw).drafts
        return Contents([replace(d, title=subject or d.title, published=d.published or sent) for d in drafts])
    text = markup.decode(raw, part.get_content_charset()).replace("\r\n", "\n")
    return Contents([Draft(unwrapped(text.partition("\n-- \n")[0]), subject, published=sent)])


def _sent(message: Message) -> date | None:
    try:
        return parsedate_to_datetime(str(message["date"])).date()
    except (TypeError, ValueError, OverflowError):
        return None


def _from_shortcut(body: bytes) -> Contents:
    found = _SHORTCUT.search(_decoded(body))
    if not found or not is_url(found[1]):
        raise Unusable("it is a shortcut without a line URL=https://…; make it again in the browser")
    return Contents(urls=[found[1]])


def _from_addresses(body: bytes) -> Contents:
    return from_lines(_decoded(body).splitlines())


_READERS: Final[tuple[tuple[tuple[str, ...], Callable[[bytes], Contents]], ...]] = (
    ((".html", ".htm", ".xhtml", ".html.gz", ".htm.gz"), _from_html),
    ((".txt", ".text", ".txt.gz"), _from_text),
    ((".md", ".markdown"), _from_markdown),
    ((".jsonl", ".ndjson", ".jsonl.gz"), _from_json_lines),
    ((".json", ".json.gz"), _from_json),
    ((".eml",), _from_mail),
    ((".url",), _from_shortcut),
    ((".urls",), _from_addresses),
)
