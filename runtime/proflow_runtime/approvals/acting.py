"""Performs the acts of people on an approval, each in one transaction that locks the approval.

An act is a vote (`approve`, `reject`, `return`), a change of approvers (`transfer`,
`add-sign-before`, `add-sign-after`), a reminder (`urge`), `withdraw` or `comment`.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from proflow_schemas.language import Text, Texts
from proflow_schemas.step_ids import step_id

from proflow_runtime.approvals.locked_approval import LONGEST_USER, LockedApproval
from proflow_runtime.approvals.refusals import ActRefused, not_yours, status_said, too_late, wrong
from proflow_runtime.context import clock
from proflow_runtime.context.permissions import ADMINISTER_APPROVALS
from proflow_runtime.status import OPEN
from proflow_runtime.store import outbox, people
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.approvals import Approval, Assignment, AuditEntry
from proflow_runtime.store.models.runs import NodeStateRow, Run
from proflow_runtime.store.outbox import Effect

TEXTS = Texts(
    "approval",
    {
        "no-act": Text("there is no act `{act:raw}`", "不支持操作 `{act:raw}`"),
        "long-comment": Text("a comment has at most {most} characters", "意见最多 {most} 个字符"),
        "no-part": Text("you do not take part in this approval", "你未参与这个审批"),
        "not-needed": Text(
            "it is not needed any more: the part of the run that it belongs to has ended",
            "不再需要处理：所属的流程部分已结束",
        ),
        "already-over": Text("it is over already: {status}", "审批已结束：{status}"),
        "run-over": Text("its run is over already: {status}", "运行已结束：{status}"),
        "gone-on": Text("the run has gone on without it: {status}", "运行已越过该节点：{status}"),
        "not-turn": Text("it is not this approver's turn yet", "还没轮到该审批人"),
        "decided": Text("this approver has decided already", "该审批人已处理"),
        "of-others": Text("the approval is assigned to others", "这个审批由其他人处理"),
        "for-whom": Text(
            "say in `instead_of` for whom you act: {users:names}",
            "请在 `instead_of` 中指明代谁处理：{users:names}",
        ),
        "expired": Text("it has expired", "审批已过期"),
        "needs-comment": Text("this act needs a comment", "请填写审批意见"),
        "no-return": Text("this approval cannot be returned", "这个审批不能退回"),
        "reminded": Text(
            "the approvers have been reminded already: wait {seconds} seconds",
            "刚刚已催办，请在 {seconds} 秒后再试",
        ),
        "no-comment": Text("there is no comment", "没有填写评论"),
        "initiator-only": Text(
            "only the user who started the run may do so",
            "只有发起人可以这样操作",
        ),
        "not-allowed": Text(
            "this approval does not allow `{act:raw}`",
            "这个审批不支持 `{act:raw}` 操作",
        ),
        "name-user": Text("name a user in `to`", "请在 `to` 中指定用户"),
        "already-asked": Text("`{user:raw}` is an approver already", "`{user:raw}` 已是审批人"),
        "self-approval": Text(
            "the user who started the run may not decide on it",
            "发起人不能审批自己的申请",
        ),
    },
)

ActName = Literal[
    "approve",
    "reject",
    "return",
    "transfer",
    "add-sign-before",
    "add-sign-after",
    "urge",
    "withdraw",
    "comment",
]
ACTS: tuple[str, ...] = get_args(ActName)
REMINDER, ASSIGNED = "approval/reminder", "approval/assigned"
"""Events from which a host learns whom to notify: approvers who are reminded, and users to whom an
approval is assigned after it was opened."""
LONGEST_COMMENT = 4000
URGE_PAUSE = timedelta(minutes=10)
"""How long an initiator must wait between two reminders of the same approval, by default."""


@dataclass(frozen=True)
class Act:
    """An act on an approval.

    Attributes:
        name: The name of the act, one of `ACTS`.
        user: The id of the user who acts.
        users: The ids of all users for whom that user may act, starting with the user's own.
        instead_of: The id of the user for whom the act is meant, if the request says so.
        comment: The user's comment.
        to: The id of the user to whom the approval is transferred, or who is added.
        permissions: What the user who acts may do in the API.
        at: When the act happens.
        urge_pause: The shortest time between two reminders by the initiator.
        cancel_event: The name of the event that cancels a run.
        unknown: Why there is no user `to`; None if there is.
    """

    name: str
    user: str
    users: tuple[str, ...]
    instead_of: str | None
    comment: str | None
    to: str | None
    permissions: frozenset[str]
    at: datetime
    urge_pause: timedelta
    cancel_event: str
    unknown: str | None = None


async def perform(
    tenant_id: int,
    user: str,
    approval_id: int,
    name: str,
    *,
    comment: str | None,
    to: str | None,
    instead_of: str | None,
    permissions: frozenset[str],
    cancel_event: str,
    urge_pause: timedelta = URGE_PAUSE,
    unknown: str | None = None,
) -> None:
    """Perform an act.

    Args:
        tenant_id: The tenant that owns the approval.
        user: The id of the user who acts.
        approval_id: The id of the approval.
        name: The name of the act.
        comment: The user's comment.
        to: The id of the user to whom the approval is transferred, or who is added.
        instead_of: The id of the user for whom `user` acts; needed if there are several.
        permissions: What the user may do in the API.
        cancel_event: The name of the event that cancels a run.
        urge_pause: The shortest time between two reminders by the initiator.
        unknown: Why there is no user `to`; None if there is.

    Raises:
        ActRefused: If the act is not allowed or comes too late; then nothing has changed.
    """
    if name not in ACTS:
        raise wrong("unknown-act", TEXTS("no-act", act=name[:40]))
    if comment is not None and len(comment) > LONGEST_COMMENT:
        raise wrong("comment-too-long", TEXTS("long-comment", most=LONGEST_COMMENT))
    represented = await people.stood_in_for(tenant_id, user)
    async with transaction() as client:
        locked = await LockedApproval.lock(client, tenant_id, approval_id)
        workflow = locked.approval.workflow
        # A user must not decide for others what they may not decide for themselves.
        itself = user == locked.approval.initiator and not _may_decide_itself(locked)
        others = [one for one, within in represented if within in (None, workflow) and not itself]
        act = Act(
            name,
            user,
            tuple(dict.fromkeys((user, *others))),
            instead_of,
            (comment or "").strip() or None,
            to,
            permissions,
            clock.now(),
            urge_pause,
            cancel_event,
            unknown,
        )
        if locked.approval.status != "open":
            if not _takes_part(locked, act):
                raise not_yours(TEXTS("no-part"))
            raise too_late(await _closed_reason(locked.approval))
        await _require_open_run(locked)
        await _PERFORM[name](locked, act)


async def _closed_reason(approval: Approval) -> str:
    """Explain why an approval cannot be decided any more."""
    if approval.status == "cancelled":
        run = await Run.get_or_none(id=approval.run_id, tenant_id=approval.tenant_id)
        if run is not None and run.status in OPEN:
            return TEXTS("not-needed")
    return TEXTS("already-over", status=status_said(approval.status))


async def _require_open_run(locked: LockedApproval) -> None:
    """Refuse if the run has ended or has passed the node, but has not closed the approval yet."""
    approval = locked.approval
    run = await Run.get_or_none(id=approval.run_id, tenant_id=approval.tenant_id).only(
        "id", "status"
    )
    if run is not None and run.status not in OPEN:
        raise too_late(TEXTS("run-over", status=status_said(run.status)))
    if approval.step != step_id(approval.node):
        return  # the node's state describes another iteration, or all items
    state = await NodeStateRow.get_or_none(run_id=approval.run_id, node=approval.node, items="")
    if state is not None and state.round == 1 and state.status not in OPEN:
        raise too_late(TEXTS("gone-on", status=status_said(state.status)))


def _takes_part(locked: LockedApproval, act: Act) -> bool:
    users = {one.user for one in locked.assignments} | {locked.approval.initiator}
    return ADMINISTER_APPROVALS in act.permissions or not users.isdisjoint(act.users)


def _own_assignment(locked: LockedApproval, act: Act) -> Assignment:
    """Find the open assignment that an act is for: the user's own, or that of `instead_of`."""
    had = {one.user for one in locked.assignments} & set(act.users)
    if act.instead_of is not None:
        users = {act.instead_of} & set(act.users)
    else:
        users = {act.user} if act.user in had else had
    mine = locked.open_of(users)
    if not mine:
        assignments = [one for one in locked.assignments if one.user in users]
        if any(one.status == "queued" for one in assignments):
            raise too_late(TEXTS("not-turn"))
        if any(one.status in ("approved", "rejected", "returned") for one in assignments):
            raise too_late(TEXTS("decided"))
        raise not_yours(TEXTS("of-others"))
    _require_not_expired(locked, act)
    if len(mine) > 1:
        text = TEXTS("for-whom", users=[one.user for one in mine])
        raise wrong("say-for-whom", text)
    return mine[0]


def _require_not_expired(locked: LockedApproval, act: Act) -> None:
    expires = locked.approval.expires_at
    if expires is not None and act.at >= expires:
        raise too_late(TEXTS("expired"))


def _require_comment(locked: LockedApproval, act: Act) -> None:
    if act.comment is None and locked.approval.requested_policy.needs_comment(act.name):
        raise wrong("comment-required", TEXTS("needs-comment"))


async def _vote(locked: LockedApproval, act: Act) -> None:
    if ADMINISTER_APPROVALS in act.permissions and not any(
        one.status == "open" for one in locked.assignments
    ):
        assignment = await _administrators(locked, act)
    else:
        assignment = _own_assignment(locked, act)
    _require_comment(locked, act)
    if act.name == "return" and "return" not in locked.approval.requested_policy.allow:
        raise not_yours(TEXTS("no-return"))
    status = {"approve": "approved", "reject": "rejected", "return": "returned"}[act.name]
    await locked.update(assignment, status=status, comment=act.comment, acted_at=act.at)
    await _note(locked, act, assignment)
    await _decide_or_advance(locked, act)


async def _administrators(locked: LockedApproval, act: Act) -> Assignment:
    """Assign an approval that nobody can decide to the administrator who decides it."""
    _require_not_expired(locked, act)
    if act.user == locked.approval.initiator and not _may_decide_itself(locked):
        raise not_yours("who has started the run may not decide on it: hand it over")
    return await locked.assign(act.user, origin="fallback")


async def _decide_or_advance(locked: LockedApproval, act: Act) -> None:
    verdict = locked.verdict()
    if verdict is None:
        for row in await locked.advance():
            await _notify_assigned(locked, row)
    else:
        await locked.decide(verdict, act.at, act.user, act.comment)


async def _transfer(locked: LockedApproval, act: Act) -> None:
    to = _new_approver(locked, act)
    if _hands_over(locked, act):
        if not any(one.status == "open" for one in locked.assignments):
            await _notify_assigned(locked, await locked.assign(to, origin="transfer"))
            await locked.note(act.at, act.user, act.name, comment=act.comment, details={"to": to})
            return
        assignment = _handed_over(locked, act)
    else:
        assignment = _own_assignment(locked, act)
        _require_allowed(locked, act, "transfer")
    successor = await locked.assign(
        to, origin="transfer", position=assignment.position, instead_of=assignment.user
    )
    successor.before_id = assignment.before_id
    await successor.save(update_fields=["before_id"])
    if assignment.status == "queued":
        await locked.update(successor, status="queued")
    await locked.update(assignment, status="transferred", comment=act.comment, acted_at=act.at)
    for row in locked.assignments:
        if row.before_id == assignment.id:
            await locked.update(row, before_id=successor.id)
    await _note(locked, act, assignment, to=to)
    if successor.status == "open":
        await _notify_assigned(locked, successor)


def _hands_over(locked: LockedApproval, act: Act) -> bool:
    """True if an administrator hands over what is assigned to others, or to nobody."""
    if ADMINISTER_APPROVALS not in act.permissions:
        return False
    if act.instead_of is not None:
        return act.instead_of not in act.users
    return not locked.open_of(set(act.users))


def _handed_over(locked: LockedApproval, act: Act) -> Assignment:
    """Find the assignment that an administrator hands over: the only open one, or `instead_of`'s."""
    waiting = [one for one in locked.assignments if one.status in ("open", "queued")]
    if act.instead_of is None:
        found = [one for one in waiting if one.status == "open"]
    else:
        found = [one for one in waiting if one.user == act.instead_of]
    if not found:
        raise wrong("unknown-user", f"the approval does not wait for `{act.instead_of}`")
    if len(found) > 1 and act.instead_of is None:
        names = ", ".join(f"`{one.user}`" for one in found)
        raise wrong("say-for-whom", f"say in `instead_of` whose approval is handed over: {names}")
    return found[0]


async def _add_before(locked: LockedApproval, act: Act) -> None:
    to = _new_approver(locked, act)
    assignment = _own_assignment(locked, act)
    _require_allowed(locked, act, "addSign")
    added = await locked.assign(
        to, origin="add-sign", position=assignment.position, before=assignment
    )
    await locked.update(assignment, status="queued")
    await _note(locked, act, assignment, to=to)
    await _notify_assigned(locked, added)


async def _add_after(locked: LockedApproval, act: Act) -> None:
    to = _new_approver(locked, act)
    assignment = _own_assignment(locked, act)
    _require_allowed(locked, act, "addSign")
    _require_comment(locked, act)
    added = await locked.assign(
        to, origin="add-sign", status="queued", position=assignment.position + 1
    )
    await locked.update(added, before_id=assignment.before_id)
    await locked.update(
        assignment, before_id=added.id, status="approved", comment=act.comment, acted_at=act.at
    )
    await _note(locked, act, assignment, to=to)
    await _decide_or_advance(locked, act)


async def _send_reminder(locked: LockedApproval, act: Act) -> None:
    _require_initiator(locked, act)
    reminded = AuditEntry.filter(approval_id=locked.approval.id, act=act.name).order_by("-id")
    last = await reminded.first()
    if last is not None and (left := last.at + act.urge_pause - act.at) > timedelta(0):
        seconds = math.ceil(left.total_seconds())
        message = TEXTS("reminded", seconds=seconds)
        raise ActRefused(429, "urged-already", message, retry_after=seconds)
    users = [one.user for one in locked.assignments if one.status == "open"]
    await locked.note(act.at, act.user, act.name, comment=act.comment, details={"users": users})
    await remind(locked, users, f"urge:{act.at.timestamp()}", by=act.user, comment=act.comment)


async def _withdraw(locked: LockedApproval, act: Act) -> None:
    _require_initiator(locked, act)
    _require_allowed(locked, act, "withdraw")
    _require_not_expired(locked, act)
    approval = locked.approval
    await locked.note(act.at, act.user, act.name, comment=act.comment)
    await locked.close("withdrawn", act.at, act.user, act.comment)
    data = {"tenant_id": approval.tenant_id, "run_id": approval.run_id}
    # Withdrawing another approval of the run sends an event of its own.
    event_id = f"cancel:{approval.run_id}:{approval.id}"
    effect = Effect("ended", approval.run_id)
    await outbox.put(
        locked.client, event_id, approval.tenant_id, act.cancel_event, data, effect=effect
    )


async def _comment(locked: LockedApproval, act: Act) -> None:
    if not _takes_part(locked, act):
        raise not_yours(TEXTS("no-part"))
    if act.comment is None:
        raise wrong("comment-required", TEXTS("no-comment"))
    await locked.note(act.at, act.user, act.name, comment=act.comment)


_PERFORM: dict[str, Callable[[LockedApproval, Act], Awaitable[None]]] = {
    "approve": _vote,
    "reject": _vote,
    "return": _vote,
    "transfer": _transfer,
    "add-sign-before": _add_before,
    "add-sign-after": _add_after,
    "urge": _send_reminder,
    "withdraw": _withdraw,
    "comment": _comment,
}


async def remind(
    locked: LockedApproval,
    users: list[str],
    occasion: str,
    *,
    by: str | None,
    comment: str | None = None,
) -> None:
    """Send the event that tells the host whom to remind, when the transaction commits.

    Args:
        locked: The approval.
        users: The ids of the approvers to remind.
        occasion: What the reminder is due to; there is one event for each occasion.
        by: The id of the user who reminds; None if the service does.
        comment: The comment of that user.
    """
    event_id = f"reminder:{locked.approval.id}:{occasion}"
    await _put_event(locked, REMINDER, event_id, users, by=by, comment=comment)


async def _notify_assigned(locked: LockedApproval, row: Assignment) -> None:
    """Send the event that tells the host of a new assignment, when the transaction commits."""
    await announce_assigned(locked, [row.user], str(row.id))


async def announce_assigned(locked: LockedApproval, users: list[str], occasion: str) -> None:
    """Send the event that tells the host that an approval waits for users, at the commit.

    Args:
        locked: The approval.
        users: The ids of the users.
        occasion: What has assigned it to them; there is one event for each occasion.
    """
    await _put_event(locked, ASSIGNED, f"assigned:{occasion}", users)


async def _put_event(
    locked: LockedApproval,
    name: str,
    event_id: str,
    users: list[str],
    *,
    by: str | None = None,
    comment: str | None = None,
) -> None:
    approval = locked.approval
    data = {
        "tenant_id": approval.tenant_id,
        "approval_id": approval.id,
        "run_id": approval.run_id,
        "workflow_id": approval.workflow,
        "node_id": approval.node,
        "label": approval.label,
        "users": users,
        "by": by,
        "comment": comment,
    }
    await outbox.put(locked.client, event_id, approval.tenant_id, name, data)


def _require_initiator(locked: LockedApproval, act: Act) -> None:
    if locked.approval.initiator != act.user:
        raise not_yours(TEXTS("initiator-only"))


def _require_allowed(locked: LockedApproval, act: Act, name: str) -> None:
    if name not in locked.approval.requested_policy.allow:
        raise not_yours(TEXTS("not-allowed", act=act.name))


def _new_approver(locked: LockedApproval, act: Act) -> str:
    """Find the user to assign: the one named in `to`, who must not be an approver yet."""
    to = (act.to or "").strip()
    if not to or len(to) > LONGEST_USER:
        raise wrong("unknown-user", TEXTS("name-user"))
    if act.unknown is not None:
        raise wrong("unknown-user", act.unknown)
    if any(one.user == to for one in locked.counted):
        raise ActRefused(409, "already-asked", TEXTS("already-asked", user=to))
    if to == locked.approval.initiator and not _may_decide_itself(locked):
        raise wrong("self-approval", TEXTS("self-approval"))
    return to


def _may_decide_itself(locked: LockedApproval) -> bool:
    return locked.approval.requested_policy.self_approval == "allow"


async def _note(
    locked: LockedApproval, act: Act, assignment: Assignment, *, to: str | None = None
) -> None:
    details = {}
    if assignment.user != act.user:
        details["instead_of"] = assignment.user
    if to is not None:
        details["to"] = to
    await locked.note(act.at, act.user, act.name, comment=act.comment, details=details or None)
