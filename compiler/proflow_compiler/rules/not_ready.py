"""PF321: something that a run would wait for in vain."""

from collections.abc import Iterator

from proflow_schemas.node_types.approval import Approval

from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.message_text import ticks
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
                    f"{ticks(name)}: {lack.message}",
                    place_of(node, one.key),
                    node=name,
                    level=Level.WARNING if lack.passing else Level.ERROR,
                    label="is missing now" if lack.passing else "can never work",
                    help=lack.help,
                )


def _voters(name: str, node: Node, config: Approval) -> Iterator[Diagnostic]:
    """Report an approval that no approver of its own can ever decide."""
    kind, ids = config.approver_type, config.approver_ids
    if ids == [] or (ids is None and kind in _WITH_IDS):
        yield RULE.diagnostic(
            f"{ticks(name)} asks nobody: it names no {kind or 'approver'}",
            place_of(node, "approverType" if ids is None else "approverIds"),
            node=name,
            label="names nobody",
            help="give `approverIds`, or leave `approverType` out too, so that administrators decide",
        )
    elif kind is None and ids is None:
        yield RULE.diagnostic(
            f"{ticks(name)} names no approver: administrators decide",
            place_of(node, "approverType"),
            node=name,
            level=Level.WARNING,
            label="asks nobody in particular",
            help="give `approverType` and `approverIds`",
        )
    waits = config.empty_approver_policy in (None, "block")
    if kind == "initiator" and config.self_approval is None and waits:
        yield RULE.diagnostic(
            f"nobody can decide {ticks(name)}: it asks its initiator, who may not unless it is allowed",
            place_of(node, "approverType"),
            node=name,
            label="asks only the initiator",
            help="set `selfApproval` to `allow`, ask somebody else, or give `emptyApproverPolicy`",
        )
