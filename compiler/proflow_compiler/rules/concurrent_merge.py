"""PF211: a join of mode `one` that one run can reach by two edges."""

from collections.abc import Iterator

from proflow_schemas.language import Text

from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Diagnostic, Level, Related
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of
from proflow_compiler.graph import GraphEdge
from proflow_compiler.graph.runs import Runs
from proflow_compiler.mending.joining import choose_merge_mode
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness import Undecided
from proflow_compiler.soundness.graph_facts import GraphFacts
from proflow_compiler.soundness.splits import Split, find_split

_MOST_SEARCHED = 60_000
"""The most nodes searched for paths, in all; after that, joins are reported without a path."""

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
    texts={
        "split": Text("they split at `{fork}`", "在 `{fork}` 处分开"),
        "both-reach": Text(
            "the branches over {sources:and} can both reach this join in one run",
            "经过 {sources:and} 的分支可能在同一次运行中都到达这个汇合",
        ),
        "exactly-one": Text("needs exactly one edge in to be taken", "只能有一条进入的连线被执行"),
        "use-active": Text(
            "use `active` to wait for all branches that are on their way",
            "使用 `active`，等待所有正在执行的分支",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    searched = 0
    for level in facts.levels:
        if not level.ordered:
            continue
        for name, node in level.drawn.items():
            if level.graph.nodes[name].mode != "one":
                continue
            runs = level.runs(level.innermost_loop(name))
            edges = level.concurrency(runs).concurrent_edges.get(name)
            if edges is None:
                continue
            if not level.exact(runs):
                found = _with_two(level, runs, name)
                if found is None:
                    continue
                runs, edges = found, (found.into[name][0], found.into[name][1])
            searched += len(level.graph.nodes)
            split = find_split(runs, name) if searched <= _MOST_SEARCHED else None
            yield _diagnostic(level, runs, node, edges, split)


def _with_two(level: GraphFacts, runs: Runs, name: str) -> Runs | None:
    """Return a run that takes two edges into a node, or all `runs` if that could not be decided."""
    formula = level.formula(runs)
    try:
        return formula.last_run() if formula.holds([formula.two_of(formula.into(name))]) else None
    except Undecided:
        return runs


def _diagnostic(
    level: GraphFacts,
    runs: Runs,
    node: Node,
    edges: tuple[GraphEdge, GraphEdge],
    split: Split | None,
) -> Diagnostic:
    path: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()
    if split is not None:
        edges, path = split.edges, level.full_path(runs, (*split.paths[0], node.id))
        fork = level.graph.nodes[split.fork].node
        related = (Related(place_of(fork), RULE.text("split", fork=fork.id)),)
    sources = [level.graph.nodes[edge.source].node.id for edge in edges]
    drawn = edges[1].edge
    return RULE.diagnostic(
        RULE.text("both-reach", sources=sources),
        node.pointer_to("mode"),
        node=node.id,
        edge=None if drawn is None else drawn.key,
        label=RULE.text("exactly-one"),
        path=path,
        related=related,
        help=RULE.text("use-active"),
        fixes=choose_merge_mode(node),
    )
