"""Who gets in and what gets through: each rule on its own, and each shown to be what keeps its attack out."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import bounded_by_permissions
from looking import TOKEN, client

from crawler.web import guard
from crawler.web.access import Access, check_bind, token_of
from crawler.web.guard import CSP, RULES
from crawler.web.served import access_for, bound
from pipelines.config import load
from pipelines.errors import UsageError

INLINE = re.compile(r"""<style|\sstyle\s*=|\son\w+\s*=\s*["']|javascript:|<script(?![^>]*\ssrc=)|\|\s*safe\b""")
PAGES = ["/", "/results", "/article/1", "/api/v1/status", "/live/overview"]
OURS = {"origin": "http://127.0.0.1:7420", "sec-fetch-site": "same-origin"}


def without(monkeypatch: pytest.MonkeyPatch, rule: Callable[..., Any]) -> None:
    """Takes one rule out, to see that it was what refused."""
    monkeypatch.setattr(guard, "RULES", [one for one in RULES if one is not rule])


@pytest.mark.parametrize("path", PAGES)
def test_without_the_token_nothing_is_shown(results: Path, path: str) -> None:
    answer = client(results, known=False).get(path)
    assert answer.status_code == 401
    assert "dredg" not in answer.text


def test_the_token_rule_is_what_keeps_strangers_out(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, guard.visitor_is_known)
    assert client(results, known=False).get("/results").status_code == 200


@pytest.mark.parametrize(
    "host",
    # a path in it is none that was asked for: Starlette before 1.0.1 took it for one
    ["evil.example", "evil.example:7420", "127.0.0.1.evil.example", "", "localhost.", "[::2]", "127.0.0.1/healthz?"],
)
def test_a_name_that_is_not_ours_is_not_answered(results: Path, host: str) -> None:
    assert client(results).get("/", headers={"host": host}).status_code == 421


def test_the_host_rule_is_what_stops_rebinding(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, guard.host_is_ours)
    assert client(results).get("/results", headers={"host": "evil.example"}).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1:7420", "localhost:7420", "[::1]:7420", "LOCALHOST"])
def test_our_own_names_are_answered(results: Path, host: str) -> None:
    assert client(results).get("/results", headers={"host": host}).status_code == 200


def test_a_name_can_be_added(results: Path) -> None:
    asked = client(results, hosts=frozenset({"desk.example"}))
    assert asked.get("/results", headers={"host": "desk.example"}).status_code == 200


@pytest.mark.parametrize("name", ["Desk.example", "desk.example:8443", "[2001:db8::7]:80", "2001:db8::7"])
def test_a_name_is_added_as_it_stands_in_an_address(tmp_path: Path, name: str) -> None:
    with bound("127.0.0.1", 0) as listening:
        access = access_for(load(tmp_path, {"web": {"hosts": [name]}}), "127.0.0.1", listening)
    assert access.hosts - {"localhost", "127.0.0.1", "::1"} == {"2001:db8::7" if "2001" in name else "desk.example"}


FOREIGN = [
    {},
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": "null", "sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:8000"},
    {"sec-fetch-site": "none"},
    {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"},
    {"origin": "http://127.0.0.1:7420.evil.example"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_write_from_elsewhere_is_refused(results: Path, headers: dict[str, str]) -> None:
    for path in ("/rate", "/rate/undo", "/enter"):
        answer = client(results).post(path, data={"like": "1"}, headers=headers)
        assert answer.status_code == 403, path


def test_the_origin_rule_is_what_stops_forged_writes(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, guard.writes_come_from_here)
    answer = client(results).post("/rate", data={}, headers={"origin": "http://evil.example"})
    assert answer.status_code == 400  # it reached the page, which missed a verdict


def test_a_write_from_our_own_page_or_with_the_token_is_let_through(results: Path) -> None:
    assert client(results).post("/rate", data={}, headers=OURS).status_code == 400
    shown = {"authorization": f"Bearer {TOKEN}"}
    assert client(results, known=False).post("/rate", data={}, headers=shown).status_code == 400


def test_reading_never_changes_anything(results: Path) -> None:
    asked = client(results)
    routes = [one for one in asked.app.routes if getattr(one, "methods", None)]  # type: ignore[attr-defined]
    read = {one.path for one in routes if "GET" in one.methods}
    written = {one.path for one in routes if "POST" in one.methods}
    assert {"/rate", "/rate/undo", "/enter", "/failures/retry", "/run", "/source/{name}"} == written
    assert not any(one.methods & {"PUT", "PATCH", "DELETE"} for one in routes)
    assert not any("GET" in one.methods and "POST" in one.methods for one in routes)
    for path in written - read:
        assert asked.get(path).status_code == 405, path


def test_the_token_is_shown_once_and_buys_a_cookie(results: Path) -> None:
    asked = client(results, known=False)
    answer = asked.get("/", params={"token": TOKEN})
    assert answer.status_code == 200
    assert TOKEN not in answer.text
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert asked.get("/results").status_code == 200


@pytest.mark.parametrize(
    "token", ["", "a", TOKEN[:-1], TOKEN + "x", "ä" * 20, "\ud800".encode("utf-8", "replace").decode()]
)
def test_a_wrong_token_buys_nothing(results: Path, token: str) -> None:
    asked = client(results, known=False)
    answer = asked.get("/", params={"token": token})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    answer = asked.post("/enter", data={"token": token}, headers=OURS)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    from crawler.web import access

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr(access.hmac, "compare_digest", compare)
    held = Access(TOKEN, 1)
    assert not held.knows(TOKEN)
    assert not held.admits(held.pass_)
    assert len(compared) == 2


def test_a_cookie_of_another_token_is_not_taken(results: Path) -> None:
    asked = client(results, known=False)
    asked.cookies.set("suchlike-7420", Access("another-token-altogether", 7420).pass_)
    assert asked.get("/results").status_code == 401


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\nx", "http://[x"]
)
def test_the_way_in_leads_nowhere_else(results: Path, to: str) -> None:
    answer = client(results, known=False).post("/enter", data={"token": TOKEN, "next": to}, headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("path", [*PAGES, "/nowhere", "/static/dashboard.css", "/healthz", "/enter"])
@pytest.mark.parametrize("known", [True, False])
def test_every_answer_has_the_headers(results: Path, path: str, known: bool) -> None:
    if path == "/live/overview" and known:
        return  # it never ends; the browser tests see it
    headers = client(results, known=known).get(path).headers
    assert headers["content-security-policy"] == CSP
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_policy_allows_nothing_inline_and_no_other_host() -> None:
    rules = dict(rule.split(" ", 1) for rule in CSP.split("; "))
    assert rules["default-src"] == "'none'"
    assert {"script-src", "style-src", "connect-src", "form-action"} <= rules.keys()
    assert all(value in ("'self'", "'none'", "'self' data:") for value in rules.values())


def test_no_template_has_anything_inline() -> None:
    folder = Path(guard.__file__).parent / "pages"
    for template in folder.glob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not INLINE.search(text), template
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", text), template


def test_an_error_page_escapes_what_it_quotes(results: Path) -> None:
    evil = "<script>alert(1)</script>"
    for path in ("/article?url=" + evil, "/" + evil, "/results?since=" + evil, "/article/99999999"):
        answer = client(results).get(path)
        assert answer.status_code >= 400 or "since" in path
        assert evil not in answer.text
        assert "text/html" in answer.headers["content-type"]


@pytest.mark.parametrize("path", ["/article/", "/story/"])
def test_a_number_larger_than_any_is_nothing_that_is_stored(results: Path, path: str) -> None:
    assert client(results).get(path + "9" * 30).status_code == 404


def test_health_says_nothing_of_the_project_and_needs_no_token(results: Path, tmp_path: Path) -> None:
    assert client(results, known=False).get("/healthz", headers={"host": "10.0.0.1"}).json() == {
        "ok": True,
        "database": "up",
    }
    assert client(tmp_path, known=False).get("/healthz").json()["ok"]


def test_a_public_bind_needs_a_token_somebody_chose() -> None:
    for host in ("0.0.0.0", "::", "192.168.1.5", "desk.example"):
        with pytest.raises(UsageError, match="set a token first"):
            check_bind(host, "")
        check_bind(host, TOKEN)
        with pytest.raises(UsageError, match="too short"):
            check_bind(host, "short")
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        check_bind(host, "")


def test_the_command_refuses_a_public_bind(suchlike: Any) -> None:
    done = suchlike("web", "--host", "0.0.0.0", SUCHLIKE_WEB__TOKEN="")
    assert done.returncode == 2
    assert "set a token first" in done.stderr


def test_the_token_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    token = token_of(tmp_path)
    file = tmp_path / ".suchlike" / "web-token"
    assert len(token) >= 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert token_of(tmp_path) == token
    file.chmod(0o644)
    assert token_of(tmp_path) != token
    assert token_of(tmp_path, "my own choice of token") == "my own choice of token"


def test_why_the_token_cannot_be_read_is_said_and_not_masked_as_one(suchlike: Any, tmp_path: Path) -> None:
    file = tmp_path / ".suchlike" / "web-token"
    file.mkdir(parents=True)
    (tmp_path / "suchlike.toml").write_text("")
    done = suchlike("web", SUCHLIKE_WEB__TOKEN="")
    assert done.returncode == 4
    assert done.stderr.strip() == f"suchlike: Is a directory: {file}."


@pytest.mark.parametrize("begun", [True, False])
def test_where_nothing_can_be_written_the_token_is_one_for_the_process_alone(tmp_path: Path, begun: bool) -> None:
    folder = tmp_path / "archived"
    (folder / ".suchlike" if begun else folder).mkdir(parents=True)
    two = "import sys; from pathlib import Path; from crawler.web.access import token_of as of; p = Path(sys.argv[1])"
    command = [*bounded_by_permissions(), sys.executable, "-c", f"{two}; print(of(p), of(p))", str(folder)]
    for one in (folder / ".suchlike", folder):
        if one.exists():
            one.chmod(0o555)
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    first, second = said.stdout.split()
    assert first != second and len(first) >= 32, said.stderr
    assert not (folder / ".suchlike" / "web-token").exists()


def test_a_large_or_strange_form_is_refused(results: Path) -> None:
    asked = client(results)
    assert asked.post("/rate", content=b"x" * 100_000, headers=OURS).status_code == 400
    assert asked.post("/rate", content=b"&".join([b"a=1"] * 5_000), headers=OURS).status_code == 400
    assert asked.post("/rate", json={"like": 1}, headers=OURS).status_code == 400
    assert asked.post("/rate", content=b"like=\xff", headers=OURS).status_code == 400
