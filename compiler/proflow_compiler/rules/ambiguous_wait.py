"""PF307: two waits that one event would answer both."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from proflow_schemas.language import Text
from proflow_schemas.node_types.approval import Approval
from proflow_schemas.node_types.foreach import Foreach
from proflow_schemas.node_types.wait import Wait

from proflow_compiler.diagnostics import Diagnostic, Level, Related
from proflow_compiler.diagnostics.design_edits import fix, remove_key
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import place_of
from proflow_compiler.rules.rule import Rule
from proflow_compiler.soundness.graph_facts import GraphFacts

RULE = Rule(
    code="PF307",
    name="ambiguous-wait",
    level=Level.ERROR,
    fixable=True,
    summary="two nodes that may wait at the same time for the same event, recognised alike",
    why="""
An event that arrives answers every wait that is open and matches it. Two waits in parallel branches
with the same `event` and `match` are answered by one and the same event: one approval would decide
the other too. Approvals without `match` are told apart by an id of their own. A wait in a `foreach`
that works on several items at once is answered for all of them, which is a warning.
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
    texts={
        "matched": Text(", matched on `{path}`", "（按 {path:raw} 匹配）"),
        "items": Text(
            "`{name}` may wait in several items of `{container}` at the same time for "
            "`{event}`{matched}",
            "`{name}` 可能在 `{container}` 的多项中同时等待 `{event}`{matched}",
        ),
        "two-waits": Text(
            "`{one}` and `{name}` may wait at the same time for `{event}`{matched}",
            "`{one}` 和 `{name}` 可能同时等待 `{event}`{matched}",
        ),
        "answers-all": Text("one event answers all of them", "一个事件会同时触发所有等待"),
        "answers-both": Text("one event answers both", "一个事件会同时触发两处等待"),
        "here": Text("`{one}` is here", "`{one}` 在这里"),
        "recognise-by-id": Text(
            "recognise answers of `{name}` by its id: remove `match`",
            "按审批 ID 识别 `{name}` 的结果：移除 `match`",
        ),
        "leave-out": Text(
            "leave `match` out: an approval has an id of its own",
            "不要设置 `match`：每个审批都有自己的 ID",
        ),
        "one-at-a-time": Text(
            "let one item wait at a time: `maxConcurrency` 1",
            "每次只处理一项：将 `maxConcurrency` 设为 1",
        ),
        "match-differently": Text(
            "let them match on different paths, or draw one after the other",
            "让两者按不同的路径匹配，或改为先后执行",
        ),
    },
)


def check(facts: Facts) -> Iterator[Diagnostic]:
    alike: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for name, node in facts.drawn.items():
        match node.config:
            case Approval(match=str(path), event=event):
                alike[event, path].append(name)
            case Wait(match=path, event=event):
                alike[event, path].append(name)
            case _:
                pass
    for (event, path), names in alike.items():
        for name in names:
            if (container := _items_at_once(facts, name)) is not None:
                yield _diagnostic(facts, container, name, event, path)
        for level in facts.levels if len(names) > 1 else ():
            if level.ordered:
                for earlier, later in _clashes(facts, level, names):
                    yield _diagnostic(facts, earlier, later, event, path)


def _clashes(facts: Facts, level: GraphFacts, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of waits that one run can have open at once, in different nodes of this level."""
    wait_in: dict[str, str] = {}
    for name in names:
        holder = facts.ancestor_on(name, level)
        if holder is not None:
            wait_in.setdefault(holder, name)
    if len(wait_in) < 2:
        return
    bit, surely = level.settlement.bit, level.settlement.surely
    every = sum(bit[name] for name in wait_in)
    for later, earlier in level.first_concurrent(
        level.iterations, {name: every & ~surely[name] for name in wait_in}
    ):
        yield wait_in[earlier], wait_in[later]


def _items_at_once(facts: Facts, name: str) -> str | None:
    """Return the innermost container around a node that runs several items at once, if any."""
    holder = facts.level_of[name].graph.container
    while holder is not None:
        config = facts.drawn[holder].config
        if isinstance(config, Foreach) and config.max_concurrency != 1:
            return holder
        holder = facts.level_of[holder].graph.container
    return None


def _diagnostic(facts: Facts, one: str, name: str, event: str, path: str | None) -> Diagnostic:
    nodes = facts.graph.design.nodes
    node = nodes[name]
    items = nodes[one].kind.container
    matched = RULE.text("matched", path=path) if path is not None else ""
    return RULE.diagnostic(
        RULE.text("items", name=name, container=one, event=event, matched=matched)
        if items
        else RULE.text("two-waits", one=one, name=name, event=event, matched=matched),
        node.pointer_to("match" if path is not None else "event"),
        node=name,
        level=Level.WARNING if items else Level.ERROR,
        label=RULE.text("answers-all") if items else RULE.text("answers-both"),
        related=(Related(place_of(nodes[one]), RULE.text("here", one=one)),),
        fixes=(
            fix(
                RULE.text("recognise-by-id", name=name),
                remove_key(node, "match"),
            ),
        )
        if isinstance(node.config, Approval) and "match" in node.config_pointers
        else (),
        help=RULE.text("leave-out")
        if isinstance(node.config, Approval)
        else RULE.text("one-at-a-time")
        if items
        else RULE.text("match-differently"),
    )
