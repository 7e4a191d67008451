"""PF305: a handler that the host does not register."""

from collections.abc import Iterator

from proflow_schemas.handlers import Unmarked
from proflow_schemas.language import Text
from proflow_schemas.node_types.task import Task

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.diagnostics.similar_words import closest, meant
from proflow_compiler.facts import Facts
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF305",
    name="unknown-handler",
    level=Level.ERROR,
    fixable=True,
    summary="a handler, of a task or `onFailure`, that the handlers module does not have or mark",
    why="""
A task runs a function of yours by its name. If there is none of that name, the run fails when it
comes to the task. Designs may call only what the module offers them: functions marked with
`@handler`, and those that its `__all__` names. Checked only if the handlers are known:
`--handlers MODULE`.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "mail", "type": "task", "data": {"handler": "send_emial"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "mail"},
    {"source": "mail", "target": "done"}
  ]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start"},
    {"id": "mail", "type": "task", "data": {"handler": "send_email"}},
    {"id": "done", "type": "end"}
  ],
  "edges": [
    {"source": "begin", "target": "mail"},
    {"source": "mail", "target": "done"}
  ]
}
""",
    fix="Correct the name, add a function of that name to the handlers module, or mark the one that is there.",
    texts={
        "unmarked": Text(
            "`{handler}` exists in the module ({place:raw}) but is not marked as a handler",
            "模块中有 `{handler}`（{place:raw}），但没有标记为处理函数",
        ),
        "not-marked": Text("not marked", "未标记"),
        "mark": Text(
            "put `@handler` above the function, or name it in the module's `__all__`",
            "在函数上方加 `@handler`，或加入模块的 `__all__`",
        ),
        "unknown": Text("there is no handler `{handler}`", "处理函数 `{handler}` 不存在"),
        "not-among": Text("not among the handlers", "不在处理函数之中"),
        "add": Text("add a function of this name to the handlers", "在处理函数模块中添加同名函数"),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    if facts.handlers is None:
        return
    known = sorted(name for name, one in facts.handlers.items() if not isinstance(one, Unmarked))
    design = facts.graph.design
    wanted: list[tuple[str, str, str | None]] = [
        (node.config.handler, node.pointer_to("handler"), name)
        for name, node in design.nodes.items()
        if isinstance(node.config, Task)
    ]
    if design.settings.on_failure is not None:
        wanted.append((design.settings.on_failure, design.pointer_to("onFailure"), None))
    near: dict[str, str | None] = {}
    for handler, pointer, node in wanted:
        unmarked = facts.handlers.get(handler)
        if isinstance(unmarked, Unmarked):
            yield RULE.diagnostic(
                RULE.text("unmarked", handler=handler, place=unmarked.place),
                pointer,
                node=node,
                label=RULE.text("not-marked"),
                help=RULE.text("mark"),
            )
            continue
        if handler in facts.handlers:
            continue
        if handler not in near:
            near[handler] = closest(handler, known)
        yield RULE.diagnostic(
            RULE.text("unknown", handler=handler),
            pointer,
            node=node,
            label=RULE.text("not-among"),
            help=meant(near[handler]) or RULE.text("add"),
            fixes=words.name(pointer, near[handler]),
        )
