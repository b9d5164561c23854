"""How linked articles fall into stories, whatever order they came in. Pure.

In the order of their ranks (see `Told.rank`), an article that tells the same text as a canonical one before it is a
copy, and one that does not is canonical itself: so every copy is like its canonical article and not only like another
copy, and no chain of look-alikes ties unrelated articles together. This is the lexicographically first maximal
independent set of the graph of links (star clustering: Aslam, Pelekhov, Rus 2004, with ranks in place of degrees).

An article that holds several others which have nothing to do with each other (a live blog, a round-up) is linked only
to those that are like the whole of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pipelines.sameness import Link, Told

Linking = Callable[[Told, Told], Link | None]

# among more different texts than this it is not asked which one holds others
MOST_COMPARED = 60


@dataclass(slots=True)
class Story:
    """Articles that tell one text: the canonical one, and copies of it, each with what shows it."""

    canonical: Told
    copies: list[tuple[Told, Link]] = field(default_factory=list)


def fold(members: Iterable[Told], link: Linking) -> list[Story]:
    """The stories of these articles, by the ranks of their canonical ones; `link` must not depend on the order."""
    ranked = sorted(members, key=lambda member: member.rank)
    holders = _holders(ranked, link)
    stories: list[Story] = []
    left: list[tuple[Told, list[tuple[Story, Link]]]] = []
    for one in ranked:
        found = [(story, made) for story in stories if (made := _kept(story.canonical, one, link, holders))]
        if found:
            left.append((one, found))
        else:
            stories.append(Story(one))
    for one, found in left:
        story, made = max(found, key=lambda pair: pair[1].similarity)  # of equals the first, by rank
        story.copies.append((one, made))
    return stories


def _kept(one: Told, other: Told, link: Linking, holders: set[str]) -> Link | None:
    """The link of two articles, unless the longer one holds this one among others."""
    made = link(one, other)
    if made is None or made.whole or max(one, other, key=_length).sha256 not in holders:
        return made
    return None


def _length(one: Told) -> tuple[int, str]:
    return len(one.text), one.sha256


def _holders(ranked: Sequence[Told], link: Linking) -> set[str]:
    """The texts that hold several articles which nothing else connects."""
    texts = {one.sha256: one for one in reversed(ranked)}  # the first of each text stands for it
    if not 2 < len(texts) <= MOST_COMPARED:
        return set()
    links: dict[str, dict[str, Link]] = {sha256: {} for sha256 in texts}
    distinct = list(texts.values())
    for at, one in enumerate(distinct):
        for other in distinct[:at]:
            if made := link(one, other):
                links[one.sha256][other.sha256] = links[other.sha256][one.sha256] = made
    return {
        sha256 for sha256, one in texts.items()
        if not _connected(sha256, [
            other for other, made in links[sha256].items()
            if not made.whole and _length(texts[other]) < _length(one)
        ], links)
    }  # fmt: skip


def _connected(holder: str, parts: Sequence[str], links: dict[str, dict[str, Link]]) -> bool:
    """Whether the parts hang together without the holder."""
    if len(parts) < 2:
        return True
    reached, todo = {holder, parts[0]}, [parts[0]]
    while todo:
        new = links[todo.pop()].keys() - reached
        reached |= new
        todo += new
    return reached.issuperset(parts)
