"""PF316: an approval in a design that belongs to no tenant."""

from collections.abc import Iterator

from proflow_schemas.language import Text
from proflow_schemas.node_types.approval import Approval

from proflow_compiler.diagnostics import Diagnostic, Level, Related
from proflow_compiler.diagnostics.design_edits import fix, remove_setting
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
    texts={
        "nobody": Text(
            "nobody can answer `{name}`: a `system` design has no tenant",
            "没有人能处理 `{name}`：`system` 设计不属于任何租户",
        ),
        "says-so": Text("says so", "在这里设置"),
        "remove": Text("remove `scope`, or use a `wait`", "移除 `scope`，或使用 `wait` 节点"),
        "run-for-tenant": Text("run for a tenant: remove `scope`", "以租户身份运行：移除 `scope`"),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    design = facts.graph.design
    if design.settings.scope != "system":
        return
    for name, node in design.nodes.items():
        if isinstance(node.config, Approval):
            yield RULE.diagnostic(
                RULE.text("nobody", name=name),
                place_of(node),
                node=name,
                related=(Related(design.pointer_to("scope"), RULE.text("says-so")),),
                help=RULE.text("remove"),
                fixes=(fix(RULE.text("run-for-tenant"), remove_setting(design, "scope")),),
            )
