"""PF316: an approval in a design that belongs to no tenant."""

from collections.abc import Iterator

from proflow_schemas.node_types.approval import Approval

from proflow_compiler.diagnostics import Diagnostic, Level, Related
from proflow_compiler.diagnostics.design_edits import fix, remove_setting
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF316",
    name="tenantless-approval",
    level=Level.ERROR,
    fixable=True,
    summary="an approval in a design of `scope: system`",
    why="""
A run of a `system` design has no tenant. Those who decide belong to one, and an answer counts only
for the tenant it carries: so nobody could answer.
""",
    incorrect="""
{
  "scope": "system",
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "boss", "type": "approval", "data": {"approverType": "user", "approverIds": [7]}},
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
  "scope": "tenant",
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "boss", "type": "approval", "data": {"approverType": "user", "approverIds": [7]}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "boss"},
    {"source": "boss", "target": "done"}
  ]
}
""",
    fix="Remove `scope`, or wait for an event of your own with a `wait` node.",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    design = facts.graph.design
    if design.settings.scope != "system":
        return
    for name, node in design.nodes.items():
        if isinstance(node.config, Approval):
            yield RULE.diagnostic(
                f"nobody can answer {ticks(name)}: a `system` design has no tenant",
                place_of(node),
                node=name,
                related=(Related(design.pointer_to("scope"), "says so"),),
                help="remove `scope`, or use a `wait`",
                fixes=(fix("run for a tenant: remove `scope`", remove_setting(design, "scope")),),
            )
