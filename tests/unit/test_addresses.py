"""Private addresses are refused however they are spelt, by the spelling alone, at the resolver and at the socket."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any

import pytest
from patience import PATIENCE_S

from crawler.fetching.addresses import AddressRefused, Guard, is_public, refusal

PRIVATE_URLS = [
    "http://127.0.0.1/", "http://127.1/", "http://127.0.1/", "http://2130706433/", "http://0x7f000001/",
    "http://0X7F.0.0.1/", "http://0x7f.1/", "http://0177.0.0.1/", "http://017700000001/", "http://0/", "http://0.0.0.0/",
    "http://00/", "http://0x0/", "http://127.0.0.1./", "http://127.0.0.1:8080/", "http://user@127.0.0.1/",
    "http://127.0.0.1\\@public.example/",
    "http://localhost/", "http://LOCALHOST./", "http://a.localhost/", "http://printer.local/", "http://db.internal/",
    "http://10.0.0.1/", "http://172.16.5.5/", "http://192.168.1.1/", "http://192.168.257/", "http://169.254.169.254/",
    "http://2852039166/", "http://0xa9fea9fe/", "http://100.64.0.1/", "http://198.18.0.1/", "http://192.0.2.1/",
    "http://224.0.0.1/", "http://255.255.255.255/", "http://240.0.0.1/", "http://256.1.1.1/", "http://99999999999/",
    "http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/",
    "http://[::ffff:a9fe:a9fe]/", "http://[::127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/", "http://[fe80::1]/", "http://[fc00::1]/", "http://[fec0::1]/", "http://[ff02::1]/",
    "http://[2001:db8::1]/", "http://[2001::1]/",
    "http://\uff11\uff12\uff17.0.0.1/", "http://127\u30020\u30020\u30021/", "http://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/",
    "http://%31%32%37.0.0.1/", "http:///x", "nothing", "http://[::1",
]  # fmt: skip

PUBLIC_URLS = [
    "https://example.com/", "http://93.184.215.14/", "http://[2606:4700::1111]/", "http://1.1.1.1:8080/",
    "http://[::ffff:1.1.1.1]/", "http://16843009/", "http://daily.northhaven.test/", "http://localhost.example.com/",
    "http://1.example/", "http://0x7f.example/", "http://[2002:101:101::]/", "http://[64:ff9b::101:101]/",
]  # fmt: skip


@pytest.mark.parametrize("url", PRIVATE_URLS)
def test_a_private_address_is_refused_by_its_spelling(url: str) -> None:
    assert refusal(url)


@pytest.mark.parametrize("url", PUBLIC_URLS)
def test_a_public_address_and_a_name_are_not(url: str) -> None:
    assert refusal(url) is None


@pytest.mark.parametrize(
    "ip", ["127.1", "", "example.com", "::ffff:10.0.0.1", "0.0.0.0", "::", "fe80::1%eth0", "ff0e::1"]
)
def test_what_is_not_a_public_address_is_not_public(ip: str) -> None:
    assert not is_public(ip)


def _info(address: str, port: int = 80) -> Any:
    """As getaddrinfo tells it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.SOCK_STREAM, 6, "", (address, port)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.5", "169.254.169.254", "0.0.0.0"])
def test_no_socket_is_made_for_a_private_address(address: str) -> None:
    with pytest.raises(AddressRefused):
        Guard().socket(_info(address))
    Guard(allow_private=True).socket(_info(address)).close()


def test_a_socket_is_made_for_a_public_one() -> None:
    Guard().socket(_info("93.184.215.14")).close()


def test_a_name_is_judged_by_what_it_resolves_to() -> None:
    with pytest.raises(AddressRefused, match=r"inside\.test is at 10\.0\.0\.5"):
        Guard().resolved("inside.test", ["10.0.0.5", "::1"])
    assert Guard().resolved("mixed.test", ["10.0.0.5", "93.184.215.14"]) == ["93.184.215.14"]
    assert Guard(allow_private=True).resolved("inside.test", ["10.0.0.5"]) == ["10.0.0.5"]


def test_the_proxy_may_be_anywhere_but_only_at_its_port() -> None:
    for proxy, address in (("http://127.0.0.1:3128", "127.0.0.1"), ("http://[::1]:3128", "::1")):
        guard = Guard(proxy=proxy)
        guard.socket(_info(address, 3128)).close()
        with pytest.raises(AddressRefused):
            guard.socket(_info(address, 80))
    named = Guard(proxy="http://proxy.test:3128")
    with pytest.raises(AddressRefused):
        named.socket(_info("10.0.0.9", 3128))
    assert named.resolved("PROXY.test", ["10.0.0.9"]) == ["10.0.0.9"]
    named.socket(_info("10.0.0.9", 3128)).close()
    with pytest.raises(AddressRefused):
        named.resolved("other.test", ["10.0.0.9"])


@pytest.mark.parametrize("url", PRIVATE_URLS)
def test_the_guard_refuses_a_spelling_before_anything_is_looked_up(url: str) -> None:
    with pytest.raises(AddressRefused):
        Guard().spelling(url)


_UNGUARDED = """
from scrapy import Spider
from scrapy.crawler import AsyncCrawlerProcess
from crawler import settings
from crawler.fetching.transport import prove_guarded
from pipelines.config import Config

class Asking(Spider):
    name = "asking"
    async def start(self):
        try:
            await prove_guarded(self.crawler)
            print("live")
        except RuntimeError as error:
            print(error)
        return
        yield

wanted = {name: value for name, value in settings.settings(Config()).items() if name not in ("SCHEDULER", "EXTENSIONS")}
process = AsyncCrawlerProcess({**wanted, **OTHERWISE})
process.crawl(Asking)
process.start()
"""


@pytest.mark.parametrize(
    ("otherwise", "said"),
    [({}, "live"), ({"SUCHLIKE_ALLOW_PRIVATE": True}, "not live"), ({"DOWNLOAD_HANDLERS": {}}, "not live")],
)
def test_a_crawl_proves_that_its_guard_is_live(otherwise: dict[str, Any], said: str) -> None:
    script = f"OTHERWISE = {otherwise!r}\n{_UNGUARDED}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert said in done.stdout
