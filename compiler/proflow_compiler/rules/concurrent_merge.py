"""PF211: a `join: one` that some run comes to twice."""

from collections.abc import Iterator

from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Diagnostic, Level, Related
from proflow_compiler.diagnostics.message_text import listed, ticks
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of
from proflow_compiler.graph import GraphEdge
from proflow_compiler.graph.runs import Runs
from proflow_compiler.mending.joining import waiting
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness import Undecided
from proflow_compiler.soundness.branching import Parting, parted
from proflow_compiler.soundness.graph_facts import GraphFacts

_MOST_WALKED = 60_000
"""Nodes gone through in search of paths; joins found after that are reported without one."""

RULE = Rule(
    code="PF211",
    name="concurrent-merge",
    level=Level.ERROR,
    fixable=True,
    summary="a join of mode `one` that, on some run, more than one edge in is taken to",
    why="""
`one` promises that the branches exclude each other, so that exactly one comes. If two of them run
at once the promise is broken: usually a fork was drawn where a condition was meant, or the join
should wait for both.

Choices are taken to be independent of each other, even where two conditions ask for the same.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "legal", "type": "approval"},
    {"id": "finance", "type": "approval"},
    {"id": "sign", "type": "join", "data": {"mode": "one"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "legal"},
    {"source": "begin", "target": "finance"},
    {"source": "legal", "target": "sign"},
    {"source": "finance", "target": "sign"},
    {"source": "sign", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "amount", "type": "condition"},
    {"id": "legal", "type": "approval"},
    {"id": "finance", "type": "approval"},
    {"id": "sign", "type": "join", "data": {"mode": "one"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "amount"},
    {"source": "amount", "target": "legal", "data": {"when": "event.data.amount > 100"}},
    {"source": "amount", "target": "finance"},
    {"source": "legal", "target": "sign"},
    {"source": "finance", "target": "sign"},
    {"source": "sign", "target": "done"}
  ]
}
""",
    fix="Use `active` to wait for all branches that are on their way, or let a condition choose one.",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    walked = 0
    for level in facts.levels:
        if not level.ordered:
            continue
        for name, node in level.drawn.items():
            if level.graph.nodes[name].mode != "one":
                continue
            runs = level.runs(level.home(name))
            meeting = level.concurrency(runs).meeting
            edges = meeting.get(name)
            if edges is None:
                continue
            if not level.exact(runs):
                found = _with_two(level, runs, name)
                if found is None:
                    continue
                runs, edges = found, (found.into[name][0], found.into[name][1])
            walked += len(level.graph.nodes)
            parting = parted(runs, name) if walked <= _MOST_WALKED else None
            yield _diagnostic(level, runs, node, edges, parting)


def _with_two(level: GraphFacts, runs: Runs, name: str) -> Runs | None:
    """A run that takes two edges into a node; all of them where that could not be decided."""
    account = level.account(runs)
    try:
        return account.found() if account.holds([account.two_of(account.into(name))]) else None
    except Undecided:
        return runs


def _diagnostic(
    level: GraphFacts,
    runs: Runs,
    node: Node,
    edges: tuple[GraphEdge, GraphEdge],
    parting: Parting | None,
) -> Diagnostic:
    path: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()
    if parting is not None:
        edges, path = parting.edges, level.led(runs, (*parting.paths[0], node.id))
        fork = level.graph.nodes[parting.fork].node
        related = (Related(place_of(fork), f"they part at {ticks(fork.id)}"),)
    sources = [level.graph.nodes[edge.source].node.id for edge in edges]
    drawn = edges[1].edge
    return RULE.diagnostic(
        f"the branches over {listed(sources)} can both come to this join in one run",
        node.pointer_to("mode"),
        node=node.id,
        edge=None if drawn is None else drawn.key,
        label="needs exactly one edge in to be taken",
        path=path,
        related=related,
        help="use `active` to wait for all branches that are on their way",
        fixes=waiting(node),
    )
