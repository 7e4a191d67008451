"""Metrics for Prometheus. Labels have few values: no tenants, runs or other unbounded ids."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPMethod
from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from proflow_runtime.context import clock
from proflow_runtime.service.heartbeat import Heartbeat
from proflow_runtime.status import OPEN, Snapshot
from proflow_runtime.store import outbox
from proflow_runtime.store.models.approvals import Approval
from proflow_runtime.store.models.outbox import OutboxEvent
from proflow_runtime.store.models.runs import Run

if TYPE_CHECKING:
    from proflow_runtime.service.facade import ProFlow
    from proflow_runtime.service.stuck import StuckList

METHODS = frozenset(HTTPMethod)
"""The methods that are told apart; clients may send any word as a method."""


class Metrics:
    """The metrics of this process; gauges are read from the database at each scrape."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, heartbeat: Heartbeat) -> None:
        """Create the metrics.

        Args:
            heartbeat: Knows how long the event loop stood still.
        """
        self.registry = CollectorRegistry()
        self._requests = Histogram(
            "proflow_http_request_seconds",
            "Requests to the HTTP API",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._ended = Counter(
            "proflow_runs_ended", "Runs that have ended here", ("status",), registry=self.registry
        )
        self._passes = Counter(
            "proflow_passes", "Requests of Inngest that a run has made here", registry=self.registry
        )
        self._open = Gauge("proflow_runs_open", "Runs that have not ended", registry=self.registry)
        self._approvals = Gauge(
            "proflow_approvals_open", "Approvals that wait", registry=self.registry
        )
        self._overdue = Gauge(
            "proflow_approvals_overdue", "Of these, past their time", registry=self.registry
        )
        self._unsent = Gauge(
            "proflow_outbox_unsent", "Events that are still to be sent", registry=self.registry
        )
        self._failed = Gauge(
            "proflow_outbox_failed",
            "Events that were given up, of the last 30 days",
            registry=self.registry,
        )
        self._jobs = Counter(
            "proflow_jobs_failed",
            "Work in the background that has failed here, of one approval or event or as a whole",
            ("job",),
            registry=self.registry,
        )
        self._again = Counter(
            "proflow_outbox_sent_again",
            "Events that were sent again here because their effect was not seen",
            ("effect",),
            registry=self.registry,
        )
        self._age = Gauge(
            "proflow_outbox_oldest_seconds", "Age of the oldest of them", registry=self.registry
        )

        self._stuck = Gauge(
            "proflow_stuck",
            "What waits in vain, see `/operations/stuck`",
            ("reason",),
            registry=self.registry,
        )
        self._stuck_list: StuckList | None = None
        self._lag = Gauge(
            "proflow_event_loop_lag_seconds",
            "The longest standstill of the event loop in the last one to two minutes",
            registry=self.registry,
        )
        self._lag.set_function(heartbeat.longest)

    @contextmanager
    def watching(self, proflow: ProFlow) -> Iterator[None]:
        """Count replays, ended runs and what is stuck while the context is open.

        Args:
            proflow: The service whose runs are counted.
        """
        self._stuck_list = proflow.stuck
        with proflow.recorders.recording(self._record):
            yield

    def answered(self, method: str, route: str, code: int, seconds: float) -> None:
        """Record a request to the HTTP API.

        Args:
            method: The HTTP method.
            route: The path of the route, with its parameters as placeholders.
            code: The HTTP status of the response.
            seconds: How long the request took.
        """
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(code)).observe(seconds)

    def job_failed(self, job: str) -> None:
        """Count a failure of work in the background; the caller logs it.

        Args:
            job: The name of the work, such as `delivery`.
        """
        self._jobs.labels(job).inc()

    def sent_again(self, effect: str) -> None:
        """Count an event that is sent again because its effect was not seen.

        Args:
            effect: The effect, as in `OutboxEvent.effect`.
        """
        self._again.labels(effect).inc()

    def _record(self, snapshot: Snapshot) -> None:
        self._passes.inc()
        if snapshot.status != "running":
            self._ended.labels(snapshot.status).inc()

    async def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        now = clock.now()
        self._open.set(await Run.filter(status__in=OPEN).count())
        waiting = Approval.filter(status="open")
        self._approvals.set(await waiting.count())
        self._overdue.set(await waiting.filter(expires_at__lt=now).count())
        unsent = outbox.waiting()
        self._unsent.set(await unsent.count())
        self._failed.set(await OutboxEvent.filter(failed_at__isnull=False).count())
        oldest = await unsent.order_by("created_at").first()
        self._age.set(0 if oldest is None else (now - oldest.created_at).total_seconds())
        if self._stuck_list is not None:
            for reason, count in (await self._stuck_list.counts()).items():
                self._stuck.labels(reason).set(count)
        return generate_latest(self.registry)
