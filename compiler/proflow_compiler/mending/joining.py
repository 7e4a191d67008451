"""Fixes that set how a join waits for branches, or draw a join before another node."""

from collections.abc import Iterator
from functools import partial

from proflow_schemas.language import Text, Texts

from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Edit, Fix
from proflow_compiler.diagnostics.design_edits import (
    Line,
    add_edges,
    add_node,
    fix,
    free_id,
    lead_to,
    set_key,
)
from proflow_compiler.graph import Graph
from proflow_compiler.graph.loops import Loop
from proflow_compiler.mending.stopping import IncompleteJoin
from proflow_compiler.soundness.graph_facts import GraphFacts

TEXTS = Texts(
    "joining",
    {
        "both": Text("{meaning:raw}: {how:raw}", "{meaning:raw}：{how:raw}"),
        "go-on": Text(
            "go on at `{node}` without the other branch: set the mode `active`",
            "缺少其他分支时也从 `{node}` 继续：将模式设为 `active`",
        ),
        "wait-all": Text(
            "wait at `{node}` for all branches that are on their way: set the mode `active`",
            "在 `{node}` 等待所有正在执行的分支：将模式设为 `active`",
        ),
        "first": Text(
            "go on at `{node}` with the first branch that comes: set the mode `any`",
            "第一个分支到达后就从 `{node}` 继续：将模式设为 `any`",
        ),
        "every": Text(
            "go on at `{node}` only if every branch has come",
            "所有分支都到达后才从 `{node}` 继续",
        ),
        "all-three": Text(
            "{need:raw}, and {title:raw}, {how:raw}",
            "{need:raw}，并{title:raw}，{how:raw}",
        ),
        "without": Text(
            "go on at `{node}` without the branches that have left",
            "不等已离开的分支，直接从 `{node}` 继续",
        ),
        "set-mode": Text("set the mode `{mode:raw}`", "将模式设为 `{mode:raw}`"),
        "draw-join": Text(
            "draw a join of the mode `{mode:raw}` before it",
            "在它之前画一个模式为 `{mode:raw}` 的汇合",
        ),
    },
)


def continue_without_missing(node: Node, *, alternative: bool = False) -> Fix:
    """Set a join to mode `active`, so that it goes on without branches that do not arrive."""
    title = TEXTS("go-on", node=node.id)
    return fix(title, set_key(node, "mode", "active"), alternative=alternative)


def choose_merge_mode(node: Node) -> Iterator[Fix]:
    """Offer two modes for a join that several branches reach: wait for all, or for the first."""
    yield fix(
        TEXTS("wait-all", node=node.id),
        set_key(node, "mode", "active"),
    )
    yield fix(
        TEXTS("first", node=node.id),
        set_key(node, "mode", "any"),
    )


def clarify_join(level: GraphFacts, loop: Loop | None, node: Node) -> Iterator[Fix]:
    """State whether a node at which branches join needs all of them.

    Yields up to two fixes: the node needs every branch, or it goes on without those that left. The
    mode is set at the node if it is a join; otherwise a join is drawn before it.

    Args:
        level: The facts of its graph.
        loop: The innermost loop around the node; None if the node is in no loop.
        node: The node.
    """
    name = free_id(level.graph.design, "join")
    set_mode = _set_mode if node.type == "join" else partial(_join_before, level.graph, name)
    need = TEXTS("every", node=node.id)
    incomplete = _incomplete_join(level, loop, node.id)
    if not incomplete.happens:
        yield _titled(need, set_mode(node, "all"))
    elif incomplete.stopping is not None:
        title, edits = incomplete.stopping
        how, made = set_mode(node, "all")
        yield fix(TEXTS("all-three", need=need, title=title, how=how), *made, *edits)
    yield _titled(TEXTS("without", node=node.id), set_mode(node, "active"))


def _titled(meaning: str, found: tuple[str, list[Edit]]) -> Fix:
    return fix(TEXTS("both", meaning=meaning, how=found[0]), *found[1])


def _incomplete_join(level: GraphFacts, loop: Loop | None, node: str) -> IncompleteJoin:
    """Return the runs that take some but not all edges into a node."""
    formula, others = level.loop_formula(loop)
    into = formula.into(node)
    some, one_less = formula.any_of(into), formula.any_of(-literal for literal in into)
    return IncompleteJoin(
        level, formula, node, [*others, formula.no_stop, formula.no_back_edge, some, one_less]
    )


def _set_mode(node: Node, mode: str) -> tuple[str, list[Edit]]:
    """Set the mode of a join."""
    return TEXTS("set-mode", mode=mode), [set_key(node, "mode", mode)]


def _join_before(graph: Graph, name: str, node: Node, mode: str) -> tuple[str, list[Edit]]:
    """Draw a join before a node, and redirect all edges into the node to the join."""
    nodes = graph.design.nodes
    edges = [edge.edge for edge in graph.into[node.id] if edge.edge is not None]
    sources = [nodes[source] for source in dict.fromkeys(edge.source for edge in edges)]
    return TEXTS("draw-join", mode=mode), [
        *lead_to(edges, name),
        add_node(graph.design, name, "join", near=node, behind=sources, data={"mode": mode}),
        *add_edges(graph.design, [Line(name, node.id)]),
    ]


def can_insert_join(graph: Graph, node: Node) -> bool:
    """Return True if all edges into a node are drawn, so that they can be redirected to a join."""
    edges = [edge.edge for edge in graph.into[node.id]]
    return all(edge is not None and edge.drawn for edge in edges)
