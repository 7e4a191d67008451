"""PF208: a back edge that an iteration can take while another branch of the loop still runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Fix, Level, Related
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of, pointed
from proflow_compiler.graph import GraphEdge
from proflow_compiler.graph.concurrency import Concurrency, Watched, indices
from proflow_compiler.graph.loops import Loop
from proflow_compiler.graph.runs import Runs
from proflow_compiler.mending.returning import (
    keep_one_edge,
    repeat_branch_alone,
    return_by_returned,
)
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness import Undecided
from proflow_compiler.soundness.certainty import drawn_path, path_to
from proflow_compiler.soundness.graph_facts import GraphFacts
from proflow_compiler.soundness.splits import find_split, with_join

RULE = Rule(
    code="PF208",
    name="concurrency-across-loop",
    level=Level.ERROR,
    fixable=True,
    summary="""a back edge that one iteration of a loop can take together with another, or with an edge
that leaves the loop""",
    why="""
A back edge begins the next iteration, so the one before must be over. If a branch beside it takes a
back edge too, or leaves the loop, the run would be in two iterations at once, or both in the loop and
behind it. The message names the two; the path leads to the back edge.

An approval's `returned` edge may lead back whatever goes on beside it: the first return ends the
iteration, and what the other branches do is cancelled. Nor does an edge to an end that stops the run
conflict with a back edge: it leaves all loops at once.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "draft", "type": "task", "data": {"handler": "draft"}},
    {"id": "legal", "type": "approval"},
    {"id": "finance", "type": "approval"},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "draft"},
    {"source": "draft", "target": "legal"},
    {"source": "draft", "target": "finance"},
    {"source": "legal", "target": "done"},
    {"source": "finance", "target": "done"},
    {"source": "legal", "target": "draft", "sourceHandle": "rejected",
     "data": {"loop": {"max": 3}}}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "draft", "type": "task", "data": {"handler": "draft"}},
    {"id": "legal", "type": "approval"},
    {"id": "finance", "type": "approval"},
    {"id": "both", "type": "join"},
    {"id": "again", "type": "condition"},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "draft"},
    {"source": "draft", "target": "legal"},
    {"source": "draft", "target": "finance"},
    {"source": "legal", "target": "both", "sourceHandle": "approved"},
    {"source": "legal", "target": "both", "sourceHandle": "rejected"},
    {"source": "finance", "target": "both"},
    {"source": "both", "target": "again"},
    {"source": "again", "target": "draft",
     "data": {"when": "steps.legal.outcome == 'rejected'", "loop": {"max": 3}}},
    {"source": "again", "target": "done"}
  ]
}
""",
    fix="""
Join the branches first, and decide behind the join whether to go back. Or go back by `returned`, if
the first approval to do so may end the iteration for all. Or lead the back edge to a node within its
own branch.
""",
    texts={
        "leads-back": Text("leads back", "返回循环起点"),
        "leaves": Text("leaves the loop", "离开循环"),
        "both-taken": Text(
            "the back edge from `{node}` to `{target}` can be taken while the edge from "
            "`{source}` to `{other}` {kind:raw}",
            "从 `{source}` 到 `{other}` 的连线{kind}时，从 `{node}` 到 `{target}` 的返回连线"
            "可能同时执行",
        ),
        "next-iteration": Text("begins the next iteration", "开始下一轮"),
        "same-iteration": Text("{kind:raw} in the same iteration", "在同一轮中{kind}"),
        "join-first": Text(
            "join the branches first, and decide behind the join whether to go back",
            "先汇合各分支，汇合之后再决定是否返回",
        ),
    },
)


@dataclass(frozen=True)
class _Leaving:
    """An outcome by which an iteration ends: by back edges to its header, or by leaving the loop.

    Attributes:
        node: The id of the node.
        outcome: The outcome.
        back: The back edges to the header.
        out: The edges that leave the loop.
        at_once: True if an approval returns by it, which ends the iteration for all branches.
    """

    node: str
    outcome: str
    back: Sequence[GraphEdge]
    out: Sequence[GraphEdge]
    at_once: bool


def check(facts: Facts) -> Iterator[Diagnostic]:
    for level in facts.levels:
        if level.ordered:
            for loop in level.loops:
                # Proving that a run reaches the loop is expensive, so it is done for reports only.
                yield from (one for one in _check(level, loop) if level.begins(loop.header))


def _check(level: GraphFacts, loop: Loop) -> Iterator[Diagnostic]:
    """Yield at most one diagnostic: further pairs in the same loop have the same cause."""
    runs = level.runs(loop)
    leaving = list(_leaving(runs, loop))
    watched: Watched = {(one.node, one.outcome): 1 << index for index, one in enumerate(leaving)}
    concurrent = Concurrency(runs, watched).concurrent
    back = sum(1 << index for index, one in enumerate(leaving) if one.back)
    for one in leaving:
        if one.back and len(one.back) + len(one.out) > 1:
            yield _diagnostic(level, runs, one, one)
            return
        found = concurrent[one.node, one.outcome] & (-1 if one.back else back)
        for other in (leaving[index] for index in indices(found)):
            if one.at_once or other.at_once or not _together(level, runs, one, other):
                continue
            first, second = (one, other) if one.back else (other, one)
            yield _diagnostic(level, runs, first, second)
            return


def _together(level: GraphFacts, runs: Runs, one: _Leaving, other: _Leaving) -> bool:
    """Return True if one iteration can take both, or if that could not be decided."""
    if level.exact(runs):
        return True
    formula = level.formula(runs)
    both = [formula.exit[end.node, end.outcome] for end in (one, other)]
    try:
        return formula.holds(both)
    except Undecided:
        return True


def _leaving(runs: Runs, loop: Loop) -> Iterator[_Leaving]:
    for name in runs.order:
        for exit_ in runs.exits[name]:
            back_edges = [back_edge.edge for back_edge in exit_.back]
            back = [edge for edge in back_edges if edge.target == loop.header]
            out = [
                edge
                for edge in exit_.edges
                if edge.target not in loop.nodes and not runs.graph.nodes[edge.target].stops
            ]
            out += [edge for edge in back_edges if edge.target != loop.header]
            if back or out:
                at_once = bool(exit_.back) and all(one.at_once for one in exit_.back)
                yield _Leaving(name, exit_.outcome, back, out, at_once)


def _diagnostic(level: GraphFacts, runs: Runs, one: _Leaving, other: _Leaving) -> Diagnostic:
    graph = level.graph
    back = one.back[0]
    other_edge = next(edge for edge in (*other.back, *other.out) if edge is not back)
    branch: tuple[str, ...] = ()
    if one is other:
        path = drawn_path(graph, path_to(graph, one.node))
    else:
        ends = (one.node, one.outcome), (other.node, other.outcome)
        wider, join = with_join(runs, *ends)
        split = find_split(wider, join)
        to_back = split.paths[split.edges[0].source != one.node]
        path, branch = level.full_path(runs, to_back), to_back[to_back.index(split.fork) + 1 :]
    node = graph.nodes[one.node].node
    drawn = back.edge
    kind = RULE.text("leads-back") if other_edge in other.back else RULE.text("leaves")
    source = graph.nodes[other_edge.source].node
    pointer = (
        place_of(source) if other_edge.edge is None else pointed(other_edge.edge.pointer, "target")
    )
    return RULE.diagnostic(
        RULE.text(
            "both-taken",
            node=node.id,
            target=back.target,
            source=source.id,
            other=_target(level, other_edge),
            kind=kind,
        ),
        node.pointer_to("rejectTo") if drawn is None else pointed(drawn.pointer, "target"),
        node=node.id,
        edge=None if drawn is None else drawn.key,
        label=RULE.text("next-iteration"),
        related=(Related(pointer, RULE.text("same-iteration", kind=kind)),),
        path=(*path, *drawn_path(graph, (back.target,))),
        help=RULE.text("join-first"),
        fixes=_fixes(level, back, other_edge, branch),
    )


def _fixes(
    level: GraphFacts, edge: GraphEdge, other: GraphEdge, branch: Sequence[str]
) -> Iterator[Fix]:
    """Yield the fixes.

    Args:
        level: The facts of the graph.
        edge: The back edge.
        other: The edge that can be taken in the same iteration.
        branch: The nodes from the fork to the back edge; empty if one outcome takes both edges.
    """
    if not branch:
        yield from keep_one_edge(edge, other)
        return
    back_edge = next(one for one in level.graph.back if one.edge == edge)
    yield from return_by_returned(level.graph, back_edge)
    yield from repeat_branch_alone(level.graph, back_edge, branch)


def _target(level: GraphFacts, edge: GraphEdge) -> str:
    """Return the id of the drawn node that an edge leads to."""
    return level.graph.nodes[edge.target].node.id
