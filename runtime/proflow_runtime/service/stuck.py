"""Lists what waits in vain in a tenant, with the reason and the act that mends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from proflow_runtime.approvals import ApprovalService
from proflow_runtime.context import clock
from proflow_runtime.protocol.crons import parse_cron
from proflow_runtime.store import blocking, stuck
from proflow_runtime.store.models.approvals import Approval, Assignment
from proflow_runtime.store.models.outbox import OutboxEvent
from proflow_runtime.store.triggers import in_zone
from proflow_runtime.tenants import TenantZones

Reason = Literal[
    "approval-without-voter",
    "run-blocked",
    "not-begun",
    "not-resumed",
    "undelivered",
    "missed-cron",
]
REASONS: tuple[Reason, ...] = get_args(Reason)
LIMIT = 200
EARLY = timedelta(seconds=60)
"""How much earlier than its tick a run of a cron may have been created, as clocks differ."""
OLDEST = timedelta(days=31)
"""Ticks of crons before that are not looked at."""


@dataclass(frozen=True)
class Act:
    """The request to the API that mends something.

    Attributes:
        title: What it does.
        path: The path below the API's prefix; the method is POST.
        body: The body; `<…>` stands for what the administrator chooses.
    """

    title: str
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True)
class Stuck:
    """Something that waits in vain.

    Attributes:
        reason: Why, one of `REASONS`.
        message: The same as a sentence.
        since: Since when.
        act: What mends it.
        workflow: The workflow that it belongs to, if any; `run_id` and so on likewise.
    """

    reason: Reason
    message: str
    since: datetime
    act: Act
    workflow: str | None = None
    run_id: str | None = None
    node: str | None = None
    approval_id: int | None = None
    event_id: str | None = None


class StuckList:
    """Finds what is stuck in a tenant, and counts it for all tenants."""

    def __init__(self, approvals: ApprovalService, zones: TenantZones, after: timedelta) -> None:
        """Create it.

        Args:
            approvals: Knows which users exist.
            zones: The time zones of tenants, for crons.
            after: How long something may take before it counts as stuck.
        """
        self._approvals, self._zones, self._after = approvals, zones, after
        self._counted: tuple[datetime, dict[Reason, int]] | None = None

    async def listed(
        self, tenant_id: int, reason: Reason | None = None, limit: int = LIMIT
    ) -> list[Stuck]:
        """List what is stuck in a tenant, the oldest of each reason first.

        Args:
            tenant_id: The tenant.
            reason: Only what is stuck for this reason.
            limit: How many to return of each reason at most.
        """
        found: list[Stuck] = []
        for name in REASONS:
            if reason in (None, name):
                count = 0
                async for one in self._of(name, tenant_id, limit):
                    found.append(one)
                    count += 1
                    if count == limit:
                        break
        return found

    async def counts(self) -> dict[Reason, int]:
        """Count what is stuck in all tenants, for metrics; the result is kept for `after`."""
        now = clock.now()
        if self._counted is None or now - self._counted[0] >= self._after:
            before = now - self._after
            missed = Counter([one.workflow async for one in self._missed(None, now)])
            self._counted = (
                now,
                {
                    "approval-without-voter": await stuck.approvals_without_voter(None).count(),
                    "run-blocked": await stuck.blocked_runs(None).count(),
                    "not-begun": len(await stuck.unbegun_runs(None, before, 10_000)),
                    "not-resumed": len(await stuck.unresumed_approvals(None, before)),
                    "undelivered": await stuck.undelivered_events(None, before).count(),
                    "missed-cron": missed.total(),
                },
            )
        return self._counted[1]

    async def _of(self, reason: Reason, tenant_id: int, limit: int) -> AsyncIterator[Stuck]:
        now = clock.now()
        before = now - self._after
        match reason:
            case "approval-without-voter":
                async for approval in stuck.approvals_without_voter(tenant_id).limit(limit):
                    yield _without_voter(approval, "nobody can decide it but administrators")
                async for one in self._left(tenant_id):
                    yield one
            case "run-blocked":
                async for run in stuck.blocked_runs(tenant_id).limit(limit):
                    for why in blocking.shown(run):
                        yield Stuck(
                            reason,
                            f"{why['message']}: deploy it; the run goes on by itself then",
                            datetime.fromisoformat(why["since"]),
                            Act("try again now", f"/runs/{run.id}/unblock"),
                            workflow=run.workflow,
                            run_id=run.id,
                            node=why["node"],
                        )
            case "not-begun":
                for run in await stuck.unbegun_runs(tenant_id, before, limit):
                    yield Stuck(
                        reason,
                        "it was handed over to Inngest, which has not begun it",
                        run.created_at,
                        _again(f"run:{run.id}"),
                        workflow=run.workflow,
                        run_id=run.id,
                        event_id=f"run:{run.id}",
                    )
            case "not-resumed":
                for approval in await stuck.unresumed_approvals(tenant_id, before):
                    event_id = f"approval:{approval.id}"
                    yield Stuck(
                        reason,
                        f"it is {approval.status}, but its run still waits for that",
                        approval.resolved_at or approval.opened_at,
                        _again(event_id),
                        workflow=approval.workflow,
                        run_id=approval.run_id,
                        node=approval.node,
                        approval_id=approval.id,
                        event_id=event_id,
                    )
            case "undelivered":
                async for event in stuck.undelivered_events(tenant_id, before).limit(limit):
                    yield _undelivered(event)
            case "missed-cron":
                async for one in self._missed(tenant_id, now):
                    yield one

    async def _left(self, tenant_id: int) -> AsyncIterator[Stuck]:
        """Find open approvals that wait only for users who do not exist any more."""
        waiting: dict[int, list[str]] = {}
        rows = Assignment.filter(tenant_id=tenant_id, status="open", approval__status="open")
        async for row in rows.only("id", "approval_id", "user"):
            waiting.setdefault(row.approval_id, []).append(row.user)
        users = {user for of_approval in waiting.values() for user in of_approval}
        gone = {
            user for user in users if await self._approvals.why_unknown(tenant_id, user) is not None
        }
        left = [number for number, found in waiting.items() if gone.issuperset(found)]
        async for approval in Approval.filter(id__in=left).order_by("opened_at", "id"):
            names = ", ".join(f"`{user}`" for user in waiting[approval.id])
            yield _without_voter(approval, f"it waits for {names}, who does not exist")

    async def _missed(self, tenant_id: int | None, now: datetime) -> AsyncIterator[Stuck]:
        """Find crons whose last tick has started no run."""
        for trigger, published_at in await stuck.cron_triggers(tenant_id):
            cron = in_zone(trigger.key, await self._zones.of(trigger.tenant_id))
            due = parse_cron(cron).last_tick(now - self._after)
            if due is None or due <= published_at or due < now - OLDEST:
                continue
            if await stuck.has_run_since(trigger.tenant_id, trigger.workflow, due - EARLY):
                continue
            tick = due.strftime("%Y-%m-%dT%H:%M:%SZ")
            yield Stuck(
                "missed-cron",
                f"`{trigger.key}` was due at {tick}, and has started no run",
                due,
                Act(
                    "start the run now",
                    "/runs",
                    {
                        "workflow": trigger.workflow,
                        "data": {"scheduled_at": tick},
                        "key": f"missed:{tick}",
                    },
                ),
                workflow=trigger.workflow,
            )


def _without_voter(approval: Approval, message: str) -> Stuck:
    return Stuck(
        "approval-without-voter",
        message,
        approval.opened_at,
        Act(
            "hand it over",
            f"/approvals/{approval.id}/acts",
            {"act": "transfer", "to": "<user>"},
        ),
        workflow=approval.workflow,
        run_id=approval.run_id,
        node=approval.node,
        approval_id=approval.id,
    )


def _undelivered(event: OutboxEvent) -> Stuck:
    if event.failed_at is None:
        message = f"`{event.name}` has not been sent to Inngest yet"
    else:
        message = f"Inngest has refused `{event.name}`: {event.failure}"
    run_id = event.data.get("run_id") if isinstance(event.data, dict) else None
    act = _again(event.id)
    if event.id.startswith("run:"):
        run_id = event.id.removeprefix("run:")
        if event.failed_at is not None:  # its run has failed because of it
            act = Act("start the run again", f"/runs/{run_id}/retry")
    return Stuck(
        "undelivered",
        message,
        event.created_at,
        act,
        run_id=run_id if isinstance(run_id, str) else None,
        event_id=event.id,
    )


def _again(event_id: str) -> Act:
    return Act("send the event again", f"/operations/events/{event_id}/send")
