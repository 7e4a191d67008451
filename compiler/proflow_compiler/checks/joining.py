"""Fixes that say how a join, or a node at which branches meet, waits for them."""

from collections.abc import Iterator

from proflow_compiler.checks.wording import ticks
from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Fix
from proflow_compiler.fixes.making import Line, add_edges, add_node, fix, free_id, lead_to, set_key
from proflow_compiler.graph import Graph


def going_on(node: Node, *, alternative: bool = False) -> Fix:
    """Let a join go on without the branches that do not come."""
    title = f"go on at {ticks(node.id)} without the other branch: set the mode `active`"
    return fix(title, set_key(node, "mode", "active"), alternative=alternative)


def waiting(node: Node) -> Iterator[Fix]:
    """Let a join to which several branches come wait for them, or go on at the first."""
    yield fix(
        f"wait at {ticks(node.id)} for all branches that are on their way: set the mode `active`",
        set_key(node, "mode", "active"),
    )
    yield fix(
        f"go on at {ticks(node.id)} with the first branch that comes: set the mode `any`",
        set_key(node, "mode", "any"),
    )


def named(node: Node) -> Iterator[Fix]:
    """Name the mode of a join that has none."""
    for mode, meaning in _meanings(node):
        yield fix(f"{meaning}: set the mode `{mode}`", set_key(node, "mode", mode))


def joined_before(graph: Graph, node: Node) -> Iterator[Fix]:
    """Let the branches that meet at a node meet in a join before it."""
    design = graph.design
    edges = [edge.edge for edge in graph.into[node.id] if edge.source in graph.reachable]
    drawn = [edge for edge in edges if edge is not None and edge.drawn]
    if len(drawn) < len(edges):
        return
    name = free_id(design, "join")
    sources = [design.nodes[source] for source in dict.fromkeys(edge.source for edge in drawn)]
    for mode, meaning in _meanings(node):
        yield fix(
            f"{meaning}: draw a join of the mode `{mode}` before it",
            *lead_to(drawn, name),
            add_node(design, name, "join", near=node, behind=sources, data={"mode": mode}),
            *add_edges(design, [Line(name, node.id)]),
        )


def _meanings(node: Node) -> Iterator[tuple[str, str]]:
    yield "all", f"go on at {ticks(node.id)} only if every branch has come"
    yield "active", f"go on at {ticks(node.id)} without the branches that have left"
