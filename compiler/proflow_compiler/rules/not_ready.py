"""PF321: something that a run would wait for in vain."""

from collections.abc import Iterator

from proflow_schemas.language import Text
from proflow_schemas.node_types.approval import Approval

from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of
from proflow_compiler.rules.rule import Rule

_WITH_IDS = frozenset({"user", "role", "form", "expression"})

RULE = Rule(
    code="PF321",
    name="not-ready",
    level=Level.ERROR,
    summary="""a node that the host cannot serve: a channel that is not registered, approvers who do
not exist, an approval that nobody can ever decide, a workflow that is not published; and (as a warning)
a setting that is missing now, and an approval that names nobody""",
    why="""
A run would come to the node and wait, or fail there, after people have already decided. Asked where a
design is published, by `POST /designs/check` and by `proflow check --stored`; of the host: the
registered channels, the resolver of approvers, the published workflows, and the settings of mail and
model. An approval that names nobody at all is in the administrators' inbox.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "boss", "type": "approval", "data": {"approverType": "role", "approverIds": []}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "boss"},
    {"source": "boss", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "boss", "type": "approval", "data": {"approverType": "role", "approverIds": ["finance"]}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "boss"},
    {"source": "boss", "target": "done"}
  ]
}
""",
    fix="""
Name people, roles or departments that exist, or add them; register the channel
(`ProFlow.register_channel`); publish the subprocess first; set the variable that the message names. Of
an approval that only its initiator could decide, allow it (`selfApproval: allow`), or say what happens
instead (`emptyApproverPolicy`).
""",
    texts={
        "lacks": Text("`{name}`: {reason:raw}", "`{name}`：{reason:raw}"),
        "missing-now": Text("is missing now", "目前缺少"),
        "never-works": Text("can never work", "无法运行"),
        "names-no": Text(
            "`{name}` asks nobody: it names no {kind:raw}",
            "`{name}` 没有审批人：未指定任何 {kind:raw}",
        ),
        "names-none": Text(
            "`{name}` asks nobody: it names no approver", "`{name}` 没有审批人：未指定任何人"
        ),
        "names-nobody": Text("names nobody", "未指定任何人"),
        "give-ids": Text(
            "give `approverIds`, or leave `approverType` out too, so that administrators decide",
            "请填写 `approverIds`；或同时去掉 `approverType`，由管理员审批",
        ),
        "administrators": Text(
            "`{name}` names no approver: administrators decide",
            "`{name}` 未指定审批人：由管理员审批",
        ),
        "nobody-in-particular": Text("asks nobody in particular", "未指定审批人"),
        "give-both": Text(
            "give `approverType` and `approverIds`", "请填写 `approverType` 和 `approverIds`"
        ),
        "only-initiator": Text(
            "nobody can decide `{name}`: it asks its initiator, who may not unless it is allowed",
            "`{name}` 无人可审批：审批人只有发起人，而发起人默认不能审批自己的申请",
        ),
        "asks-initiator": Text("asks only the initiator", "审批人只有发起人"),
        "allow-itself": Text(
            "set `selfApproval` to `allow`, ask somebody else, or give `emptyApproverPolicy`",
            "将 `selfApproval` 设为 `allow`、指定其他审批人，或设置 `emptyApproverPolicy`",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    if facts.lacks is None:
        return
    for name, node in facts.drawn.items():
        if isinstance(node.config, Approval):
            yield from _voters(name, node, node.config)
        for one in node.kind.needs_of(node.config):
            lack = facts.lacks.get(one.need)
            if lack is not None:
                yield RULE.diagnostic(
                    RULE.text("lacks", name=name, reason=lack.message),
                    place_of(node, one.key),
                    node=name,
                    level=Level.WARNING if lack.passing else Level.ERROR,
                    label=RULE.text("missing-now" if lack.passing else "never-works"),
                    help=lack.help,
                )


def _voters(name: str, node: Node, config: Approval) -> Iterator[Diagnostic]:
    """Report an approval that no approver of its own can ever decide."""
    kind, ids = config.approver_type, config.approver_ids
    if ids == [] or (ids is None and kind in _WITH_IDS):
        yield RULE.diagnostic(
            RULE.text("names-no", name=name, kind=kind)
            if kind
            else RULE.text("names-none", name=name),
            place_of(node, "approverType" if ids is None else "approverIds"),
            node=name,
            label=RULE.text("names-nobody"),
            help=RULE.text("give-ids"),
        )
    elif kind is None and ids is None:
        yield RULE.diagnostic(
            RULE.text("administrators", name=name),
            place_of(node, "approverType"),
            node=name,
            level=Level.WARNING,
            label=RULE.text("nobody-in-particular"),
            help=RULE.text("give-both"),
        )
    waits = config.empty_approver_policy in (None, "block")
    if kind == "initiator" and config.self_approval is None and waits:
        yield RULE.diagnostic(
            RULE.text("only-initiator", name=name),
            place_of(node, "approverType"),
            node=name,
            label=RULE.text("asks-initiator"),
            help=RULE.text("allow-itself"),
        )
