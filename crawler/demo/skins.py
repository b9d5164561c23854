"""The looks of the sites: HTML with `$name` places, and the words around the text in two languages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from html import escape
from string import Template

from crawler.demo.written import HERE

MONTHS_DE = (
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
)


@dataclass(frozen=True, slots=True)
class Skin:
    """Three templates: the whole page, an article in it, and an article's entry in a list."""

    frame: Template
    article: Template
    teaser: Template


@dataclass(frozen=True, slots=True)
class Words:
    """What a site says around its articles, in its language."""

    home: str
    by: str
    more: str
    related: str
    most_read: str
    latest: str
    older: str
    newer: str
    also: str
    sections: str
    service: str
    print_label: str
    cookie: str
    newsletter: str
    footer: str


ENGLISH = Words(
    "Home",
    "By",
    "Read more",
    "Related",
    "Most read",
    "Latest",
    "Older articles",
    "Newer articles",
    "See also:",
    "All sections",
    "Service",
    "Print",
    "We use cookies to remember that you have seen this text about cookies. Accept or manage your choices.",
    "Sign up for the morning newsletter and get five reports before breakfast.",
    "All people, places and events on this site are fictional. Part of a demo web; no rights reserved.",
)
GERMAN = Words(
    "Startseite",
    "Von",
    "Weiterlesen",
    "Mehr zum Thema",
    "Meistgelesen",
    "Neueste Meldungen",
    "Ältere Artikel",
    "Neuere Artikel",
    "Siehe auch:",
    "Alle Ressorts",
    "Service",
    "Drucken",
    "Wir verwenden Cookies, um uns zu merken, dass Sie diesen Hinweis auf Cookies gelesen haben.",
    "Unser Newsletter bringt Ihnen jeden Morgen fünf Meldungen ins Haus.",
    "Alle Personen, Orte und Ereignisse auf dieser Seite sind erfunden (fictional). Teil eines Demo-Webs.",
)


@cache
def skin(name: str) -> Skin:
    """Read a skin's file and split it into its three templates."""
    parts = re.split(r"(?m)^== \w+\n", (HERE / "templates" / f"{name}.html").read_text("utf-8"))
    return Skin(*(Template(part) for part in parts[1:]))


def words(language: str) -> Words:
    """Return what is said around the text in a language."""
    return GERMAN if language == "de" else ENGLISH


def long_date(day: datetime, language: str) -> str:
    """Write a date as people of that language do."""
    if language == "de":
        return f"{day.day}. {MONTHS_DE[day.month - 1]} {day.year}"
    return f"{day.day} {day:%B} {day.year}"


def link(href: str, text: str, rel: str = "") -> str:
    """Return an HTML link, escaped."""
    return f'<a href="{escape(href)}"{f" rel={rel!r}" if rel else ""}>{escape(text, quote=False)}</a>'
