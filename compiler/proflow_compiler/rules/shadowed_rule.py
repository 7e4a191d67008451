"""PF213: a rule or a default that is never selected."""

from collections.abc import Iterator, Sequence

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level, Related
from proflow_compiler.diagnostics.design_edits import fix, set_edge_key
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
    texts={
        "default": Text(
            "the default of `{node}` never gets its turn: one of its rules always holds",
            "`{node}` 的默认连线永远不会执行：总有一条规则成立",
        ),
        "never-taken": Text("never taken", "永远不会执行"),
        "remove-edge": Text(
            "remove this edge, or the rule of the one that is meant for the rest",
            "移除这条连线，或移除应归入「其余情况」的规则",
        ),
        "never-holds": Text(
            "a rule of `{node}` can never hold",
            "`{node}` 的一条规则永远不会成立",
        ),
        "one-always": Text(
            "a rule of `{node}` never gets its turn: one of those before it always holds",
            "`{node}` 的一条规则永远轮不到：它前面总有一条规则成立",
        ),
        "same": Text(
            "a rule of `{node}` never gets its turn: an earlier one says the same",
            "`{node}` 的一条规则永远轮不到：前面已有相同的规则",
        ),
        "covered": Text(
            "a rule of `{node}` never gets its turn: an earlier one holds whenever it does",
            "`{node}` 的一条规则永远轮不到：它成立时前面的规则已经成立",
        ),
        "holds-before": Text("holds before", "先成立"),
        "narrower-first": Text(
            "put the narrower rule first, or remove this edge",
            "将更严格的规则放在前面，或移除这条连线",
        ),
        "correct-rule": Text("correct the rule", "修改规则"),
        "try-first": Text("try this rule first", "先判断这条规则"),
    },
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
                RULE.text("default", node=at.node.id),
                pointed(edge.pointer, "target"),
                node=at.node.id,
                edge=edge.key,
                label=RULE.text("never-taken"),
                help=RULE.text("remove-edge"),
                fixes=remove_dead_edges(default),
            )


def _before(exits: Sequence[Exit]) -> float:
    """Return a priority with which a rule is evaluated before all others."""
    rules = [exit_.rule for exit_ in exits if exit_.rule is not None]
    return min([1, *(edge.priority for edge in rules if edge.priority is not None)]) - 1


def _rule(at: GraphNode, exit_: Exit, earlier: Sequence[Exit], first: float) -> Diagnostic:
    edge = exit_.rule
    assert edge is not None
    if not earlier:
        message = RULE.text("never-holds", node=at.node.id)
    elif len(earlier) > 1:
        message = RULE.text("one-always", node=at.node.id)
    elif earlier[0].when == exit_.when:
        message = RULE.text("same", node=at.node.id)
    else:
        message = RULE.text("covered", node=at.node.id)
    others = [one.rule for one in earlier[:3] if one.rule is not None]
    return RULE.diagnostic(
        message,
        edge.when_pointer or edge.pointer,
        node=at.node.id,
        edge=edge.key,
        label=RULE.text("never-taken"),
        related=tuple(
            Related(one.when_pointer or one.pointer, RULE.text("holds-before")) for one in others
        ),
        help=RULE.text("narrower-first") if earlier else RULE.text("correct-rule"),
        fixes=(
            *remove_dead_edges(exit_),
            *(
                [fix(RULE.text("try-first"), set_edge_key(edge, "priority", first))]
                if earlier
                else []
            ),
        ),
    )
