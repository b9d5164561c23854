"""A real crawl of sites that lead round in circles: it ends, tells why, and the pages worth having are all there."""

from __future__ import annotations

from pathlib import Path

import pytest
from crawling import Crawled, crawl, settings
from scripted_site import Answer, Asked, Scripted, Site, page, prose, robots, serving, sitemap, story

from pipelines.stores import traps

# one process makes what all of them look at
pytestmark = pytest.mark.xdist_group("traps")


class Endless(dict[str, Scripted]):
    """A web where some hosts answer any path."""

    def __contains__(self, key: object) -> bool:
        endless = ("echo.test/", "days.test/day/", "maps.test/map")
        return super().__contains__(key) or (isinstance(key, str) and key.startswith(endless))

    def __missing__(self, key: str) -> Scripted:
        return {"echo": _echo, "days": _day, "maps": _map}[key.partition(".")[0]]


def _echo(asked: Asked) -> Answer:
    """Nothing is there, and it says so with status 200; each time with a new way on."""
    if asked.path == "/robots.txt":
        return Answer(404)
    return page("Sorry", prose(7), links=[f"/gone{asked.path}{'x' * (n + 1)}" for n in range(3)])


def _day(asked: Asked) -> Answer:
    number = int(asked.path.rpartition("/")[2])
    return page(
        f"Day {number}", [*prose(8), f"This was day {number}."], links=[f"/day/{number + n}" for n in (1, 2, 3)]
    )


def _map(asked: Asked) -> Answer:
    return sitemap(*[f"http://maps.test{asked.path}{n}" for n in range(9)], kind="sitemap")


def _web() -> Endless:
    names = [f"one-long-story-{n}" for n in range(7)]
    odd = [
        "/calendar/2026/11/05",
        "/list?page=4711",
        "/a/b/a/b/c",
        "/fine",
        '<a href="/read?page=5000">What village 62 decided</a>',
    ]
    return Endless({
        "echo.test/": page(links=[f"/real/{n}" for n in range(9)] + ["/lost"]),
        **{f"echo.test/real/{n}": story(20 + n) for n in range(9)},
        "days.test/": page(links=["/day/1", "/news"]), "days.test/news": story(40),
        "orig.test/": page(links=names), "www.orig.test/": page(links=[*names, "only-here"]),
        **{f"{host}.test/{name}": story(50 + n) for host in ("orig", "www.orig") for n, name in enumerate(names)},
        "www.orig.test/only-here": story(60),
        "odd.test/": page(links=odd), "odd.test/fine": story(61), "odd.test/read?page=5000": story(62),
    })  # fmt: skip


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory) -> tuple[Crawled, Site]:
    with serving() as site:
        site.answers = _web()
        starts = [f"http://{host}.test/" for host in ("echo", "days", "orig", "www.orig", "odd")]
        overrides = settings(proxy=site.url, pages=0, rate="100/1s", order="breadth")
        return crawl(tmp_path_factory.mktemp("traps"), overrides, sites=starts), site


@pytest.mark.slow
def test_where_nothing_is_missing_what_is_missing_is_told_by_a_probe(met: tuple[Crawled, Site]) -> None:
    done, site = met
    assert site.probes("echo.test") == 1
    assert len(site.paths("echo.test")) < 80
    assert done.fate("http://echo.test/lost") == ("dropped", "soft-404")
    assert all(done.fate(f"http://echo.test/real/{n}")[0] == "stored" for n in range(9))
    assert site.probes("orig.test") == 0, "of few pages none is asked"


@pytest.mark.slow
def test_a_shape_of_urls_whose_pages_only_repeat_is_closed(met: tuple[Crawled, Site]) -> None:
    done, site = met
    days = [path for path in site.paths("days.test") if path.startswith("/day/")]
    assert len(days) <= 60
    assert done.fate("http://days.test/news")[0] == "stored"
    assert done.fates()["refused"].get("trap", 0) >= 1
    assert done.fates()["traps"]["repeats"] >= 1


@pytest.mark.slow
def test_links_that_look_like_traps_are_left_out_and_counted(met: tuple[Crawled, Site]) -> None:
    done, site = met
    assert sorted(site.paths("odd.test")) == ["/", "/fine", "/read?page=5000"], "an article by its headline"
    with done.store.read() as connection:
        listed = {one["reason"]: one for one in traps.met(connection) if one["host"] == "odd.test"}
    assert {reason: one["number"] for reason, one in listed.items()} == {
        "calendar": 1, "pagination": 1, "repeated-segments": 1,
    }  # fmt: skip
    assert listed["pagination"]["example"] == "http://odd.test/list?page=4711"


@pytest.mark.slow
def test_a_host_that_serves_another_hosts_pages_is_given_up(met: tuple[Crawled, Site]) -> None:
    done, _ = met
    with done.store.read() as connection:
        mirrors = [one for one in traps.met(connection) if one["reason"] == "mirror"]
    assert {one["host"] for one in mirrors} <= {"orig.test", "www.orig.test"}
    assert len(mirrors) == 1


@pytest.mark.slow
def test_a_shape_of_urls_has_a_budget_of_its_own_in_each_run(tmp_path: Path) -> None:
    answers: dict[str, Scripted] = {"a.test/": page(links=[f"/n/{n}" for n in range(9)] + ["/other"])}
    answers |= {f"a.test/n/{n}": story(n) for n in range(9)} | {"a.test/other": story(10)}
    with serving(answers) as site:
        overrides = settings(proxy=site.url, max_per_template=4)
        first = crawl(tmp_path, overrides, sites=["http://a.test/"])
        assert len([path for path in site.paths() if path.startswith("/n/")]) == 4
        assert "/other" in site.paths()
        assert first.fates()["refused"] == {"template-budget": 5}
        crawl(tmp_path, overrides, sites=["http://a.test/"])
        asked = [path for path in site.paths() if path.startswith("/n/")]
        assert len(asked) == len(set(asked)) == 8


@pytest.mark.slow
def test_sitemaps_of_sitemaps_without_end_keep_no_page_waiting(tmp_path: Path) -> None:
    with serving() as site:
        site.answers = Endless({
            "maps.test/robots.txt": robots("Sitemap: http://maps.test/map"), "maps.test/": page(),
            "news.test/": page(links=[f"/{n}" for n in range(20)]), **{f"news.test/{n}": story(n) for n in range(20)},
        })  # fmt: skip
        overrides = settings(proxy=site.url, pages=12)
        done = crawl(tmp_path, overrides, sites=["http://maps.test/", "http://news.test/"])
        assert len(site.paths("news.test")) > 9
    assert done.fates()["fetched"] == 12
