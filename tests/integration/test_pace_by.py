"""Hosts that count as one: in what they are asked for a second, and in what a site may cost."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from crawling import begin, crawl, finished, settings, worker
from scripted_site import Asked, Scripted, Site, page, serving, story

HOSTS = ("one.paper.test", "two.paper.test", "three.paper.test")
PAUSE_S = 0.1


def _sites(hosts: Sequence[str], pages: int) -> dict[str, Scripted]:
    """Hosts with a front page each that links to their own stories."""
    answers: dict[str, Scripted] = {}
    for at, host in enumerate(hosts):
        answers[f"{host}/"] = page(links=[f"/{n}" for n in range(pages)])
        answers |= {f"{host}/{n}": story(1_000 * (at + 1) + n) for n in range(pages)}
    return answers


def _gaps(asked: Sequence[Asked]) -> list[float]:
    """Seconds from each answer to the next request, whatever the host."""
    in_order = sorted(asked, key=lambda one: one.at)
    return [later.at - earlier.answered_at for earlier, later in itertools.pairwise(in_order)]


def _starts(hosts: Sequence[str]) -> list[str]:
    return [f"http://{host}/" for host in hosts]


def _crawl_by(crawlers: int, folder: Path, overrides: Mapping[str, Any], hosts: Sequence[str]) -> None:
    """One run of several processes from the front pages of these hosts."""
    _, run = begin(folder, overrides, sites=_starts(hosts))
    with ExitStack() as stack:
        for process in [stack.enter_context(worker(folder, run)) for _ in range(crawlers)]:
            done = finished(process)
            assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("crawlers", [1, 2])
def test_all_hosts_of_a_domain_share_one_pace_where_so_asked(tmp_path: Path, crawlers: int) -> None:
    with serving(_sites([*HOSTS, "other.test"], 6)) as site:
        overrides = settings(proxy=site.url, pages=0, rate="10/1s", pace_by="domain", concurrency=8)
        _crawl_by(crawlers, tmp_path, overrides, [*HOSTS, "other.test"])
        of_domain = [one for host in HOSTS for one in site.requests(host)]
        assert sum(len(site.paths(host)) for host in HOSTS) == 3 * 7
        assert min(_gaps(of_domain)) >= PAUSE_S - 0.001
        # and the others are not held up by them
        assert min(_gaps(site.requests())) < PAUSE_S / 2


@pytest.mark.slow
def test_by_default_hosts_of_a_domain_are_hosts_of_their_own(tmp_path: Path) -> None:
    with serving(_sites(HOSTS, 6)) as site:
        crawl(tmp_path, settings(proxy=site.url, rate="10/1s", concurrency=8), sites=_starts(HOSTS))
        assert min(_gaps(site.requests())) < PAUSE_S / 2


@pytest.mark.slow
@pytest.mark.parametrize("crawlers", [1, 2])
def test_all_names_of_an_address_share_one_pace_where_so_asked(tmp_path: Path, crawlers: int) -> None:
    with Site() as site:
        # without a proxy, which would resolve the names itself
        names = [f"localhost:{site.port}", f"127.0.0.1:{site.port}"]
        site.answers |= _sites(names, 6)
        overrides = settings(allow_private_addresses=True, rate="10/1s", pace_by="address", concurrency=8)
        _crawl_by(crawlers, tmp_path, overrides, names)
        assert [len(site.paths(name)) for name in names] == [7, 7]
        assert min(_gaps(site.requests())) >= PAUSE_S - 0.001


@pytest.mark.slow
def test_the_budget_of_a_site_counts_all_its_hosts(tmp_path: Path) -> None:
    with serving(_sites([*HOSTS, "other.test"], 8)) as site:
        overrides = settings(proxy=site.url, max_per_site=10)
        crawl(tmp_path, overrides, sites=_starts([*HOSTS, "other.test"]))
        assert sum(len(site.paths(host)) for host in HOSTS) == 10
        assert len(site.paths("other.test")) == 9
