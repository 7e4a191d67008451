"""PF307: two waits that one event would answer both."""

from collections import defaultdict
from collections.abc import Iterator

from proflow_schemas.nodes import Approval, Wait

from proflow_compiler.checks.facts import Facts
from proflow_compiler.checks.rule import Rule
from proflow_compiler.checks.sites import place_of
from proflow_compiler.checks.wording import ticks
from proflow_compiler.diagnostics import Diagnostic, Level, Related

RULE = Rule(
    code="PF307",
    name="ambiguous-wait",
    level=Level.ERROR,
    summary="two nodes that may wait at the same time for the same event, recognised alike",
    why="""
An event that arrives answers every wait that is open and matches it. Two waits in parallel branches
with the same `event` and `match` are answered by one and the same event: one approval would decide
the other too. Approvals without `match` are told apart by an id of their own.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "legal", "type": "approval", "data": {"match": "data.contract_id"}},
    {"id": "finance", "type": "approval", "data": {"match": "data.contract_id"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "legal"},
    {"source": "begin", "target": "finance"},
    {"source": "legal", "target": "done"},
    {"source": "finance", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "legal", "type": "approval"},
    {"id": "finance", "type": "approval"},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "legal"},
    {"source": "begin", "target": "finance"},
    {"source": "legal", "target": "done"},
    {"source": "finance", "target": "done"}
  ]
}
""",
    fix="""
Leave `match` out of an approval, so that its answer carries the approval's own id; let the waits
listen to different events, or match on different paths; or draw one after the other.
""",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    if not facts.ordered:
        return
    alike: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for name, node in facts.drawn.items():
        match node.config:
            case Approval(match=str(path), event=event):
                alike[event, path].append(name)
            case Wait(match=path, event=event):
                alike[event, path].append(name)
            case _:
                pass
    nodes = facts.graph.design.nodes
    for (event, path), names in alike.items():
        if len(names) < 2:
            continue
        for earlier, later, certain in facts.concurrency.clashes([names]):
            matched = f", matched on {ticks(path)}" if path is not None else ""
            doubt = "" if certain else ", as far as can be told"
            yield RULE.diagnostic(
                f"{ticks(earlier)} and {ticks(later)} may wait at the same time "
                f"for {ticks(event)}{matched}{doubt}",
                nodes[later].pointer_to("match" if path is not None else "event"),
                node=later,
                level=Level.ERROR if certain else Level.WARNING,
                label="one event answers both",
                related=(Related(place_of(nodes[earlier]), f"{ticks(earlier)} is here"),),
                help="let them match on different paths, or draw one after the other"
                if nodes[later].type == "wait"
                else "leave `match` out: an approval has an id of its own",
            )
