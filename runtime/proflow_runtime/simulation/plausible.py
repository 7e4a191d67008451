"""Makes up the outputs of simulated handlers and the data of events, with all fields that are read."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from proflow_schemas.definition import CallOp, Definition, ForeachOp, TaskOp, blocks_of
from proflow_schemas.expressions import ExpressionError, parse, value_references
from proflow_schemas.expressions.shapes import Shape

from proflow_runtime.handlers.registry import AI, HTTP, NOTIFY
from proflow_runtime.simulation.stand_ins import tasks_of

ANYTHING = Shape.of(None)
_NUMBERS = {"number": 1.5, "integer": 1}
_DEPTH = 12
_ITEMS = 2
EACH = "*"
Path: TypeAlias = tuple[str, ...]


def plausible_outputs(definition: Definition) -> dict[str, Any]:
    """Make up one output per node with a handler.

    An output has every field that an expression reads, with a text that names the field; a list that
    is iterated has two items. The answer of a language model is a text, or follows the output schema;
    an HTTP request returns status 200.

    Returns:
        The outputs, by node id.
    """
    read: dict[str, set[Path]] = defaultdict(set)
    for path in _Reads(definition).paths:
        if len(path) >= 3 and path[0] == "steps" and path[2] == "output":
            read[path[1]].add(path[3:][:_DEPTH])
    return {op.node: _output(op, read[op.node]) for op in tasks_of([definition])}


def plausible_data(definition: Definition, given: dict[str, Any]) -> dict[str, Any]:
    """Return the data of an event: what is `given`, and made-up values for other fields that are read."""
    paths = {
        path[2:][:_DEPTH]
        for path in _Reads(definition).paths
        if len(path) > 2 and path[:2] == ("event", "data")
    }
    made = _value("event.data", paths, Shape.of(definition.input))
    return _filled(given, made) if isinstance(made, dict) else given


def _filled(given: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    found = dict(given)
    for key, value in made.items():
        known = found.setdefault(key, value)
        if isinstance(known, dict) and isinstance(value, dict):
            found[key] = _filled(known, value)
    return found


def _output(op: TaskOp, read: set[Path]) -> Any:
    fields = _value(op.node, {path for path in read if path}) if any(read) else {}
    config = op.input if isinstance(op.input, dict) else {}
    if op.handler == AI:
        if (schema := config.get("output_schema")) is not None:
            return _sample(schema, op.node)
        return fields or f"simulated answer of {op.node}"
    if op.handler == HTTP:
        body = fields.get("body", {}) if isinstance(fields, dict) else {}
        return {"status": 200, "headers": {}, "body": body}
    if op.handler == NOTIFY:
        return {"simulated": True, **(fields if isinstance(fields, dict) else {})}
    return fields or {"simulated": True}


def _value(name: str, paths: set[Path], shape: Shape = ANYTHING) -> Any:
    """Make a value that has all these paths; the value of a path is its name, or a number if its
    shape is one."""
    inner: dict[str, set[Path]] = defaultdict(set)
    for path in paths:
        if path:
            inner[path[0]].add(path[1:])
    if not inner:
        return next((_NUMBERS[kind] for kind in _NUMBERS if kind in shape.kinds()), name)
    if EACH in inner:
        item = shape.item()
        return [_value(f"{name}[{index}]", inner[EACH], item) for index in range(_ITEMS)]
    return {key: _value(f"{name}.{key}", inner[key], shape.field(key)) for key in sorted(inner)}


def _sample(schema: Any, name: str, depth: int = 0) -> Any:
    """Make a value that a simple JSON Schema allows."""
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


class _Reads:
    """The paths that the expressions of a definition read; an element of a list is `*`."""

    def __init__(self, definition: Definition) -> None:
        self.paths: set[Path] = set()
        self.functions = definition.functions
        self.called: set[str] = set()
        self._block(definition.steps, {})
        for part in definition.parts.values():
            self._block(part.steps, {})

    def _block(self, ops: Sequence[Any], names: Mapping[str, Path | None]) -> None:
        """Collect the paths of a block; `names` maps names in scope to their paths, if known."""
        stack: list[tuple[Any, Mapping[str, Path | None]]] = [(op, names) for op in ops]
        while stack:
            op, known = stack.pop()
            self._read(op, known)
            if isinstance(op, CallOp) and op.function not in self.called:
                self.called.add(op.function)
                stack += [(inner, known) for inner in self.functions[op.function]]
            below = known
            if isinstance(op, ForeachOp):
                found = [self._rooted(one, known) for one in _paths_of(op.items)]
                lists = [(*path, EACH) for path in found if path is not None]
                self.paths.update(lists)
                element = lists[0] if len(lists) == 1 else None
                below = {**known, "item": element, "index": None, op.alias or "item": element}
            stack += [(inner, below) for block in blocks_of(op) for inner in block]

    def _read(self, op: Any, names: Mapping[str, Path | None]) -> None:
        data = op.model_dump(include=_VALUES)
        try:
            found = [reference.path for reference in value_references(data)]
        except ExpressionError:
            return
        expressions = [rule["when"] for rule in data.get("rules", ())]
        if op.fn == "set-step":
            expressions += op.values.values()
        if op.fn == "loop" and op.condition is not None:
            expressions.append(op.condition)
        found += [path for expression in expressions for path in _paths_of(expression)]
        rooted = [self._rooted(path, names) for path in found]
        self.paths.update(path for path in rooted if path is not None)

    def _rooted(self, path: Path, names: Mapping[str, Path | None]) -> Path | None:
        """Return a path that begins with `event` or `steps`, or None if unknown."""
        if path[0] not in names:
            return path
        known = names[path[0]]
        return None if known is None else (*known, *path[1:])


def _paths_of(expression: str) -> list[Path]:
    return [reference.path for reference in parse(expression).references]


_VALUES = {"input", "until", "data", "output", "approval", "rules"}
