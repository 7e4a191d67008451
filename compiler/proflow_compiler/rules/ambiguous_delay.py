"""PF314: a delay that does not say how long, or says it twice."""

from collections.abc import Iterator

from proflow_schemas.language import Text
from proflow_schemas.node_types.delay import Delay

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.design_edits import fix, remove_key
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
    texts={
        "no-length": Text("delay `{name}` does not say how long", "延时 `{name}` 没有指定时长"),
        "give-length": Text(
            "give `duration`, such as `3d`, or `until`",
            "填写 `duration`（例如 `3d`）或 `until`",
        ),
        "both": Text(
            "delay `{name}` has a `duration` and an `until`",
            "延时 `{name}` 同时设置了 `duration` 和 `until`",
        ),
        "keep-one": Text("keep one of the two", "两者只保留一个"),
        "keep-duration": Text(
            "wait for the `duration`: remove `until`",
            "按 `duration` 等待：移除 `until`",
        ),
        "keep-until": Text(
            "wait for the time: remove `duration`",
            "等到指定时间：移除 `duration`",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for name, node in facts.graph.design.nodes.items():
        config = node.config
        if not isinstance(config, Delay):
            continue
        if config.duration is None and config.until is None:
            yield RULE.diagnostic(
                RULE.text("no-length", name=name),
                place_of(node),
                node=name,
                help=RULE.text("give-length"),
            )
        elif config.duration is not None and config.until is not None:
            yield RULE.diagnostic(
                RULE.text("both", name=name),
                node.pointer_to("until"),
                node=name,
                help=RULE.text("keep-one"),
                fixes=(
                    fix(RULE.text("keep-duration"), remove_key(node, "until")),
                    fix(RULE.text("keep-until"), remove_key(node, "duration")),
                ),
            )
