"""PF213: a rule or a default that is never selected."""

from collections.abc import Iterator, Sequence

from proflow_compiler.diagnostics import Diagnostic, Level, Related
from proflow_compiler.diagnostics.design_edits import fix, set_edge_key
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import pointed
from proflow_compiler.graph import Exit, GraphNode
from proflow_compiler.mending.removing import remove_dead_edges
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF213",
    name="shadowed-rule",
    level=Level.WARNING,
    fixable=True,
    summary="an edge that is never taken, because whatever its rule says an earlier one holds",
    why="""
Rules are tried in order of `priority`, then of the file, and the first that holds is taken. A rule
behind one that says the same, or behind rules that leave nothing over, never gets its turn: often a
wider rule was put before a narrower one.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "amount", "type": "condition"},
    {"id": "large", "type": "end", "data": {"status": "large"}},
    {"id": "huge", "type": "end", "data": {"status": "huge"}},
    {"id": "small", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "amount"},
    {"source": "amount", "target": "large", "data": {"when": "event.data.amount > 100"}},
    {"source": "amount", "target": "huge", "data": {"when": "event.data.amount > 10000"}},
    {"source": "amount", "target": "small"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "amount", "type": "condition"},
    {"id": "large", "type": "end", "data": {"status": "large"}},
    {"id": "huge", "type": "end", "data": {"status": "huge"}},
    {"id": "small", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "amount"},
    {"source": "amount", "target": "huge", "data": {"when": "event.data.amount > 10000"}},
    {"source": "amount", "target": "large", "data": {"when": "event.data.amount > 100"}},
    {"source": "amount", "target": "small"}
  ]
}
""",
    fix="""
Put the narrower rule first: drag its edge up, or give it a lower `priority`. Remove an edge that is
really never meant to be taken.
""",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for name, at in facts.reached.items():
        if not at.ruled:
            continue
        covered = facts.coverage(name)
        if covered is None:
            continue
        exits = facts.exits(name)
        ruled = [exit_ for exit_ in exits if not exit_.default]
        for index, earlier in sorted(covered.shadowed.items()):
            if earlier and at.every:
                continue  # all that hold are taken
            yield _rule(at, ruled[index], [ruled[one] for one in earlier], _before(exits))
        default = next((exit_ for exit_ in exits if exit_.default), None)
        if default is not None and covered.exhaustive:
            edge = facts.first_drawn(default)
            yield RULE.diagnostic(
                f"the default of {ticks(at.node.id)} never gets its turn: one of its rules "
                "always holds",
                pointed(edge.pointer, "target"),
                node=at.node.id,
                edge=edge.key,
                label="never taken",
                help="remove this edge, or the rule of the one that is meant for the rest",
                fixes=remove_dead_edges(default),
            )


def _before(exits: Sequence[Exit]) -> float:
    """Return a priority with which a rule is evaluated before all others."""
    rules = [exit_.rule for exit_ in exits if exit_.rule is not None]
    return min([1, *(edge.priority for edge in rules if edge.priority is not None)]) - 1


def _rule(at: GraphNode, exit_: Exit, earlier: Sequence[Exit], first: float) -> Diagnostic:
    edge = exit_.rule
    assert edge is not None
    owner = ticks(at.node.id)
    if not earlier:
        message = f"a rule of {owner} can never hold"
    elif len(earlier) > 1:
        message = f"a rule of {owner} never gets its turn: one of those before it always holds"
    elif earlier[0].when == exit_.when:
        message = f"a rule of {owner} never gets its turn: an earlier one says the same"
    else:
        message = f"a rule of {owner} never gets its turn: an earlier one holds whenever it does"
    others = [one.rule for one in earlier[:3] if one.rule is not None]
    return RULE.diagnostic(
        message,
        edge.when_pointer or edge.pointer,
        node=at.node.id,
        edge=edge.key,
        label="never taken",
        related=tuple(Related(one.when_pointer or one.pointer, "holds before") for one in others),
        help="put the narrower rule first, or remove this edge" if earlier else "correct the rule",
        fixes=(
            *remove_dead_edges(exit_),
            *(
                [fix("try this rule first", set_edge_key(edge, "priority", first))]
                if earlier
                else []
            ),
        ),
    )
