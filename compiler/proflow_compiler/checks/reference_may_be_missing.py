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
    if not facts.ordered:
        return
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
    certainty, step = facts.certainty, ticks(read.step)
    tree, owner = facts.graph.dominator_tree, facts.graph.nodes[reader]
    if owner.node.id == read.step:
        if read.site.ready:
            return None
        return _diagnostic(
            read, f"{step} reads itself before it has run", "not there yet", (), needs_guard=False
        )
    if tree.dominates(read.step, reader):
        return None
    if not certainty.precedes(read.step, reader):
        path = certainty.walk(reader)
        if certainty.precedes(reader, read.step):
            message = f"{step} only runs after {ticks(owner.node.id)}, which reads it"
            return _diagnostic(read, message, "not there yet", path, needs_guard=False)
        if facts.concurrency.both(read.step, reader) is False:
            message = f"{step} never runs when {ticks(owner.node.id)}, which reads it, does"
            return _diagnostic(read, message, "always skipped", path, needs_guard=False)
        message = f"{step} may be missing: nothing makes {ticks(owner.node.id)} wait for it"
        return _diagnostic(read, message, "may still be running, or be skipped", path)
    if certainty.taken(read.step, reader):
        return None
    path = certainty.walk(reader, without=read.step)
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
