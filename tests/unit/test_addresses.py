"""Private addresses are refused however they are spelt, by the spelling alone and at the resolver."""

from __future__ import annotations

import pytest
from scrapy import Spider
from scrapy.crawler import Crawler
from scrapy.resolver import dnscache
from twisted.internet.error import DNSLookupError
from twisted.internet.testing import MemoryReactorClock

from crawler.addresses import AddressRefused, GuardedResolver, is_public, refusal, why_refused

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


def resolver(**settings: object) -> GuardedResolver:
    return GuardedResolver.from_crawler(Crawler(Spider, settings), MemoryReactorClock())  # type: ignore[arg-type, no-untyped-call]  # a test reactor


def answer(guard: GuardedResolver, name: str) -> list[object]:
    """What the resolver says at once: it is asked only for what needs no look-up."""
    said: list[object] = []
    guard.getHostByName(name).addCallbacks(said.append, lambda failure: said.append(failure.value))
    return said


@pytest.fixture
def known_names() -> object:
    before = dict(dnscache)
    guard = resolver()
    dnscache.update({"inside.test": "10.0.0.5", "outside.test": "93.184.215.14", "proxy.test": "127.0.0.1"})
    yield guard
    dnscache.clear()
    dnscache.update(before)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "::ffff:127.0.0.1", "::1"]
)
def test_the_resolver_refuses_literal_addresses_without_a_look_up(host: str) -> None:
    (said,) = answer(resolver(), host)
    assert isinstance(said, AddressRefused) and isinstance(said, DNSLookupError)


@pytest.mark.usefixtures("known_names")
def test_the_resolver_judges_what_a_name_resolves_to() -> None:
    (said,) = answer(resolver(), "inside.test")
    assert isinstance(said, AddressRefused)
    assert "inside.test is at 10.0.0.5" in str(said)
    assert answer(resolver(), "outside.test") == ["93.184.215.14"]


@pytest.mark.usefixtures("known_names")
def test_private_addresses_can_be_allowed_and_the_proxy_always_is() -> None:
    assert answer(resolver(SUCHLIKE_ALLOW_PRIVATE=True), "inside.test") == ["10.0.0.5"]
    behind = resolver(SUCHLIKE_PROXY_HOST="proxy.test")
    assert answer(behind, "proxy.test") == ["127.0.0.1"]
    assert isinstance(answer(behind, "inside.test")[0], AddressRefused)
    assert isinstance(answer(resolver(), "proxy.test")[0], AddressRefused)


@pytest.mark.usefixtures("known_names")
def test_a_spider_can_ask_why_a_host_was_refused() -> None:
    answer(resolver(), "inside.test")
    answer(resolver(), "outside.test")
    answer(resolver(), "::1")
    assert "inside.test is at 10.0.0.5" in (why_refused("http://user@INSIDE.test:8080/x") or "")
    assert why_refused("http://[::1]/")
    assert why_refused("http://outside.test/") is None
    assert why_refused("nothing") is None and why_refused("http://[::1") is None
