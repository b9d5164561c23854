"""A crawl of the real web names a contact; trials that visit nobody do not have to."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawler.doctor import examine
from crawler.fetching import contact
from pipelines.config import Config
from pipelines.errors import ConfigError
from pipelines.sections import Crawl

REAL = "https://news.site.org/"


@pytest.mark.parametrize("named", ["suchlike/0.1", "me", "suchlike/0.1 (+mailto:)", "bot@", "see http://"])
def test_the_real_web_is_not_crawled_without_a_contact(named: str) -> None:
    with pytest.raises(ConfigError, match=r"news\.site\.org .* identify = "):
        contact.require(Config(crawl=Crawl(identify=named)), ["http://10.0.0.1/", REAL])


@pytest.mark.parametrize("named", ["suchlike/0.1 (+mailto:me@desk.org)", "bot (+https://desk.org/bot)", "me@desk.org"])
def test_a_contact_is_a_mail_or_web_address(named: str) -> None:
    contact.require(Config(crawl=Crawl(identify=named)), [REAL])


@pytest.mark.parametrize(
    ("config", "start"),
    [
        (Config(mode="demo"), REAL), (Config(mode="replay"), REAL), (Config(crawl=Crawl(proxy="http://p:1")), REAL),
        (Config(crawl=Crawl(allow_private_addresses=True)), REAL), (Config(), "http://127.0.0.1:80/"),
        (Config(), "http://localhost/"), (Config(), "http://site.test/"), (Config(), "https://site.example:8443/x"),
    ],
)  # fmt: skip
def test_where_nobody_is_visited_none_is_asked_for(config: Config, start: str) -> None:
    contact.require(config, [start])


@pytest.mark.parametrize(("named", "is_one"), [("suchlike/0.1 (+nobody)", False), ("me@desk.org", True)])
def test_doctor_takes_for_a_contact_what_a_run_does(named: str, is_one: bool, tmp_path: Path) -> None:
    away = "redis://127.0.0.1:1"  # so that none is started
    (tmp_path / "suchlike.toml").write_text(f'[crawl]\nidentify = "{named}"\n[queue]\nredis = "{away}"\n')
    assert {one.name: one.ok for one in examine(tmp_path)}["network"] is is_one
