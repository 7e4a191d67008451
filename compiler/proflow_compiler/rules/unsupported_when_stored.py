"""PF312: a setting that one function for all stored designs cannot honour."""

from collections.abc import Iterator

from proflow_schemas.configs import CronTrigger
from proflow_schemas.language import Text

from proflow_compiler.design import Design
from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.design_edits import fix, remove_setting
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import listed, pointed, triggers
from proflow_compiler.graph import Graph
from proflow_compiler.rules.rule import Rule

LONGEST_KEY = 300
DEEPEST = 8
"""The most nested levels of `foreach` for which the states of nodes are stored."""

RULE = Rule(
    code="PF312",
    name="unsupported-when-stored",
    level=Level.ERROR,
    fixable=True,
    summary="a setting that a stored design cannot have, where designs are to be stored",
    why="""
Stored designs of all tenants are run by one function, whose settings are the same for all of them.
`concurrency`, `throttle` and `priority` belong to a function, and a design with `scope: system`
belongs to no tenant: these work for designs that are compiled to functions of their own. The states of nodes are kept for at most 8 levels of `foreach` inside one another. What starts
and cancels runs is looked up by names of events and by crons, of at most 300 characters.

The rule is checked when a design is published, and by `proflow check --stored`. Everything else
works in both ways: `retries` and `retry`, `trigger` with `if`, crons with time zones, `cancelOn`,
`idempotency`, `timeouts`, `onFailure`, `taskType`.
""",
    incorrect="""
{
  "concurrency": {"limit": 10},
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    correct="""
{
  "retries": 10,
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    fix="""
Remove the setting, or compile the design with `proflow compile` and serve its function. Of all
stored runs of a tenant, `tenant_concurrency` of the service limits the steps at once.
""",
    texts={
        "compile": Text(
            "compile the design to a function of its own, or remove the setting",
            "将设计编译为独立的函数，或移除该设置",
        ),
        "no-meaning": Text(
            "`{key}` has no meaning in a stored design: one function runs them all",
            "`{key}` 在存储的设计中不起作用：所有设计由同一个函数运行",
        ),
        "of-function": Text("belongs to a function", "这是函数的设置"),
        "run-without": Text("run without `{key}`: remove it", "不使用 `{key}`：移除它"),
        "no-tenant": Text(
            "a stored design belongs to a tenant, and this one has none",
            "存储的设计必须属于某个租户，而这个设计没有租户",
        ),
        "of-no-tenant": Text("belongs to no tenant", "不属于任何租户"),
        "run-for-tenant": Text("run for a tenant: remove `scope`", "以租户身份运行：移除 `scope`"),
        "too-long": Text(
            "the {kind:raw} has {length} characters, but at most {most} are kept",
            "{kind} 有 {length} 个字符，最多保留 {most} 个",
        ),
        "use-ranges": Text(
            "write ranges and steps, `1-5` or `*/2`, in place of lists",
            "用范围和步长（`1-5`、`*/2`）代替列表",
        ),
        "shorter-name": Text("choose a shorter name", "换一个更短的名称"),
        "too-deep": Text(
            "`{name}` is the {depth:raw}th `foreach` inside one another",
            "`{name}` 是第 {depth:raw} 层嵌套的 `foreach`",
        ),
        "own-design": Text(
            "make the inner ones a design of their own, and run it as a `subprocess`",
            "将内层改为独立的设计，用 `subprocess` 运行",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    if not facts.stored:
        return
    design = facts.graph.design
    for key, value in (
        ("concurrency", design.settings.concurrency),
        ("throttle", design.settings.throttle),
        ("priority", design.settings.priority),
    ):
        if value is not None:
            yield RULE.diagnostic(
                RULE.text("no-meaning", key=key),
                design.pointer_to(key),
                label=RULE.text("of-function"),
                help=RULE.text("compile"),
                fixes=(fix(RULE.text("run-without", key=key), remove_setting(design, key)),),
            )
    if design.settings.scope == "system":
        yield RULE.diagnostic(
            RULE.text("no-tenant"),
            design.pointer_to("scope"),
            label=RULE.text("of-no-tenant"),
            help=RULE.text("compile"),
            fixes=(fix(RULE.text("run-for-tenant"), remove_setting(design, "scope")),),
        )
    yield from _too_long(facts.graph)
    yield from _too_deep(design)


def _too_long(graph: Graph) -> Iterator[Diagnostic]:
    places = [
        *triggers(graph),
        *(
            (cancel, pointer, None)
            for cancel, pointer in listed(
                graph.design.settings.cancel_on, graph.design.pointer_to("cancelOn")
            )
        ),
    ]
    for one, pointer, node in places:
        if isinstance(one, CronTrigger):
            key, kind, zone = one.cron, "cron", one.timezone or ""
        else:
            key, kind, zone = one.event, "event", ""
        length = len(key) + (len(f"TZ={zone} ") if zone else 0)
        if length > LONGEST_KEY:
            yield RULE.diagnostic(
                RULE.text("too-long", kind=kind, length=length, most=LONGEST_KEY),
                pointed(pointer, kind),
                node=node,
                help=RULE.text("use-ranges") if kind == "cron" else RULE.text("shorter-name"),
            )


def _too_deep(design: Design) -> Iterator[Diagnostic]:
    depths: dict[str, int] = {}
    for name, node in design.nodes.items():
        chain = []
        at: str | None = name
        while at is not None and at not in depths:
            chain.append(at)
            at = design.nodes[at].parent
        depth = 0 if at is None else depths[at]
        for one in reversed(chain):
            depth += design.nodes[one].kind.per_item
            depths[one] = depth
        if node.kind.per_item and depths[name] == DEEPEST + 1:
            yield RULE.diagnostic(
                RULE.text("too-deep", name=name, depth=DEEPEST + 1),
                node.pointer,
                node=name,
                help=RULE.text("own-design"),
            )
