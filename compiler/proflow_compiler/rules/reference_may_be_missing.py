"""PF304: an expression that reads a step which may have been skipped, or may still be running."""

from collections import deque
from collections.abc import Collection, Iterator

from proflow_schemas.expressions import written_path
from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts, Read
from proflow_compiler.graph.concurrency import Concurrency, Watched
from proflow_compiler.graph.runs import Runs, leaving
from proflow_compiler.mending.guarding import guard_read
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness.graph_facts import GraphFacts

RULE = Rule(
    code="PF304",
    name="reference-may-be-missing",
    level=Level.ERROR,
    fixable=True,
    summary="an expression that reads a step which, on some run, was skipped or has not finished",
    why="""
`steps.x` is there once `x` has finished. If a path to the expression can be taken without `x`, or
while `x` is still at work in another branch, some runs would fail there, and only those: the kind
of mistake that a test run does not show. The message shows such a path.

`steps.x.error` is there only after `x` was left by `error`, and its `output` is null then, as that
of a wait after its `timeout`: fields below it are missing. In a loop only the current iteration
counts, although an earlier one may have left a value.
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
    texts={
        "before-first": Text(
            "`{step}` is missing before the first iteration of `{reader}`",
            "`{reader}` 的第一轮开始前还没有 `{step}`",
        ),
        "not-yet": Text("not there yet", "此时还不存在"),
        "itself": Text(
            "`{step}` reads itself before it has run",
            "`{step}` 在自己执行之前读取了自己",
        ),
        "only-after": Text(
            "`{step}` only runs after `{owner}`, which reads it",
            "`{step}` 在读取它的 `{owner}` 之后才执行",
        ),
        "never-together": Text(
            "`{step}` never runs when `{owner}`, which reads it, does",
            "读取它的 `{owner}` 执行时，`{step}` 不会执行",
        ),
        "always-skipped": Text("always skipped", "总是被跳过"),
        "no-wait": Text(
            "`{step}` may be missing: nothing makes `{owner}` wait for it",
            "`{step}` 可能不存在：`{owner}` 不会等待它",
        ),
        "maybe-running": Text("may still be running, or be skipped", "可能仍在执行，或已被跳过"),
        "not-over": Text(
            "`{step}` may be missing: {path:path} does not go over it",
            "`{step}` 可能不存在：{path:path} 没有经过它",
        ),
        "sometimes-skipped": Text("skipped on some runs", "在某些运行中被跳过"),
        "no-error": Text(
            "`{name}` may be missing: `{step}` need not be left by `error`",
            "`{name}` 可能不存在：`{step}` 不一定从 `error` 出口离开",
        ),
        "was-not-error": Text("`{step}` was not left by `error`", "`{step}` 未从 `error` 出口离开"),
        "maybe-empty": Text(
            "`{name}` may be empty: `{step}` may be left by `{outcome}`",
            "`{name}` 可能为空：`{step}` 可能从 `{outcome}` 出口离开",
        ),
        "left-by": Text("`{step}` was left by `{outcome}`", "`{step}` 从 `{outcome}` 出口离开"),
        "not-on-some": Text("not there on some runs", "在某些运行中不存在"),
        "say-instead": Text(
            "say what to read without it: `{there:raw} ? … : …`",
            "指定不存在时读取的值：`{there:raw} ? … : …`",
        ),
        "read-earlier": Text(
            "read a step that has run before, or draw the nodes in another order",
            "读取之前已执行的步骤，或调整节点顺序",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    reported: set[tuple[str, str, str]] = set()
    for read in facts.reads:
        reader = read.site.reader
        key = (read.site.pointer, read.site.text, read.step)
        if reader is None or key in reported:
            continue
        if reader not in facts.reached or read.step not in facts.reached:
            continue  # unreachable-node reports it
        found = _verdict(facts, read, reader) if read.open else None
        found = found or _field_verdict(facts, read, reader)
        if found is not None:
            reported.add(key)
            yield found


def _verdict(facts: Facts, read: Read, reader: str) -> Diagnostic | None:
    level = facts.level_of[read.step]
    if level.graph.container == reader:
        message = RULE.text("before-first", step=read.step, reader=reader)
        return _diagnostic(facts, read, message, RULE.text("not-yet"), ())
    at = facts.ancestor_on(reader, level)
    if at is None or not level.ordered:
        return None
    owner = level.graph.nodes[at].node.id
    ready = owner != read.step or read.site.ready
    if ready and level.graph.dominator_tree.dominates(read.step, at):
        return None
    recurs = level.may_read_earlier_iteration(read.step, at)
    if owner == read.step:
        return _diagnostic(
            facts,
            read,
            RULE.text("itself", step=read.step),
            RULE.text("not-yet"),
            (),
            needs_guard=recurs,
        )
    settlement = level.settlement
    if not settlement.settled(read.step, at):
        path = level.shortest_path(at)
        if settlement.leads(at, read.step):
            message = RULE.text("only-after", step=read.step, owner=owner)
            return _diagnostic(facts, read, message, RULE.text("not-yet"), path, needs_guard=recurs)
        if not settlement.leads(read.step, at) and not level.together(read.step, at):
            message = RULE.text("never-together", step=read.step, owner=owner)
            return _diagnostic(
                facts, read, message, RULE.text("always-skipped"), path, needs_guard=recurs
            )
        message = RULE.text("no-wait", step=read.step, owner=owner)
        return _diagnostic(facts, read, message, RULE.text("maybe-running"), path)
    absent = [
        one
        for one in read.reference.absent
        if one in level.graph.nodes and one in settlement.bit and settlement.settled(one, at)
    ]
    skipping = level.path_skipping(read.step, at, absent)
    if skipping is None:
        return None
    path = skipping
    message = RULE.text("not-over", step=read.step, path=path)
    return _diagnostic(facts, read, message, RULE.text("sometimes-skipped"), path)


_EMPTY = ("error", "timeout")
"""Outcomes that come without an output."""


def _field_verdict(facts: Facts, read: Read, reader: str) -> Diagnostic | None:
    """Report the read of a field that exists only if the step took certain outcomes."""
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
    at = reader if level.graph.container == reader else facts.ancestor_on(reader, level)
    if at is None or not level.ordered:
        return None
    shown = (
        () if at == reader and at not in level.graph.nodes else _path(level, read.step, at, lacking)
    )
    if shown is None:
        return None
    step, name = written_path(path[:2]), written_path(path[:3])
    if path[2] == "error":
        message: str = RULE.text("no-error", name=name, step=read.step)
        condition, otherwise = (
            f'{step}.outcome == "error"',
            RULE.text("was-not-error", step=read.step),
        )
    else:
        message = RULE.text("maybe-empty", name=name, step=read.step, outcome=lacking[0])
        condition, otherwise = (
            f'{step}.outcome != "{lacking[0]}"',
            RULE.text("left-by", step=read.step, outcome=lacking[0]),
        )
    return _diagnostic(
        facts,
        read,
        message,
        RULE.text("not-on-some"),
        shown,
        condition=(condition, otherwise),
    )


def _path(
    level: GraphFacts, step: str, at: str, outcomes: Collection[str]
) -> tuple[str, ...] | None:
    """Return a path to a node in a run that left a step by one of these outcomes; None if none."""
    if _follows(level, step, at, outcomes):
        return None
    runs, at = level.common_loop(step, at)
    if step not in runs.into or at not in runs.into:
        return None
    if not level.exact(runs):
        return level.path_leaving_by(runs, step, at, outcomes)
    narrowed = leaving(runs, step, outcomes)
    if narrowed is None or at not in narrowed.into:
        return None
    if not level.certainty(runs).taken(step, at):
        both: Watched = {(step, None): 1, (at, None): 2}
        if not any(Concurrency(narrowed, both).concurrent.values()):
            return None
    path = _shortest(narrowed, narrowed.root, step) + _shortest(narrowed, step, at)[1:]
    if path[-1] != at:
        path = _shortest(narrowed, narrowed.root, at)
    return level.full_path(narrowed, path)


def _shortest(runs: Runs, start: str, end: str) -> tuple[str, ...]:
    """Return a shortest path between two nodes; only `start` if there is none."""
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
    """Return True if `at` is clearly only reachable by other outcomes of the step.

    This is a quick check: False does not mean the opposite.
    """
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
    help = RULE.text("say-instead", there=there) if needs_guard else RULE.text("read-earlier")
    return RULE.diagnostic(
        message,
        read.site.pointer,
        span=read.span,
        node=read.site.node,
        edge=read.site.edge,
        label=label,
        path=path,
        help=help,
        fixes=guard_read(facts, read, *(condition or ())) if needs_guard and facts.fixing else (),
    )
