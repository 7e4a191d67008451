"""PF314: a delay that does not say how long, or says it twice."""

from collections.abc import Iterator

from proflow_schemas.node_types.delay import Delay

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.design_edits import fix, remove_key
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF314",
    name="ambiguous-delay",
    level=Level.ERROR,
    fixable=True,
    summary="a delay with neither `duration` nor `until`, or with both",
    why="A delay lasts for a `duration` or `until` a time: exactly one of the two says how long.",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "pause", "type": "delay", "data": {}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "pause"},
    {"source": "pause", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "pause", "type": "delay", "data": {"until": "${event.data.due}"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "pause"},
    {"source": "pause", "target": "done"}
  ]
}
""",
    fix="Give `duration`, such as `3d`, or `until`, a time or a `${…}` that computes one.",
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for name, node in facts.graph.design.nodes.items():
        config = node.config
        if not isinstance(config, Delay):
            continue
        if config.duration is None and config.until is None:
            yield RULE.diagnostic(
                f"delay {ticks(name)} does not say how long",
                place_of(node),
                node=name,
                help="give `duration`, such as `3d`, or `until`",
            )
        elif config.duration is not None and config.until is not None:
            yield RULE.diagnostic(
                f"delay {ticks(name)} has a `duration` and an `until`",
                node.pointer_to("until"),
                node=name,
                help="keep one of the two",
                fixes=(
                    fix("wait for the `duration`: remove `until`", remove_key(node, "until")),
                    fix("wait for the time: remove `duration`", remove_key(node, "duration")),
                ),
            )
