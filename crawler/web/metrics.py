"""The project's figures for Prometheus; counted as for the pages, so that being scraped costs no more."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crawler.web.desk import Desk
from crawler.web.frame import desk_of, state_of
from pipelines.errors import UsageError
from pipelines.stages import NAMES, TAKES
from pipelines.stores import ledger, runs


class _Figures(Collector):
    """What one scrape is told."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def collect(self) -> Iterator[Metric]:
        yield _one("suchlike_up", "Whether the dashboard can read its store.", 1)
        try:
            yield from self._stored()
        except UsageError:  # nothing has run yet
            return
        yield from self._queued()

    def _stored(self) -> Iterator[Metric]:
        with self._desk.read() as connection:
            run = self._desk.run(connection)
            pages = runs.pages_fetched(connection, run.id)
            rows = ledger.in_flight(connection)
        yield _one("suchlike_run", "The number of the latest run.", run.id)
        yield _one("suchlike_run_active", "Whether the latest run is at work.", state_of(run) == "running")
        yield _one("suchlike_run_pages", "Pages the latest run has fetched.", pages)
        stages = GaugeMetricFamily("suchlike_stage_pages", "Pages in each stage.", labels=["stage"])
        for name in NAMES:
            stages.add_metric([name], rows[TAKES[name]])
        yield stages
        counted = self._desk.counted()
        if counted is None:
            return
        census = counted.value
        yield _one(
            "suchlike_counted_seconds", "When the figures below were counted, in seconds since 1970.", counted.at
        )
        yield _one("suchlike_matches", "Stored articles that match, copies among them.", census.matches)
        yield _one("suchlike_stories", "Stories the stored matches tell.", census.stories)
        yield _one("suchlike_frontier_urls", "URLs that wait to be fetched.", census.frontier["urls"])
        yield _one("suchlike_frontier_hosts", "Hosts on which URLs wait.", census.frontier["hosts"])
        yield _one("suchlike_frontier_leased", "URLs being fetched.", census.frontier["leased"])
        ends = GaugeMetricFamily("suchlike_pages", "Pages fetched, by how they ended.", labels=["fate", "reason"])
        for fate in ("stored", "duplicate", "in_flight"):
            ends.add_metric([fate, ""], census.ends[fate])
        for fate in ("dropped", "dead", "refused"):
            for reason, number in census.ends[fate].items():
                ends.add_metric([fate, reason], number)
        yield ends

    def _queued(self) -> Iterator[Metric]:
        queued = self._desk.queued()
        if queued is None:
            return
        jobs = GaugeMetricFamily("suchlike_jobs", "Jobs in the broker's queues.", labels=["queue", "state"])
        for name, counts in queued.queues.items():
            for state, number in counts.items():
                jobs.add_metric([name, state], number)
        yield jobs
        yield _one("suchlike_workers", "Worker processes the broker knows.", len(queued.workers))


def _one(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=float(value))


def metrics(request: Request) -> Response:
    """Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(desk_of(request)))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


ROUTES = [Route("/metrics", metrics)]
