"""Reads RiverEdge approval processes.

A process is a row `{tenant_id, code, name, nodes: {nodes, edges}, config}`.

RiverEdge interprets drawings in its own way (the dialect), and so does this module:

- A node without outgoing edges ends the run.
- Of several edges that leave a node other than a condition, only the first counts.
- `conditions[i]` of a condition belongs to its i-th edge in the order of the file. If none holds,
  the first edge is taken.
- `timeoutHours` only reminds; it does not time out.

Older rows have snake_case fields, `approvers`, `roles`, or their nodes as a map by id.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from proflow_schemas.expressions import ExpressionError, condition_to_cel
from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types import NODE_TYPES
from proflow_schemas.node_types.notify import Notify
from proflow_schemas.numbers import clamped

from proflow_compiler.design import Edge, InexactNumber, Node
from proflow_compiler.diagnostics import Level
from proflow_compiler.diagnostics.problems import Problems
from proflow_compiler.diagnostics.source import escape
from proflow_compiler.graph import outcome_of
from proflow_compiler.reader import inexact_numbers
from proflow_compiler.reader.disjoint_conditions import disjoint
from proflow_compiler.reader.drawing import SETTINGS, Drawing, collection, items
from proflow_compiler.reader.names import as_id

TEXTS = Texts(
    "approval-process",
    {
        "code-text": Text(
            "`code` must be a text, not {code:kind}",
            "`code` 必须是文本，不能是{code:kind}",
        ),
        "code-empty": Text("`code` is empty", "`code` 为空"),
        "tenant": Text(
            "`tenant_id` must be a positive whole number, not {tenant}",
            "`tenant_id` 必须是正整数，不能是 {tenant}",
        ),
        "nodes-text": Text("`nodes` is a text", "`nodes` 是文本"),
        "export-json": Text(
            "export the column as JSON, not as a text that holds JSON",
            "导出该列时使用 JSON，而不是内容为 JSON 的文本",
        ),
        "no-drawing": Text("the row holds no drawing", "该行没有流程图"),
        "left-out": Text(
            "the edge to `{target}` is left out: of several edges out of `{name}` only the "
            "first counts in an approval process",
            "忽略通向 `{target}` 的连线：在审批流程中，`{name}` 的多条连线只有第一条有效",
        ),
        "condition-before": Text("put a condition before them", "在它们之前加一个条件节点"),
        "one-condition": Text(
            "`{node}` has {count} edges, but 1 condition",
            "`{node}` 有 {count} 条连线，但只有 1 个条件",
        ),
        "conditions": Text(
            "`{node}` has {count} edges, but {conditions} conditions",
            "`{node}` 有 {count} 条连线，但有 {conditions} 个条件",
        ),
        "one-each": Text(
            "each edge has one condition, in the order of the edges",
            "每条连线对应一个条件，按连线顺序排列",
        ),
    },
)

DIALECT = "riveredge"

ROW_MARKS = ("tenant_id", "code", "inngest_workflow_id", "is_active")
_NODE_MARKS = (
    "approver_type",
    "approval_type",
    "approvalType",
    "condition_list",
    "timeoutHours",
    "timeout_hours",
)
_RENAMED = {
    "approver_type": "approverType",
    "approval_type": "approvalMode",
    "approvalType": "approvalMode",
    "approver_ids": "approverIds",
    "approverId": "approverIds",
    "approver_id": "approverIds",
    "approvers": "approverIds",
    "roles": "approverIds",
    "empty_approver_policy": "emptyApproverPolicy",
    "fallback_approver_ids": "fallbackApproverIds",
    "timeout_hours": "timeoutHours",
    "allow_transfer": "allowTransfer",
    "allow_add_sign": "allowAddSign",
}
READ_KEYS = frozenset(
    {*_RENAMED, *_RENAMED.values(), *_NODE_MARKS, "conditions", "node_type", "nodeType"}
)
"""The keys in the `data` of a node that are read, or that rows have besides."""
_WORDS = ("approverType", "emptyApproverPolicy")


@dataclass(frozen=True)
class Row:
    """One row of the table of processes.

    Attributes:
        pointer: Where the row is in the file.
        value: The row.
        code: Its code, which selects it.
        tenant_id: Its tenant.
    """

    pointer: str
    value: dict[str, Any]
    code: str | None
    tenant_id: int | None


def is_row(value: Any) -> bool:
    """Return True if a value is a row: a drawing under `nodes`, and a column of the table."""
    if not isinstance(value, dict) or not any(mark in value for mark in ROW_MARKS):
        return False
    below = value.get("nodes")
    if isinstance(below, dict):
        return "nodes" in below or "edges" in below or "edges" not in value
    return (
        "edges" not in value
        and (isinstance(below, str) or below == [] or below is None)
        and ("config" in value and "code" in value)
    )


def row(value: dict[str, Any], pointer: str, problems: Problems) -> Row | None:
    """Read the columns of a row; None if they have errors."""
    code, tenant = value.get("code"), value.get("tenant_id")
    before = len(problems.found)
    if code is not None and not isinstance(code, str):
        problems.add("PF101", TEXTS("code-text", code=code), f"{pointer}/code")
    if code == "":
        problems.add("PF101", TEXTS("code-empty"), f"{pointer}/code")
    if tenant is not None and (type(tenant) is not int or tenant < 1):
        problems.add(
            "PF101",
            TEXTS("tenant", tenant=json.dumps(tenant)),
            f"{pointer}/tenant_id",
        )
    if len(problems.found) > before:
        return None
    return Row(pointer, value, code, tenant)


def read_row(found: Row, problems: Problems) -> Drawing | None:
    """Read the drawing of a row; None if it has none."""
    value, pointer = found.value, found.pointer
    graph = value.get("nodes")
    if isinstance(graph, str):
        problems.add(
            "PF003",
            TEXTS("nodes-text"),
            f"{pointer}/nodes",
            help=TEXTS("export-json"),
        )
        return None
    if not isinstance(graph, dict) or not graph:
        problems.add("PF003", TEXTS("no-drawing"), f"{pointer}/nodes")
        return None
    settings: dict[str, Any] = {}
    pointers: dict[str, str] = {}
    config = value.get("config")
    if isinstance(config, dict):
        for key in SETTINGS.keys() & config.keys():
            settings[key], pointers[key] = config[key], f"{pointer}/config/{key}"
    for key in ("name", "description"):
        if value.get(key) is not None:
            settings[key], pointers[key] = value[key], f"{pointer}/{key}"
    if found.code is not None:
        settings["id"], pointers["id"] = found.code, f"{pointer}/code"
    inner = "nodes" in graph
    at = f"{pointer}/nodes"
    nodes = graph["nodes"] if inner else _only_nodes(graph)
    nodes_at = f"{at}/nodes" if inner else at
    return Drawing(
        pointer,
        items(nodes, nodes_at, "nodes", problems),
        items(graph.get("edges"), f"{at}/edges", "edges", problems),
        settings,
        pointers,
        dialect=DIALECT,
        tenant_id=found.tenant_id,
        nodes_pointer=at,
        drawn_nodes=collection(nodes, nodes_at),
        drawn_edges=collection(graph.get("edges"), f"{at}/edges"),
    )


def _only_nodes(graph: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in graph.items() if key not in ("edges", "viewport")}


def in_dialect(drawing: Drawing) -> str | None:
    """Return the pointer of the first field that only RiverEdge writes; None if there is none."""
    handles = {
        as_id(item.value.get("sourceHandle"))
        for item in drawing.edges
        if isinstance(item.value, dict)
    } - {None}
    for item in drawing.nodes:
        data = item.value.get("data") if isinstance(item.value, dict) else None
        if not isinstance(data, dict):
            continue
        for mark in _NODE_MARKS:
            if data.get(mark) is not None:
                return f"{item.pointer}/data/{mark}"
        conditions = data.get("conditions")
        if item.value.get("type") != "condition" or not conditions:
            continue
        if not _named_by(handles, conditions):
            return f"{item.pointer}/data/conditions"
    return None


def _named_by(handles: set[Any], conditions: Any) -> bool:
    """True if edges refer to conditions by id, which RiverEdge does not do."""
    rules = conditions if isinstance(conditions, list) else []
    return any(isinstance(rule, dict) and as_id(rule.get("id")) in handles for rule in rules)


def config(
    kind: str, data: Mapping[str, Any], pointer: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Rename the keys of a node's data to ours.

    Of several spellings of one field, the first that is not empty counts.

    Args:
        kind: The type of the node.
        data: The data.
        pointer: Where it is.

    Returns:
        The config, and the pointers of its values, by key.
    """
    found: dict[str, Any] = {}
    pointers: dict[str, str] = {}
    for key, value in data.items():
        name = _RENAMED.get(key, key)
        empty = value is None or value == [] or value == ""
        if name in found and (empty or found[name] not in (None, [], "")):
            continue
        found[name], pointers[name] = value, f"{pointer}/{escape(key)}"
    for name in _WORDS:
        if isinstance(found.get(name), str):
            found[name] = re.sub(r"_([a-z])", lambda m: m[1].upper(), found[name])
    mode = found.get("approvalMode")
    if isinstance(mode, str) and mode.upper() in ("OR", "AND"):
        found["approvalMode"] = mode.upper()
    hours = found.pop("timeoutHours", None)
    if kind == "approval" and hours not in (None, "", 0) and "reminders" not in found:
        found["reminders"] = {"after": _hours(hours)}
        pointers["reminders"] = pointers["timeoutHours"]
    if NODE_TYPES[kind].config is Notify and "to" not in found:
        found["to"] = _ids(found.get("approverIds"))
        pointers["to"] = pointers.get("approverIds", pointer)
    return found, pointers


def _hours(hours: Any) -> Any:
    """Write hours as a duration; leave any other value for the schema to refuse."""
    if isinstance(hours, str) and re.fullmatch(r"\d{1,6}", hours):
        hours = int(hours)
    if isinstance(hours, bool) or not isinstance(hours, int | float):
        return hours
    return f"{hours}h" if isinstance(hours, int) and hours > 0 else hours * 3600


def _ids(value: Any) -> Any:
    return [] if value is None else value if isinstance(value, list) else [value]


def as_followed(
    drawing: Drawing, nodes: Mapping[str, Node], edges: tuple[Edge, ...], problems: Problems
) -> tuple[dict[str, Node], tuple[Edge, ...]]:
    """Change nodes and edges so that they mean what they mean in RiverEdge.

    Args:
        drawing: The drawing.
        nodes: Its nodes.
        edges: Its edges.
        problems: Collects the problems.

    Returns:
        The nodes with the ends that are not drawn, and the edges that RiverEdge follows, with
        rules.
    """
    leaving: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        leaving[edge.source].append(edge)
    conditions = {
        item.value.get("id"): (item.value["data"], f"{item.pointer}/data")
        for item in drawing.nodes
        if isinstance(item.value, dict) and isinstance(item.value.get("data"), dict)
    }
    followed: list[Edge] = []
    all_nodes = dict(nodes)
    for name, node in nodes.items():
        out = leaving.get(name, [])
        data, pointer = conditions.get(name, ({}, node.pointer))
        if node.type == "condition":
            followed += _with_rules(node, out, data, pointer, problems)
        else:
            outcomes: set[str] = set()
            for edge in out:
                outcome = outcome_of(node, edge)
                if outcome not in outcomes:
                    outcomes.add(outcome)
                    followed.append(edge)
                    continue
                problems.add(
                    "PF107",
                    TEXTS("left-out", target=edge.target, name=name),
                    f"{edge.pointer}/target",
                    level=Level.WARNING,
                    node=name,
                    edge=edge.key,
                    help=TEXTS("condition-before"),
                )
        if not out and node.type != "end":
            end = f"{name}.end"
            while end in all_nodes:
                end += "'"
            all_nodes[end] = Node(
                id=end,
                type="end",
                label=end,
                config=NODE_TYPES["end"].config(),
                pointer=node.pointer,
                config_pointer=node.pointer,
                parent=node.parent,
                drawn=False,
            )
            followed.append(
                Edge(
                    index=len(edges) + len(all_nodes),
                    key=f"{name} → {end}",
                    source=name,
                    target=end,
                    pointer=node.pointer,
                    drawn=False,
                )
            )
    followed.sort(key=lambda edge: edge.index)
    return all_nodes, tuple(replace(edge, index=at) for at, edge in enumerate(followed))


def _with_rules(
    node: Node, out: list[Edge], data: Mapping[str, Any], pointer: str, problems: Problems
) -> list[Edge]:
    """Give the edges of a condition their rules; the first edge becomes the default.

    RiverEdge tries the first condition first. So the rules of the others exclude it with
    `!(first) && …`, unless both cannot hold.
    """
    if len(out) < 2 or any(edge.when is not None for edge in out):
        return out
    key = "conditions" if data.get("conditions") else "condition_list"
    rules = data.get(key) or []
    rules = list(rules) if isinstance(rules, list) else [rules]
    if len(rules) != len(out):
        problems.add(
            "PF108",
            TEXTS("one-condition", node=node.id, count=len(out))
            if len(rules) == 1
            else TEXTS("conditions", node=node.id, count=len(out), conditions=len(rules)),
            f"{pointer}/{key}" if key in data else pointer,
            node=node.id,
            help=TEXTS("one-each"),
        )
        return out
    texts: list[str] = []
    conditions: list[tuple[Any, str]] = []
    inexact: list[tuple[InexactNumber, ...]] = []
    for index, rule in enumerate(rules):
        at = f"{pointer}/{key}/{index}"
        if isinstance(rule, dict) and "field" in rule:
            rule = rules[index] = {**rule, "operator": rule.get("operator") or "=="}
        try:
            texts.append(condition_to_cel(clamped(rule)))
            conditions.append((clamped(rule), at))
            inexact.append(inexact_numbers.in_condition(rule, at))
        except ExpressionError as error:
            problems.add("PF101", error.message, at, node=node.id, help=error.help)
    if len(texts) != len(out):
        return out
    return [
        replace(out[0], default=True),
        *(
            replace(
                edge,
                when=text if disjoint(rules[0], rule) else f"!({texts[0]}) && ({text})",
                when_pointer=f"{pointer}/{key}/{index}",
                structured=True,
                # The first condition is part of all other rules, but is checked only with the second.
                conditions=tuple(conditions[0 if index == 1 else index : index + 1]),
                inexact=edge.inexact + inexact[index] + (inexact[0] if index == 1 else ()),
            )
            for index, (edge, text, rule) in enumerate(
                zip(out[1:], texts[1:], rules[1:], strict=True), start=1
            )
        ),
    ]
