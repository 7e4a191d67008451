"""PF210: a join of mode `all` into which some run takes only some of the edges."""

from collections.abc import Iterator
from dataclasses import replace

from proflow_schemas.language import Text

from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Diagnostic, Fix, Level, Related
from proflow_compiler.diagnostics.design_edits import Ration, fix
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of, pointed
from proflow_compiler.graph import GraphEdge
from proflow_compiler.graph.loops import Loop
from proflow_compiler.mending import joining
from proflow_compiler.mending.stopping import IncompleteJoin
from proflow_compiler.rules import unreachable_node
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness import Undecided
from proflow_compiler.soundness.graph_facts import GraphFacts
from proflow_compiler.soundness.witness import turning_points, witness

_MOST = 100
"""The most joins reported for a level, as many often have one cause."""
_MOST_SHOWN = 20
"""The most joins for which a path is searched; others are reported without one."""

RULE = Rule(
    code="PF210",
    name="deadlocked-join",
    level=Level.ERROR,
    fixable=True,
    summary="""a join of mode `all` that some run takes one edge to and not every one, though nothing
stops it""",
    why="""
A join of mode `all` runs when every edge in was taken. If one of them is skipped, the join is skipped
too, and all that follows it: the run comes to its end without. That is right where something stops
the run, as a rejection does that leads to an end with `terminate`. Where nothing does, somebody has
forgotten what should happen. The message shows such a run.

There are two mends, and they mean different things. Let what leaves the branch out stop the run: draw
it to an end with `terminate`, then nothing behind the join happens. Or name the mode `active`: then
the run goes on behind the join without the branch that was left out. After a rejection that would be
to pay all the same.

Choices are taken to be independent of each other, even where two conditions ask for the same.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "amount", "type": "condition"},
    {"id": "legal", "type": "approval"},
    {"id": "finance", "type": "approval"},
    {"id": "sign", "type": "join", "data": {"mode": "all"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "amount"},
    {"source": "begin", "target": "finance"},
    {"source": "amount", "target": "legal", "data": {"when": "event.data.amount > 100"}},
    {"source": "amount", "target": "sign"},
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
    {"id": "sign", "type": "join", "data": {"mode": "active"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "amount"},
    {"source": "begin", "target": "finance"},
    {"source": "amount", "target": "legal", "data": {"when": "event.data.amount > 100"}},
    {"source": "amount", "target": "sign"},
    {"source": "legal", "target": "sign"},
    {"source": "finance", "target": "sign"},
    {"source": "sign", "target": "done"}
  ]
}
""",
    fix="""
End with `terminate` what leaves a branch out, or lead every path of the branch to the join. Name
`active` only if the run is to go on without that branch.
""",
    texts={
        "two-ways": Text(
            "if what leaves that branch out is meant to stop the run, end it with "
            "`terminate`; or name `active`, by which the run goes on here without that "
            "branch",
            "如果缺少该分支时应停止运行，用 `terminate` 结束它；如果应继续运行，将模式设为 "
            "`active`，缺少该分支也会继续",
        ),
        "skipped": Text(
            "join `{name}` is skipped on some runs, with all that follows: the edge from "
            "`{source}` is not taken, though another one is",
            "某些运行会跳过汇合 `{name}` 及其后的所有节点：来自 `{source}` 的连线未执行，而"
            "另一条已执行",
        ),
        "needs-all": Text("needs every edge in to be taken", "需要所有进入的连线都执行"),
        "not-on-path": Text("not taken on the path shown", "在所示路径上未执行"),
        "not-on-some": Text("not taken on some runs", "在某些运行中未执行"),
        "undecided": Text(
            "it could not be decided whether every run takes all edges into join `{name}`",
            "无法判定每次运行是否都会执行汇合 `{name}` 的所有进入连线",
        ),
        "too-many-paths": Text("too many paths lead here", "通向这里的路径过多"),
        "fewer-paths": Text(
            "draw fewer paths to this join, or name another mode",
            "减少通向此汇合的路径，或改用其他模式",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    ration = facts.ration()
    for level in facts.levels:
        if not level.ordered or not level.needing_all:
            continue
        never: list[str] = []
        found = [one for loop in (None, *level.loops) for one in _check(level, loop, never, ration)]
        yield from found
        if not found:
            yield from (unreachable_node.behind_joins(level, name) for name in never)


def _check(
    level: GraphFacts, loop: Loop | None, never: list[str], ration: Ration
) -> Iterator[Diagnostic]:
    """Yield the joins of a loop that a run skips.

    Args:
        level: The facts of the graph.
        loop: The loop; None for the whole graph.
        never: A list to which the joins are added that no run takes all edges into.
        ration: The budget for fixes.
    """
    suspects, unreached = _candidates(level, loop)
    shown = 0
    for name in suspects:
        formula, others = level.loop_formula(loop)
        runs = formula.runs
        into = [edge for edge in level.graph.into[name] if edge.source in level.reached]
        assumed = [
            *others,
            formula.no_stop,
            formula.no_back_edge,
            formula.any_of(formula.into(name)),
        ]
        missing = -formula.node[name]
        try:
            found = (
                witness(formula, name, [*assumed, missing])
                if shown < _MOST_SHOWN
                else ((), runs)
                if formula.holds([*assumed, missing])
                else None
            )
            if found is not None:
                shown += 1
                path, run = found
                taken = {edge.index for edge in run.into.get(name, ())}
                edge = next(edge for edge in into if edge.index not in taken or not path)
                missed = {one.index for one in into} - taken
                choices = turning_points(runs, run, path, [edge.source], missed) if path else []
                fixes = _fixes(
                    IncompleteJoin(level, formula, name, [*assumed, missing]), level.drawn[name]
                )
                yield replace(
                    _skipped(level, name, edge, level.full_path(runs, path), choices),
                    fixes=tuple(fixes) if ration.take() else (),
                )
                if shown == _MOST:
                    return
            elif not formula.holds([*others, formula.node[name]]):
                never.append(name)
        except Undecided:
            yield _undecided(level, name)
    never += (name for name in unreached if not level.begins(name))


def _fixes(incomplete: IncompleteJoin, join: Node) -> Iterator[Fix]:
    """Yield the two fixes. After a rejection, the one that lets the run go on comes last."""
    going_on = joining.continue_without_missing(join, alternative=incomplete.by_failure)
    if not incomplete.by_failure:
        yield going_on
    if incomplete.stopping is not None:
        title, edits = incomplete.stopping
        yield fix(title, *edits)
    if incomplete.by_failure:
        yield going_on


def _candidates(level: GraphFacts, loop: Loop | None) -> tuple[list[str], list[str]]:
    """Find the joins of a loop for which the polynomial analysis is not enough.

    Returns:
        The joins that some run may skip, and the joins that only runs reach which something stops.
        A join behind one that may be skipped is among the first, since it runs less often than the
        analysis assumes. All other joins run whenever a run reaches them.
    """
    joins = level.needing_all_in(loop)
    if not joins:
        return [], []
    runs = level.runs(loop, stopping=False)
    certainty, settlement = level.certainty(runs), level.settlement
    may_be_skipped = 0
    suspects: list[str] = []
    unreached: list[str] = []
    for name in joins:
        if name not in level.runs(loop).into:
            continue
        own = level.innermost_loop(name) is loop
        lacking = name in runs.into and certainty.missing(name) is not None
        if lacking or settlement.before[name] & may_be_skipped:
            may_be_skipped |= settlement.bit[name]
            suspects += [name] if own else []
        elif own and name not in runs.into:
            unreached.append(name)
    return suspects, unreached


def _skipped(
    level: GraphFacts,
    name: str,
    edge: GraphEdge,
    path: tuple[str, ...],
    choices: list[tuple[str, str]],
) -> Diagnostic:
    node = level.drawn[name]
    source, drawn = level.graph.nodes[edge.source].node, edge.edge
    pointer = place_of(source) if drawn is None else pointed(drawn.pointer, "source")
    return RULE.diagnostic(
        RULE.text("skipped", name=name, source=source.id),
        node.pointer_to("mode"),
        node=name,
        edge=None if drawn is None else drawn.key,
        label=RULE.text("needs-all"),
        related=(Related(pointer, RULE.text("not-on-path") if path else RULE.text("not-on-some")),),
        path=path,
        choices=[(level.graph.nodes[at].node.id, outcome) for at, outcome in choices],
        help=RULE.text("two-ways"),
    )


def _undecided(level: GraphFacts, name: str) -> Diagnostic:
    node = level.drawn[name]
    return RULE.diagnostic(
        RULE.text("undecided", name=name),
        node.pointer_to("mode"),
        node=name,
        label=RULE.text("too-many-paths"),
        help=RULE.text("fewer-paths"),
    )
