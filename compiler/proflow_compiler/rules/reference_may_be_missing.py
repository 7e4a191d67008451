"""PF304: an expression that reads a step which may not have run, or may not have finished."""

from collections import deque
from collections.abc import Collection, Iterator

from proflow_schemas.expressions import written_path

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.message_text import ticks, walk
from proflow_compiler.facts import Facts, Read
from proflow_compiler.graph.concurrency import Concurrency, Watched
from proflow_compiler.graph.runs import Runs, leaving
from proflow_compiler.mending.guarding import guarded
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness.graph_facts import GraphFacts

RULE = Rule(
    code="PF304",
    name="reference-may-be-missing",
    level=Level.ERROR,
    fixable=True,
    summary="an expression that reads a step which, on some run, was skipped or has not finished",
    why="""
`steps.x` is there once `x` has finished. If the way to the expression can be taken without `x`, or
while `x` is still at work in another branch, some runs would fail there, and only those: the kind
of mistake that a test run does not show. The message shows such a way.

`steps.x.error` is there only after `x` was left by `error`, and its `output` is null then, as that
of a wait after its `timeout`: fields below it are missing. In a loop only the round at hand counts,
although an earlier one may have left a value.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "amount", "type": "condition"},
    {"id": "audit", "type": "task", "data": {"handler": "audit"}},
    {"id": "pay", "type": "task",
     "data": {"handler": "pay", "input": "${steps.audit.output}"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "amount"},
    {"source": "amount", "target": "audit", "data": {"when": "event.data.amount > 100"}},
    {"source": "amount", "target": "pay"},
    {"source": "audit", "target": "pay"},
    {"source": "pay", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "amount", "type": "condition"},
    {"id": "audit", "type": "task", "data": {"handler": "audit"}},
    {"id": "pay", "type": "task",
     "data": {"handler": "pay", "input": "${has(steps.audit) ? steps.audit.output : null}"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "amount"},
    {"source": "amount", "target": "audit", "data": {"when": "event.data.amount > 100"}},
    {"source": "amount", "target": "pay"},
    {"source": "audit", "target": "pay"},
    {"source": "pay", "target": "done"}
  ]
}
""",
    fix="""
Say what holds without it: `has(steps.x) ? steps.x.output : …`. If it must be there, lead every way
over `x`; if it may still be running, draw an edge from its branch to where it is read.
""",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    reported: set[tuple[str, str, str]] = set()
    for read in facts.reads:
        reader = read.site.reader
        key = (read.site.pointer, read.site.text, read.step)
        if reader is None or key in reported:
            continue
        if reader not in facts.reached or read.step not in facts.reached:
            continue  # unreachable-node says so
        found = _verdict(facts, read, reader) if read.open else None
        found = found or _field_verdict(facts, read, reader)
        if found is not None:
            reported.add(key)
            yield found


def _verdict(facts: Facts, read: Read, reader: str) -> Diagnostic | None:
    level = facts.level_of[read.step]
    if level.graph.container == reader:
        message = f"{ticks(read.step)} is missing before the first round of {ticks(reader)}"
        return _diagnostic(facts, read, message, "not there yet", ())
    at = facts.lifted(reader, level)
    if at is None or not level.ordered:
        return None
    owner = level.graph.nodes[at].node.id
    ready = owner != read.step or read.site.ready
    if ready and level.graph.dominator_tree.dominates(read.step, at):
        return None
    step, recurs = ticks(read.step), level.recurs(read.step, at)
    if owner == read.step:
        return _diagnostic(
            facts,
            read,
            f"{step} reads itself before it has run",
            "not there yet",
            (),
            needs_guard=recurs,
        )
    settlement = level.settlement
    if not settlement.settled(read.step, at):
        path = level.walk(at)
        if settlement.leads(at, read.step):
            message = f"{step} only runs after {ticks(owner)}, which reads it"
            return _diagnostic(facts, read, message, "not there yet", path, needs_guard=recurs)
        if not settlement.leads(read.step, at) and not level.together(read.step, at):
            message = f"{step} never runs when {ticks(owner)}, which reads it, does"
            return _diagnostic(facts, read, message, "always skipped", path, needs_guard=recurs)
        message = f"{step} may be missing: nothing makes {ticks(owner)} wait for it"
        return _diagnostic(facts, read, message, "may still be running, or be skipped", path)
    absent = [
        one
        for one in read.reference.absent
        if one in level.graph.nodes and one in settlement.bit and settlement.settled(one, at)
    ]
    without = level.skipped(read.step, at, absent)
    if without is None:
        return None
    path = without
    message = f"{step} may be missing: {walk(path)} does not go over it"
    return _diagnostic(facts, read, message, "skipped on some runs", path)


_EMPTY = ("error", "timeout")
"""Outcomes that come without an output."""


def _field_verdict(facts: Facts, read: Read, reader: str) -> Diagnostic | None:
    """A field that the step has only if it was left by certain outcomes."""
    path, level = read.reference.path, facts.level_of[read.step]
    outcomes = [exit_.outcome for exit_ in facts.exits(read.step)]
    match path[2:]:
        case ("error", *_) if not read.reference.presence or len(path) > 3:
            lacking = [*(one for one in outcomes if one != "error"), "default"]
        case ("output", _, *_):
            lacking = [one for one in outcomes if one in _EMPTY]
        case _:
            return None
    if read.reference.chosen or not lacking:
        return None
    at = reader if level.graph.container == reader else facts.lifted(reader, level)
    if at is None or not level.ordered:
        return None
    way = (
        () if at == reader and at not in level.graph.nodes else _way(level, read.step, at, lacking)
    )
    if way is None:
        return None
    step, name = written_path(path[:2]), written_path(path[:3])
    if path[2] == "error":
        message = f"`{name}` may be missing: {ticks(read.step)} need not be left by `error`"
        condition, otherwise = f'{step}.outcome == "error"', "was not left by `error`"
    else:
        message = f"`{name}` may be empty: {ticks(read.step)} may be left by `{lacking[0]}`"
        condition, otherwise = (
            f'{step}.outcome != "{lacking[0]}"',
            f"was left by `{lacking[0]}`",
        )
    return _diagnostic(
        facts,
        read,
        message,
        "not there on some runs",
        way,
        condition=(condition, f"{ticks(read.step)} {otherwise}"),
    )


def _way(
    level: GraphFacts, step: str, at: str, outcomes: Collection[str]
) -> tuple[str, ...] | None:
    """A way to a node on a run that has left a step by one of these outcomes, if there is one."""
    if _follows(level, step, at, outcomes):
        return None
    runs, at = level.common(step, at)
    if step not in runs.into or at not in runs.into:
        return None
    if not level.exact(runs):
        return level.left_by(runs, step, at, outcomes)
    narrowed = leaving(runs, step, outcomes)
    if narrowed is None or at not in narrowed.into:
        return None
    if not level.certainty(runs).taken(step, at):
        both: Watched = {(step, None): 1, (at, None): 2}
        if not any(Concurrency(narrowed, both).beside.values()):
            return None
    way = _walk(narrowed, narrowed.root, step) + _walk(narrowed, step, at)[1:]
    return level.led(narrowed, way if way[-1] == at else _walk(narrowed, narrowed.root, at))


def _walk(runs: Runs, start: str, end: str) -> tuple[str, ...]:
    """A shortest way between two nodes of these runs; only its beginning if there is none."""
    came = {start: start}
    queue = deque([start])
    while queue and end not in came:
        at = queue.popleft()
        for exit_ in runs.exits[at]:
            for edge in exit_.edges:
                if edge.target in runs.into and edge.target not in came:
                    came[edge.target] = at
                    queue.append(edge.target)
    path = [end if end in came else start]
    while path[-1] != start:
        path.append(came[path[-1]])
    return tuple(reversed(path))


def _follows(level: GraphFacts, step: str, at: str, outcomes: Collection[str]) -> bool:
    """Whether `at` is only come to by another outcome of the step; quick, and no says nothing."""
    tree, graph = level.graph.dominator_tree, level.graph
    return any(
        len(graph.into[edge.target]) == 1 and tree.dominates(edge.target, at)
        for exit_ in graph.exits[step]
        if exit_.outcome not in outcomes
        for edge in exit_.edges
    )


def _diagnostic(
    facts: Facts,
    read: Read,
    message: str,
    label: str,
    path: tuple[str, ...],
    *,
    needs_guard: bool = True,
    condition: tuple[str, str] | None = None,
) -> Diagnostic:
    there = condition[0] if condition else f"has({written_path(read.reference.path[:2])})"
    help = (
        f"say what holds without it: `{there} ? … : …`"
        if needs_guard
        else "read a step that has run before, or draw the nodes in another order"
    )
    return RULE.diagnostic(
        message,
        read.site.pointer,
        span=read.span,
        node=read.site.node,
        edge=read.site.edge,
        label=label,
        path=path,
        help=help,
        fixes=guarded(facts, read, *(condition or ())) if needs_guard and facts.fixing else (),
    )
