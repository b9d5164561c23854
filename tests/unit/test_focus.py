"""The frontier's estimates: what they start from, what they learn, and that they are the same every time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from crawler.frontier.focus import BARREN_AFTER, EARLY, LIST_EXPECTED, MAX_LISTS, START_EXPECTED, TUNNEL_FREE, Focus
from crawler.frontier.linktable import MAX_LINKS_EACH
from crawler.frontier.trials import LEAST, TRIAL, Trials
from pipelines import urls as identity
from pipelines.likeness.profile import Profile
from pipelines.records import Candidate

SEED = (
    "The dredger strike has left silt in the harbour channel, and the harbour board must find a contractor who will "
    "dredge the berths before the winter; the tender for dredging the silt was annulled by the board in March."
)


@pytest.fixture(scope="module")
def profile() -> Profile:
    return Profile.learn([("strike", "Dredger strike silts up the harbour", SEED, "en")])


def link(path: str, anchor: str = "", context: str = "", source: str = "links") -> Candidate:
    return Candidate(f"https://paper.test/{path}", source, anchor=anchor, context=context)


def expected(focus: Focus, candidate: Candidate, parent: int | None = 1, likeness: float = 0.2) -> float:
    return focus.expected([candidate], parent=parent, parent_likeness=likeness, depth=1)[0]


def test_an_anchor_that_names_the_subject_is_worth_more(profile: Profile) -> None:
    focus = Focus(profile)
    named = expected(focus, link("a", "Harbour board annuls dredging tender"))
    assert named > expected(focus, link("b", "Rangers win the derby")) > 0


# one that names the seeds' subject and one that does not, in words that stand at one place only
def _told(place: str, words: str, number: int = 0) -> Candidate:
    path = f"{words.lower().replace(' ', '-')}/{number}" if place == "url" else f"{number}"
    feed = Candidate(f"https://paper.test/{path}", "feed", title=words)
    return feed if place == "title" else link(path, *{"url": [], "anchor": [words], "context": ["More", words]}[place])


@pytest.mark.parametrize("place", ["anchor", "context", "title", "url"])
def test_words_of_the_seeds_are_worth_more_wherever_they_stand(profile: Profile, place: str) -> None:
    focus = Focus(profile)
    named = expected(focus, _told(place, "Harbour board annuls dredging tender", 1))
    assert named > 1.2 * expected(focus, _told(place, "Rangers win their cup", 2))


@pytest.mark.parametrize("place", ["anchor", "context", "title", "url"])
def test_words_are_learned_wherever_they_stand(profile: Profile, place: str) -> None:
    focus, waits = Focus(profile), _told(place, "Ferry timetable")
    before = expected(focus, waits)
    for number in range(1, 20):
        for words, likeness in (("Ferry story", 0.95), ("Football story", 0.02)):
            seen = _told(place, words, number)
            expected(focus, seen)
            focus.learn(seen.url, 1, likeness, alike=likeness > 0.5)
    after, other = expected(focus, _told(place, "Ferry ride", 99)), expected(focus, _told(place, "Football ride", 99))
    assert after > 1.5 * other
    assert dict(focus.rescored())[identity.key(waits.url)] > 1.5 * before


def test_an_anchor_close_in_meaning_is_worth_more_without_any_word_of_the_seeds(profile: Profile) -> None:
    focus = Focus(profile)
    near = expected(focus, link("a", "Ships wait at the quay as the port silts up"))
    assert near > 1.5 * expected(focus, link("b", "Ten ways to decorate a cake at home"))


def test_a_link_of_a_like_page_is_worth_more_than_the_same_link_of_an_unlike_one(profile: Profile) -> None:
    focus = Focus(profile)
    assert expected(focus, link("a", "Read more"), likeness=0.9) > expected(focus, link("b", "Read more"), likeness=0.0)


@pytest.mark.parametrize(
    ("path", "published", "is_early"),
    [("a", "2026-10-31T23:00:00Z", True), ("a", "Sat, 31 Oct 2026 08:00:00 GMT", True), ("2019/05/17/a", "", True),
     ("a", "2026-11-01", False), ("a", "", False), ("a", "last week", False), ("2026/11/05/a", "", False),
     ("2019/05/17/a", "2026-11-05T08:00:00Z", False)],
)  # fmt: skip
def test_what_is_dated_before_the_first_day_asked_for_comes_behind(
    profile: Profile, path: str, published: str, is_early: bool
) -> None:
    dated = Candidate(f"https://paper.test/{path}", "feed", title="Dredging of silt", published=published)
    share = EARLY if is_early else 1.0
    for first_day, of_it in (("2026-11-01", share), (None, 1.0)):
        focus, other = Focus(profile, first_day=first_day), Focus(profile)
        assert expected(focus, dated) == pytest.approx(of_it * expected(other, dated))
        for learns in (focus, other):
            for number in range(5):
                learns.learn(f"https://paper.test/other{number}", 1, 0.9, alike=True)
        key = identity.key(dated.url)
        assert dict(focus.rescored())[key] == pytest.approx(of_it * dict(other.rescored())[key]), "and stays there"


def test_lists_and_starting_points_come_first(profile: Profile) -> None:
    focus = Focus(profile)
    feed = Candidate("https://paper.test/feed.xml", "links", "feed")
    assert expected(focus, feed) == LIST_EXPECTED
    assert expected(focus, link("", source="start")) == START_EXPECTED


def test_of_a_site_with_ever_more_lists_the_later_ones_come_behind_and_at_last_none_is_taken(profile: Profile) -> None:
    focus = Focus(profile)
    lists = [Candidate(f"https://{n}.maps.test/map.xml", "sitemap", "sitemap") for n in range(MAX_LISTS)]
    worth = [expected(focus, one) for one in lists]
    assert set(worth[: int(TRIAL)]) == {LIST_EXPECTED}
    assert all(late < early for early, late in itertools.pairwise(worth[int(TRIAL) - 1 :]))
    assert focus.sated(lists[0])
    assert not focus.sated(link("a"))
    feed = Candidate("https://paper.test/feed.xml", "links", "feed")
    assert (focus.sated(feed), expected(focus, feed)) == (False, LIST_EXPECTED)


def test_words_that_led_to_matches_are_learned(profile: Profile) -> None:
    focus = Focus(profile)
    waiting = link("late", "Ferry timetable thinned for want of water")
    before = expected(focus, waiting)
    for number in range(30):
        good = link(f"g{number}", f"Ferry and water story {number}")
        bad = link(f"b{number}", f"Football story {number}")
        expected(focus, good)
        expected(focus, bad)
        focus.learn(good.url, 1, 0.95, alike=True)
        focus.learn(bad.url, 1, 0.02, alike=False)
    after = dict(focus.rescored())[identity.key(waiting.url)]
    assert after > 1.5 * before


def test_children_of_a_page_whose_other_children_matched_are_worth_more(profile: Profile) -> None:
    focus = Focus(profile)
    of_good, of_bad = link("x", "Read more"), link("y", "Read more")
    expected(focus, of_good, parent=10)
    expected(focus, of_bad, parent=11)
    for number in range(6):
        for parent, likeness in ((10, 0.9), (11, 0.0)):
            child = link(f"{parent}-{number}", "Read on")
            expected(focus, child, parent=parent)
            focus.learn(child.url, parent, likeness, alike=likeness > 0.5)
    scores = dict(focus.rescored())
    assert scores[identity.key(of_good.url)] > scores[identity.key(of_bad.url)]


def test_the_same_pages_in_the_same_order_give_the_same_estimates(profile: Profile) -> None:
    def crawl() -> list[tuple[int, float]]:
        focus = Focus(profile)
        for number in range(40):
            expected(focus, link(f"p{number}", f"silt story {number % 7}"), parent=number % 5)
        for number in range(20):
            focus.learn(f"https://paper.test/p{number}", number % 5, (number % 3) / 2, alike=number % 3 > 0)
        return focus.rescored()

    assert crawl() == crawl() != []


def test_being_named_again_counts(profile: Profile) -> None:
    focus = Focus(profile)
    waiting = link("a", "Older articles")
    before = expected(focus, waiting)
    again = [link("a", "Dredging row splits the harbour board")]
    assert focus.expected([], parent=3, parent_likeness=0.8, depth=1, known=again) == []
    for number in range(5):
        focus.learn(f"https://paper.test/other{number}", None, 0.1, alike=False)
    assert dict(focus.rescored())[identity.key(waiting.url)] > before


def test_a_page_that_names_as_new_and_again_what_waits_already_counts_once(profile: Profile) -> None:
    """As after a crawl was taken up again: what waits is in the table, and this process has seen none of it."""
    focus, waiting = Focus(profile), link("a", "Older articles")
    expected(focus, waiting)
    focus.expected([waiting], parent=2, parent_likeness=0.2, depth=1, known=[waiting, waiting])
    table = focus._table
    assert table._number == int(table._count[0]) == 2
    assert (table._before[1], table._last[0]) == (0, 1)


def test_who_waits_is_worth_hearing_of_until_enough_name_it_or_it_is_fetched(profile: Profile) -> None:
    focus, many, fetched = Focus(profile), link("many", "Older articles"), link("fetched", "Newer articles")
    key_of_many, key_of_fetched = identity.key(many.url), identity.key(fetched.url)
    assert not focus.wants(key_of_many)
    expected(focus, many)
    expected(focus, fetched)
    assert focus.wants(key_of_many) and focus.wants(key_of_fetched)
    focus.learn(fetched.url, 1, 0.1, alike=False)
    for parent in range(2, MAX_LINKS_EACH + 1):
        assert focus.wants(key_of_many)
        focus.expected([], parent=parent, parent_likeness=0.2, depth=1, known=[many])
    assert not focus.wants(key_of_many) and not focus.wants(key_of_fetched)


def test_a_shape_of_url_that_brought_nothing_for_long_is_barren_unless_the_anchor_speaks_for_it(
    profile: Profile,
) -> None:
    focus = Focus(profile)
    for number in range(BARREN_AFTER):
        focus.learn(f"https://paper.test/calendar/2026/{number}", 1, 0.0, alike=False)
    assert focus.barren(link("calendar/2026/99", "Next month"))
    assert not focus.barren(link("calendar/2026/99", "Harbour board and the dredging of silt"))
    assert not focus.barren(link("news/2026/99", "Next month"))
    # nobody's pages speak for another site's
    assert not focus.barren(Candidate("https://other.test/calendar/2026/99", "links", anchor="Next month"))
    focus.learn("https://other.test/calendar/2026/50", 1, 0.9, alike=True)
    assert focus.barren(link("calendar/2026/99", "Next month"))
    focus.learn("https://paper.test/calendar/2026/50", 1, 0.9, alike=True)
    assert not focus.barren(link("calendar/2026/99", "Next month"))


def test_a_host_that_promises_and_does_not_keep_it_comes_behind_others_but_never_to_nothing(profile: Profile) -> None:
    focus = Focus(profile)
    anchor = "Harbour board annuls dredging tender"
    for number in range(300):
        # names of hosts cost nothing
        lure = Candidate(f"https://{number}.liar.test/{number}", "links", anchor=anchor)
        expected(focus, lure)
        focus.learn(lure.url, 1, 0.0, alike=False)
        honest = link(f"{number}", anchor)
        expected(focus, honest)
        focus.learn(honest.url, 1, 0.9, alike=True)
    worth = {
        host: expected(focus, Candidate(f"https://{host}/late", "links", anchor=anchor), parent=None)
        for host in ("liar.test", "paper.test", "new.test")
    }
    assert 0 < worth["liar.test"] < worth["paper.test"] / 10
    assert worth["new.test"] == pytest.approx(worth["paper.test"])


def test_a_site_that_serves_nothing_comes_behind_and_what_its_links_say_is_no_worse_for_it(profile: Profile) -> None:
    focus, anchor = Focus(profile), "Harbour board annuls dredging tender"
    elsewhere = expected(focus, link("1", anchor))
    for number in range(300):
        refused = Candidate(f"https://closed.test/{number}", "links", anchor=anchor)
        expected(focus, refused)
        focus.unserved(refused.url)
    worth = expected(focus, Candidate("https://closed.test/late", "links", anchor=anchor))
    assert 0 < worth < elsewhere / 10
    assert expected(focus, link("2", anchor)) == elsewhere
    assert not focus.wants(identity.key("https://closed.test/7"))


def test_a_link_teaches_the_same_where_its_page_has_moved(profile: Profile) -> None:
    def taught(*ways: str) -> dict[int, float]:
        focus = Focus(profile)
        for number in range(20):
            found = link(f"{number}", f"Ferry and water story {number}")
            expected(focus, found, parent=number % 2)
            url, row = found.url, number % 2
            for way in ways:
                focus.moved(url, f"{found.url}{way}", row, 100 + len(way) * 20 + number)
                url, row = f"{found.url}{way}", 100 + len(way) * 20 + number
            focus.learn(url, row, number % 2, alike=number % 2 > 0)
        for parent in (0, 1):
            expected(focus, link(f"waits-{parent}", "Ferry timetable"), parent=parent)
        focus.learn("https://paper.test/other", None, 0.1, alike=False)
        return dict(focus.rescored()) | {
            parent: expected(focus, link(f"late-{parent}", "Ferry timetable"), parent=parent) for parent in (0, 1)
        }

    assert taught() == taught("/") == taught("/", "/index")


def test_what_has_moved_to_a_page_that_is_known_waits_no_longer(profile: Profile) -> None:
    focus, gone, moved, there = Focus(profile), link("gone"), link("moved"), link("there")
    for candidate in (gone, moved, there):
        expected(focus, candidate)
    focus.moved(gone.url, None, 1, 7)
    focus.moved(moved.url, there.url, 1, 8)
    assert [focus.wants(identity.key(one.url)) for one in (gone, moved, there)] == [False, False, True]


def test_a_host_is_on_trial_for_some_pages_only(profile: Profile) -> None:
    trials = Trials()
    for _ in range(int(TRIAL)):
        trials.fetched("new.test", 0.0)
    assert trials.discount(np.array([trials.number("new.test")])) == [1.0]
    for _ in range(1_000):
        trials.fetched("new.test", 0.0)
        trials.fetched("good.test", 0.2)
    numbers = np.array([trials.number(host) for host in ("new.test", "good.test", "other.test")], np.int32)
    assert trials.discount(numbers).tolist() == [LEAST, 1.0, 1.0]


def test_what_lies_behind_many_unlike_pages_is_worth_ever_less_but_something(profile: Profile) -> None:
    focus = Focus(profile)
    worth = [
        focus.expected([link(f"d{depth}", "Older")], parent=1, parent_likeness=0.1, depth=depth)[0]
        for depth in range(1, 12)
    ]
    assert worth[:TUNNEL_FREE] == pytest.approx([worth[0]] * TUNNEL_FREE)
    assert all(near > far > 0 for near, far in itertools.pairwise(worth[TUNNEL_FREE - 1 :]))
    assert focus.next_depth(7, alike=False) == 8
    assert focus.next_depth(7, alike=True) == 1


def test_breadth_orders_by_depth_alone(profile: Profile) -> None:
    focus = Focus(profile, breadth=True)
    [near] = focus.expected([link("a")], parent=1, parent_likeness=0.0, depth=1)
    [far] = focus.expected([link("b", "dredging silt harbour")], parent=1, parent_likeness=1.0, depth=2)
    assert near > far
    assert focus.rescored() == []


def test_more_links_than_fit_are_forgotten_not_grown(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.frontier.linktable.MAX_LINKS", 200)
    focus = Focus(profile)
    for number in range(1_000):
        candidate = link(f"p{number}", f"story {number}")
        assert 0 < expected(focus, candidate, parent=number % 9) < 1
        if number % 3 == 0:
            focus.learn(candidate.url, number % 9, 0.1, alike=False)
    assert len(focus.rescored()) <= 200
