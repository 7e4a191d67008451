"""PF217: a `rejectTo` that cannot be followed."""

from collections.abc import Iterator

from proflow_schemas.language import Text
from proflow_schemas.node_types.approval import Approval

from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Diagnostic, Fix, Level, Related
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.diagnostics.design_edits import fix, remove_key
from proflow_compiler.diagnostics.similar_words import closest, did_you_mean
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import pointed
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF217",
    name="bad-reject-to",
    level=Level.ERROR,
    fixable=True,
    summary="""a `rejectTo` that names no node beside the approval, or that stands beside a drawn
`rejected` edge""",
    why="""
`rejectTo` names the node that a rejected run goes back to. It must be a node of the design, in the
same container if there is one. A drawn `rejected` edge says where a rejection leads as well, so only
one of the two can be.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "draft", "type": "task", "data": {"handler": "draft"}},
    {"id": "check", "type": "approval", "data": {"rejectTo": "darft"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "draft"},
    {"source": "draft", "target": "check"},
    {"source": "check", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "draft", "type": "task", "data": {"handler": "draft"}},
    {"id": "check", "type": "approval"},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "draft"},
    {"source": "draft", "target": "check"},
    {"source": "check", "target": "done"},
    {"source": "check", "target": "draft", "sourceHandle": "rejected",
     "data": {"loop": {"max": 3}}}
  ]
}
""",
    fix="Correct the name, or draw the `rejected` edge instead, back to where the run should go on.",
    texts={
        "both": Text(
            "`{node}` has a `rejectTo` and a `rejected` edge",
            "`{node}` 既设置了 `rejectTo`，又有 `rejected` 连线",
        ),
        "one-too-many": Text("one of the two is too many", "两者只能有一个"),
        "remove-one": Text("remove one of them", "移除其中一个"),
        "leads-elsewhere": Text(
            "leads elsewhere, or there as well",
            "这条连线也决定了拒绝后的去向",
        ),
        "follow-edge": Text(
            "follow the edge after a rejection: remove `rejectTo`",
            "拒绝后沿连线继续：移除 `rejectTo`",
        ),
        "no-node": Text(
            "`{node}` is sent back to `{target}`, which is no node",
            "`{node}` 要退回到 `{target}`，但该节点不存在",
        ),
        "none-of-name": Text("no node has this id", "没有这个节点"),
        "name-earlier": Text(
            "name a node that runs before this one",
            "填写在此节点之前执行的节点",
        ),
        "other-container": Text(
            "`{node}` is sent back to `{target}`, which is not in the same container",
            "`{node}` 要退回到 `{target}`，但两者不在同一个容器中",
        ),
        "other-side": Text("on the other side of a border", "在容器边界的另一侧"),
        "same-container": Text("name a node in the same container", "填写同一容器中的节点"),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    nodes = facts.graph.design.nodes
    rejected = {edge.source: edge for edge in facts.graph.design.edges if edge.handle == "rejected"}
    for node in nodes.values():
        if not isinstance(node.config, Approval) or node.config.reject_to is None:
            continue
        target = node.config.reject_to
        edge = rejected.get(node.id)
        if edge is not None:
            yield _diagnostic(
                node,
                RULE.text("both", node=node.id),
                RULE.text("one-too-many"),
                RULE.text("remove-one"),
                (Related(pointed(edge.pointer, "target"), RULE.text("leads-elsewhere")),),
                (
                    fix(
                        RULE.text("follow-edge"),
                        remove_key(node, "rejectTo"),
                    ),
                ),
            )
        elif target not in nodes:
            yield _diagnostic(
                node,
                RULE.text("no-node", node=node.id, target=target),
                RULE.text("none-of-name"),
                did_you_mean(target, nodes) or RULE.text("name-earlier"),
                fixes=words.name(node.pointer_to("rejectTo"), closest(target, nodes)),
            )
        elif nodes[target].parent != node.parent:
            yield _diagnostic(
                node,
                RULE.text("other-container", node=node.id, target=target),
                RULE.text("other-side"),
                RULE.text("same-container"),
            )


def _diagnostic(
    node: Node,
    message: str,
    label: str,
    help: str,
    related: tuple[Related, ...] = (),
    fixes: tuple[Fix, ...] = (),
) -> Diagnostic:
    return RULE.diagnostic(
        message,
        node.pointer_to("rejectTo"),
        node=node.id,
        label=label,
        help=help,
        related=related,
        fixes=fixes,
    )
