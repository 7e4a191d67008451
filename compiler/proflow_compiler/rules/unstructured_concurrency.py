"""PF209: branches that run at once and meet crosswise. Structuring finds them, so there is no check."""

from proflow_compiler.diagnostics import Level
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF209",
    name="unstructured-concurrency",
    level=Level.INFO,
    summary="branches that run at once and meet crosswise, so that they form no block",
    why="""
Branches that run at once become one block of the compiled function, which goes on when all of them
have come to where they meet. If some of them meet here and some elsewhere, no block holds: one of
them would hold up another that does not depend on it. They become a region instead: tasks that say
which others they wait for. It does the same at the same times, but reads less like a program.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "a", "type": "task", "data": {"handler": "a"}},
    {"id": "b", "type": "task", "data": {"handler": "b"}},
    {"id": "c", "type": "task", "data": {"handler": "c"}},
    {"id": "d", "type": "task", "data": {"handler": "d"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "a"},
    {"source": "begin", "target": "b"},
    {"source": "a", "target": "c"},
    {"source": "a", "target": "d"},
    {"source": "b", "target": "d"},
    {"source": "c", "target": "done"},
    {"source": "d", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "a", "type": "task", "data": {"handler": "a"}},
    {"id": "b", "type": "task", "data": {"handler": "b"}},
    {"id": "both", "type": "join"},
    {"id": "c", "type": "task", "data": {"handler": "c"}},
    {"id": "d", "type": "task", "data": {"handler": "d"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "a"},
    {"source": "begin", "target": "b"},
    {"source": "a", "target": "both"},
    {"source": "b", "target": "both"},
    {"source": "both", "target": "c"},
    {"source": "both", "target": "d"},
    {"source": "c", "target": "done"},
    {"source": "d", "target": "done"}
  ]
}
""",
    fix="""
Nothing has to be fixed. Where one branch may as well wait for the other, let the branches of one
fork meet in one node, a `join`, before they go on.
""",
)
