"""The parse stage: a body becomes an article that resembles the seeds, or a drop that says why not."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from pipelines import extract, holders, misfits, trail
from pipelines import urls as identity
from pipelines.judge import Judges
from pipelines.misfits import Traits
from pipelines.records import Article, Drop, Likeness
from pipelines.rhythm import Bounds
from pipelines.stages import LEASE_S, RING_S, Rings, Watch
from pipelines.stores import Connection, Store, articles, forgotten, ledger, ratings, rhythms, runs, stories
from pipelines.stores.articles import Draft, Known
from pipelines.stores.bodies import discard
from pipelines.stores.ledger import Taken
from pipelines.stores.states import State
from pipelines.trail import Step

# a page that was begun so often, at last alone, and never ended is not given to its parsers again
PLAIN_FROM = 4


@dataclass(frozen=True, slots=True)
class _Outcome:
    taken: Taken
    draft: Draft | None
    drop: Drop | None


class Parse:
    """Takes fetched rows; gives articles. An article that is no match is dropped, but its text and score stay."""

    name = "parse"
    reasons = extract.REASONS | misfits.REASONS

    def __init__(self, store: Store) -> None:
        self._store = store
        self._judges = Judges(store)

    def warm(self) -> None:
        """Loads what every page needs, so that processes forked from this one find it loaded."""
        extract.warm()
        identity.site_of("example.com")

    def prepare(self, rows: Sequence[int]) -> None:
        """Loads the judges of these rows' runs, with their models, so that a forked child finds them loaded."""
        with self._store.read() as connection:
            asked = ledger.runs_of(connection, rows)
        self._judges.renew(asked)
        for run in asked:
            self._judges.of(run).warm()

    def run(self, rows: Sequence[int], watch: Watch) -> Rings:
        """See Stage."""
        with self._store.write() as connection:
            taken = ledger.take(connection, State.FETCHED, rows, now=time.time(), lease_s=LEASE_S, by=holders.mine())
        self._judges.renew({one.run for one in taken})
        extracted = [self._extracted(one, watch) for one in taken]
        watch(0)
        outcomes = self._judged(extracted)
        rings: Rings = {"dedupe": [], "store": []}
        ring_after, steps = time.time() + RING_S, list[Step]()
        with self._store.write() as connection:
            known = articles.known(connection, [one.page.row for one in taken])
            if any(held.sealed for held in known.values()):
                # before any row: what is stored changes in turns, and so does the run that counts the changes
                runs.take_turn(connection)
                stories.lock(connection)
            gone = forgotten.tombstones(connection, {one.draft.article.canonical_url for one in outcomes if one.draft})
            said = self._said(connection, [one.taken for one in outcomes if one.taken.page.row in known])
            for one in outcomes:
                held = known.get(one.taken.page.row)
                again = self._once_more(one, held, said.get(one.taken.page.row, 0)) if held else one
                outcome = self._unless_forgotten(again, gone)
                if held and held.sealed:
                    steps += self._compare(connection, outcome, held, rings, ring_after)
                else:
                    steps += self._settle(connection, outcome, rings, ring_after)
        trail.tell(self.name, steps)
        return rings

    def _extracted(self, taken: Taken, watch: Watch) -> tuple[Taken, Article | Drop]:
        page = taken.page
        watch(page.row)
        try:
            agent = self._judges.of(taken.run).config.agent
            read = extract.extract if taken.attempt < PLAIN_FROM else extract.extract_plainly
            found = read(page.body, page.final_url, headers=page.headers, agent=agent, hint=taken.hint)
        except extract.NotAnArticle as error:
            return taken, Drop(page.row, self.name, error.reason, error.detail)
        canonical = identity.canonical(found.canonical_url, page.final_url) if found.canonical_url else None
        site = identity.site_of(identity.host_of(page.final_url))
        # a canonical link to another site is somebody else's claim; it decides nothing here
        if canonical is None or identity.site_of(identity.host_of(canonical)) != site:
            canonical = identity.canonical(page.final_url) or page.url
        return taken, Article(
            row=page.row,
            url=page.url,
            canonical_url=canonical,
            site=site,
            title=found.title,
            text=found.text,
            authors=found.authors,
            published=found.published,
            published_confidence=found.published_confidence,
            language=found.language,
            words=found.words,
            sha256=hashlib.sha256(found.text.encode()).hexdigest(),
            rights=found.rights,
            description=found.description,
            about=found.about,
        )

    def _judged(self, extracted: list[tuple[Taken, Article | Drop]]) -> list[_Outcome]:
        by_run: dict[int, list[Article]] = {}
        for taken, result in extracted:
            if isinstance(result, Article):
                by_run.setdefault(taken.run, []).append(result)
        scores: dict[int, Likeness] = {}
        for run, found in by_run.items():
            scores |= {a.row: s for a, s in zip(found, self._judges.of(run).score(found), strict=True)}
        return [
            _Outcome(taken, None, result) if isinstance(result, Drop)
            else self._decide(taken, result, scores[result.row])
            for taken, result in extracted
        ]  # fmt: skip

    def _decide(
        self, taken: Taken, article: Article, likeness: Likeness, found_at: float | None = None, verdict: int = 0
    ) -> _Outcome:
        """Of an article that is known, `found_at` is when it was fetched first, `verdict` what the user said of it."""
        judge, fetched_at = self._judges.of(taken.run), taken.page.fetched_at
        since = fetched_at if found_at is None else found_at
        traits = Traits(article.language, article.published, article.published_confidence, since)
        misfit = judge.misfit(likeness, traits, verdict)
        draft = Draft(article, likeness, misfit is None, fetched_at, judge.config.mode, taken.run, judge.name)
        if misfit is None or judge.keeps_all:
            return _Outcome(taken, draft, None)
        return _Outcome(taken, draft, Drop(article.row, self.name, misfit.reason, misfit.detail))

    def _said(self, connection: Connection, known: Sequence[Taken]) -> dict[int, int]:
        """What the user said of articles that are known."""
        rows: dict[int, list[int]] = {}
        for taken in known:
            rows.setdefault(taken.run, []).append(taken.page.row)
        said: dict[int, int] = {}
        for run, some in rows.items():
            if profile := self._judges.of(run).profile:
                said |= ratings.of_rows(connection, profile.edition, some)
        return said

    def _once_more(self, outcome: _Outcome, held: Known, verdict: int) -> _Outcome:
        """Looked at again, an article grows no older, and what the user said of it still counts."""
        if outcome.draft is None:
            return outcome
        return self._decide(outcome.taken, outcome.draft.article, outcome.draft.likeness, held.first_at, verdict)

    def _unless_forgotten(self, outcome: _Outcome, gone: Collection[str]) -> _Outcome:
        """A site's other addresses of an article that was forgotten are not to bring it back."""
        article = outcome.draft.article if outcome.draft else None
        if article is None or article.canonical_url not in gone:
            return outcome
        if identity.site_of(identity.host_of(article.canonical_url)) != article.site:
            return outcome
        detail = f"{article.canonical_url} was forgotten"
        return _Outcome(outcome.taken, None, Drop(article.row, self.name, forgotten.REASON, detail))

    def _compare(
        self, connection: Connection, outcome: _Outcome, held: Known, rings: Rings, ring_after: float
    ) -> list[Step]:
        """A page of a stored article came again: another text is its next revision; else it stays as it is."""
        taken, draft = outcome.taken, outcome.draft
        changed = draft is not None and outcome.drop is None and draft.article.sha256 != held.sha256
        row, page = taken.page.row, taken.page
        to = State.PARSED if changed else State.STORED
        if not ledger.move(connection, row, taken.state, taken.attempt, to=to, ring_after=ring_after):
            return []
        if changed:
            assert draft is not None
            articles.revise(connection, replace(draft, run=held.run))  # found by the run that found it first
            rings["dedupe"].append(row)
        else:
            rhythms.keep_known(connection, [row])
            discard(connection, [row])
        rhythms.compared(
            connection, row, Bounds.of(self._judges.of(taken.run).config.crawl), changed=changed,
            headers=page.headers, digest=identity.digest(page.body), run=taken.run, now=time.time(),
        )  # fmt: skip
        return [Step(row, taken.run, page.url, to, "changed" if changed else "as before")]

    def _settle(self, connection: Connection, outcome: _Outcome, rings: Rings, ring_after: float) -> list[Step]:
        row, drop = outcome.taken.page.row, outcome.drop
        archives_all = self._judges.of(outcome.taken.run).config.store.archive == "all"
        to = State.DROPPED if drop else State.PARSED
        moved = ledger.move(
            connection, row, outcome.taken.state, outcome.taken.attempt, to=to,
            reason=drop.reason if drop else None, detail=drop.detail if drop else "", ring_after=ring_after,
        )  # fmt: skip
        if not moved:
            return []
        if outcome.draft:
            articles.put(connection, outcome.draft)
        if drop is None:
            rings["dedupe"].append(row)
        elif drop.reason != forgotten.REASON and archives_all and not outcome.taken.page.archived:
            rings["store"].append(row)
        else:
            discard(connection, [row])
        return [Step(row, outcome.taken.run, outcome.taken.page.url, to, drop.reason if drop else None)]
