"""PF313: a setting with different values at the start node and in the design."""

from collections.abc import Iterator

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
                    f"the start node and the design both give `{key}`, and not alike",
                    node.pointer_to(key),
                    node=name,
                    related=(Related(design.pointer_to(key), "the design's"),),
                    help="keep one of the two",
                    fixes=(
                        fix(f"keep the design's `{key}`", remove_key(node, key)),
                        fix(f"keep the start node's `{key}`", remove_setting(design, key)),
                    ),
                )
