"""PF317: an invalid JSON Schema."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from proflow_schemas.json_schemas import schema_problems
from proflow_schemas.language import Text
from proflow_schemas.node_types.ai import Ai
from proflow_schemas.node_types.start import Start

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import pointed
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF317",
    name="invalid-schema",
    level=Level.ERROR,
    summary="an `input` or `outputSchema` that is no valid JSON Schema, or cannot be evaluated",
    why="""
`input` says what `event.data` looks like and gives expressions their types; `outputSchema` is handed
to the model. A schema with a mistake in it checks nothing, in silence. A schema is evaluated from its
own text and in bounded time: it loads nothing from elsewhere (`$ref` leads to `#…` only), its patterns
take time linear in the text, so they have no lookaround and no references to groups, and no value is
held against it for ever.
""",
    incorrect="""
{
  "nodes": [
    {"id": "begin", "type": "start",
     "data": {"input": {"type": "object", "properties": {"amount": {"type": "decimal"}}}}},
    {"id": "done", "type": "end"}
  ],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    correct="""
{
  "nodes": [
    {"id": "begin", "type": "start",
     "data": {"input": {"type": "object", "properties": {"amount": {"type": "number"}}}}},
    {"id": "done", "type": "end"}
  ],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    fix="""
The types are `string`, `number`, `integer`, `boolean`, `object`, `array` and `null`; what a field
must be stands below `properties`, which fields must be there in the list `required`. What another
document holds is copied below `$defs`; a condition that a pattern cannot express without lookaround
becomes several patterns, below `allOf`.
""",
    texts={
        "not-evaluated": Text(
            "the schema cannot be evaluated: {why:raw}", "无法使用该 JSON Schema：{why:raw}"
        ),
        "invalid": Text(
            "`{where}` is not what a JSON Schema has there: {value}",
            "`{where}` 的值不符合 JSON Schema 规范：{value}",
        ),
    },
)

_MOST = 20
"""How many problems of one schema are reported."""


def check(facts: Facts) -> Iterator[Diagnostic]:
    design = facts.graph.design
    yield from _check(design.settings.input, design.pointer_to("input"), None)
    for name, node in design.nodes.items():
        match node.config:
            case Start(input=schema):
                yield from _check(schema, node.pointer_to("input"), name)
            case Ai(output_schema=schema):
                yield from _check(schema, node.pointer_to("outputSchema"), name)
            case _:
                pass


def _check(schema: Any, pointer: str, node: str | None) -> Iterator[Diagnostic]:
    if schema is None:
        return
    problems = list(islice(schema_problems(schema), _MOST))
    for problem in problems:
        message = RULE.text("not-evaluated", why=problem.message)
        yield RULE.diagnostic(message, pointed(pointer, *problem.path), node=node)
    if problems or is_surely_valid(schema):
        return
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    validator = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    error = best_match(validator.iter_errors(schema))
    if error is not None:
        where = ".".join(str(part) for part in error.absolute_path) or "schema"
        yield RULE.diagnostic(
            RULE.text("invalid", where=where, value=repr(error.instance)),
            pointed(pointer, *error.absolute_path),
            node=node,
        )


_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})


def is_surely_valid(schema: Any) -> bool:
    """Return True if a schema is valid; False if only the metaschema can decide.

    Most schemas have a few simple keys only. For these the library, which is slow to import, is not
    needed.
    """
    stack = [schema]
    while stack:
        item = stack.pop()
        if isinstance(item, bool):
            continue
        if not isinstance(item, dict):
            return False
        for key, value in item.items():
            match key, value:
                case "properties", dict():
                    stack += value.values()
                case "items" | "additionalProperties", _:
                    stack.append(value)
                case "type", str() if value in _TYPES:
                    pass
                case "required", list() if _are_names(value):
                    pass
                case "title" | "description", str():
                    pass
                case "minimum" | "maximum", int() | float() if not isinstance(value, bool):
                    pass
                case "enum", list():
                    pass
                case "const" | "default", _:
                    pass
                case _:
                    return False
    return True


def _are_names(value: list[Any]) -> bool:
    return all(isinstance(one, str) for one in value) and len(set(value)) == len(value)
