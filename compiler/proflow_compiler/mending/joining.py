"""Fixes that say how a join, or a node at which branches meet, waits for them."""

from collections.abc import Iterator
from functools import partial

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
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.graph import Graph
from proflow_compiler.graph.loops import Loop
from proflow_compiler.mending.stopping import Starving
from proflow_compiler.soundness.graph_facts import GraphFacts


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


def cleared(level: GraphFacts, loop: Loop | None, node: Node) -> Iterator[Fix]:
    """Say of a node at which branches meet whether it needs all of them."""
    name = free_id(level.graph.design, "join")
    meet = _named if node.type == "join" else partial(_joined_before, level.graph, name)
    need = f"go on at {ticks(node.id)} only if every branch has come"
    lacking = _lacking(level, loop, node.id)
    if not lacking.happens:
        yield _said(need, meet(node, "all"))
    elif lacking.stopping is not None:
        title, edits = lacking.stopping
        how, made = meet(node, "all")
        yield fix(f"{need}, and {title}, {how}", *made, *edits)
    yield _said(
        f"go on at {ticks(node.id)} without the branches that have left", meet(node, "active")
    )


def _said(meaning: str, found: tuple[str, list[Edit]]) -> Fix:
    return fix(f"{meaning}: {found[0]}", *found[1])


def _lacking(level: GraphFacts, loop: Loop | None, node: str) -> Starving:
    """The runs that bring a node some of its edges only."""
    account, others = level.around(loop)
    into = account.into(node)
    some, one_less = account.any_of(into), account.any_of(-literal for literal in into)
    return Starving(level, account, node, [*others, account.calm, account.forward, some, one_less])


def _named(node: Node, mode: str) -> tuple[str, list[Edit]]:
    """Name the mode of a join that has none."""
    return f"set the mode `{mode}`", [set_key(node, "mode", mode)]


def _joined_before(graph: Graph, name: str, node: Node, mode: str) -> tuple[str, list[Edit]]:
    """Let the branches that meet at a node meet in a join before it."""
    nodes = graph.design.nodes
    edges = [edge.edge for edge in graph.into[node.id] if edge.edge is not None]
    sources = [nodes[source] for source in dict.fromkeys(edge.source for edge in edges)]
    return f"draw a join of the mode `{mode}` before it", [
        *lead_to(edges, name),
        add_node(graph.design, name, "join", near=node, behind=sources, data={"mode": mode}),
        *add_edges(graph.design, [Line(name, node.id)]),
    ]


def may_be_joined(graph: Graph, node: Node) -> bool:
    """Whether all edges to a node were drawn, so that they can lead to a join before it."""
    edges = [edge.edge for edge in graph.into[node.id]]
    return all(edge is not None and edge.drawn for edge in edges)
