"""PF218: a node at which branches join, although one of them may have left before."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level, Related
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of
from proflow_compiler.graph.loops import Loop
from proflow_compiler.mending.joining import can_insert_join, clarify_join
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness import Undecided
from proflow_compiler.soundness.departures import Departure, MergePoint, needs_join_mode
from proflow_compiler.soundness.graph_facts import GraphFacts
from proflow_compiler.soundness.witness import turning_points

_MOST = 20
"""The most nodes reported for a level, as they often have one cause."""

RULE = Rule(
    code="PF218",
    name="unclear-join",
    level=Level.ERROR,
    fixable=True,
    summary="""a node at which branches of one run meet, although on some runs one of them has left
before, and no mode says whether the run goes on there without it""",
    why="""
Two departments are asked at once, and both lead to the payment. One of them rejects; that leads
elsewhere, to a notification, say. The other one approves and arrives at the payment. Is it made? Both
readings are possible, and one of them costs money, so the drawing has to say which is meant. The
message shows such a run.

That is no question where leaving stops the run at once, as a rejection does for which nothing is
drawn, or which leads straight to an end with `terminate`. Nor where a branch leaves in the ordinary
course of events: an approval that is approved, a step that has worked, an inclusive branch that was
not chosen. Nodes before ends that stop the run, such as one notification that several rejections
share, are not asked about either: they run at the first branch that arrives.

Choices are taken to be independent of each other, even where two conditions ask for the same.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "finance", "type": "approval"},
    {"id": "legal", "type": "approval"},
    {"id": "tell", "type": "notify", "data": {"to": "applicant"}},
    {"id": "pay", "type": "task", "data": {"handler": "pay"}},
    {"id": "done", "type": "end"},
    {"id": "refused", "type": "end", "data": {"status": "rejected", "terminate": true}}
  ],
  "edges": [
    {"source": "begin", "target": "finance"},
    {"source": "begin", "target": "legal"},
    {"source": "finance", "target": "pay"},
    {"source": "legal", "target": "pay"},
    {"source": "pay", "target": "done"},
    {"source": "finance", "target": "tell", "sourceHandle": "rejected"},
    {"source": "legal", "target": "tell", "sourceHandle": "rejected"},
    {"source": "tell", "target": "refused"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "finance", "type": "approval"},
    {"id": "legal", "type": "approval"},
    {"id": "both", "type": "join", "data": {"mode": "all"}},
    {"id": "tell", "type": "notify", "data": {"to": "applicant"}},
    {"id": "pay", "type": "task", "data": {"handler": "pay"}},
    {"id": "done", "type": "end"},
    {"id": "refused", "type": "end", "data": {"status": "rejected", "terminate": true}}
  ],
  "edges": [
    {"source": "begin", "target": "finance"},
    {"source": "begin", "target": "legal"},
    {"source": "finance", "target": "both"},
    {"source": "legal", "target": "both"},
    {"source": "both", "target": "pay"},
    {"source": "pay", "target": "done"},
    {"source": "finance", "target": "tell", "sourceHandle": "rejected"},
    {"source": "legal", "target": "tell", "sourceHandle": "rejected"},
    {"source": "tell", "target": "refused"}
  ]
}
""",
    fix="""
Let the branches meet in a `join` with a mode: `all`, if what follows needs every branch (what leaves
one out has to stop the run then, by an end with `terminate`), or `active`, if the run goes on without
those that have left.
""",
    texts={
        "led-elsewhere": Text(
            "`{node}` [{outcome:raw}] has led elsewhere",
            "`{node}` [{outcome:raw}] 已走向别处",
        ),
        "leaves-here": Text(
            "leaves by another edge on the run shown",
            "在所示运行中从另一条连线离开",
        ),
        "join-skipped": Text("join `{join}` is skipped", "汇合 `{join}` 被跳过"),
        "skipped-here": Text("is skipped on the run shown", "在所示运行中被跳过"),
        "branch-elsewhere": Text("a branch has led elsewhere", "某个分支已走向别处"),
        "unclear": Text(
            "it is not clear whether `{name}` runs when {when:raw}: another branch still arrives",
            "{when:raw}时，不清楚 `{name}` 是否应执行：另一个分支仍会到达",
        ),
        "meet-here": Text("branches meet here", "各分支在此汇合"),
        "name-mode": Text(
            "name the join's mode: `all`, if what follows needs every branch, or `active`, "
            "if the run goes on without those that have left",
            "指定汇合的模式：后续需要所有分支时用 `all`；离开的分支不影响后续时用 `active`",
        ),
        "draw-join": Text(
            "let the branches meet in a `join` before: of mode `all`, if what follows needs "
            "every branch, or `active`, if the run goes on without those that have left",
            "在前面画一个 `join` 汇合各分支：后续需要所有分支时用 `all`；离开的分支不影响后"
            "续时用 `active`",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    ration = facts.ration()
    for level in facts.levels:
        if level.ordered and (level.choosing or level.needing_all):
            judged: dict[str | None, list[str]] = {}
            for name in level.settlement.order:
                if needs_join_mode(level.graph, name):
                    around = level.innermost_loop(name)
                    judged.setdefault(None if around is None else around.header, []).append(name)
            for loop in (None, *level.loops):
                for one in _check(
                    level, loop, judged.get(None if loop is None else loop.header, ())
                ):
                    node = level.drawn[str(one.node)]
                    fixable = can_insert_join(level.graph, node) and ration.take()
                    yield (
                        replace(one, fixes=tuple(clarify_join(level, loop, node)))
                        if fixable
                        else one
                    )


def _check(level: GraphFacts, loop: Loop | None, judged: Sequence[str]) -> Iterator[Diagnostic]:
    if not judged:
        return
    runs = level.runs(loop)
    exact = level.exact(runs)
    if exact:
        before, choosing = level.settlement.before, level.choosing
        judged = [name for name in judged if before[name] & choosing]
    concurrent = level.concurrency(runs).concurrent_edges.keys() if judged else ()
    merges = [name for name in judged if name in concurrent]
    if not merges or (loop is not None and not level.begins(loop.header, stopping=False)):
        return
    reported = 0
    for name in merges:
        if reported >= _MOST:
            return
        at = MergePoint(runs, name)
        try:
            found = at.find(
                lambda: level.formula(runs),
                partial(level.nothing_ends_before, y=name, back=True),
                exact=exact,
            )
        except Undecided:
            found = Departure(None, (), runs)
        if found is not None:
            reported += 1
            yield _diagnostic(level, name, found)


def _diagnostic(level: GraphFacts, name: str, found: Departure) -> Diagnostic:
    graph = level.graph
    node = graph.nodes[name].node
    related: tuple[Related, ...] = ()
    avoided: list[str] = []
    missed: set[int] = set()
    if found.left is not None:
        at, outcome = found.left
        left = graph.nodes[at].node
        when = RULE.text("led-elsewhere", node=left.id, outcome=outcome)
        related = (Related(place_of(left), RULE.text("leaves-here")),)
        avoided = [name]
    elif found.skipped is not None:
        join = graph.nodes[found.skipped].node
        when = RULE.text("join-skipped", join=join.id)
        related = (Related(place_of(join), RULE.text("skipped-here")),)
        taken = {edge.index for edge in found.run.into[found.skipped]}
        lacking = [edge for edge in graph.into[found.skipped] if edge.index not in taken]
        avoided, missed = [edge.source for edge in lacking], {edge.index for edge in lacking}
    else:
        when = RULE.text("branch-elsewhere")
    runs = level.runs(level.innermost_loop(name))
    choices = turning_points(runs, found.run, found.path, avoided, missed) if found.path else []
    if found.left is not None and found.left not in choices:
        choices.append(found.left)
    return RULE.diagnostic(
        RULE.text("unclear", name=name, when=when),
        place_of(node),
        node=name,
        label=RULE.text("meet-here"),
        related=related,
        path=level.full_path(runs, found.path) if found.path else (),
        choices=[(graph.nodes[one].node.id, outcome) for one, outcome in choices],
        help=RULE.text("name-mode") if node.type == "join" else RULE.text("draw-join"),
    )
