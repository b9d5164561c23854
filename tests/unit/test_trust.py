"""A broker over the network needs TLS and a password, keeps what it is told, and nobody reads a secret in our logs."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import cpu_within

from crawler.cli import logs
from crawler.cli.logs import JsonFormatter, SafeFormatter
from crawler.doctor import examine
from pipelines import trail
from pipelines.config import load
from pipelines.errors import BrokerError
from pipelines.masking import masked, one_line
from workers import broker, trust

SAFE = [
    "unix:///run/valkey.sock", "redis://localhost:6379/0", "redis://127.0.0.1:6379", "redis://127.8.9.1", "redis://[::1]:6379",
    "rediss://:secret@cache.example:6380/0", "rediss://user:secret@10.0.0.5", "rediss://cache.example?password=secret",
    "rediss://cache.example?ssl_certfile=/etc/me.pem", "redis://",
]  # fmt: skip
OPEN = {
    "redis://cache.example:6379": ("TLS", "password"),
    "redis://:secret@cache.example:6379": ("TLS",),
    "rediss://cache.example:6380": ("password",),
    "redis://10.0.0.5": ("TLS", "password"),
    "redis://localhost.evil.example": ("TLS", "password"),
    "redis://0.0.0.0": ("TLS", "password"),
    "redis://[::ffff:10.0.0.1]": ("TLS", "password"),
}


@pytest.mark.parametrize("url", SAFE)
def test_a_broker_on_this_machine_or_with_tls_and_a_password_may_be_used(url: str) -> None:
    assert trust.refusal(url) is None


@pytest.mark.parametrize("url", OPEN)
def test_any_other_is_refused_with_what_it_lacks(url: str, tmp_path: Path) -> None:
    said = trust.refusal(url) or ""
    assert all(missing in said for missing in OPEN[url]) and "--insecure" in said
    assert len([word for word in ("TLS", "a password") if f"without {word}" in said]) == len(OPEN[url])
    with pytest.raises(BrokerError) as raised:
        broker.address(load(tmp_path, {"queue": {"redis": url}}, {}))
    assert "secret" not in str(raised.value)
    assert broker.address(load(tmp_path, {"queue": {"redis": url, "insecure": True}}, {})) == url


def test_the_flag_says_the_same_to_every_process(
    suchlike: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    url = "redis://:hunter2@no-such-host.invalid:6379"
    refused = suchlike("work", "parse", SUCHLIKE_REDIS=url)
    assert refused.returncode == 4 and "without TLS" in refused.stderr and "hunter2" not in refused.stderr
    asked = suchlike("--insecure", "work", "parse", SUCHLIKE_REDIS=url)
    assert asked.returncode == 4 and "does not answer" in asked.stderr and "hunter2" not in asked.stderr


@pytest.mark.parametrize(
    "url", ["redis://h:abc/0", "redis://h:99999/0", "redis://[::1", "redis://h/0?nope=1", "redis://u:hunter2/x@h"]
)
def test_an_address_that_cannot_be_understood_is_told_as_that(url: str, tmp_path: Path) -> None:
    config = load(tmp_path, {"queue": {"redis": url, "insecure": True}}, {})
    with pytest.raises(BrokerError, match=r"queue\.redis = .* cannot be understood; write redis://") as told:
        broker.address(config)
    assert "hunter2" not in str(told.value)


class Answering:
    """What a server says of itself."""

    def __init__(self, **told: object) -> None:
        self._told = {"aof_enabled": 1, "maxmemory_policy": "noeviction", "redis_version": "7.2.4"} | told

    def info(self, _: str) -> dict[str, object]:
        return self._told


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({"aof_enabled": 0}, "keeps nothing when it ends"),
        ({"aof_enabled": 0, "rdb_last_save_time": 7}, "between snapshots"),
        ({"maxmemory_policy": "allkeys-lru"}, "allkeys-lru"),
        ({"redis_version": "5.0.14"}, "6.2 or newer"),
    ],
)
def test_a_broker_that_forgets_or_is_too_old_is_complained_of(told: dict[str, object], complaint: str) -> None:
    (said,) = trust.complaints(Answering(**told))  # type: ignore[arg-type]  # answers as a client does
    assert complaint in said
    assert trust.complaints(Answering()) == []  # type: ignore[arg-type]  # answers as a client does


def test_doctor_asks_the_real_server(valkey: str, tmp_path: Path) -> None:
    (tmp_path / "suchlike.toml").write_text(f'[queue]\nredis = "{valkey}"\n')
    checks = {one.name: one for one in examine(tmp_path)}
    assert checks["trust"].ok, checks["trust"]


def test_doctor_sees_a_password_that_others_may_read(tmp_path: Path) -> None:
    file = tmp_path / "suchlike.toml"
    file.write_text('[store]\ndatabase = "postgresql+psycopg://me:hunter2@127.0.0.1:1/none"\n')
    file.chmod(0o644)
    checks = {one.name: one for one in examine(tmp_path)}
    assert not checks["secrets"].ok and "chmod 600" in checks["secrets"].fix
    assert not any("hunter2" in one.detail + one.fix for one in checks.values())
    file.chmod(0o600)
    assert {one.name: one.ok for one in examine(tmp_path)}["secrets"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://:hunter2@host:1/0 is away", "redis://***@host:1/0 is away"),
        ("postgresql+psycopg://me:p%40ss@host/db", "postgresql+psycopg://***@host/db"),
        ("http://user:pa:ss/w@proxy.example:3128", "http://***@proxy.example:3128"),
        ("connect(password='hunter2', host='x')", "connect(password=***', host='x')"),
        ("password: hunter2; next", "password: ***; next"),
        ("https://news.example/a@b/token", "https://news.example/a@b/token"),
        ("write to mail@example.org", "write to mail@example.org"),
    ],
)
def test_secrets_are_masked_and_nothing_else(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_a_line_of_many_addresses_is_masked_in_a_moment() -> None:
    with cpu_within(5):
        assert masked("ab://x:" * 8_000) == "ab://x:" * 8_000


def test_a_log_line_is_one_line_without_controls_or_secrets_and_so_is_its_traceback() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(SafeFormatter("%(levelname)s %(message)s"))
    log = logging.getLogger("test_trust")
    log.addHandler(handler)
    log.propagate = False
    try:
        log.warning("%s fetched\nERROR forged \x1b[31m line \u202e", "http://a.example/\r\nx")
        try:
            raise ValueError("redis://:hunter2@host \x1b[2J")
        except ValueError:
            log.exception("it failed for password=hunter2")
    finally:
        log.removeHandler(handler)
    told = stream.getvalue()
    first, second, *rest = told.splitlines()
    assert first == "WARNING http://a.example/\\x0d\\x0ax fetched\\x0aERROR forged \\x1b[31m line \\x202e"
    assert second == "ERROR it failed for password=***"
    assert rest[0].startswith("Traceback") and "redis://***@host \\x1b[2J" in rest[-1]
    assert "hunter2" not in told and "\x1b" not in told
    assert one_line("plain ü 漢") == "plain ü 漢"


def test_a_json_line_is_one_object_without_controls_or_secrets() -> None:
    told = {"stage": "parse", "page": 7, "run": 1, "url": "https://me:hunter2@a.example/\u202e", "to": "dropped"}
    record = logging.LogRecord(
        "suchlike.trail", logging.INFO, "", 0, "%s\nforged \x1b[2J", ("http://b.example/",), None
    )
    record.told = told
    try:
        raise ValueError("redis://:hunter2@host")
    except ValueError:
        record.exc_info = sys.exc_info()
    line = JsonFormatter().format(record)
    held = json.loads(line)
    assert len(line.splitlines()) == 1 and line.isascii() and "\x1b" not in line
    assert "hunter2" not in line
    assert held["time"].endswith("Z") and held["level"] == "info" and held["message"].startswith("http://b.example/")
    assert (held["stage"], held["page"], held["to"]) == ("parse", 7, "dropped")
    assert "ValueError" in held["traceback"]


def test_pages_are_followed_in_json_and_verbose_logs_only() -> None:
    asked = [("text", False), ("json", False), ("text", True)]
    before = logging.getLogger().handlers[:]
    kept = []
    for form, verbose in asked:
        logs.begin(verbose=verbose, form=form)
        kept.append(trail.is_kept())
    trail.LOGGER.setLevel(logging.NOTSET)
    logging.getLogger().handlers[:] = before
    assert kept == [False, True, True]
