"""PF304: an expression that reads a step which may not have run, or may not have finished."""

from collections.abc import Iterator

from proflow_schemas.expressions import written_path

from proflow_compiler.checks.facts import Facts, Read
from proflow_compiler.checks.rule import Rule
from proflow_compiler.checks.wording import ticks, walk
from proflow_compiler.diagnostics import Diagnostic, Level

RULE = Rule(
    code="PF304",
    name="reference-may-be-missing",
    level=Level.ERROR,
    summary="an expression that reads a step which, on some run, was skipped or has not finished",
    why="""
`steps.x` is there once `x` has finished. If the way to the expression can be taken without `x`, or
while `x` is still at work in another branch, some runs would fail there, and only those: the kind
of mistake that a test run does not show. The message shows such a way.
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
        found = _verdict(facts, read, reader)
        if found is not None:
            reported.add(key)
            yield found


def _verdict(facts: Facts, read: Read, reader: str) -> Diagnostic | None:
    level, step = facts.level_of[read.step], ticks(read.step)
    at = facts.lifted(reader, level)
    if at is None or not level.ordered:
        return None
    owner = level.graph.nodes[at].node.id
    if owner == read.step:
        if read.site.ready:
            return None
        return _diagnostic(
            read, f"{step} reads itself before it has run", "not there yet", (), needs_guard=False
        )
    settlement = level.settlement
    if not settlement.settled(read.step, at):
        path = level.walk(at)
        if settlement.leads(at, read.step):
            message = f"{step} only runs after {ticks(owner)}, which reads it"
            return _diagnostic(read, message, "not there yet", path, needs_guard=False)
        if not settlement.leads(read.step, at) and not level.together(read.step, at):
            message = f"{step} never runs when {ticks(owner)}, which reads it, does"
            return _diagnostic(read, message, "always skipped", path, needs_guard=False)
        message = f"{step} may be missing: nothing makes {ticks(owner)} wait for it"
        return _diagnostic(read, message, "may still be running, or be skipped", path)
    if level.taken(read.step, at):
        return None
    path = level.walk(at, without=read.step)
    message = f"{step} may be missing: {walk(path)} does not go over it"
    return _diagnostic(read, message, "skipped on some runs", path)


def _diagnostic(
    read: Read, message: str, label: str, path: tuple[str, ...], *, needs_guard: bool = True
) -> Diagnostic:
    there = f"has({written_path(read.reference.path[:2])})"
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
    )
