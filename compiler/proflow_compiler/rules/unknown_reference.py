"""PF303: an expression that reads what does not exist."""

from collections.abc import Iterator

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import is_match, matches
from proflow_compiler.mending.corrections import corrections
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF303",
    name="unknown-reference",
    level=Level.ERROR,
    fixable=True,
    summary="an expression that reads a step, a field or a name that does not exist",
    why="""
The value could never be there, so each run that comes to it would fail. Known are `event` (`name`,
`id`, `ts`, `data`), `steps.<id>`, `initiator`, `tenant_id`, `run.id`, `workflow.id` and
`workflow.version`; what the design's `input` says of `event.data` is held against it too, and so
is the path of a `match`, which the event that starts a run must have as well. The
settings that Inngest evaluates before a run (triggers, limits) know `event` only. Inside a `foreach`
there are `item`, the name that `as` gives it, and `index`; inside a `loop`, and in its `while`,
`iteration`. Nodes inside a container can be read only there; `steps.x.error` only if an edge leaves
`x` by `error`. With `--handlers MODULE`, what a handler is declared to return types its output.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "score", "type": "task", "data": {"handler": "score"}},
    {"id": "tell", "type": "notify",
     "data": {"to": "boss", "content": "${steps.skore.output}"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "score"},
    {"source": "score", "target": "tell"},
    {"source": "tell", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "score", "type": "task", "data": {"handler": "score"}},
    {"id": "tell", "type": "notify",
     "data": {"to": "boss", "content": "${steps.score.output}"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "score"},
    {"source": "score", "target": "tell"},
    {"source": "tell", "target": "done"}
  ]
}
""",
    fix="""
Write the node's id, not its label; below a step, `output` comes before the fields of what the
handler returned. If the field exists though `input` does not name it, add it there.
""",
    texts={
        "path-of-id": Text(
            "write the path of an id, which leads through objects only",
            "填写 ID 的路径，路径中只能经过对象",
        ),
        "declare": Text("declare the field in `input`", "在 `input` 中声明该字段"),
        "did-you-mean": Text("did you mean `{meant:raw}`?", "是否想写 `{meant}`？"),
        "match": Text(
            "`match` compares a field that the trigger does not have: {message:raw}",
            "`match` 比较的字段在触发器中不存在：{message:raw}",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    for found in facts.problems:
        if found.problem.kind == "unknown-reference":
            yield RULE.diagnostic(
                found.problem.message,
                found.site.pointer,
                span=found.span,
                node=found.site.node,
                edge=found.site.edge,
                help=found.problem.help,
                fixes=corrections(found),
            )
    yield from _matches(facts)


def _matches(facts: Facts) -> Iterator[Diagnostic]:
    """Report each `match` that names a field which the event that starts a run does not have."""
    for match, pointer, node in matches(facts.graph):
        problem = facts.problem_of_match(match) if is_match(match) else None
        if problem is None:
            continue
        better = problem.correction
        meant = None if better is None else better.text.removeprefix("event.")
        if problem.kind == "type":
            help = RULE.text("path-of-id")
        else:
            help = RULE.text("declare") if meant is None else RULE.text("did-you-mean", meant=meant)
        yield RULE.diagnostic(
            RULE.text("match", message=problem.message),
            pointer,
            node=node,
            help=help,
            fixes=() if meant is None else (words.written(pointer, meant),),
        )
