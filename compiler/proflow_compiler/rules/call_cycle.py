"""PF311: a workflow that calls itself, directly or through others."""

from collections.abc import Iterator

from proflow_schemas.language import Text
from proflow_schemas.node_types.subprocess import Subprocess

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF311",
    name="call-cycle",
    level=Level.ERROR,
    summary="a `subprocess` through which a workflow calls itself, directly or through others",
    why="""
A run that starts itself again starts another, and so on: Inngest would go on until somebody stops
it, were it not for a limit of eight calls within each other, at which the runs fail. Calls are
followed through all designs that are checked together.
""",
    incorrect="""
{
  "id": "review",
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "again", "type": "subprocess", "data": {"workflow": "review"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "again"},
    {"source": "again", "target": "done"}
  ]
}
""",
    correct="""
{
  "id": "review",
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "again", "type": "loop", "data": {"maxIterations": 3}},
    {"id": "read", "type": "task", "parentId": "again", "data": {"handler": "read"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "again"},
    {"source": "again", "target": "done"}
  ]
}
""",
    fix="Repeat within one workflow: with a `loop`, or with an edge that leads back (`data.loop`).",
    texts={
        "through-others": Text(
            "`{design}` calls itself: {path:path}",
            "`{design}` 最终调用了自己：{path:path}",
        ),
        "itself": Text("`{design}` calls itself", "`{design}` 调用了自己"),
        "starts-again": Text("a run would start itself again", "运行会再次启动自己"),
        "use-loop": Text(
            "repeat with a `loop`, or with an edge that leads back",
            "使用 `loop` 容器或返回前面节点的连线来重复",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    design = facts.graph.design
    for name, node in facts.drawn.items():
        if not isinstance(node.config, Subprocess):
            continue
        path = facts.calls.path(node.config.workflow, design.id)
        if not path:
            continue
        yield RULE.diagnostic(
            RULE.text("through-others", design=design.id, path=(design.id, *path))
            if len(path) > 1
            else RULE.text("itself", design=design.id),
            node.pointer_to("workflow"),
            node=name,
            label=RULE.text("starts-again"),
            help=RULE.text("use-loop"),
        )
