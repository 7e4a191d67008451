"""Asking people to decide."""

from collections.abc import Sequence

from proflow_schemas.definition import AnyOp, ApprovalOp
from proflow_schemas.definition import Approval as Policy
from proflow_schemas.durations import parse_duration
from proflow_schemas.nodes import Approval, Reminders
from proflow_schemas.step_ids import step_id

from proflow_compiler.design import Node
from proflow_compiler.nodes.lowering import Lowering, whole_seconds

_MODES = {"OR": "any", "AND": "all"}
_NAMED_BY_TYPE = ("manager", "initiator", "initiatorSelect", "multiLevelManager")
_KINDS = {"user": "user", "role": "role", "department": "department", "form": "form"}


def lower(node: Node) -> Sequence[AnyOp]:
    config = node.config
    assert isinstance(config, Approval)
    expression = None
    if config.approver_type == "expression":
        expression = _as_value(config.approver_ids)
    policy = Policy.model_validate(
        {
            "approvers": _approvers(config),
            "approver_expression": expression,
            "mode": _MODES.get(config.approval_mode, config.approval_mode),
            "pass_ratio": config.pass_ratio,
            "reminders": _reminders(config.reminders),
            "empty_approver_policy": config.empty_approver_policy,
            "fallback_approvers": [_user(one) for one in config.fallback_approver_ids or []],
            "self_approval": config.self_approval,
            "comment_required": config.comment_required,
            "allow": [
                name
                for name, allowed in (
                    ("transfer", config.allow_transfer),
                    ("addSign", config.allow_add_sign),
                    ("return", config.allow_return),
                    ("withdraw", config.allow_withdraw),
                )
                if allowed
            ],
        }
    )
    return [
        ApprovalOp(
            id=step_id(node.id),
            node=node.id,
            approval=policy,
            event=config.event,
            match=config.match,
            timeout=whole_seconds(config.timeout),
            timeout_action=config.timeout_action,
        )
    ]


def _approvers(config: Approval) -> list[str]:
    """`user:7`, `role:finance`, `department:3`, `manager`, …"""
    kind, ids = config.approver_type, config.approver_ids
    if kind == "expression":
        return []
    named = [] if ids is None else ids if isinstance(ids, list) else [ids]
    if kind in _NAMED_BY_TYPE and kind is not None:
        return [f"{kind}:{one}" for one in named] or [kind]
    if kind is None:
        return [_user(one) for one in named]
    return [f"{_KINDS[kind]}:{one}" for one in named]


def _user(one: str | int) -> str:
    """An id without a kind is a user's; `role:admin` says its kind itself."""
    return one if isinstance(one, str) and ":" in one else f"user:{one}"


def _as_value(ids: object) -> object:
    """Expressions as a value; what has `${…}` in it already is one."""
    if isinstance(ids, list):
        found = [_as_value(one) for one in ids]
        return found[0] if len(found) == 1 else found
    return f"${{{ids}}}" if isinstance(ids, str) and "${" not in ids else ids


def _reminders(reminders: Reminders | None) -> dict[str, object] | None:
    """With durations in seconds."""
    if reminders is None:
        return None
    found: dict[str, object] = {"after": _duration(reminders.after)}
    if reminders.every is not None:
        found["every"] = _duration(reminders.every)
    if reminders.max is not None:
        found["max"] = reminders.max
    return found


def _duration(value: str | int | float) -> float:
    exact = parse_duration(value).total_seconds()
    return int(exact) if exact.is_integer() else exact


FIELDS = {
    "approverType": "what `approverIds` are; `manager` and `initiator` need none",
    "approverIds": "who decides; with `expression`, an expression that gives them",
    "approvalMode": "how many have to agree (`OR` is read as `any`, `AND` as `all`)",
    "passRatio": "with `quorum`: the share that has to agree, up to 1, or a percentage above",
    "timeout": "how long to wait: a duration such as `24h`; without it, 366 days",
    "timeoutAction": "what a timeout does: its own outcome, a decision, or a reminder",
    "reminders": "when those who have not decided are reminded, how often and at most how many times",
    "emptyApproverPolicy": "what the host does if nobody is named",
    "fallbackApproverIds": "who decides then",
    "selfApproval": "whether the initiator may decide",
    "commentRequired": "when a decision needs a comment",
    "allowTransfer": "whether an approver may hand over",
    "allowAddSign": "whether an approver may add another",
    "allowReturn": "whether an approver may return the request; by default, if its `returned` is drawn",
    "allowWithdraw": "whether the initiator may withdraw it",
    "rejectTo": "the node that a rejection leads back to, at most 10 times",
    "event": "the event that brings the answer",
}

LOWERING = Lowering(
    type="approval",
    title="Approval",
    summary="Asks people to decide, and waits for the decision.",
    example="""\
{
  "id": "directors",
  "type": "approval",
  "data": {"approverType": "user", "approverIds": [7, 9, 12], "approvalMode": "all", "timeout": "3d"}
}""",
    lower=lower,
    fields=FIELDS,
    notes="""\
Opening it sends the event `approval/requested`; the answer is the event `approval/response` with
`tenant_id`, `approval_id`, and `approved` or `outcome`. With `match` an answer is recognised by that
path, as in `data.order_id`, instead of the run's own approval id.

One answer decides the node, whatever its mode: who asks several people counts their votes.

Rejected, timed out or returned without an edge drawn for it, the approval stops the run, other
branches included, and its outcome is the run's result. Draw the edge to let them go on, or to do
something before the run ends. `timeoutAction` decides otherwise for a timeout: `approve` and `reject`
take that outcome, `remind` goes on waiting.

A `returned` edge that leads back begins another iteration. It may lead back from one of several
parallel branches: the first return ends the iteration at once, and the approvals that are still open
in it are closed. Two other edges back that can be taken at once are an error.
""",
)
