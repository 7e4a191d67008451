"""Reads the edges of a drawing: checks ends and handles, and turns rules into expressions."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from proflow_schemas.expressions import ExpressionError, condition_to_cel, unknown_operator
from proflow_schemas.language import Text, Texts
from proflow_schemas.numbers import clamped

from proflow_compiler.design import Edge
from proflow_compiler.diagnostics import Fix, Level, Related
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.diagnostics.problems import Problems
from proflow_compiler.diagnostics.similar_words import meant
from proflow_compiler.diagnostics.source import escape
from proflow_compiler.reader import (
    edge_fixes,
    foreign_settings,
    inexact_numbers,
    node_rules,
    riveredge,
    unread_conditions,
)
from proflow_compiler.reader.drawing import Drawing, Item, misspelt
from proflow_compiler.reader.handles import means_error, outcome_meant
from proflow_compiler.reader.names import as_id
from proflow_compiler.reader.nodes import ReadNodes
from proflow_compiler.reader.ports import with_ends
from proflow_compiler.reader.suggestions import edge_vocabulary, suggestion
from proflow_compiler.reader.unread_keys import UnreadKeys

TEXTS = Texts(
    "edges",
    {
        "not-object": Text(
            "an edge must be an object, not {value:kind}",
            "连线必须是对象，不能是{value:kind}",
        ),
        "tied-to-note": Text(
            "the edge `{key}` is left out: it is tied to a note",
            "忽略连线 `{key}`：它连接的是注释",
        ),
        "no-end": Text("an edge has no `{name:raw}`", "连线缺少 `{name:raw}`"),
        "not-id": Text(
            "`{name:raw}` must be the id of a node, not {value:kind}",
            "`{name:raw}` 必须是节点 ID，不能是{value:kind}",
        ),
        "group": Text(
            "`{end}` is a group, which does not run, so no edge can be tied to it",
            "`{end}` 是分组，不会执行，不能连接",
        ),
        "node-in-group": Text("draw the edge to a node in it", "连接到分组内的节点"),
        "no-node": Text("there is no node `{end}`", "节点 `{end}` 不存在"),
        "handle-text": Text(
            "`sourceHandle` must be a text, not {handle:kind}",
            "`sourceHandle` 必须是文本，不能是{handle:kind}",
        ),
        "leaves-end": Text(
            "an edge leaves `{source}`, which is an `{type:raw}`",
            "有连线离开 `{source}`，而它是 `{type:raw}`",
        ),
        "into-start": Text(
            "an edge leads into `{target}`, which is a `start`",
            "有连线进入 `{target}`，而它是 `start`",
        ),
        "no-outcome": Text(
            "`{source}` has no outcome `{handle}`",
            "`{source}` 没有 `{handle}` 出口",
        ),
        "did-you-mean": Text("did you mean `{near:raw}`?", "是否想写 `{near:raw}`？"),
        "approval-outcomes": Text(
            "an approval is left by {outcomes:names}",
            "审批的出口有 {outcomes:names}",
        ),
        "outcomes": Text("it is left by {outcomes:names}", "出口有 {outcomes:names}"),
        "ends-item": Text(
            "leave it out: a node that no edge leaves ends the item, or the iteration",
            "去掉它：没有后续连线的节点会结束该项或该轮",
        ),
        "begins-item": Text(
            "leave it out: a node that no edge leads to begins an item, or an iteration",
            "去掉它：没有进入连线的节点会作为该项或该轮的起点",
        ),
        "from-container": Text(
            "draw it from or to `{container}`, unless both ends are in it",
            "改为连接 `{container}` 本身，除非两端都在其中",
        ),
        "crosses": Text(
            "the edge from `{source}` to `{target}` crosses the border of `{container}`",
            "从 `{source}` 到 `{target}` 的连线跨越了 `{container}` 的边界",
        ),
        "on-edge": Text("`{name:raw}` stands on the edge itself", "`{name:raw}` 直接写在了连线上"),
        "into-data": Text(
            'move it into `data`: `"data": {{"{name:raw}": …}}`',
            '移入 `data`：`"data": {{"{name:raw}": …}}`',
        ),
        "data-object": Text(
            "`data` must be an object, not {data:kind}",
            "`data` 必须是对象，不能是{data:kind}",
        ),
        "unknown-key": Text("unknown key `{name}`", "未知的键 `{name}`"),
        "needs-bound": Text("a back edge needs a bound", "返回连线需要设置次数上限"),
        "say-bound": Text(
            "say how often it may be taken: {example:raw}",
            "设置最多执行几次：{example:raw}",
        ),
        "max-whole": Text("`max` must be a whole number from 1 on", "`max` 必须是不小于 1 的整数"),
        "both-rules": Text(
            "`when` and `condition` are both given",
            "同时设置了 `when` 和 `condition`",
        ),
        "keep-one": Text("keep one of the two", "两者只保留一个"),
        "when-text": Text(
            "`when` must be an expression, not {when:kind}",
            "`when` 必须是表达式，不能是{when:kind}",
        ),
        "condition-takes": Text(
            "`condition` takes the structured form",
            "结构化的条件写在 `condition` 中",
        ),
        "when-empty": Text("`when` is empty", "`when` 为空"),
        "remove-when": Text("remove it from an edge without a rule", "没有规则的连线不需要它"),
        "condition-text": Text("`condition` is a text", "`condition` 是文本"),
        "into-when": Text("an expression goes into `when`", "表达式写在 `when` 中"),
        "default-boolean": Text(
            "`default` must be true or false, not {default:kind}",
            "`default` 必须是布尔值，不能是{default:kind}",
        ),
        "ruled-default": Text(
            "an edge with a rule cannot be the default",
            "有规则的连线不能作为默认连线",
        ),
        "remove-one": Text("remove one of them", "移除其中一个"),
        "priority-number": Text(
            "`priority` must be a number, not {priority:kind}",
            "`priority` 必须是数字，不能是{priority:kind}",
        ),
        "drawn-twice": Text(
            "the edge from `{source}` to `{target}` is drawn twice",
            "从 `{source}` 到 `{target}` 的连线重复",
        ),
        "first": Text("the first", "第一条"),
        "remove-copy": Text("remove one of the two", "移除其中一条"),
        "two-rules": Text(
            "the outcome `{handle}` of `{source}` has two rules",
            "`{source}` 的 `{handle}` 出口有两条规则",
        ),
        "one-outcome": Text(
            "edges with the same handle are one outcome with one rule",
            "相同 `sourceHandle` 的连线属于同一个出口，只能有一条规则",
        ),
        "two-defaults": Text(
            "two edges of `{source}` have no rule, so both would be the default",
            "`{source}` 有两条连线没有规则，无法确定哪条是默认连线",
        ),
        "rule-others": Text(
            "give all but one a rule: `data.when` or `data.condition`",
            "只保留一条没有规则的连线，为其他连线设置 `data.when` 或 `data.condition`",
        ),
    },
)

_RULE_KEYS = ["when", "condition", "default", "priority"]
_DATA_KEYS = [*_RULE_KEYS, "loop"]


def read_edges(drawing: Drawing, read: ReadNodes, problems: Problems) -> tuple[Edge, ...]:
    """Read the edges of a drawing.

    Args:
        drawing: The drawing.
        read: Its nodes.
        problems: Collects the problems.

    Returns:
        The edges without errors, in the order of the file.
    """
    edges: list[Edge] = []
    sides: dict[int, node_rules.Side] = {}
    unread = UnreadKeys(problems)
    for index, drawn in enumerate(drawing.edges):
        item = with_ends(drawn)
        edge = _edge(index, item, read, sides, problems, dialect=drawing.dialect)
        if edge is not None:
            edges.append(edge)
            unread.of_edge(item.value, item.pointer, edge.key, _DATA_KEYS)
            if edge.structured and edge.when_pointer is not None:
                condition = item.value["data"]["condition"]
                unread_conditions.of_condition(condition, edge.when_pointer, edge.key, problems)
    unread.report()
    assignment = node_rules.RuleAssignment(read.rules, sides, problems)
    edges = assignment.assign(edges)
    _check_duplicates(edges, read, problems)
    if drawing.dialect != riveredge.DIALECT:
        checked = [one for one in edges if one.source not in assignment.refused]
        _check_rules(checked, read, problems)
    return tuple(edges)


def _edge(
    index: int,
    item: Item,
    read: ReadNodes,
    sides: dict[int, node_rules.Side],
    problems: Problems,
    *,
    dialect: str,
) -> Edge | None:
    value = item.value
    if not isinstance(value, dict):
        problems.add("PF101", TEXTS("not-object", value=value), item.pointer)
        return None
    source = _end("source", value, item, problems)
    target = _end("target", value, item, problems)
    if source is None or target is None:
        return None
    given = as_id(value.get("id", item.key))
    key = given or f"{source} → {target}"
    if read.notes & {source, target}:
        problems.add(
            "PF107",
            TEXTS("tied-to-note", key=key),
            item.pointer,
            level=Level.INFO,
            edge=key,
        )
        return None
    sound = [
        _exists(name, end, key, item, read, problems)
        for name, end in (("source", source), ("target", target))
    ]
    if dialect != riveredge.DIALECT and source in read.nodes:
        value = _without_side(index, value, source, read, sides)
    rules = _rules(value, key, item, problems)
    if rules is None or not all(sound):
        return None
    handle = _handle(value, key, item, problems)
    exact = dialect != riveredge.DIALECT
    if not _is_allowed(source, target, handle, key, item, read, problems, exact=exact):
        return None
    label = value.get("label")
    data = value.get("data")
    return Edge(
        index=index,
        key=key,
        source=source,
        target=target,
        pointer=item.pointer,
        handle=handle,
        label=label if isinstance(label, str) else None,
        data_pointer=f"{item.pointer}/data" if isinstance(data, dict) else None,
        **rules,
    )


def _without_side(
    index: int,
    value: dict[str, Any],
    source: str,
    read: ReadNodes,
    sides: dict[int, node_rules.Side],
) -> dict[str, Any]:
    """Remove a `condition` that names a branch (`"true"`), and record the branch in `sides`."""
    ruled, rules = read.nodes[source].kind.rules, read.rules.get(source)
    data = value.get("data")
    for holder, inner in ((value, False), (data, True)):
        if not isinstance(holder, dict):
            continue
        found = node_rules.side(holder, ruled=ruled, rules=rules)
        if found is False:
            continue
        rest = {key: one for key, one in holder.items() if key != "condition"}
        value = {**value, "data": rest} if inner else rest
        if isinstance(found, str):
            sides[index] = found
    return value


def _end(name: str, value: dict[str, Any], item: Item, problems: Problems) -> str | None:
    if name not in value:
        problems.add("PF101", TEXTS("no-end", name=name), item.pointer)
        return None
    end = as_id(value[name])
    if end is None:
        problems.add(
            "PF101",
            TEXTS("not-id", name=name, value=value[name]),
            item.at(name),
        )
    return end


def _exists(name: str, end: str, key: str, item: Item, read: ReadNodes, problems: Problems) -> bool:
    if end in read.nodes:
        return True
    if end in read.broken:
        return False
    if end in read.groups:
        problems.add(
            "PF104",
            TEXTS("group", end=end),
            item.at(name),
            edge=key,
            help=TEXTS("node-in-group"),
            fixes=(edge_fixes.removed(item),),
        )
        return False
    near = problems.closest(end, read.known)
    problems.add(
        "PF104",
        TEXTS("no-node", end=end),
        item.at(name),
        edge=key,
        help=meant(near),
        fixes=edge_fixes.other_end(name, near, item),
    )
    return False


def _handle(value: dict[str, Any], key: str, item: Item, problems: Problems) -> str | None:
    handle = value.get("sourceHandle")
    if handle is None or handle == "":
        return None
    text = as_id(handle)
    if text is None:
        problems.add(
            "PF101",
            TEXTS("handle-text", handle=handle),
            item.at("sourceHandle"),
            edge=key,
        )
    return text


def _is_allowed(
    source: str,
    target: str,
    handle: str | None,
    key: str,
    item: Item,
    read: ReadNodes,
    problems: Problems,
    *,
    exact: bool,
) -> bool:
    """Report an edge that may not connect its two nodes, or leaves by an unknown outcome.

    If a node has only one outcome besides `error`, any handle means that outcome. With `exact`,
    handles that seem to be meant for `error` are reported instead.
    """
    node = read.nodes[source]
    outcomes = node.kind.outcomes
    at = item.at("sourceHandle") if handle is not None else item.at("source")
    if not outcomes:
        problems.add(
            "PF106",
            TEXTS("leaves-end", source=source, type=node.type),
            item.at("source"),
            node=source,
            edge=key,
            fixes=(edge_fixes.removed(item, never_taken=True),),
        )
        return False
    if read.nodes[target].type == "start":
        problems.add(
            "PF106",
            TEXTS("into-start", target=target),
            item.at("target"),
            node=target,
            edge=key,
            fixes=(edge_fixes.removed(item),),
        )
        return False
    if read.nodes[source].parent != read.nodes[target].parent:
        _across(source, target, key, item, read, problems)
        return False
    usual = [one for one in outcomes if one != "error"]
    error = exact and "error" in outcomes and handle is not None and means_error(handle)
    if handle is not None and handle not in outcomes and (len(usual) > 1 or error):
        near = "error" if error else outcome_meant(handle, outcomes)
        problems.add(
            "PF106",
            TEXTS("no-outcome", source=source, handle=handle),
            at,
            node=source,
            edge=key,
            help=TEXTS("did-you-mean", near=near)
            if near is not None
            else TEXTS("approval-outcomes", outcomes=outcomes)
            if node.type == "approval"
            else TEXTS("outcomes", outcomes=outcomes),
            fixes=edge_fixes.another_handle(handle, near, item),
        )
        return False
    return True


def _across(
    source: str, target: str, key: str, item: Item, read: ReadNodes, problems: Problems
) -> None:
    """Report an edge that crosses the border of a container."""
    left = [one for one in read.containers(source) if one not in read.containers(target)]
    entered = [one for one in read.containers(target) if one not in read.containers(source)]
    fixes: tuple[Fix, ...] = ()
    inside, container = (source, left[-1]) if left else (target, entered[-1])
    if target in left:
        help = TEXTS("ends-item")
        fixes = (edge_fixes.removed(item),)
    elif source in entered:
        help = TEXTS("begins-item")
        fixes = (edge_fixes.removed(item),)
    else:
        help = TEXTS("from-container", container=container)
    problems.add(
        "PF112",
        TEXTS("crosses", source=source, target=target, container=container),
        item.pointer,
        node=inside,
        edge=key,
        help=help,
        fixes=fixes,
    )


def _rules(
    value: dict[str, Any], key: str, item: Item, problems: Problems
) -> dict[str, Any] | None:
    """Read the rule of an edge as arguments of `Edge`; None if it has errors."""
    before = len(problems.found)

    def wrong(message: str, at: str, help: str | None = None, *fixes: Fix) -> None:
        problems.add("PF101", message, f"{item.pointer}/{at}", edge=key, help=help, fixes=fixes)

    for name in _DATA_KEYS:
        if name in value:
            problems.add(
                "PF101",
                TEXTS("on-edge", name=name),
                item.at(name),
                edge=key,
                on_key=True,
                help=TEXTS("into-data", name=name),
                fixes=edge_fixes.moved_into_data(name, value, item),
            )
    data = value.get("data")
    if data is None:
        return None if len(problems.found) > before else {}
    if not isinstance(data, dict):
        wrong(TEXTS("data-object", data=data), "data")
        return None
    for name in data:
        if name in _DATA_KEYS or misspelt(name, _DATA_KEYS, data) is None:
            continue
        meaning = foreign_settings.of_edge(name)
        wanted = suggestion(name, data[name], edge_vocabulary(), meaning=meaning, given=data)
        if wanted is not None:
            at = f"{item.pointer}/data/{escape(name)}"
            problems.add(
                "PF101",
                TEXTS("unknown-key", name=name),
                at,
                edge=key,
                on_key=True,
                help=wanted.help,
                fixes=wanted.fixes(at, name, data[name]),
            )
    rules = _rule(data, item, wrong)
    if len(problems.found) > before:
        return None
    given = {key: data[key] for key in ("condition", "priority", "loop") if data.get(key)}
    pointers = {key: f"{item.pointer}/data/{key}" for key in given}
    rules["inexact"] = tuple(inexact_numbers.in_config(given, pointers))
    return rules


def _rule(data: Mapping[str, Any], item: Item, wrong: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    when, condition = data.get("when"), data.get("condition")
    default, priority = data.get("default"), data.get("priority")
    loop = data.get("loop")
    if loop is not None and loop is not False:
        bound = loop.get("max") if isinstance(loop, dict) else None
        if type(bound) is float and bound.is_integer():
            bound = int(bound)
        if not isinstance(loop, dict) or bound is None:
            example = '`"loop": {"max": 3}`'
            wrong(
                TEXTS("needs-bound"),
                "data/loop",
                TEXTS("say-bound", example=example),
            )
        elif type(bound) is not int or bound < 1:
            wrong(TEXTS("max-whole"), "data/loop/max")
        else:
            found["loop"], found["loop_pointer"] = bound, f"{item.pointer}/data/loop"
    if when is not None and condition is not None:
        wrong(TEXTS("both-rules"), "data/condition", TEXTS("keep-one"))
    elif when is not None:
        if not isinstance(when, str):
            wrong(
                TEXTS("when-text", when=when),
                "data/when",
                TEXTS("condition-takes") if isinstance(when, dict | list) else None,
            )
        elif not when.strip():
            wrong(TEXTS("when-empty"), "data/when", TEXTS("remove-when"))
        else:
            found["when"], found["when_pointer"] = when, f"{item.pointer}/data/when"
    elif condition is not None:
        if isinstance(condition, str):
            moved = words.key(f"{item.pointer}/data/condition", "when", "when")
            wrong(TEXTS("condition-text"), "data/condition", TEXTS("into-when"), *moved)
        else:
            pointer = f"{item.pointer}/data/condition"
            exact = clamped(condition)  # numbers that would be rounded are reported by PF322
            try:
                found["when"] = condition_to_cel(exact)
                found["conditions"] = ((exact, pointer),)
            except ExpressionError as error:
                at = "data/condition"
                fixes: tuple[Fix, ...] = ()
                misnamed = unknown_operator(condition)
                if misnamed is not None and error.message.startswith("there is no operator"):
                    path, instead = misnamed
                    at += "".join(f"/{escape(part)}" for part in path)
                    fixes = words.name(f"{item.pointer}/{at}", instead)
                wrong(error.message, at, error.help, *fixes)
            found["when_pointer"] = pointer
            found["structured"] = True
    if default is not None:
        if not isinstance(default, bool):
            wrong(TEXTS("default-boolean", default=default), "data/default")
        elif default and (when is not None or condition is not None):
            message = TEXTS("ruled-default")
            wrong(message, "data/default", TEXTS("remove-one"), edge_fixes.ruled(item))
        else:
            found["default"] = default
    if priority is not None:
        if isinstance(priority, bool) or not isinstance(priority, int | float):
            wrong(TEXTS("priority-number", priority=priority), "data/priority")
        else:
            found["priority"] = priority
    return found


def _check_duplicates(edges: list[Edge], read: ReadNodes, problems: Problems) -> None:
    first: dict[tuple[Any, ...], Edge] = {}
    for edge in edges:
        same = (edge.source, edge.target, _outcome(edge, read), edge.when, edge.default)
        if same not in first:
            first[same] = edge
            continue
        problems.add(
            "PF105",
            TEXTS("drawn-twice", source=edge.source, target=edge.target),
            edge.pointer,
            edge=edge.key,
            related=(Related(first[same].pointer, TEXTS("first")),),
            help=TEXTS("remove-copy"),
            fixes=edge_fixes.without_copy(edge, first[same]),
        )


def _outcome(edge: Edge, read: ReadNodes) -> str | None:
    kind = read.nodes[edge.source].kind
    if kind.rules:
        return edge.handle
    return edge.handle if edge.handle in kind.outcomes else kind.default


def _check_rules(edges: list[Edge], read: ReadNodes, problems: Problems) -> None:
    """Check that each outcome that rules choose has one rule, and that at most one has none."""
    leaving: dict[tuple[str, str | None], list[Edge]] = defaultdict(list)
    for edge in edges:
        ruled = read.nodes[edge.source].kind.rules
        leaving[edge.source, None if ruled else _outcome(edge, read)].append(edge)
    for (source, _), group in leaving.items():
        kind = read.nodes[source].kind
        if not kind.rules and all(edge.when is None and not edge.default for edge in group):
            continue
        outcomes: dict[str, list[Edge]] = {}
        for edge in group:
            name = (
                f"h:{edge.handle}" if kind.rules and edge.handle is not None else f"e:{edge.index}"
            )
            outcomes.setdefault(name, []).append(edge)
        unruled: list[Edge] = []
        for same in outcomes.values():
            rules = [edge for edge in same if edge.when is not None]
            if not rules:
                unruled.append(same[0])
            for other in rules[1:]:
                if other.when != rules[0].when:
                    problems.add(
                        "PF108",
                        TEXTS("two-rules", handle=other.handle, source=source),
                        other.when_pointer or other.pointer,
                        node=source,
                        edge=other.key,
                        related=(
                            Related(rules[0].when_pointer or rules[0].pointer, TEXTS("first")),
                        ),
                        help=TEXTS("one-outcome"),
                        fixes=edge_fixes.own_outcome(other),
                    )
        for other in unruled[1:]:
            problems.add(
                "PF108",
                TEXTS("two-defaults", source=source),
                other.pointer,
                node=source,
                edge=other.key,
                related=(Related(unruled[0].pointer, TEXTS("first")),),
                help=TEXTS("rule-others"),
                fixes=edge_fixes.one_default(other, edges),
            )
