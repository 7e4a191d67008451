"""What people do with an approval: each act in one transaction, under the approval's lock."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from proflow_schemas.step_ids import step_id

from proflow_runtime.approvals.board import LONGEST_USER, Board
from proflow_runtime.approvals.refusals import ActRefused, not_yours, too_late, wrong
from proflow_runtime.context import clock
from proflow_runtime.store import outbox, people
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.approvals import Approval, Assignment, AuditEntry
from proflow_runtime.store.models.runs import NodeStateRow, Run
from proflow_runtime.store.runs import CANCEL_EVENT, OPEN

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
"""Events that hosts listen to for telling people: again, and those who are asked later than first."""
LONGEST_COMMENT = 4000
URGE_PAUSE = timedelta(minutes=10)
"""Between two times that an initiator urges, at least."""
ADMIN = "admin"


@dataclass(frozen=True)
class Act:
    """Somebody does something; `users` are those they may act for, themselves first."""

    name: str
    user: str
    users: tuple[str, ...]
    instead_of: str | None
    comment: str | None
    to: str | None
    roles: frozenset[str]
    at: datetime
    urge_pause: timedelta


async def perform(
    tenant_id: int,
    user: str,
    approval_id: int,
    name: str,
    *,
    comment: str | None,
    to: str | None,
    instead_of: str | None,
    roles: frozenset[str],
    urge_pause: timedelta = URGE_PAUSE,
) -> None:
    """Do it, or raise `ActRefused` and leave everything as it is."""
    if name not in ACTS:
        raise wrong("unknown-act", f"there is no act `{name[:40]}`")
    if comment is not None and len(comment) > LONGEST_COMMENT:
        raise wrong("comment-too-long", f"a comment has at most {LONGEST_COMMENT} characters")
    stood_in_for = await people.stood_in_for(tenant_id, user)
    async with transaction() as client:
        board = await Board.locked(client, tenant_id, approval_id)
        workflow = board.approval.workflow
        # Nobody decides through others what they may not decide themselves.
        itself = user == board.approval.initiator and not _may_decide_itself(board)
        others = [one for one, within in stood_in_for if within in (None, workflow) and not itself]
        act = Act(
            name,
            user,
            tuple(dict.fromkeys((user, *others))),
            instead_of,
            (comment or "").strip() or None,
            to,
            roles,
            clock.now(),
            urge_pause,
        )
        if board.approval.status != "open":
            if not _takes_part(board, act):
                raise not_yours("the approval is none of yours")
            raise too_late(await _over(board.approval))
        await _demand_open_run(board)
        await _DOING[name](board, act)


async def _over(approval: Approval) -> str:
    """Why nobody decides an approval any more."""
    if approval.status == "cancelled":
        run = await Run.get_or_none(id=approval.run_id, tenant_id=approval.tenant_id)
        if run is not None and run.status in OPEN:
            return "it is asked for no more: what it was part of is over"
    return f"it is over already: {approval.status}"


async def _demand_open_run(board: Board) -> None:
    """A run may have ended, or gone on at its own timeout, a moment before approvals are closed."""
    approval = board.approval
    run = await Run.get_or_none(id=approval.run_id, tenant_id=approval.tenant_id).only(
        "id", "status"
    )
    if run is not None and run.status not in OPEN:
        raise too_late(f"its run is over already: {run.status}")
    if approval.step != step_id(approval.node):
        return  # the node's state is of another round, or of all items
    state = await NodeStateRow.get_or_none(run_id=approval.run_id, node=approval.node, items="")
    if state is not None and state.round == 1 and state.status not in OPEN:
        raise too_late(f"the run has gone on without it: {state.status}")


def _takes_part(board: Board, act: Act) -> bool:
    users = {one.user for one in board.assignments} | {board.approval.initiator}
    return ADMIN in act.roles or not users.isdisjoint(act.users)


def _seat(board: Board, act: Act) -> Assignment:
    """The open seat that somebody acts from: their own, or that of the one they say."""
    had = {one.user for one in board.assignments} & set(act.users)
    if act.instead_of is not None:
        users = {act.instead_of} & set(act.users)
    else:
        users = {act.user} if act.user in had else had
    mine = board.of(users)
    if not mine:
        seats = [one for one in board.assignments if one.user in users]
        if any(one.status == "queued" for one in seats):
            raise too_late("it is not their turn yet")
        if any(one.status in ("approved", "rejected", "returned") for one in seats):
            raise too_late("they have decided already")
        raise not_yours("the approval waits for others")
    _in_time(board, act)
    if len(mine) > 1:
        names = ", ".join(f"`{one.user}`" for one in mine)
        raise wrong("say-for-whom", f"say in `instead_of` for whom: {names}")
    return mine[0]


def _in_time(board: Board, act: Act) -> None:
    expires = board.approval.expires_at
    if expires is not None and act.at >= expires:
        raise too_late("the time for it is over")


def _demand_comment(board: Board, act: Act) -> None:
    demanded = board.approval.policy.get("commentRequired")
    refusing = act.name in ("reject", "return")
    if act.comment is None and (demanded == "always" or (demanded == "onReject" and refusing)):
        raise wrong("comment-required", "say why in a comment")


async def _vote(board: Board, act: Act) -> None:
    seat = _seat(board, act)
    _demand_comment(board, act)
    if act.name == "return" and "return" not in (board.approval.policy.get("allow") or ()):
        raise not_yours("this approval cannot be returned")
    status = {"approve": "approved", "reject": "rejected", "return": "returned"}[act.name]
    await board.update(seat, status=status, comment=act.comment, acted_at=act.at)
    await _note(board, act, seat)
    await _go_on(board, act)


async def _go_on(board: Board, act: Act) -> None:
    verdict = board.verdict()
    if verdict is None:
        for row in await board.advance():
            await _ask(board, row)
    else:
        await board.decide(verdict, act.at, act.user, act.comment)


async def _transfer(board: Board, act: Act) -> None:
    to = _other(board, act)
    if not board.seats and ADMIN in act.roles:
        # Nobody was found to ask: an administrator says who decides.
        await _ask(board, await board.seat(to, origin="transfer"))
        await board.note(act.at, act.user, act.name, comment=act.comment, details={"to": to})
        return
    seat = _seat(board, act)
    _allowed(board, act, "transfer")
    taken = await board.seat(to, origin="transfer", position=seat.position, instead_of=seat.user)
    taken.before_id = seat.before_id
    await taken.save(update_fields=["before_id"])
    await board.update(seat, status="transferred", comment=act.comment, acted_at=act.at)
    for row in board.assignments:
        if row.before_id == seat.id:
            await board.update(row, before_id=taken.id)
    await _note(board, act, seat, to=to)
    await _ask(board, taken)


async def _add_before(board: Board, act: Act) -> None:
    to = _other(board, act)
    seat = _seat(board, act)
    _allowed(board, act, "addSign")
    added = await board.seat(to, origin="add-sign", position=seat.position, before=seat)
    await board.update(seat, status="queued")
    await _note(board, act, seat, to=to)
    await _ask(board, added)


async def _add_after(board: Board, act: Act) -> None:
    to = _other(board, act)
    seat = _seat(board, act)
    _allowed(board, act, "addSign")
    _demand_comment(board, act)
    added = await board.seat(to, origin="add-sign", status="queued", position=seat.position + 1)
    await board.update(added, before_id=seat.before_id)
    await board.update(
        seat, before_id=added.id, status="approved", comment=act.comment, acted_at=act.at
    )
    await _note(board, act, seat, to=to)
    await _go_on(board, act)


async def _urge(board: Board, act: Act) -> None:
    _initiated(board, act)
    urged = AuditEntry.filter(approval_id=board.approval.id, act=act.name).order_by("-id")
    last = await urged.first()
    if last is not None and (left := last.at + act.urge_pause - act.at) > timedelta(0):
        seconds = math.ceil(left.total_seconds())
        message = f"they have been urged already: wait {seconds} seconds"
        raise ActRefused(429, "urged-already", message, retry_after=seconds)
    asked = [one.user for one in board.assignments if one.status == "open"]
    await board.note(act.at, act.user, act.name, comment=act.comment, details={"users": asked})
    await remind(board, asked, f"urge:{act.at.timestamp()}", by=act.user, comment=act.comment)


async def _withdraw(board: Board, act: Act) -> None:
    _initiated(board, act)
    _allowed(board, act, "withdraw")
    _in_time(board, act)
    approval = board.approval
    await board.note(act.at, act.user, act.name, comment=act.comment)
    await board.close("withdrawn", act.at, act.user, act.comment)
    data = {"tenant_id": approval.tenant_id, "run_id": approval.run_id}
    # Another approval of the run may be withdrawn too, if this event was lost.
    event_id = f"cancel:{approval.run_id}:{approval.id}"
    await outbox.put(board.client, event_id, approval.tenant_id, CANCEL_EVENT, data)


async def _comment(board: Board, act: Act) -> None:
    if not _takes_part(board, act):
        raise not_yours("the approval is none of yours")
    if act.comment is None:
        raise wrong("comment-required", "there is no comment")
    await board.note(act.at, act.user, act.name, comment=act.comment)


_DOING: dict[str, Callable[[Board, Act], Awaitable[None]]] = {
    "approve": _vote,
    "reject": _vote,
    "return": _vote,
    "transfer": _transfer,
    "add-sign-before": _add_before,
    "add-sign-after": _add_after,
    "urge": _urge,
    "withdraw": _withdraw,
    "comment": _comment,
}


async def remind(
    board: Board, users: list[str], occasion: str, *, by: str | None, comment: str | None = None
) -> None:
    """Have an event sent that tells a host whom to remind."""
    event_id = f"reminder:{board.approval.id}:{occasion}"
    await _tell(board, REMINDER, event_id, users, by=by, comment=comment)


async def _ask(board: Board, row: Assignment) -> None:
    """Have an event sent that tells a host who is asked now."""
    await _tell(board, ASSIGNED, f"assigned:{row.id}", [row.user])


async def _tell(
    board: Board,
    name: str,
    event_id: str,
    users: list[str],
    *,
    by: str | None = None,
    comment: str | None = None,
) -> None:
    approval = board.approval
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
    await outbox.put(board.client, event_id, approval.tenant_id, name, data)


def _initiated(board: Board, act: Act) -> None:
    if board.approval.initiator != act.user:
        raise not_yours("only who has started the run may do so")


def _allowed(board: Board, act: Act, name: str) -> None:
    if name not in (board.approval.policy.get("allow") or ()):
        raise not_yours(f"this approval does not allow `{act.name}`")


def _other(board: Board, act: Act) -> str:
    """Whom an act is about; somebody who has no seat yet."""
    to = (act.to or "").strip()
    if not to or len(to) > LONGEST_USER:
        raise wrong("unknown-user", "say in `to` whom it goes to")
    if any(one.user == to for one in board.seats):
        raise ActRefused(409, "already-asked", f"`{to}` is asked already")
    if to == board.approval.initiator and not _may_decide_itself(board):
        raise wrong("self-approval", "who has started the run does not decide on it")
    return to


def _may_decide_itself(board: Board) -> bool:
    return bool(board.approval.policy.get("selfApproval") == "allow")


async def _note(board: Board, act: Act, seat: Assignment, *, to: str | None = None) -> None:
    details = {}
    if seat.user != act.user:
        details["instead_of"] = seat.user
    if to is not None:
        details["to"] = to
    await board.note(act.at, act.user, act.name, comment=act.comment, details=details or None)
