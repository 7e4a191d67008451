"""PF306: an approval that nobody can decide."""

from collections.abc import Iterator

from proflow_schemas.language import Text
from proflow_schemas.node_types.approval import Approval

from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.design_edits import fix, set_key
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of
from proflow_compiler.rules.rule import Rule

_NAMED_BY_TYPE = frozenset(
    {"manager", "multiLevelManager", "initiator", "initiatorSelect", "department"}
)

RULE = Rule(
    code="PF306",
    name="unsatisfiable-approval",
    level=Level.ERROR,
    fixable=True,
    summary="""an approval that cannot be decided as it is configured, and (as an info) one that
names nobody, whose approvers the host has to find""",
    why="""
An approval waits, up to a year, for somebody to decide. If those it asks are not allowed to, or it
does not say how many have to agree, or there is nobody to fall back on, it waits in vain. Naming
nobody at all is fine where the host decides who approves.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "self", "type": "approval",
     "data": {"approverType": "initiator", "selfApproval": "forbid"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "self"},
    {"source": "self", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "boss", "type": "approval",
     "data": {"approverType": "manager", "selfApproval": "forbid"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "boss"},
    {"source": "boss", "target": "done"}
  ]
}
""",
    fix="""
Ask somebody who may decide; give `approvalMode: quorum` a `passRatio` (`0.5`, or `50` for per cent);
give `emptyApproverPolicy: fallbackUser` its `fallbackApproverIds`. An expression is only evaluated
with `approverType: expression`.
""",
    texts={
        "initiator": Text(
            "nobody can decide `{name}`: it asks its initiator, who is not allowed to",
            "没有人能审批 `{name}`：审批人是发起人，而发起人不允许审批",
        ),
        "forbids": Text("forbids the only approver", "禁止了唯一的审批人"),
        "ask-else": Text("ask somebody else, or allow it", "改由其他人审批，或允许发起人审批"),
        "allow-self": Text(
            "let the initiator decide `{name}`: set `selfApproval` to `allow`",
            "允许发起人审批 `{name}`：将 `selfApproval` 设为 `allow`",
        ),
        "no-ratio": Text(
            "`{name}` does not say how many have to agree",
            "`{name}` 没有设置需要多少人同意",
        ),
        "needs-ratio": Text("needs a ratio", "需要设置比例"),
        "give-ratio": Text(
            "give `passRatio`: `0.5`, or `50` for per cent",
            "设置 `passRatio`：`0.5`，或百分数 `50`",
        ),
        "no-fallback": Text(
            "`{name}` falls back on nobody if it has no approvers",
            "`{name}` 没有审批人时，没有指定由谁审批",
        ),
        "names-nobody": Text("names nobody to fall back on", "没有指定转交给谁"),
        "give-fallback": Text("give `fallbackApproverIds`", "设置 `fallbackApproverIds`"),
        "expression": Text(
            "the approver `{approver}` of `{name}` looks like an expression",
            "`{name}` 的审批人 `{approver}` 像是表达式",
        ),
        "taken-as-id": Text("taken as an id, as it is", "会被直接当作 ID"),
        "evaluated": Text(
            "expressions are evaluated with `approverType: expression`",
            "只有 `approverType: expression` 时才会计算表达式",
        ),
        "evaluate": Text(
            "evaluate it: set `approverType` to `expression`",
            "计算表达式：将 `approverType` 设为 `expression`",
        ),
        "nobody": Text(
            "`{name}` names no approver: the host decides who approves",
            "`{name}` 没有指定审批人：由宿主应用决定谁来审批",
        ),
        "nobody-named": Text("asks nobody in particular", "没有指定任何人"),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for name, node in facts.drawn.items():
        if isinstance(node.config, Approval):
            yield from _check(name, node, node.config, asked=facts.lacks is not None)


def _check(name: str, node: Node, config: Approval, *, asked: bool) -> Iterator[Diagnostic]:
    ids = config.approver_ids
    named = ids if isinstance(ids, list) else [] if ids is None else [ids]
    if config.approver_type == "initiator" and config.self_approval == "forbid":
        yield RULE.diagnostic(
            RULE.text("initiator", name=name),
            node.pointer_to("selfApproval"),
            node=name,
            label=RULE.text("forbids"),
            help=RULE.text("ask-else"),
            fixes=(
                fix(
                    RULE.text("allow-self", name=name),
                    set_key(node, "selfApproval", "allow"),
                ),
            ),
        )
    if config.approval_mode == "quorum" and config.pass_ratio is None:
        yield RULE.diagnostic(
            RULE.text("no-ratio", name=name),
            node.pointer_to("approvalMode"),
            node=name,
            label=RULE.text("needs-ratio"),
            help=RULE.text("give-ratio"),
        )
    if config.empty_approver_policy == "fallbackUser" and not config.fallback_approver_ids:
        yield RULE.diagnostic(
            RULE.text("no-fallback", name=name),
            node.pointer_to("emptyApproverPolicy"),
            node=name,
            label=RULE.text("names-nobody"),
            help=RULE.text("give-fallback"),
        )
    if config.approver_type != "expression":
        for one in named:
            if isinstance(one, str) and "${" in one:
                yield RULE.diagnostic(
                    RULE.text("expression", approver=one, name=name),
                    node.pointer_to("approverIds"),
                    node=name,
                    level=Level.WARNING,
                    label=RULE.text("taken-as-id"),
                    help=RULE.text("evaluated"),
                    fixes=(
                        fix(
                            RULE.text("evaluate"),
                            set_key(node, "approverType", "expression"),
                        ),
                    ),
                )
    # Where the host is asked, `not-ready` says more of it.
    if not asked and not named and config.approver_type not in _NAMED_BY_TYPE:
        yield RULE.diagnostic(
            RULE.text("nobody", name=name),
            place_of(node, "approverType"),
            node=name,
            level=Level.INFO,
            label=RULE.text("nobody-named"),
        )
