"""Reads rules that a file keeps in a condition node, and assigns them to the edges of the node.

Our own rules are on edges; other products keep them in nodes. Such a rule is read if an edge refers
to it: by the id of the rule as its handle, or by a `condition` of `"true"` or `"false"`. A rule
that no edge refers to is an error, which says what to write instead.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from proflow_schemas.expressions import ExpressionError, condition_to_cel
from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types import NodeType
from proflow_schemas.numbers import clamped

from proflow_compiler.design import Edge
from proflow_compiler.diagnostics import Edit, Fix, Level
from proflow_compiler.diagnostics.message_text import shown
from proflow_compiler.diagnostics.problems import Problems
from proflow_compiler.diagnostics.source import escape
from proflow_compiler.reader import inexact_numbers
from proflow_compiler.reader.names import as_id

TEXTS = Texts(
    "node-rules",
    {
        "edges-ruled": Text("its edges carry rules of their own", "它的连线已有自己的规则"),
        "none-named": Text(
            "no edge of `{source}` names one of its rules",
            "`{source}` 的连线都没有引用它的规则",
        ),
        "give-ids": Text(
            "give each edge the id of its rule as `sourceHandle`: {ids:raw}",
            "将每条连线的 `sourceHandle` 设为对应规则的 ID：{ids:raw}",
        ),
        "no-edge": Text("no edge leaves by `{name}`", "没有连线从 `{name}` 离开"),
        "unread": Text(
            "nothing reads `{rules:raw}` of `{source}`: {why:raw}",
            "`{source}` 的 `{rules:raw}` 不会被读取：{why:raw}",
        ),
        "unread-rule": Text(
            "nothing reads a rule of `{source}`: {why:raw}",
            "`{source}` 的一条规则不会被读取：{why:raw}",
        ),
        "remove": Text("remove it", "移除它"),
        "remove-or-draw": Text("remove it, or draw an edge for it", "移除它，或为它画一条连线"),
        "write": Text(
            "write {written:raw} on the edge that it leads to, and leave the other without a rule",
            "在规则对应的连线上写 {written:raw}，另一条连线不设规则",
        ),
        "write-both": Text(
            "write {written:raw} on the edge to `{target}`, and leave the edge to "
            "`{target2}` without a rule",
            "在通向 `{target}` 的连线上写 {written:raw}，通向 `{target2}` 的连线不设规则",
        ),
        "write-one": Text(
            "write {written:raw} on the edge to `{target}`",
            "在通向 `{target}` 的连线上写 {written:raw}",
        ),
        "on-node": Text(
            "the rule of `{source}` stands on the node, but rules stand on edges",
            "`{source}` 的规则写在了节点上，规则应写在连线上",
        ),
        "move": Text("move the rule to its edge", "将规则移到对应的连线上"),
    },
)

Side = Literal["holds", "else"]
"""The branch of a condition with a single rule: the one where it holds, or the other one."""

_SINGLE = ("condition", "conditionExpression", "expression", "when", "rule", "if", "expr")
_SEVERAL = ("rules", "conditions", "cases", "branches")
_ID = ("id", "case_id", "caseId", "handle", "handleId", "key")
_TEXT = ("when", "expression", "condition", "expr")
_HOLDS = frozenset({"true", "yes", "y", "then", "if", "是", "真"})
_ELSE = frozenset({"false", "no", "n", "else", "otherwise", "default", "否", "假"})
_NOTHING = frozenset({"default", "always", "else", "otherwise", "none", ""})


def _structured(edge: Edge, condition: Any, pointer: str) -> Edge:
    """Add the data of a structured condition to the edge that has it as its rule."""
    inexact = inexact_numbers.in_condition(condition, pointer)
    conditions = ((clamped(condition), pointer),)
    return replace(edge, structured=True, conditions=conditions, inexact=edge.inexact + inexact)


@dataclass(frozen=True)
class _Case:
    rule: Any
    pointer: str


@dataclass(frozen=True)
class NodeRules:
    """The rules in a condition node: one rule, or several with ids.

    Attributes:
        key: The key that holds them.
        pointer: Where they are.
        rule: The only rule, an expression or a structured condition; None if there are several.
        cases: Several rules by their ids, in the order in which they are tried.
    """

    key: str
    pointer: str
    rule: Any = None
    cases: Mapping[str, _Case] = field(default_factory=dict)


def found_in(kind: NodeType, holders: Iterable[tuple[Mapping[str, Any], str]]) -> NodeRules | None:
    """Find the rules in a node.

    Args:
        kind: The type of the node.
        holders: The objects that may hold rules, its config and `data`, with their pointers.

    Returns:
        The rules; None if there are none, or if rules do not choose the outcome of this type.
    """
    if not kind.rules:
        return None
    for holder, at in holders:
        for key in _SEVERAL:
            cases = _cases(holder.get(key), f"{at}/{key}")
            if cases:
                return NodeRules(key, f"{at}/{key}", cases=cases)
        for key in _SINGLE:
            rule = holder.get(key)
            if (isinstance(rule, str) and rule.strip()) or (isinstance(rule, dict) and rule):
                return NodeRules(key, f"{at}/{key}", rule)
    return None


def _cases(value: Any, at: str) -> dict[str, _Case]:
    """The rules of a list by their ids; empty unless each has an id of its own."""
    if not isinstance(value, list) or not value:
        return {}
    found: dict[str, _Case] = {}
    for index, one in enumerate(value):
        if not isinstance(one, dict):
            return {}
        name = next((name for key in _ID if (name := as_id(one.get(key)))), None)
        if name is None or name in found:
            return {}
        found[name] = _Case(one, f"{at}/{index}")
    return found


def side(value: Mapping[str, Any], *, ruled: bool, rules: NodeRules | None) -> Side | bool | None:
    """Interpret a string in the `condition` of an edge as the name of a branch.

    Args:
        value: The object that may have a `condition`: the edge or its `data`.
        ruled: True if rules choose the outcome of the edge's source.
        rules: The rules in the source, if it has any.

    Returns:
        The branch; None if the string has no meaning and can be ignored; False if it is not such a
        string.
    """
    text = value.get("condition")
    if not isinstance(text, str):
        return False
    word = text.strip().lower()
    if not ruled:
        return None if word in _NOTHING else False
    if word in _ELSE:
        return "else" if rules is not None or word in _NOTHING else False
    return "holds" if rules is not None and word in _HOLDS else False


@dataclass
class RuleAssignment:
    """Assigns the rules in nodes to the edges of the nodes.

    Attributes:
        rules: The rules, by the ids of their nodes.
        sides: The branches that edges name, by the indexes of the edges.
        problems: Collects the problems.
        refused: The nodes whose edges do not say which rule they refer to.
    """

    rules: Mapping[str, NodeRules]
    sides: Mapping[int, Side]
    problems: Problems
    refused: set[str] = field(default_factory=set)

    def assign(self, edges: Sequence[Edge]) -> list[Edge]:
        """Return the edges with the rules of their nodes, in the same order."""
        leaving: dict[str, list[Edge]] = defaultdict(list)
        for edge in edges:
            leaving[edge.source].append(edge)
        assigned = {edge.index: edge for edge in edges}
        for edge in edges:
            if self.sides.get(edge.index) == "else":
                assigned[edge.index] = replace(edge, default=True)
        for source, rules in self.rules.items():
            out = leaving[source]
            if any(edge.when is not None for edge in out):
                self._unread(source, rules, rules.pointer, TEXTS("edges-ruled"))
            elif rules.cases:
                assigned |= self._by_id(source, rules, out)
            elif any(edge.index in self.sides for edge in out):
                assigned |= self._by_side(source, rules, out)
            else:
                self._refuse(source, rules, out)
        return [assigned[edge.index] for edge in edges]

    def _by_side(self, source: str, rules: NodeRules, out: Sequence[Edge]) -> dict[int, Edge]:
        found: dict[int, Edge] = {}
        text = self._cel(source, rules.rule, rules.pointer)
        structured = not isinstance(rules.rule, str)
        for edge in out:
            if self.sides.get(edge.index) == "holds" and text is not None:
                ruled = replace(edge, when=text, when_pointer=rules.pointer)
                ruled = ruled if not structured else _structured(ruled, rules.rule, rules.pointer)
                found[edge.index] = replace(ruled, handle=edge.handle or "true")
            elif self.sides.get(edge.index) == "else":
                found[edge.index] = replace(edge, default=True, handle=edge.handle or "false")
        return found

    def _by_id(self, source: str, rules: NodeRules, out: Sequence[Edge]) -> dict[int, Edge]:
        found: dict[int, Edge] = {}
        handles = {edge.handle for edge in out}
        if not handles & rules.cases.keys():
            self.refused.add(source)
            ids = ", ".join(f"`{shown(name)}`" for name in list(rules.cases)[:8])
            self.problems.add(
                "PF101",
                TEXTS("none-named", source=source),
                rules.pointer,
                node=source,
                on_key=True,
                help=TEXTS("give-ids", ids=ids),
            )
            return {}
        for priority, (name, case) in enumerate(rules.cases.items(), start=1):
            if name not in handles:
                self._unread(source, rules, case.pointer, TEXTS("no-edge", name=name))
                continue
            text = self._cel(source, case.rule, case.pointer)
            structured = _text_of(case.rule) is None
            for edge in out:
                if edge.handle == name and text is not None:
                    ruled = replace(
                        edge,
                        when=text,
                        when_pointer=case.pointer if structured else _pointer_of(case),
                        priority=priority if edge.priority is None else edge.priority,
                    )
                    found[edge.index] = (
                        _structured(ruled, case.rule, case.pointer) if structured else ruled
                    )
        return found

    def _cel(self, source: str, rule: Any, pointer: str) -> str | None:
        text = rule if isinstance(rule, str) else _text_of(rule)
        if text is not None:
            return text
        try:
            return condition_to_cel(clamped(rule))
        except ExpressionError as error:
            self.refused.add(source)
            self.problems.add("PF101", error.message, pointer, node=source, help=error.help)
            return None

    def _unread(self, source: str, rules: NodeRules, pointer: str, why: str) -> None:
        self.problems.add(
            "PF320",
            TEXTS("unread", rules=rules.key, source=source, why=why)
            if pointer == rules.pointer
            else TEXTS("unread-rule", source=source, why=why),
            pointer,
            level=Level.WARNING,
            node=source,
            on_key=True,
            help=TEXTS("remove") if pointer == rules.pointer else TEXTS("remove-or-draw"),
        )

    def _refuse(self, source: str, rules: NodeRules, out: Sequence[Edge]) -> None:
        """Report that the rule belongs on an edge, and on which one if the handles show it."""
        self.refused.add(source)
        key = "when" if isinstance(rules.rule, str) else "condition"
        written = f'`"data": {_short({key: rules.rule})}`'
        holding = [edge for edge in out if (edge.handle or "").lower() in _HOLDS]
        others = [edge for edge in out if (edge.handle or "").lower() in _ELSE]
        help = TEXTS("write", written=written)
        fixes: tuple[Fix, ...] = ()
        if holding and len(holding) + len(others) == len(out):
            help = (
                TEXTS(
                    "write-both",
                    written=written,
                    target=holding[0].target,
                    target2=others[0].target,
                )
                if others
                else TEXTS("write-one", written=written, target=holding[0].target)
            )
            fixes = (_moved(rules, key, holding),)
        self.problems.add(
            "PF101",
            TEXTS("on-node", source=source),
            rules.pointer,
            node=source,
            on_key=True,
            help=help,
            fixes=fixes,
        )


def _moved(rules: NodeRules, key: str, holding: Sequence[Edge]) -> Fix:
    edits = [Edit("remove", rules.pointer)]
    for edge in holding:
        if edge.data_pointer is None:
            edits.append(Edit("add", f"{edge.pointer}/data", {key: rules.rule}))
        else:
            edits.append(Edit("add", f"{edge.data_pointer}/{key}", rules.rule))
    return Fix(TEXTS("move"), True, tuple(edits))


def _text_of(rule: Any) -> str | None:
    """The expression of a rule in a list; None if the rule is a structured condition."""
    if not isinstance(rule, dict) or "field" in rule:
        return None
    return next((one for key in _TEXT if isinstance(one := rule.get(key), str) and one), None)


def _pointer_of(case: _Case) -> str:
    key = next(key for key in _TEXT if isinstance(case.rule.get(key), str) and case.rule[key])
    return f"{case.pointer}/{escape(key)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:159] + "…"
