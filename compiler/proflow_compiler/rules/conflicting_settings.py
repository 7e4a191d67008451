"""PF313: a setting with different values at the start node and in the design."""

from collections.abc import Iterator

from proflow_schemas.language import Text
from proflow_schemas.node_types.start import Start

from proflow_compiler.diagnostics import Diagnostic, Level, Related
from proflow_compiler.diagnostics.design_edits import fix, remove_key, remove_setting
from proflow_compiler.facts import Facts
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF313",
    name="conflicting-settings",
    level=Level.ERROR,
    fixable=True,
    summary="a `trigger` or `input` that the start node and the design both give, and not alike",
    why="Only one of the two could count, and which one cannot be seen in the drawing.",
    incorrect="""
{
  "trigger": {"event": "order/created"},
  "nodes": [
    {"id": "begin", "type": "start", "data": {"trigger": {"event": "order/changed"}}},
    {"id": "done", "type": "end"}
  ],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start",
     "data": {"trigger": [{"event": "order/created"}, {"event": "order/changed"}]}},
    {"id": "done", "type": "end"}
  ],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    fix="Keep one of the two; a `trigger` may be a list.",
    texts={
        "both": Text(
            "the start node and the design both give `{key}`, and not alike",
            "开始节点和设计都设置了 `{key}`，且两者不一致",
        ),
        "of-the-design": Text("the design's", "设计中的设置"),
        "keep-one": Text("keep one of the two", "两者只保留一个"),
        "keep-design": Text("keep the design's `{key}`", "保留设计的 `{key}`"),
        "keep-start": Text("keep the start node's `{key}`", "保留开始节点的 `{key}`"),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    design = facts.graph.design
    settings = design.settings
    for name in facts.graph.starts:
        node = design.nodes[name]
        config = node.config
        assert isinstance(config, Start)
        for key, own, other in (
            ("trigger", config.trigger, settings.trigger),
            ("input", config.input, settings.input),
        ):
            if own is not None and other is not None and own != other:
                yield RULE.diagnostic(
                    RULE.text("both", key=key),
                    node.pointer_to(key),
                    node=name,
                    related=(Related(design.pointer_to(key), RULE.text("of-the-design")),),
                    help=RULE.text("keep-one"),
                    fixes=(
                        fix(RULE.text("keep-design", key=key), remove_key(node, key)),
                        fix(RULE.text("keep-start", key=key), remove_setting(design, key)),
                    ),
                )
