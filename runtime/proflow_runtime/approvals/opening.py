"""Opens an approval: finds the approvers and assigns the approval to them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import inngest
from proflow_schemas.step_ids import node_of
from tortoise.exceptions import IntegrityError

from proflow_runtime.approvals.acting import announce_assigned
from proflow_runtime.approvals.locked_approval import LONGEST_USER, SYSTEM, LockedApproval
from proflow_runtime.approvals.resolving import ApproverSpec, Context, Resolver, why_nobody
from proflow_runtime.approvals.tally import ratio_of
from proflow_runtime.context import clock
from proflow_runtime.flow.approvals import OpenRequest
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.approvals import Approval
from proflow_runtime.store.models.runs import Run

log = logging.getLogger("proflow.approvals")
ADMIN = ApproverSpec("admin")


class Approvers:
    """The approvers that were found.

    Attributes:
        users: The ids of the users who are asked, in order and without duplicates.
        origin: How they became approvers, as in `Assignment.origin`.
        skipped: The id of the initiator, if the initiator is an approver and the policy is to skip
            self-approval.
        unknown: The ids that were named, but belong to nobody.
        administrators: Who is told of an approval that nobody can decide.
    """

    def __init__(
        self,
        users: list[str],
        origin: str = "named",
        skipped: str | None = None,
        *,
        unknown: Sequence[str] = (),
        administrators: Sequence[str] = (),
    ) -> None:
        self.users = users
        self.origin = origin
        self.skipped = skipped
        self.unknown = list(unknown)
        self.administrators = list(administrators)


async def open_approval(request: OpenRequest, resolver: Resolver) -> bool:
    """Open an approval, unless it exists already.

    Approvers are resolved before the transaction, because a host's resolver may take long.

    Args:
        request: The approval that a run has reached.
        resolver: Finds the approvers.

    Returns:
        True if the approval was opened now, so that events may be waiting in the outbox.
    """
    known = await Approval.get_or_none(
        tenant_id=request.tenant_id, run_id=request.run_id, step=request.step
    )
    if known is not None:
        return known.attempt < request.attempt and await _go_on(known, request)
    found = await _approvers(request, resolver)
    try:
        async with transaction() as client:
            await _opened(LockedApproval(client, _row(request, clock.now()), []), request, found)
    except IntegrityError:  # it was opened at the same time
        return False
    return True


async def _go_on(known: Approval, request: OpenRequest) -> bool:
    """Let a later attempt at the run wait for an approval that an earlier one has opened.

    Nobody who has voted is asked again: the votes stand, and a decision is sent again.
    """
    now = clock.now()
    async with transaction() as client:
        locked = await LockedApproval.lock(client, request.tenant_id, known.id)
        approval = locked.approval
        if approval.attempt >= request.attempt:
            return False  # another process has done it
        approval.attempt = request.attempt
        await approval.save(update_fields=["attempt"])
        if approval.status in ("open", "cancelled", "withdrawn"):
            await locked.reopen(_row(request, now))
        elif approval.status != "open":
            await locked.answer_again()
    return True


async def never_open(tenant_id: int, run_id: str, step: str) -> None:
    """Keep an approval from being opened later, by creating it as cancelled unless it exists.

    Args:
        tenant_id: The tenant that owns the run.
        run_id: The run.
        step: The execution of the approval, as in `OpenRequest.step`.
    """
    run = await Run.get_or_none(id=run_id, tenant_id=tenant_id).only("workflow")
    if run is None or await Approval.exists(run_id=run_id, step=step):
        return
    now = clock.now()
    approval = Approval(
        tenant_id=tenant_id,
        run_id=run_id,
        workflow=run.workflow,
        node=node_of(step),
        step=step,
        label="",
        answer_event="",
        answer_data={},
        mode="any",
        policy={},
        opened_at=now,
    )
    try:
        async with transaction() as client:
            locked = LockedApproval(client, approval, [])
            await approval.save()
            await locked.close("cancelled", now)
    except IntegrityError:  # it was opened at the same time
        return


def _row(request: OpenRequest, now: datetime) -> Approval:
    policy = request.policy
    keeps_waiting = policy.timeout_action == "remind"
    ends = None if policy.timeout is None else now + policy.timeout
    first = None if policy.reminders is None else now + policy.reminders.after
    if keeps_waiting and first is None:
        first = ends
    return Approval(
        tenant_id=request.tenant_id,
        run_id=request.run_id,
        workflow=request.workflow,
        node=request.node,
        step=request.step,
        label=request.label[:255],
        answer_event=request.answer_event,
        answer_data=dict(request.answer_data),
        mode=policy.mode,
        pass_ratio=str(ratio_of(policy.pass_ratio)) if policy.mode == "quorum" else None,
        policy=policy.document(),
        initiator=request.initiator,
        opened_at=now,
        expires_at=None if keeps_waiting else ends,
        next_reminder_at=first,
        attempt=request.attempt,
    )


async def _opened(locked: LockedApproval, request: OpenRequest, found: Approvers) -> None:
    approval = locked.approval
    await approval.save()
    now = approval.opened_at
    sequential = approval.mode == "sequential"
    previous = None
    # From the last to the first, because each refers to the one that follows.
    for position, user in reversed(list(enumerate(found.users))):
        previous = await locked.assign(
            user,
            origin=found.origin,
            position=position,
            status="queued" if sequential and position else "open",
            before=previous if sequential else None,
        )
    details: dict[str, Any] = {"approvers": found.users}
    if found.unknown:
        details["unknown"] = found.unknown
    if found.skipped is not None:
        details["skipped"] = found.skipped
        await locked.assign(found.skipped, origin="named", status="skipped")
    await locked.note(now, SYSTEM, "opened", details=details)
    if found.users:
        return
    empty = request.policy.empty_approver_policy
    if found.skipped is not None or empty == "autoPass":
        await locked.decide("approved", now, SYSTEM)
    elif empty == "autoReject":
        await locked.decide("rejected", now, SYSTEM)
    else:
        about = {
            "tenant_id": approval.tenant_id,
            "run_id": approval.run_id,
            "node_id": approval.node,
        }
        log.warning("nobody can decide approval %d but administrators", approval.id, extra=about)
        if found.administrators:
            await announce_assigned(locked, found.administrators, f"administrators:{approval.id}")


async def _approvers(request: OpenRequest, resolver: Resolver) -> Approvers:
    policy = request.policy
    found, unknown = await _resolved(request, resolver, request.approvers)
    rule = policy.self_approval or "forbid"
    itself = request.initiator if request.initiator in found and rule != "allow" else None
    named = [user for user in found if user != itself]
    skipped = itself if rule == "skip" else None
    if named or skipped:
        return Approvers(named, skipped=skipped, unknown=unknown)
    others: tuple[str, ...]
    match policy.empty_approver_policy:
        case "fallbackUser":
            others = policy.fallback_approvers
        case "escalateAdmin":
            others = (str(ADMIN),)
        case _:
            others = ()
    fallback, more = await _resolved(request, resolver, others)
    allowed = [user for user in fallback if rule == "allow" or user != request.initiator]
    administrators: list[str] = []
    if not allowed:
        administrators, _ = await _resolved(request, resolver, (str(ADMIN),))
    return Approvers(
        allowed,
        origin="fallback",
        unknown=list(dict.fromkeys((*unknown, *more))),
        administrators=administrators,
    )


async def _resolved(
    request: OpenRequest, resolver: Resolver, approvers: tuple[str, ...]
) -> tuple[list[str], list[str]]:
    """Find the users that approvers stand for, and the ids that belong to nobody."""
    context = Context(
        request.workflow, request.node, request.run_id, request.initiator, request.data
    )
    found: dict[str, None] = {}
    for text in approvers:
        users = await resolver.resolve(request.tenant_id, ApproverSpec.of(text), context)
        found.update(dict.fromkeys(str(user) for user in users))
    for user in (*found, request.initiator or ""):
        if len(user) > LONGEST_USER:
            raise inngest.NonRetriableError(
                f"`{request.node}` asks `{user[:40]}…`, whose id has more than"
                f" {LONGEST_USER} characters"
            )
    unknown = [
        user
        for user in found
        if await why_nobody(resolver, request.tenant_id, ApproverSpec("user", user)) is not None
    ]
    return [user for user in found if user not in unknown], unknown
