"""PF208: a back edge that an iteration may take while something else of the loop goes on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proflow_compiler.diagnostics import Diagnostic, Fix, Level, Related
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of, pointed
from proflow_compiler.graph import GraphEdge
from proflow_compiler.graph.concurrency import Concurrency, Watched, indices
from proflow_compiler.graph.loops import Loop
from proflow_compiler.graph.runs import Runs
from proflow_compiler.mending.returning import one_of_two, repeated_alone, returned
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness import Undecided
from proflow_compiler.soundness.branching import joined, parted
from proflow_compiler.soundness.certainty import drawn_path, way_to
from proflow_compiler.soundness.graph_facts import GraphFacts

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
)


@dataclass(frozen=True)
class _Leaving:
    """An outcome by which an iteration ends: by back edges to its header, or by leaving the loop.

    `at_once`: an approval returns by it, which ends the iteration whatever else goes on in it.
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
                # Whether a run comes to a loop at all takes a proof: asked only if it matters.
                yield from (one for one in _check(level, loop) if level.begins(loop.header))


def _check(level: GraphFacts, loop: Loop) -> Iterator[Diagnostic]:
    """At most one: whatever else can happen at once in this loop has the same cause."""
    runs = level.runs(loop)
    leaving = list(_leaving(runs, loop))
    watched: Watched = {(one.node, one.outcome): 1 << index for index, one in enumerate(leaving)}
    beside = Concurrency(runs, watched).beside
    back = sum(1 << index for index, one in enumerate(leaving) if one.back)
    for one in leaving:
        if one.back and len(one.back) + len(one.out) > 1:
            yield _diagnostic(level, runs, one, one)
            return
        found = beside[one.node, one.outcome] & (-1 if one.back else back)
        for other in (leaving[place] for place in indices(found)):
            if one.at_once or other.at_once or not _together(level, runs, one, other):
                continue
            first, second = (one, other) if one.back else (other, one)
            yield _diagnostic(level, runs, first, second)
            return


def _together(level: GraphFacts, runs: Runs, one: _Leaving, other: _Leaving) -> bool:
    """Whether one iteration can take both; also where that could not be decided."""
    if level.exact(runs):
        return True
    account = level.account(runs)
    both = [account.exit[end.node, end.outcome] for end in (one, other)]
    try:
        return account.holds(both)
    except Undecided:
        return True


def _leaving(runs: Runs, loop: Loop) -> Iterator[_Leaving]:
    for name in runs.order:
        for exit_ in runs.exits[name]:
            ways = [way.edge for way in exit_.back]
            back = [edge for edge in ways if edge.target == loop.header]
            out = [
                edge
                for edge in exit_.edges
                if edge.target not in loop.nodes and not runs.graph.nodes[edge.target].stops
            ]
            out += [edge for edge in ways if edge.target != loop.header]
            if back or out:
                at_once = all(way.at_once for way in exit_.back) and bool(exit_.back)
                yield _Leaving(name, exit_.outcome, back, out, at_once)


def _diagnostic(level: GraphFacts, runs: Runs, one: _Leaving, other: _Leaving) -> Diagnostic:
    graph = level.graph
    way = one.back[0]
    beside = next(edge for edge in (*other.back, *other.out) if edge is not way)
    branch: tuple[str, ...] = ()
    if one is other:
        path = drawn_path(graph, way_to(graph, one.node))
    else:
        ends = (one.node, one.outcome), (other.node, other.outcome)
        wider, join = joined(runs, *ends)
        parting = parted(wider, join)
        walked = parting.paths[parting.edges[0].source != one.node]
        path, branch = level.led(runs, walked), walked[walked.index(parting.fork) + 1 :]
    node = graph.nodes[one.node].node
    drawn = way.edge
    kind = "leads back" if beside in other.back else "leaves the loop"
    source = graph.nodes[beside.source].node
    place = place_of(source) if beside.edge is None else pointed(beside.edge.pointer, "target")
    return RULE.diagnostic(
        f"the way back from {ticks(node.id)} to {ticks(way.target)} can be taken "
        f"while the edge from {ticks(source.id)} to {ticks(_target(level, beside))} {kind}",
        node.pointer_to("rejectTo") if drawn is None else pointed(drawn.pointer, "target"),
        node=node.id,
        edge=None if drawn is None else drawn.key,
        label="begins the next iteration",
        related=(Related(place, f"{kind} in the same iteration"),),
        path=(*path, *drawn_path(graph, (way.target,))),
        help="join the branches first, and decide behind the join whether to go back",
        fixes=_fixes(level, way, beside, branch),
    )


def _fixes(
    level: GraphFacts, edge: GraphEdge, beside: GraphEdge, branch: Sequence[str]
) -> Iterator[Fix]:
    """`branch`: the way to the back edge from where the two part; empty if they do not."""
    if not branch:
        yield from one_of_two(edge, beside)
        return
    way = next(one for one in level.graph.back if one.edge == edge)
    yield from returned(level.graph, way)
    yield from repeated_alone(level.graph, way, branch)


def _target(level: GraphFacts, edge: GraphEdge) -> str:
    return level.graph.nodes[edge.target].node.id
