"""Outputs for handlers that are simulated: whatever the design reads of them."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from proflow_schemas.definition import Definition, TaskOp, walk
from proflow_schemas.expressions import ExpressionError, parse, value_references

from proflow_runtime.handlers.registry import AI, HTTP, NOTIFY

_DEPTH = 12


def plausible_outputs(definition: Definition) -> dict[str, Any]:
    """One output per node with a handler.

    The output has every field that an expression reads, and holds a text that names it. What a
    language model answers is a text, or follows its output schema; an HTTP call answers 200.
    """
    read: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for path in _paths(definition):
        if len(path) >= 3 and path[0] == "steps" and path[2] == "output":
            read[path[1]].add(path[3:][:_DEPTH])
    return {
        op.node: _output(op, read[op.node])
        for block in (definition.steps, *definition.functions.values())
        for op in walk(block)
        if isinstance(op, TaskOp)
    }


def _output(op: TaskOp, read: set[tuple[str, ...]]) -> Any:
    fields = _tree(op.node, {path for path in read if path})
    config = op.input if isinstance(op.input, dict) else {}
    if op.handler == AI:
        if (schema := config.get("output_schema")) is not None:
            return _sample(schema, op.node)
        return fields or f"simulated answer of {op.node}"
    if op.handler == HTTP:
        body = fields.get("body", {}) if isinstance(fields, dict) else {}
        return {"status": 200, "headers": {}, "body": body}
    if op.handler == NOTIFY:
        return {"simulated": True, **fields}
    return fields or {"simulated": True}


def _tree(node: str, paths: set[tuple[str, ...]]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        at = tree
        for part in path[:-1]:
            inner = at.get(part)
            if not isinstance(inner, dict):
                inner = at[part] = {}
            at = inner
        at.setdefault(path[-1], f"{node}.{'.'.join(path)}")
    return tree


def _sample(schema: Any, name: str, depth: int = 0) -> Any:
    """A value that a plain JSON Schema allows."""
    if not isinstance(schema, dict) or depth > _DEPTH:
        return None
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties")
        return {
            key: _sample(inner, f"{name}.{key}", depth + 1)
            for key, inner in (properties.items() if isinstance(properties, dict) else ())
        }
    if kind == "array":
        return [_sample(schema.get("items"), name, depth + 1)]
    if kind in ("integer", "number"):
        least = schema.get("minimum", 1)
        return least if isinstance(least, int | float) else 1
    if kind == "boolean":
        return True
    return None if kind == "null" else name


def _paths(definition: Definition) -> Iterator[tuple[str, ...]]:
    for block in (definition.steps, *definition.functions.values()):
        for op in walk(block):
            data = op.model_dump(include=_VALUES)
            try:
                yield from (reference.path for reference in value_references(data))
            except ExpressionError:
                continue
            expressions = [rule["when"] for rule in data.get("rules", ())]
            if op.fn == "set-step":
                expressions += op.values.values()
            for expression in expressions:
                yield from (reference.path for reference in parse(expression).references)


_VALUES = {"input", "until", "data", "output", "approval", "rules"}
