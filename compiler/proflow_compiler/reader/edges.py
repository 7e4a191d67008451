"""Reads the edges of a drawing: checks ends and handles, and turns rules into expressions."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from proflow_schemas.expressions import ExpressionError, condition_to_cel, unknown_operator
from proflow_schemas.numbers import clamped

from proflow_compiler.design import Edge
from proflow_compiler.diagnostics import Fix, Level, Related
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.diagnostics.message_text import kind_of, shown
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
        problems.add("PF101", f"an edge must be an object, not {kind_of(value)}", item.pointer)
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
            f"the edge `{shown(key)}` is left out: it is tied to a note",
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
        problems.add("PF101", f"an edge has no `{name}`", item.pointer)
        return None
    end = as_id(value[name])
    if end is None:
        problems.add(
            "PF101",
            f"`{name}` must be the id of a node, not {kind_of(value[name])}",
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
            f"`{shown(end)}` is a group, which does not run, so no edge can be tied to it",
            item.at(name),
            edge=key,
            help="draw the edge to a node in it",
            fixes=(edge_fixes.removed(item),),
        )
        return False
    near = problems.closest(end, read.known)
    problems.add(
        "PF104",
        f"there is no node `{shown(end)}`",
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
            f"`sourceHandle` must be a text, not {kind_of(handle)}",
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
            f"an edge leaves `{shown(source)}`, which is an `{node.type}`",
            item.at("source"),
            node=source,
            edge=key,
            fixes=(edge_fixes.removed(item, ", which no run takes"),),
        )
        return False
    if read.nodes[target].type == "start":
        problems.add(
            "PF106",
            f"an edge leads into `{shown(target)}`, which is a `start`",
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
            f"`{shown(source)}` has no outcome `{shown(handle)}`",
            at,
            node=source,
            edge=key,
            help=f"did you mean `{near}`?"
            if near is not None
            else "an approval is left by " + ", ".join(f"`{one}`" for one in outcomes)
            if node.type == "approval"
            else "it is left by " + ", ".join(f"`{one}`" for one in outcomes),
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
        help = "leave it out: a node that no edge leaves ends the item, or the iteration"
        fixes = (edge_fixes.removed(item),)
    elif source in entered:
        help = "leave it out: a node that no edge leads to begins an item, or an iteration"
        fixes = (edge_fixes.removed(item),)
    else:
        help = f"draw it from or to `{shown(container)}`, unless both ends are in it"
    problems.add(
        "PF112",
        f"the edge from `{shown(source)}` to `{shown(target)}` crosses the border of "
        f"`{shown(container)}`",
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
                f"`{name}` stands on the edge itself",
                item.at(name),
                edge=key,
                on_key=True,
                help=f'move it into `data`: `"data": {{"{name}": …}}`',
                fixes=edge_fixes.moved_into_data(name, value, item),
            )
    data = value.get("data")
    if data is None:
        return None if len(problems.found) > before else {}
    if not isinstance(data, dict):
        wrong(f"`data` must be an object, not {kind_of(data)}", "data")
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
                f"unknown key `{shown(name)}`",
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
                "a back edge needs a bound",
                "data/loop",
                f"say how often it may be taken: {example}",
            )
        elif type(bound) is not int or bound < 1:
            wrong("`max` must be a whole number from 1 on", "data/loop/max")
        else:
            found["loop"], found["loop_pointer"] = bound, f"{item.pointer}/data/loop"
    if when is not None and condition is not None:
        wrong("`when` and `condition` are both given", "data/condition", "keep one of the two")
    elif when is not None:
        if not isinstance(when, str):
            wrong(
                f"`when` must be an expression, not {kind_of(when)}",
                "data/when",
                "`condition` takes the structured form" if isinstance(when, dict | list) else None,
            )
        elif not when.strip():
            wrong("`when` is empty", "data/when", "remove it from an edge without a rule")
        else:
            found["when"], found["when_pointer"] = when, f"{item.pointer}/data/when"
    elif condition is not None:
        if isinstance(condition, str):
            moved = words.key(f"{item.pointer}/data/condition", "when", "when")
            wrong(
                "`condition` is a text", "data/condition", "an expression goes into `when`", *moved
            )
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
            wrong(f"`default` must be true or false, not {kind_of(default)}", "data/default")
        elif default and (when is not None or condition is not None):
            message = "an edge with a rule cannot be the default"
            wrong(message, "data/default", "remove one of them", edge_fixes.ruled(item))
        else:
            found["default"] = default
    if priority is not None:
        if isinstance(priority, bool) or not isinstance(priority, int | float):
            wrong(f"`priority` must be a number, not {kind_of(priority)}", "data/priority")
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
            f"the edge from `{shown(edge.source)}` to `{shown(edge.target)}` is drawn twice",
            edge.pointer,
            edge=edge.key,
            related=(Related(first[same].pointer, "the first"),),
            help="remove one of the two",
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
                        f"the outcome `{shown(other.handle)}` of `{shown(source)}` has two rules",
                        other.when_pointer or other.pointer,
                        node=source,
                        edge=other.key,
                        related=(Related(rules[0].when_pointer or rules[0].pointer, "the first"),),
                        help="edges with the same handle are one outcome with one rule",
                        fixes=edge_fixes.own_outcome(other),
                    )
        for other in unruled[1:]:
            problems.add(
                "PF108",
                f"two edges of `{shown(source)}` have no rule, so both would be the default",
                other.pointer,
                node=source,
                edge=other.key,
                related=(Related(unruled[0].pointer, "the first"),),
                help="give all but one a rule: `data.when` or `data.condition`",
                fixes=edge_fixes.one_default(other, edges),
            )
