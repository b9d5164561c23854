"""Ratings and editions: what is learned again changes every judgement, and is undone as exactly."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import small_model
from sqlalchemy import event, select, update
from stocked import Stock, adds_up

from crawler.cli.app import run as command_line
from crawler.explaining import explained
from crawler.forgetting import forget
from crawler.rating import learn_on, rate, rated_and_next, take_back
from crawler.rejudging import judge_again
from crawler.starting import begin
from pipelines import rejudge, sections
from pipelines.asked import understood
from pipelines.errors import UsageError
from pipelines.judge import Judge, Judges
from pipelines.likeness.ordinary import pieces
from pipelines.likeness.profile import Profile
from pipelines.likeness.read import Example
from pipelines.seeds import Seed, SeedSet
from pipelines.stores import articles, editions, fates, invariants, open_store, ratings, runs, search
from pipelines.stores.schema import articles as table
from pipelines.stores.schema import metadata, urls
from pipelines.stores.states import State
from pipelines.stores.wanted import Wanted

SEED = Example(
    "seed", "Sleeper trains return",
    "Night trains are coming back to the northern main line. The sleeper to the coast leaves at ten every evening with "
    "six coaches, two of them couchettes, and arrives before seven. Railway unions had asked for it since the last "
    "sleeping car was withdrawn nine years ago. The operator leases its carriages and pays for the track by the "
    "kilometre, which makes a night train dearer than a day train with as many passengers.",
    "en",
)  # fmt: skip
TRAINS = (
    "The railway will run a second night train from spring. Sleeping cars and couchettes are booked out for weeks, "
    "the operator says, and passengers ask for a later departure. The unions want a conductor in every coach."
)
MUSEUM = (
    "A night at the railway museum ends between sleeping cars of the last century. Children lie in couchettes that no "
    "train will pull again and listen to a conductor's stories of the sleeper that crossed the border at midnight. "
    "Tickets for the museum's night cost as much as a good hotel, and the exhibition stays open until May."
)
GARDEN = (
    "Tomatoes want warmth and a wall behind them. Whoever sows in April should harden the seedlings for a week before "
    "they go out, and pinch the side shoots from June. A handful of compost in the hole is better than any powder."
)
BAKERY = (
    "The bakery on the corner sells bread with seeds from six in the morning. Its oven is fired with beech, customers "
    "queue up to the bridge on Saturdays, and the dough rests for two nights in the cellar before it is shaped."
)

Make = Callable[..., Stock]


def page(text: str, number: int) -> bytes:
    """A page of some length, unlike the next one of its kind."""
    title = text.partition(".")[0]
    lines = [
        text,
        f"It was the {number}th of its kind this year.",
        text.replace(". ", f", as number {number} had it. "),
    ]
    body = "".join(f"<p>{line}</p>" for line in lines)
    return (
        f"<html lang=en><head><title>{title} {number}</title><meta property='og:type' content='article'></head>"
        f"<body><article><h1>{title} {number}</h1>{body}</article></body></html>"
    ).encode()


@pytest.fixture
def make(database: str, tmp_path: Path) -> Iterator[Make]:
    """Makes a store whose run looks for night trains, with pages that were judged."""
    made: list[Stock] = []

    def stocked(**store: Any) -> Stock:
        stock = Stock(database, tmp_path, **{"keep": "matches", "archive": "none", **store})
        made.append(stock)
        profile = Profile.learn([SEED])
        with stock.store.write() as connection:
            editions.keep(connection, profile.edition, "main", "trains", [SEED], profile.to_bytes())
            stock.run = runs.start(connection, stock.config, profile.edition, now=time.time()).id
        bodies = {
            f"https://paper.test/{name}/{number}": page(text, number)
            for name, text in (("trains", TRAINS), ("museum", MUSEUM), ("garden", GARDEN))
            for number in range(2)
        }
        stock.work("parse", stock.fetched(bodies))
        return stock

    yield stocked
    for stock in made:
        stock.store.close()


def scores(stock: Stock) -> dict[int, tuple[float, int, str]]:
    """Each article's score, whether it matches, and who said so."""
    with stock.store.read() as connection:
        found = connection.execute(select(table.c.id, table.c.score, table.c.matched, table.c.edition))
        return {row: (score, matched, edition) for row, score, matched, edition in found}


def matching(stock: Stock) -> set[str]:
    return {url for url, article in stock.articles().items() if article["match"]}


def test_a_dislike_takes_its_like_out_and_undoing_it_brings_all_back(make: Make) -> None:
    stock = make(keep="all")
    before = scores(stock)
    assert {url for url in matching(stock) if "museum" in url}
    museum = [f"https://paper.test/museum/{number}" for number in range(2)]
    shown = rate(stock.store, museum, -1, preview=True)
    assert not shown.applied
    assert scores(stock) == before
    done = rate(stock.store, museum, -1, preview=False)
    assert done.applied
    assert done.changes == shown.changes
    assert done.left == 2
    assert {change.url for change in done.changes} == {*museum}
    assert all(change.after < change.before for change in done.changes)
    assert matching(stock) == {f"https://paper.test/trains/{number}" for number in range(2)}
    assert [take_back(stock.store).urls for _ in museum] == [(url,) for url in museum[::-1]]
    assert scores(stock) == before
    with pytest.raises(UsageError, match="Nothing is rated"):
        take_back(stock.store)


def test_what_enters_goes_through_the_stages_it_has_not_seen(make: Make) -> None:
    stock = make()
    dropped = stock.fates()["dropped"]["unlike"]
    assert dropped >= 2
    done = rate(stock.store, ["https://paper.test/garden/0"], 1, preview=False)
    assert done.entered == 2
    assert {f"https://paper.test/garden/{number}" for number in range(2)} <= matching(stock)
    fates = stock.fates()
    assert adds_up(fates)
    assert fates["in_flight"] == 0
    assert fates["dropped"].get("unlike", 0) == dropped - 2


def test_ratings_are_listed_and_the_top_of_the_list_is_asked_for(make: Make) -> None:
    stock = make(keep="all")
    best = rated_and_next(stock.store, 3)["next"]
    assert [one["score"] for one in best] == sorted((one["score"] for one in best), reverse=True)
    rate(stock.store, [best[0]["url"]], 1, preview=False)
    told = rated_and_next(stock.store, 3)
    assert [(one["url"], one["verdict"]) for one in told["rated"]] == [(best[0]["url"], 1)]
    assert best[0]["url"] not in [one["url"] for one in told["next"]]


def test_a_seeds_own_page_is_not_asked_for(make: Make) -> None:
    stock, own = make(keep="all"), "https://paper.test/own/1"
    told = "".join(f"<p>{sentence}.</p>" for sentence in SEED.text.split(". "))
    kind = "<meta property='og:type' content='article'>"
    body = f"<html lang=en><head>{kind}</head><body><article><h1>{SEED.title}</h1>{told * 2}</article></body></html>"
    stock.work("parse", stock.fetched({own: body.encode()}))
    with stock.store.read() as connection:
        listed = [one["url"] for one in articles.chosen(connection, Wanted(everything=True))]
    assert listed[0] == own
    assert [one["url"] for one in rated_and_next(stock.store, 3)["next"]] == listed[1:4]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_article_that_was_shown_is_rated_whatever_stands_at_its_place_by_then(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock = make(keep="all")
    settings = f'[store]\ndatabase = "{stock.address}"\nkeep = "all"\narchive = "none"\n'
    (stock.config.path / "suchlike.toml").write_text(settings)
    with stock.store.read() as connection:
        first, second = (one["url"] for one in articles.chosen(connection, Wanted(), limit=2))

    def agreed() -> str:
        with stock.store.write() as connection:
            connection.execute(update(table).where(table.c.id == stock.row(second).id).values(score=2.0))
        return "y"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", agreed)
    assert command_line(["-C", str(stock.config.path), "rate", "1", "-"]) == 0
    assert [one["url"] for one in rated_and_next(stock.store, 0)["rated"]] == [first]


def test_what_ratings_taught_goes_with_the_articles_that_were_rated(make: Make) -> None:
    stock = make(keep="all")
    before = scores(stock)
    garden = [f"https://paper.test/garden/{number}" for number in range(2)]
    gone = {stock.row(url).id for url in garden}
    rate(stock.store, garden[:1], 1, preview=False)
    rate(stock.store, garden[1:], -1, preview=False)
    take_back(stock.store)
    with stock.store.write() as connection:
        runs.end(connection, stock.run, "exhausted", now=time.time())
        assert ratings.standing(connection, "main") == {stock.row(garden[0]).id: 1}
    held = _held(stock)
    assert "liked: Tomatoes want warmth" in held and "compost" in held
    for url in garden:
        forget(stock.store, stock.config.path / "warc", url)
    held = _held(stock)
    assert "Tomatoes" not in held and "compost" not in held
    assert scores(stock) == {row: told for row, told in before.items() if row not in gone}
    assert explained(stock.store, "https://paper.test/trains/0")["match"]


def _held(stock: Stock) -> str:
    """All that any table holds, as one text."""
    with stock.store.read() as connection:
        return "\n".join(str(tuple(row)) for one in metadata.sorted_tables for row in connection.execute(select(one)))


def test_of_what_would_change_the_surest_matches_are_shown_first(make: Make) -> None:
    stock = make(keep="all")
    stock.work("parse", stock.fetched({"https://paper.test/last": page(SEED.text, 1)}))
    shown = judge_again(stock.store, 1.0, preview=True).changes
    assert len(shown) > 2 and shown[0].url == "https://paper.test/last"
    assert [change.before for change in shown] == sorted((change.before for change in shown), reverse=True)


def test_what_was_never_judged_cannot_be_rated(make: Make) -> None:
    stock = make()
    stock.find("https://paper.test/waiting")
    for unknown, why in (
        ("https://paper.test/nowhere", "never discovered"),
        ("https://paper.test/waiting", "never judged"),
    ):
        with pytest.raises(UsageError, match=why):
            rate(stock.store, [unknown], 1, preview=False)


def learned_late(store: Any, run: int) -> bool:
    """The learner finds a rating that no edition knows yet."""
    with store.write() as connection:
        row = fates.find(connection, "https://paper.test/garden/0")
        assert row is not None
        ratings.add(connection, "main", row, -1, now=time.time())
    return learn_on(store, run, last=True)


def learned_from_all(stock: Stock) -> bool:
    """Whether what judges now was learned from every rating that stands."""
    _, edition = rejudge.learn_again(stock.store, stock.run, anew=False)
    with stock.store.read() as connection:
        return runs.get(connection, stock.run).profile == edition.name


@pytest.mark.parametrize("who", [
    lambda store, _run: rate(store, ["https://paper.test/garden/0"], -1, preview=False),
    lambda store, _run: take_back(store),
    learned_late,
], ids=["a rating", "one taken back", "the learner"])  # fmt: skip
def test_what_somebody_rates_while_another_learns_is_learned_too(make: Make, who: Callable[[Any, int], object]) -> None:
    stock = make(keep="all")
    rate(stock.store, ["https://paper.test/garden/1"], -1, preview=False)
    other = open_store(stock.address, mode="replay")

    came: list[str] = []

    def meanwhile(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT ratings.article") and not came:
            came.append(statement)
            assert rate(other, ["https://paper.test/museum/0"], -1, preview=False).applied

    event.listen(stock.store.engine, "after_cursor_execute", meanwhile)
    who(stock.store, stock.run)
    other.close()
    assert came and learned_from_all(stock)
    with stock.store.read() as connection:
        rated = {one["url"]: one["verdict"] for one in ratings.listed(connection, "main")}
    assert "https://paper.test/museum/0" in rated, "and what the other said stands"


def test_stopped_half_way_the_next_look_judges_the_rest(make: Make) -> None:
    stock = make(keep="all")
    row = stock.row("https://paper.test/museum/0").id
    _, edition = rejudge.learn_again(stock.store, stock.run, anew=True, verdicts={row: -1})
    rejudge.adopt(stock.store, stock.run, edition)
    with stock.store.write() as connection:
        first = editions.judged(connection, edition.family, after=0, limit=1)[0]
        judge = Judge(stock.config, Profile.from_bytes(edition.learned))
        score = judge.profile_scores([first.text])[0]
        told = [(first.row, score, judge.misfit(score, first.traits))]
        editions.judge_again(connection, told, judge.name, now=time.time())
    assert rejudge.catch_up(stock.store, stock.run) == 5
    assert rejudge.catch_up(stock.store, stock.run) == 0
    assert {edition for _, _, edition in scores(stock).values()} == {judge.name}


def test_a_page_that_enters_the_matches_breaks_no_promise_on_its_way(make: Make) -> None:
    stock = make()
    dropped = next(row for row, (_, matched, _) in scores(stock).items() if not matched)
    _, edition = rejudge.learn_again(stock.store, stock.run, anew=True, verdicts={dropped: 1})
    with stock.store.write() as connection:
        ratings.add(connection, edition.family, dropped, 1, now=time.time())
    rejudge.adopt(stock.store, stock.run, edition)
    rejudge.catch_up(stock.store, stock.run)
    assert State.PARSED in stock.states().values()
    with stock.store.read() as connection:
        assert not any(found for _, found in invariants.broken(connection))


def test_an_article_that_got_another_text_while_the_last_was_judged_keeps_the_judgement_of_the_new_one(
    make: Make,
) -> None:
    stock = make(keep="all")
    url = "https://paper.test/museum/0"
    row = stock.row(url).id
    _, edition = rejudge.learn_again(stock.store, stock.run, anew=True, verdicts={row: -1})
    rejudge.adopt(stock.store, stock.run, edition)

    done: list[str] = []

    def revised(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "substr(articles.text" in statement and not done:
            done.append(statement)
            with stock.store.write() as connection:
                articles.revise(connection, stock.draft(row, url, TRAINS, score=0.99))

    event.listen(stock.store.engine, "after_cursor_execute", revised)
    assert rejudge.catch_up(stock.store, stock.run) == 5
    assert scores(stock)[row][0] == 0.99
    assert rejudge.catch_up(stock.store, stock.run) == 1


def test_a_worker_notices_that_a_run_is_judged_by_another_edition(make: Make) -> None:
    stock = make()
    judges = Judges(stock.store)
    judges.renew([stock.run])
    held = judges.of(stock.run)
    judges.renew([stock.run])
    assert judges.of(stock.run) is held
    _, edition = rejudge.learn_again(stock.store, stock.run, anew=False, verdicts={})
    profile = Profile.learn([SEED], grain="beat")
    with stock.store.write() as connection:
        editions.keep(connection, profile.edition, edition.family, "", edition.seeds, profile.to_bytes())
        runs.judge_by(connection, stock.run, profile.edition)
    judges.renew([stock.run])
    assert judges.of(stock.run).name != held.name


def test_a_crawl_learns_again_when_enough_was_judged(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    stock = make(keep="all")
    assert not learn_on(stock.store, stock.run)
    more = {f"https://paper.test/more/{number}": page(GARDEN, number) for number in range(60)}
    stock.work("parse", stock.fetched(more))
    assert learn_on(stock.store, stock.run)
    with stock.store.read() as connection:
        held = editions.get(connection, runs.get(connection, stock.run).profile)
    assert held.judged == 66
    assert len(held.sample) == 66
    assert not learn_on(stock.store, stock.run)
    assert not learn_on(stock.store, stock.run, last=True)
    stock.work("parse", stock.fetched({f"https://paper.test/last/{n}": page(GARDEN, 60 + n) for n in range(14)}))
    assert not learn_on(stock.store, stock.run)
    assert learn_on(stock.store, stock.run, last=True), "a crawl that is over learns from all it has judged"
    assert {f"https://paper.test/trains/{number}" for number in range(2)} <= matching(stock)


def test_an_explanation_adds_up_and_shows_the_seeds_sentences(make: Make) -> None:
    stock = make(keep="all")
    told = explained(stock.store, "https://paper.test/trains/0")
    assert sum(told["parts"].values()) == pytest.approx(told["logit"])
    assert told["match"]
    assert all(pair["seeds"] in SEED.text for pair in told["pairs"])
    assert told["pairs"]
    rate(stock.store, ["https://paper.test/museum/0"], -1, preview=False)
    again = explained(stock.store, "https://paper.test/museum/1")
    assert again["parts"]["ratings"] < 0
    assert sum(again["parts"].values()) == pytest.approx(again["logit"])
    assert any("rated" in one for one in again["against"])


@pytest.mark.parametrize("keep", ["all", "matches"])
def test_what_was_rated_counts_as_it_was_said_when_its_page_comes_with_another_text(make: Make, keep: str) -> None:
    def told() -> dict[str, bool]:
        return {url: stock.articles()[url]["match"] for url in (liked, disliked)}

    stock = make(keep=keep)
    liked, disliked = "https://paper.test/garden/1", "https://paper.test/trains/1"
    rate(stock.store, [liked], 1, preview=False)
    rate(stock.store, [disliked], -1, preview=False)
    assert told() == {liked: True, disliked: False}
    with stock.store.write() as connection:
        connection.execute(update(urls).where(urls.c.url.in_((liked, disliked))).values(state=State.WAITING))
    stock.work("parse", stock.fetched({liked: page(BAKERY, 71), disliked: page(SEED.text, 72)}))
    assert told() == {liked: True, disliked: False}
    assert stock.articles()[liked]["revision"] == 2


def test_what_one_profile_left_unfinished_is_not_taken_up_by_another(make: Make) -> None:
    stock, seed = make(), Seed("bread", "bread.txt", "The bakery", BAKERY, "en", 50)
    config = msgspec.structs.replace(
        stock.config, profile={"bread": sections.Profile()}, sources=sections.Sources(sites=["https://paper.test/"])
    )
    profile, seed_set = Profile.learn([(seed.name, seed.title, seed.text, seed.language)]), SeedSet("", "", (seed,))
    before = stock.articles()
    run = begin(stock.store, config, profile, seed_set)
    learn_on(stock.store, run)
    with stock.store.read() as connection:
        left = runs.get(connection, stock.run)
        assert (left.stopped_by, left.ended_at is None) == ("user", False)
        assert editions.count(connection, "main") == 6 and editions.count(connection, "bread") == 0
    assert before and stock.articles() == before
    assert begin(stock.store, config, profile, seed_set) == run  # its own it takes up again


def test_another_model_judges_again_what_the_last_one_judged(make: Make, tmp_path: Path) -> None:
    stock = make(keep="all")
    before, seed = scores(stock), Seed("seed", "seed.txt", SEED.title, SEED.text, "en", 80)
    model = f"model2vec:{small_model.save(tmp_path / 'tiny', [SEED.text, TRAINS, MUSEUM, GARDEN, *pieces()])}"
    config = msgspec.structs.replace(
        stock.config,
        profile={"main": sections.Profile(model=model)},
        sources=sections.Sources(sites=["https://paper.test/"]),
    )
    run = begin(stock.store, config, Profile.learn([SEED], model=model), SeedSet("", "", (seed,)))
    assert scores(stock) == before
    assert learn_on(stock.store, run)
    with stock.store.read() as connection:
        held = runs.get(connection, run)
        judge = Judge(held.config, Profile.from_bytes(editions.get(connection, held.profile).learned, model=model))
    after = scores(stock)
    assert {edition for _, _, edition in after.values()} == {judge.name}
    assert after.keys() == before.keys() and all(after[row][0] != before[row][0] for row in after)
    assert {f"https://paper.test/trains/{number}" for number in range(2)} <= matching(stock)


def test_what_a_profile_found_is_told_apart_and_rated_by_its_own_seeds(make: Make) -> None:
    stock, bread = make(), "https://paper.test/bakery/1"
    seed = Example("bread", "The bakery", BAKERY, "en")
    profile = Profile.learn([seed])
    with stock.store.write() as connection:
        editions.keep(connection, profile.edition, "bread", "bread", [seed], profile.to_bytes())
        stock.run = runs.start(connection, stock.config, profile.edition, now=time.time()).id
    stock.work("parse", stock.fetched({bread: page(f"{BAKERY} {GARDEN}", 1)}))
    with stock.store.read() as connection:
        found = {
            name: {one["url"] for one in articles.chosen(connection, Wanted(copies=True, profile=name))}
            for name in ("main", "bread", "none", None)
        }
        answers = [len(search.find(connection, understood("the"), Wanted(copies=True, profile=one))) for one in found]
    assert (found["bread"], found["none"]) == ({bread}, set())
    assert found["main"] and found["main"] == found[None] - {bread}
    assert answers == [len(some) for some in found.values()]
    assert {one["url"] for one in rated_and_next(stock.store, 9)["next"]} == {bread}
    assert bread not in {one["url"] for one in rated_and_next(stock.store, 9, profile="main")["next"]}
    changed = judge_again(stock.store, 1.0, profile="main", preview=True).changes
    assert {change.url for change in changed} == found["main"]
    with pytest.raises(UsageError, match="judged by the seeds of none yet"):
        rate(stock.store, [bread], 1, preview=True, profile="none")
