"""Fixes that add what a drawing lacks: an `end`, a default edge, a `start`."""

from collections.abc import Iterator, Sequence

from proflow_schemas.language import Text, Texts

from proflow_compiler.design import Design
from proflow_compiler.diagnostics import Fix
from proflow_compiler.diagnostics.design_edits import (
    Line,
    add_edges,
    add_node,
    fix,
    free_id,
    plain_end,
)
from proflow_compiler.graph import Graph

TEXTS = Texts(
    "completing",
    {
        "when-left": Text(
            "when `{name}` is left by {outcomes:or}",
            "`{name}` 从 {outcomes:or} 出口离开时",
        ),
        "when-done": Text("when `{name}` is done", "`{name}` 完成后"),
        "when-none": Text("where no rule of `{name}` holds", "`{name}` 的规则都不成立时"),
        "to-end": Text(
            "complete the run {when:raw}: draw an edge to `{end}`",
            "{when:raw}结束运行：画一条通向 `{end}` 的连线",
        ),
        "new-end": Text(
            "complete the run {when:raw}: draw an `end`",
            "{when:raw}结束运行：画一个 `end`",
        ),
        "behind": Text(
            "complete the run behind {sources:and}: draw an `end`",
            "在 {sources:and} 之后结束运行：画一个 `end`",
        ),
        "begin": Text("begin at `{first}`: draw a `start`", "从 `{first}` 开始：画一个 `start`"),
    },
)


def end_after(design: Design, name: str, outcomes: Sequence[str]) -> Iterator[Fix]:
    """Draw an edge to an end behind a node, or behind some of its outcomes.

    Args:
        design: The design.
        name: The id of the node.
        outcomes: The outcomes that nothing follows; empty for the node as a whole.
    """
    when = (
        TEXTS("when-left", name=name, outcomes=outcomes)
        if outcomes
        else TEXTS("when-done", name=name)
    )
    handles = [_handle(design, name, one) for one in outcomes] or [None]
    yield _completing(design, name, when, handles)


def add_default(design: Design, name: str, outcome: str | None) -> Iterator[Fix]:
    """Draw a default edge from a node to an end, for when no rule holds.

    Args:
        design: The design.
        name: The id of the node.
        outcome: The outcome whose edges carry the rules; None for a condition or inclusive node.
    """
    yield _completing(design, name, TEXTS("when-none", name=name), [outcome])


def _completing(design: Design, name: str, when: str, handles: Sequence[str | None]) -> Fix:
    """Draw edges to an end that completes the run; draw the end as well if the design has no such end."""
    node = design.nodes[name]
    end = plain_end(design, node)
    target = end or free_id(design, "end")
    lines = add_edges(design, [Line(name, target, one) for one in handles])
    if end is not None:
        return fix(TEXTS("to-end", when=when, end=end), *lines)
    drawn = add_node(design, target, "end", near=node)
    return fix(TEXTS("new-end", when=when), drawn, *lines)


def add_end(graph: Graph) -> Iterator[Fix]:
    """Draw an `end` behind all nodes and outcomes that nothing follows."""
    design = graph.design
    name = free_id(design, "end")
    lines = list(_loose(graph, name))
    if not lines or any(not design.nodes[line.source].drawn for line in lines):
        return
    last = lines[-1].source
    sources = list(dict.fromkeys(line.source for line in lines))
    yield fix(
        TEXTS("behind", sources=sources),
        add_node(design, name, "end", near=design.nodes[last]),
        *add_edges(design, lines),
    )


def add_start(graph: Graph) -> Iterator[Fix]:
    """Draw a `start` before the only node without edges in; no fix if there are several."""
    design = graph.design
    first = [name for name, edges in graph.into.items() if not edges]
    if len(first) != 1 or not graph.nodes[first[0]].drawn:
        return
    name = free_id(design, "start")
    yield fix(
        TEXTS("begin", first=first[0]),
        add_node(design, name, "start", near=design.nodes[first[0]], above=True),
        *add_edges(design, [Line(name, first[0])]),
    )


def _loose(graph: Graph, end: str) -> Iterator[Line]:
    """Yield an edge to `end` for each node and outcome that nothing follows."""
    for name, at in graph.nodes.items():
        if not at.drawn:
            continue
        outcomes = graph.leading_nowhere.get(name, ())
        if not graph.exits[name] and (at.node.kind.rules or len(outcomes) < 2):
            yield Line(name, end)
        else:
            yield from (Line(name, end, _handle(graph.design, name, one)) for one in outcomes)


def _handle(design: Design, name: str, outcome: str) -> str | None:
    """Return the handle of an edge for an outcome; the default outcome needs none."""
    return None if outcome == design.nodes[name].kind.default else outcome
