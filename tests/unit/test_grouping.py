"""Seeds that belong together are told from those that do not, at the grain asked for."""

from __future__ import annotations

import pytest
from test_likeness import OTHERS, SEEDS

from pipelines.likeness import learn
from pipelines.likeness.grouping import places, to_others
from pipelines.likeness.profile import Profile

STRANGERS = [(name, "", text, "en") for name, text in OTHERS.items()]


def test_seeds_of_one_subject_are_one_group_and_strangers_each_their_own() -> None:
    found = places([STRANGERS[0], *SEEDS, *STRANGERS[1:]], "topic")
    assert [place.group for place in found] == [2, 1, 1, 1, 3, 4]
    ours = {name for name, *_ in SEEDS}
    for place in found[1:4]:
        assert place.nearest in ours - {place.name}
        assert place.closeness is not None and place.closeness >= 0.5
    assert all(place.closeness is not None and place.closeness < 0.5 for place in (found[0], *found[4:]))
    (alone,) = places(SEEDS[:1], "topic")
    assert (alone.group, alone.nearest, alone.closeness) == (1, None, None)


@pytest.mark.parametrize("grain", ["story", "topic", "beat"])
def test_a_seed_is_to_the_others_what_a_page_would_be(grain: str) -> None:
    seeds = [*SEEDS, STRANGERS[0]]
    told = list(to_others(seeds, grain))
    for at, (name, title, text, language) in enumerate(seeds):
        others = [other for other in seeds if other[0] != name]
        expected = Profile.learn(others, grain=grain).score(title, text, language).score
        assert told[at] == pytest.approx(expected, abs=1e-6)
    assert list(to_others(seeds[:1], grain)) == [None]


def test_seeds_are_settled_once_each_to_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    settled, times = learn.settled, []

    def counted(*given: object, **named: object) -> object:
        times.append(given)
        return settled(*given, **named)  # type: ignore[arg-type]  # what it was given

    monkeypatch.setattr(learn, "settled", counted)
    assert len(list(to_others(SEEDS, "topic"))) == len(times) == len(SEEDS)


def test_auto_asks_more_where_the_seeds_find_each_other_than_where_they_lie_apart() -> None:
    alike, apart = Profile.learn(SEEDS), Profile.learn(STRANGERS)
    assert alike.threshold() > 0.5 > apart.threshold()
