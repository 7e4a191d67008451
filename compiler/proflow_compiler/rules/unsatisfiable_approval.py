"""PF306: an approval that nobody can decide."""

from collections.abc import Iterator

from proflow_schemas.node_types.approval import Approval

from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.design_edits import fix, set_key
from proflow_compiler.diagnostics.message_text import ticks
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
            f"nobody can decide {ticks(name)}: it asks its initiator, who is not allowed to",
            node.pointer_to("selfApproval"),
            node=name,
            label="forbids the only approver",
            help="ask somebody else, or allow it",
            fixes=(
                fix(
                    f"let the initiator decide {ticks(name)}: set `selfApproval` to `allow`",
                    set_key(node, "selfApproval", "allow"),
                ),
            ),
        )
    if config.approval_mode == "quorum" and config.pass_ratio is None:
        yield RULE.diagnostic(
            f"{ticks(name)} does not say how many have to agree",
            node.pointer_to("approvalMode"),
            node=name,
            label="needs a ratio",
            help="give `passRatio`: `0.5`, or `50` for per cent",
        )
    if config.empty_approver_policy == "fallbackUser" and not config.fallback_approver_ids:
        yield RULE.diagnostic(
            f"{ticks(name)} falls back on nobody if it has no approvers",
            node.pointer_to("emptyApproverPolicy"),
            node=name,
            label="names nobody to fall back on",
            help="give `fallbackApproverIds`",
        )
    if config.approver_type != "expression":
        for one in named:
            if isinstance(one, str) and "${" in one:
                yield RULE.diagnostic(
                    f"the approver {ticks(one)} of {ticks(name)} looks like an expression",
                    node.pointer_to("approverIds"),
                    node=name,
                    level=Level.WARNING,
                    label="taken as an id, as it is",
                    help="expressions are evaluated with `approverType: expression`",
                    fixes=(
                        fix(
                            "evaluate it: set `approverType` to `expression`",
                            set_key(node, "approverType", "expression"),
                        ),
                    ),
                )
    # Where the host is asked, `not-ready` says more of it.
    if not asked and not named and config.approver_type not in _NAMED_BY_TYPE:
        yield RULE.diagnostic(
            f"{ticks(name)} names no approver: the host decides who approves",
            place_of(node, "approverType"),
            node=name,
            level=Level.INFO,
            label="asks nobody in particular",
        )
