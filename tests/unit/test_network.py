"""A machine without a network is told so at once; a name that does not exist is another matter."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from crawler.fetching import network
from pipelines.config import load
from pipelines.errors import UnreachableError

STARTS = ["https://news.example/", "https://other.example:8443/x", "https://news.example/feed.xml"]


def failing(number: int) -> Callable[[str, None], object]:
    """A resolver that gives this error."""

    def resolve(host: str, port: None) -> object:
        raise socket.gaierror(number, host)

    return resolve


def test_no_network_is_said_and_the_demo_named(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"no network.*news\.example.*`suchlike demo` needs none") as told:
        network.require(load(tmp_path, env={}), STARTS, failing(socket.EAI_AGAIN))
    assert told.value.exit_code == 4


def test_one_answer_is_enough(tmp_path: Path) -> None:
    config = load(tmp_path, env={})
    network.require(config, STARTS, failing(socket.EAI_NONAME))
    network.require(config, STARTS, lambda host, port: [host, port])
    again = failing(socket.EAI_AGAIN)
    network.require(config, STARTS, lambda host, port: again(host, port) if "news" in host else [])


@pytest.mark.parametrize("start", ["http://127.0.0.1:8000/", "http://[::1]/", "http://localhost:1/"])
def test_addresses_need_no_names(tmp_path: Path, start: str) -> None:
    network.require(load(tmp_path, env={}), [start, *STARTS], failing(socket.EAI_AGAIN))


@pytest.mark.parametrize("told", [{"crawl": {"proxy": "http://127.0.0.1:1"}}, {"mode": "demo"}, {"mode": "replay"}])
def test_who_fetches_nothing_by_name_is_not_asked(tmp_path: Path, told: dict[str, object]) -> None:
    network.require(load(tmp_path, told, env={}), STARTS, failing(socket.EAI_AGAIN))
