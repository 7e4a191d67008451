"""PF319: a subprocess whose workflow is not among the known designs."""

from collections.abc import Iterator

from proflow_schemas.language import Text
from proflow_schemas.node_types.subprocess import Subprocess

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.diagnostics.similar_words import closest, meant
from proflow_compiler.facts import Facts
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF319",
    name="unknown-workflow",
    level=Level.WARNING,
    fixable=True,
    summary="a `subprocess` that names none of the workflows that are checked together",
    why="""
A subprocess runs another workflow by its id. If there is none when a run comes to it, the node
fails. Said only where several designs are checked together, as the workflows of one folder or of
one export; one that is deployed by somebody else may well exist.
""",
    incorrect="""
[
  {
    "id": "contract",
    "nodes": [
      {"id": "begin", "type": "start"},
      {"id": "sign", "type": "subprocess", "data": {"workflow": "signign"}},
      {"id": "done", "type": "end"}
    ],
    "edges": [{"source": "begin", "target": "sign"}, {"source": "sign", "target": "done"}]
  },
  {
    "id": "signing",
    "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
    "edges": [{"source": "begin", "target": "done"}]
  }
]
""",
    correct="""
[
  {
    "id": "contract",
    "nodes": [
      {"id": "begin", "type": "start"},
      {"id": "sign", "type": "subprocess", "data": {"workflow": "signing"}},
      {"id": "done", "type": "end"}
    ],
    "edges": [{"source": "begin", "target": "sign"}, {"source": "sign", "target": "done"}]
  },
  {
    "id": "signing",
    "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
    "edges": [{"source": "begin", "target": "done"}]
  }
]
""",
    fix="""
Write the id of the workflow: the `id` of its design, or the name of its file without the ending. Of
a workflow that is deployed by others the warning can be left as it is.
""",
    texts={
        "unknown": Text(
            "there is no workflow `{workflow}` among the designs",
            "设计中没有名为 `{workflow}` 的流程",
        ),
        "not-among": Text("not among them", "不在其中"),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    if not facts.calls.complete:
        return
    for name, node in facts.drawn.items():
        if not isinstance(node.config, Subprocess) or node.config.workflow in facts.calls.by:
            continue
        workflow = node.config.workflow
        near = closest(workflow, sorted(facts.calls.by))
        yield RULE.diagnostic(
            RULE.text("unknown", workflow=workflow),
            node.pointer_to("workflow"),
            node=name,
            label=RULE.text("not-among"),
            help=meant(near),
            fixes=words.name(node.pointer_to("workflow"), near),
        )
