"""Seeds given as addresses: fetched once, called by the address that was given, and told of when they bring nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted_site import Answer, page, robots, serving

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
