"""Seeds given as addresses: fetched once, called by the address that was given, and told of when they bring nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted_site import Answer, page, robots, rss, serving

from crawler.fetching import seeds as fetching
from crawler.fetching.seeds import fetch_seeds
from pipelines.config import load
from pipelines.seeds import MAX_SEEDS, Seed, SeedSet

TEXT = (
    "The harbour board has asked for tenders to dredge the main channel to fourteen metres. Silt has narrowed the "
    "fairway since the storms, and pilots say that laden vessels now wait for the tide at the outer buoy. "
)


def test_addresses_beyond_what_a_set_holds_are_left_out_and_told(tmp_path: Path) -> None:
    seeds = tuple(Seed(f"{at}", "", "Silt", TEXT, "en", 36, ()) for at in range(MAX_SEEDS))
    found = fetch_seeds(SeedSet("", "", seeds, urls=("http://a.test/1", "http://a.test/2")), load(tmp_path))
    assert found.seeds == seeds
    (problem,) = found.problems
    assert problem.message == (
        "2 addresses, from http://a.test/1 on, were left out, for a seed set has at most 200 articles; "
        "choose the most typical ones."
    )


@pytest.mark.slow
def test_an_address_names_its_seed_wherever_it_leads_and_what_did_not_answer_is_told(tmp_path: Path) -> None:
    moved, away = "http://post.test/short", "http://away.test/x"
    answers = {
        "/robots.txt": robots(),
        "away.test/robots.txt": Answer(503),
        "post.test/short": Answer(301, headers={"location": "http://post.test/dredging-tender"}),
        "post.test/dredging-tender": page(
            "Dredging tender", [f"{TEXT} That was said in {year}." for year in range(2020, 2026)]
        ),
    }
    with serving(answers) as site:
        config = load(tmp_path, {"crawl": {"proxy": site.url, "rate": "50/1s"}})
        found = fetch_seeds(SeedSet("", "", (), urls=(moved, away)), config)
        again = fetch_seeds(SeedSet("", "", (), urls=(moved,)), config)
    (seed,) = found.seeds
    assert (seed.name, seed.url) == (moved, "http://post.test/dredging-tender")
    assert again.seeds == found.seeds
    (problem,) = found.problems
    assert problem.message == (
        f"{away} could not be fetched, for its site did not answer; try again later, or use another page."
    )


def _articles(*paths: str) -> dict[str, Answer]:
    return {
        f"post.test{path}": page(f"Tender {path}", [f"{TEXT} That was {path} in {year}." for year in range(2020, 2026)])
        for path in paths
    }


@pytest.mark.slow
def test_of_a_site_every_address_given_is_fetched_and_nothing_that_is_named_there(tmp_path: Path) -> None:
    wanted = tuple(f"http://post.test/{name}" for name in ("a", "b", "feed"))
    answers = {"/robots.txt": robots(), "post.test/feed": rss("http://post.test/c", "http://post.test/d")}
    with serving(answers | _articles("/a", "/b", "/c", "/d")) as site:
        # what bounds a run
        config = load(tmp_path, {"crawl": {"proxy": site.url, "rate": "50/1s", "max_per_site": 1, "watch": True}})
        found = fetch_seeds(SeedSet("", "", (), urls=wanted), config)
        assert sorted(site.paths("post.test")) == ["/a", "/b", "/feed"]
        # whoever wrote it was killed half-way
        (half, *_) = (tmp_path / ".suchlike" / "seeds").iterdir()
        half.write_text(half.read_text(encoding="utf-8")[:40], encoding="utf-8")
        again = fetch_seeds(SeedSet("", "", (), urls=wanted[:2]), config)
    assert [seed.name for seed in found.seeds] == [seed.name for seed in again.seeds] == list(wanted[:2])
    (problem,) = found.problems
    assert problem.message == (
        f"{wanted[2]} is a feed or a sitemap, and no article; --feed or --sitemap starts a crawl there."
    )


@pytest.mark.slow
def test_what_came_in_time_is_kept_and_the_same_command_goes_on_with_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick, slow = "http://post.test/a", "http://slow.test/b"
    answers = {"/robots.txt": robots(), "slow.test/robots.txt": robots("Crawl-delay: 100")}
    monkeypatch.setattr(fetching, "LIMIT_S", 25)
    with serving(answers | _articles("/a")) as site:
        config = load(tmp_path, {"crawl": {"proxy": site.url, "rate": "50/1s"}})
        found = fetch_seeds(SeedSet("", "", (), urls=(quick, slow)), config)
    assert [seed.name for seed in found.seeds] == [quick]
    (problem,) = found.problems
    assert problem.message == (
        f"{slow} was not fetched within 25 seconds with the others; the same command goes on with it."
    )
