"""The node type `approval`: asks people to decide, and waits for the decision."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from proflow_schemas import definition
from proflow_schemas.configs import Answered, Config, Count, Duration, Name, integral, whole_seconds
from proflow_schemas.definition import ApprovalMode, ApprovalOp, TimeoutAction
from proflow_schemas.definition.approvals import (
    CommentRequired,
    EmptyApproverPolicy,
    Permission,
    SelfApproval,
)
from proflow_schemas.durations import parse_duration
from proflow_schemas.node_types.foreign import GUARDS, approvers, called, lasting, reminding
from proflow_schemas.node_types.record import NodeType, Words
from proflow_schemas.readiness import Need, NodeNeed
from proflow_schemas.step_ids import step_id


def _listed(value: Any) -> Any:
    """Convert one id, or a list of ids, to a list of texts."""
    if value is None:
        return None
    ids = value if isinstance(value, list) else [value]
    if any(type(integral(one)) not in (str, int) for one in ids):
        raise ValueError("ids are texts or whole numbers")
    return [str(integral(one)) for one in ids]


def _mode(value: Any) -> Any:
    return _MODES.get(value, value) if isinstance(value, str) else value


ApproverIds = Annotated[
    list[str] | None,
    BeforeValidator(_listed, json_schema_input_type=list[str | int] | str | int | None),
]
_MODES = {"OR": "any", "AND": "all"}
_NAMED_BY_TYPE = ("manager", "initiator", "initiatorSelect", "multiLevelManager")
"""Kinds of approvers that need no ids."""
_KINDS = {"user": "user", "role": "role", "department": "department", "form": "form"}


class Reminders(Config):
    """When approvers who have not decided yet are reminded."""

    after: Duration
    every: Duration | None = None
    max: Count | None = None


class Approval(Answered):
    """Asks people to decide, and waits for the decision."""

    approver_type: (
        Literal[
            "user",
            "role",
            "department",
            "manager",
            "multiLevelManager",
            "initiator",
            "initiatorSelect",
            "form",
            "expression",
        ]
        | None
    ) = None
    approver_ids: ApproverIds = None
    approval_mode: Annotated[
        ApprovalMode,
        BeforeValidator(
            _mode,
            json_schema_input_type=Literal["any", "all", "sequential", "quorum", "OR", "AND"],
        ),
    ] = "any"
    pass_ratio: float | None = Field(default=None, gt=0, le=100)
    timeout: Duration | None = None
    timeout_action: TimeoutAction = "route"
    reminders: Reminders | None = None
    empty_approver_policy: EmptyApproverPolicy | None = None
    fallback_approver_ids: ApproverIds = None
    self_approval: SelfApproval | None = None
    comment_required: CommentRequired | None = None
    allow_transfer: bool | None = None
    allow_add_sign: bool | None = None
    allow_return: bool | None = None
    allow_withdraw: bool | None = None
    reject_to: Name | None = None
    event: Name = "approval/response"
    match: Name | None = Field(
        default=None,
        description="path of a field that both events have, such as `data.approval_id`",
    )


def _lower(node: str, config: Approval) -> ApprovalOp:
    expression = None
    if config.approver_type == "expression":
        expression = _as_value(config.approver_ids)
    permissions: dict[Permission, bool | None] = {
        "transfer": config.allow_transfer,
        "addSign": config.allow_add_sign,
        "return": config.allow_return,
        "withdraw": config.allow_withdraw,
    }
    policy = definition.Approval(
        approvers=_approvers(config),
        approver_expression=expression,
        mode=config.approval_mode,
        pass_ratio=config.pass_ratio,
        reminders=_reminders(config.reminders),
        empty_approver_policy=config.empty_approver_policy,
        fallback_approvers=tuple(_user(one) for one in config.fallback_approver_ids or []),
        self_approval=config.self_approval,
        comment_required=config.comment_required,
        allow=tuple(name for name, allowed in permissions.items() if allowed),
    )
    return ApprovalOp(
        id=step_id(node),
        node=node,
        approval=policy,
        event=config.event,
        match=config.match,
        timeout=whole_seconds(config.timeout),
        timeout_action=config.timeout_action,
    )


def _approvers(config: Approval) -> list[str]:
    """Return the approvers with their kinds: `user:7`, `role:finance`, `department:3`, `manager`."""
    kind, ids = config.approver_type, config.approver_ids
    if kind == "expression":
        return []
    named = [] if ids is None else ids if isinstance(ids, list) else [ids]
    if kind in _NAMED_BY_TYPE and kind is not None:
        return [f"{kind}:{one}" for one in named] or [kind]
    if kind is None:
        return [_user(one) for one in named]
    if kind == "department" and ids is None:
        return [kind]  # the initiator's own
    return [f"{_KINDS[kind]}:{one}" for one in named]


def _user(one: str | int) -> str:
    """Return an id with its kind: an id without one is a user's."""
    return one if isinstance(one, str) and ":" in one else f"user:{one}"


def _needs(config: Approval) -> Iterator[NodeNeed]:
    """List the approvers, and who decides if there is none; expressions are known to runs only."""
    for one in _approvers(config):
        if "${" not in one:
            yield NodeNeed(Need("approver", one), "approverIds")
    policy, fallback = config.empty_approver_policy, config.fallback_approver_ids
    if policy == "fallbackUser":
        for user in fallback or []:
            yield NodeNeed(Need("approver", _user(user)), "fallbackApproverIds")
    nobody = config.approver_type is None and config.approver_ids is None
    if policy == "escalateAdmin" or (nobody and policy in (None, "block")):
        yield NodeNeed(Need("approver", "admin"), "emptyApproverPolicy")


def _as_value(ids: object) -> object:
    """Return expressions as a value; a text that contains `${…}` already is one."""
    if isinstance(ids, list):
        found = [_as_value(one) for one in ids]
        return found[0] if len(found) == 1 else found
    return f"${{{ids}}}" if isinstance(ids, str) and "${" not in ids else ids


def _reminders(reminders: Reminders | None) -> definition.Reminders | None:
    if reminders is None:
        return None
    every = None if reminders.every is None else parse_duration(reminders.every)
    return definition.Reminders(
        after=parse_duration(reminders.after), every=every, max=reminders.max
    )


NODE_TYPE = NodeType(
    name="approval",
    kind="waits",
    title=Words("Approval", "审批"),
    summary=Words(
        "Asks people to decide, and waits for the decision.", "发起审批，并等待审批结果。"
    ),
    category="people",
    icon="user",
    shape="person",
    order=30,
    aliases=("approve", "userTask", "审批"),
    elsewhere=(
        *("humantask", "usertask", "manualtask", "manual", "human", "humanintheloop"),
        *("humaninput", "review", "reviewer", "approver", "audit", "auditor", "examine"),
        *("verify", "signoff", "审核", "审批人", "会签", "或签", "办理", "approvertask"),
        *("approvaltask",),
    ),
    config=Approval,
    fields={
        "approverType": Words(
            "what kind of ids `approverIds` holds; `manager` and `initiator` need none, and a `department` without ids is the initiator's",
            "审批人类型，决定 `approverIds` 的含义；为 `manager` 或 `initiator` 时无需填写 `approverIds`，为 `department` 且未填写时指发起人所在部门",
        ),
        "approverIds": Words(
            "who decides; with the type `expression`, an expression that returns the ids",
            "由谁审批；类型为 `expression` 时，填写返回审批人的表达式",
        ),
        "approvalMode": Words(
            "how many approvers must agree (`OR` is read as `any`, `AND` as `all`)",
            "多人审批时需要多少人同意（`OR` 等同于 `any`，`AND` 等同于 `all`）",
        ),
        "passRatio": Words(
            "with `quorum`: the share that must agree; a fraction up to 1, a percentage above",
            "票签（`quorum`）的通过比例：不超过 1 的小数，或大于 1 的百分数",
        ),
        "timeout": Words(
            "how long to wait: a duration such as `24h`; without it, 366 days",
            "最长等待时间，例如 `24h`；未设置时为 366 天",
        ),
        "timeoutAction": Words(
            "what happens on a timeout: the `timeout` outcome, a decision, or a reminder",
            "超时后的处理方式：走 `timeout` 出口、自动通过、自动拒绝，或发送提醒",
        ),
        "reminders": Words(
            "when approvers who have not decided are reminded, how often, and how many times at most",
            "何时提醒尚未处理的审批人、提醒间隔、最多提醒几次",
        ),
        "emptyApproverPolicy": Words(
            "what the host does if there is no approver", "没有审批人时的处理方式"
        ),
        "fallbackApproverIds": Words(
            "who decides if there is no approver", "没有审批人时改由谁审批"
        ),
        "selfApproval": Words(
            "whether the initiator may decide on their own request", "发起人能否审批自己的申请"
        ),
        "commentRequired": Words("when a decision needs a comment", "何时必须填写审批意见"),
        "allowTransfer": Words(
            "whether an approver may hand the decision to somebody else", "审批人能否转交给他人"
        ),
        "allowAddSign": Words("whether an approver may add another approver", "审批人能否加签"),
        "allowReturn": Words(
            "whether an approver may return the request; by default, if an edge leaves by `returned`",
            "审批人能否退回；默认仅在 `returned` 出口有连线时允许",
        ),
        "allowWithdraw": Words(
            "whether the initiator may withdraw the request", "发起人能否撤回申请"
        ),
        "rejectTo": Words(
            "the node that a rejection leads back to, at most 10 times",
            "拒绝后退回到哪个节点，最多退回 10 次",
        ),
        "event": Words("the event that carries the decision", "返回审批结果的事件"),
        "match": Words(
            "path of a field that both events have, such as `data.approval_id`",
            "两个事件都包含的字段路径，例如 `data.approval_id`",
        ),
    },
    outcomes=("approved", "rejected", "timeout", "returned"),
    undrawn=("rejected", "timeout", "returned"),
    readable=("output", "outcome", "decidedBy", "comment"),
    meanings={
        **approvers(
            "role",
            *(
                "approverrole",
                "approverroles",
                "approverroleid",
                "approverroleids",
                "role",
                "roles",
            ),
            *("roleid", "roleids", "rolecode", "rolecodes", "assigneerole", "candidaterole"),
            *(
                "candidateroles",
                "candidategroup",
                "candidategroups",
                "approvergroup",
                "assignedrole",
            ),
        ),
        **approvers(
            "user",
            *("approver", "approvers", "approveruser", "approverusers", "approveruserid"),
            *(
                "approveruserids",
                "assignee",
                "assignees",
                "assigneeid",
                "assigneeids",
                "assignedto",
            ),
            *("candidateuser", "candidateusers", "user", "users", "userid", "userids", "reviewer"),
            *("reviewers", "auditor", "auditors", "assignto"),
        ),
        **approvers(
            "department",
            *("department", "departments", "departmentid", "departmentids", "dept", "depts"),
            *("deptid", "deptids", "approverdepartment", "approverdept"),
        ),
        **called(
            "approvalMode",
            *("multimode", "multiinstance", "multiinstancetype", "signtype", "signmode"),
            *("countersign", "approvemode", "approvemethod", "approvalmethod", "approvalpolicy"),
            *("examinemode", "mode", "strategy", "approvalstrategy", "votemode"),
        ),
        **called("timeoutAction", "ontimeout", "timeoutstrategy", "timeouthandler", "timeouttype"),
        **dict.fromkeys(("duedate", "duration"), lasting("timeout")),
        "escalateafter": reminding(),
        **called(
            "rejectTo", "rejectnode", "rejecttonode", "backto", "backnode", "returnto", "rollbackto"
        ),
        **called(
            "emptyApproverPolicy",
            *("emptystrategy", "emptyapprover", "noapproveraction", "nohandleraction", "ifempty"),
        ),
        **called("allowTransfer", "allowdelegate", "delegable", "transferable", "cantransfer"),
        **called("allowAddSign", "canaddsign", "addsign", "allowaddsigner"),
        **called("allowReturn", "canreturn", "allowback", "allowrollback", "canback"),
        **called("allowWithdraw", "revocable", "allowrevoke", "allowcancel", "canwithdraw"),
        **called(
            "commentRequired", "requirecomment", "commentrequire", "opinionrequired", "needcomment"
        ),
        **called("passRatio", "passrate", "passpercent", "ratio", "votepassrate", "percentage"),
        **called("fallbackApproverIds", "fallbackapprover", "defaultapprover", "backupapprovers"),
        **called("selfApproval", "autoapproveself", "allowselfapproval", "skipself"),
        **GUARDS,
    },
    lower=_lower,
    needs=_needs,
    steps=2,  # it requests the answer, and waits for it
    example="""\
{
  "id": "directors",
  "type": "approval",
  "data": {"approverType": "user", "approverIds": [7, 9, 12], "approvalMode": "all", "timeout": "3d"}
}""",
    notes="""\
The node sends the event `approval/requested` and waits for the event `approval/response` with
`tenant_id`, `approval_id`, and `approved` or `outcome`. With `match`, the answer is recognised by the
field at that path, such as `data.order_id`, instead of the approval's id.

One answer decides the node, whatever its mode: whoever asks several people counts their votes before
sending it.

If the approval is rejected, returned or times out, and no edge is drawn for that outcome, the run stops,
other branches included, and the outcome is the run's result. Draw the edge to let the other branches go
on, or to do something before the run ends. For a timeout, `timeoutAction` can decide otherwise:
`approve` and `reject` take that outcome, `remind` keeps waiting.

A `returned` edge that leads back to an earlier node begins another iteration. It may leave one of several
parallel branches: the first return ends the iteration at once, and the approvals that are still open in
it are closed. Any other two back edges that can be taken at the same time are an error.
""",
)
