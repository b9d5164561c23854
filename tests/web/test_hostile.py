"""What the web wrote is shown as text, wherever it stands: nothing of it runs, loads or leads where code is."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from looking import serving, visiting
from test_pages import PATHS, more_paths

from crawler.web.render import outward

# each tries to say `document.title = "owned"`, to load something, or to break out of where it stands
CORPUS = [
    "<script>document.title='owned'</script>",
    "\"><script>document.title='owned'</script>",
    "'><img src=x onerror=\"document.title='owned'\">",
    "</title></textarea></style></script><svg onload=document.title='owned'>",
    "<img src=http://evil.example/x.png>",
    '" onmouseover="document.title=\'owned\'" autofocus onfocus="document.title=\'owned\'" x="',
    "' autofocus onfocus='document.title=1' x='",
    "javascript:document.title='owned'",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}${7*7}#{7*7}",
    "<iframe srcdoc=\"<script>top.document.title='owned'</script>\"></iframe>",
    '<a href="javascript:alert(1)" hx-get="/x" hx-trigger="load">x</a>',
    '<div hx-get="http://evil.example" hx-trigger="load" hx-on::load="document.title=\'owned\'">',
    "<math><mtext></p><style><img src=x onerror=alert(1)></style>",
    "<base href=http://evil.example/>",
    '<meta http-equiv=refresh content="0;url=http://evil.example">',
    "<form action=http://evil.example><button>x",
    "\u202e\u2066gnp.exe\u2069 \x07\x1b[31m\u200f",
    "]]><!--<script>alert(1)</script>-->",
]
HOOKED = "window.violations = []; addEventListener('securitypolicyviolation', e => violations.push(e.blockedURI))"
COLUMNS = {
    "articles": ["title", "text", "site", "authors", "language", "published", "canonical_url"],
    "urls": ["url", "anchor", "context", "reason", "detail", "source", "archive_file"],
    "hosts": ["name", "site", "robots_verdict", "given_up"],
    "runs": ["stopped_by"],
}


def poison(folder: Path) -> None:
    """Puts the corpus into every text of the store, as if a crawl had brought it."""
    with contextlib.closing(sqlite3.connect(folder / "replay.db")) as store:
        for table, columns in COLUMNS.items():
            for row, *_ in store.execute(f"SELECT id FROM {table}").fetchall():
                evil = CORPUS[row % len(CORPUS)]
                for column in columns:
                    store.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", (value(column, evil, row), row))
        for digest, seeds in store.execute("SELECT digest, seeds FROM profiles").fetchall():
            told = json.loads(seeds)
            for number, seed in enumerate(told):
                seed["title"] = CORPUS[number % len(CORPUS)]
                seed["text"] = f"{seed['text']}\n{' '.join(CORPUS)}"
            store.execute(
                "UPDATE profiles SET seeds = ?, family = ? WHERE digest = ?", (json.dumps(told), CORPUS[1], digest)
            )
        for row, likeness in store.execute("SELECT id, likeness FROM articles").fetchall():
            judged = json.loads(likeness)
            judged["nearest_seed"] = CORPUS[row % len(CORPUS)]
            judged["terms"] = [{"word": CORPUS[row % len(CORPUS)], "weight": 1.0}, *judged["terms"]]
            store.execute("UPDATE articles SET likeness = ? WHERE id = ?", (json.dumps(judged), row))
        store.commit()


def value(column: str, evil: str, row: int) -> str | None:
    """The hostile value, in the form the column has."""
    if column == "authors":
        return json.dumps([evil])
    if column == "published":
        return "2026-11-20T10:00:00Z"
    if column in ("name", "url"):
        return f"{evil}#{row}"
    if column == "text":
        return f"Harbour dredging and silt.\n{' '.join(CORPUS)}"
    return None if column == "given_up" and row % 2 else evil


@pytest.mark.slow
def test_nothing_the_web_wrote_executes(chromium: Any, copied: Path) -> None:
    about = more_paths(copied)
    poison(copied)
    ids = range(1, len(CORPUS) + 1)
    paths = [*PATHS, *about[:2], *[f"/article/{row}" for row in ids]]
    paths += [
        f"/results?q={evil}&site={evil}&since={evil}" for evil in ("<script>alert(1)</script>", '"onload=alert(1)')
    ]
    paths += ["/sources?q=<script>", "/article?url=<script>alert(1)</script>", "/source/<img src=x onerror=alert(1)>"]
    for served in serving(copied):
        for visit in visiting(chromium, served.base, served.door):
            visit.page.add_init_script(HOOKED)
            for path in paths:
                page = visit.go(path)
                assert "owned" not in page.title() or "document.title" in page.title(), path
                assert page.title() != "owned", path
                assert page.evaluate("violations") == [], path
                assert page.locator("main img, main iframe, main script, main base, main math").count() == 0, path
                for link in page.locator("a").all():
                    where = link.get_attribute("href") or ""
                    assert where.startswith(("/", "#", "http://", "https://")), (path, where)
                    if not where.startswith(("/", "#")):
                        assert "noreferrer" in (link.get_attribute("rel") or ""), (path, where)
            # refusals are 4xx, which the console reports
            visit.complaints[:] = [one for one in visit.complaints if "Failed to load resource" not in one]


@pytest.mark.parametrize(
    "url", [*CORPUS, "http:evil", "//evil.example", " http://a.test", "ftp://a.test", "http://", "\x01http://a"]
)
def test_only_web_addresses_become_links(url: str) -> None:
    assert outward(url) == ""


def test_a_web_address_stays_one() -> None:
    for url in ("https://a.test/x?y=1#z", "HTTP://a.test/", "http://a.test/<script>"):
        assert outward(url) == url
