"""Reports concurrent branches that do not form parallel blocks: PF209."""

from collections.abc import Mapping

from proflow_schemas.language import Text, Texts

from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.graph import GraphEdge, GraphNode
from proflow_compiler.rules.unstructured_concurrency import RULE as UNSTRUCTURED
from proflow_compiler.structuring.dominance import Dominance
from proflow_compiler.structuring.forks import Unstructured
from proflow_compiler.structuring.program import Leave

TEXTS = Texts(
    "PF209",
    {
        "branches-in": Text("branches in `{fork:raw}`", "`{fork:raw}` 中的分支"),
        "branches-out": Text("branches out of `{fork:raw}`", "从 `{fork:raw}` 分出的分支"),
        "joins-in": Text(
            "joins another branch in `{fork:raw}`",
            "与 `{fork:raw}` 中的另一个分支汇合",
        ),
        "joins-out": Text(
            "joins another branch out of `{fork:raw}`",
            "与从 `{fork:raw}` 分出的另一个分支汇合",
        ),
        "elsewhere": Text("{edge:raw} leads elsewhere", "{edge:raw} 通向别处"),
        "ends-elsewhere": Text("one ends elsewhere", "有一条在别处结束"),
        "cross": Text(
            "{branches:raw} cross: {edge:raw} joins another branch at `{merge:raw}`, and "
            "{elsewhere:raw} from there",
            "{branches:raw}相互交叉：{edge:raw} 在 `{merge:raw}` 与另一个分支汇合，而从那里"
            "{elsewhere:raw}",
        ),
        "leads-past": Text("leads past `{merge:raw}`", "绕过了 `{merge:raw}`"),
        "no-wait": Text(
            "{branches:raw} cross: {edge:raw} leads to `{merge:raw}`, which does not wait "
            "for `{slow:raw}` in the same branch",
            "{branches:raw}相互交叉：{edge:raw} 通向 `{merge:raw}`，但它不等待同一分支中的 "
            "`{slow:raw}`",
        ),
        "sometimes": Text(
            "{branches:raw} meet at `{merge:raw}`, but on some runs only",
            "{branches:raw}只在某些运行中在 `{merge:raw}` 汇合",
        ),
        "goes-on": Text(
            "{branches:raw} meet at `{merge:raw}`, and in one of them a join goes on before "
            "all that leads to it is over",
            "{branches:raw}在 `{merge:raw}` 汇合，但其中一个分支的汇合会提前继续",
        ),
        "join-in-one": Text(
            "to have blocks in the generated code, join these branches in one node",
            "若要在生成的代码中形成代码块，请将这些分支汇合到同一个节点",
        ),
        "an-edge": Text("an edge", "一条连线"),
    },
)


def unstructured_diagnostic(
    nodes: Mapping[str, GraphNode], tree: Dominance, found: Unstructured
) -> Diagnostic:
    """Return the diagnostic that says which branches cross, located at the edge that is to blame.

    Args:
        nodes: The nodes of all levels, by id.
        tree: The dominator tree of the body.
        found: Why the branches form no block.
    """
    at = nodes[tree.vertices[found.fork].node]
    fork, inside = at.node.id, at.entry
    branches = TEXTS("branches-in", fork=fork) if inside else TEXTS("branches-out", fork=fork)
    edge = _edge_from(tree, found.arm, found.merge)
    merge = nodes[edge.target if edge is not None else tree.vertices[found.merge].node].node.id
    label = TEXTS("joins-in", fork=fork) if inside else TEXTS("joins-out", fork=fork)
    if found.other_merge is not None:
        other = _edge_from(tree, found.arm, found.other_merge)
        elsewhere = (
            TEXTS("elsewhere", edge=_named(nodes, other)) if other else TEXTS("ends-elsewhere")
        )
        message = TEXTS(
            "cross", branches=branches, edge=_named(nodes, edge), merge=merge, elsewhere=elsewhere
        )
        if other is not None:
            edge, label = other, TEXTS("leads-past", merge=merge)
    elif found.slow is not None:
        slow = nodes[tree.vertices[found.slow].node].node.id
        message = TEXTS(
            "no-wait", branches=branches, edge=_named(nodes, edge), merge=merge, slow=slow
        )
    elif found.shared:
        message = TEXTS("sometimes", branches=branches, merge=merge)
    else:
        message = TEXTS("goes-on", branches=branches, merge=merge)
    drawn = edge.edge if edge is not None else None
    return UNSTRUCTURED.diagnostic(
        message,
        at.node.pointer if drawn is None else drawn.pointer,
        node=fork,
        edge=None if drawn is None else drawn.key,
        help=TEXTS("join-in-one"),
        label=label,
    )


def _edge_from(tree: Dominance, arm: int, merge: int) -> GraphEdge | None:
    """Return a drawn edge into `merge`, if possible from the branch that begins with `arm`.

    For the finish of a loop, an edge to a vertex that records an exit counts as well.
    """
    names = {tree.names[merge]}
    if merge == tree.finish:
        names |= {vertex.name for vertex in tree.vertices if isinstance(vertex.statement, Leave)}
    for node in (*tree.subtree(arm), *tree.subtree(tree.parent[merge])):
        for exit_ in tree.vertices[node].exits:
            for edge in exit_.edges:
                if (
                    edge.target in names
                    and edge.origin is not None
                    and edge.origin.edge is not None
                ):
                    return edge.origin
    return None


def _named(nodes: Mapping[str, GraphNode], edge: GraphEdge | None) -> str:
    if edge is None:
        return TEXTS("an-edge")
    return f"`{nodes[edge.source].node.id} → {nodes[edge.target].node.id}`"
