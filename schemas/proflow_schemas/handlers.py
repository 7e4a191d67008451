"""Finds the handlers in a module of a host, and the types of their inputs and outputs.

A handler is a function that is marked with the runtime's `@handler`, or that the module lists in
`__all__`. Designs can call no other functions of the module.
"""

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any, TypeAlias

from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from proflow_schemas.handler_inputs import check_handler, input_adapter
from proflow_schemas.host_types import host_type
from proflow_schemas.node_types import NodeType, NodeTypes
from proflow_schemas.signatures import HandlerError, described, input_type, place_of
from proflow_schemas.typed_dicts import readable

TENANTS = "tenants"
"""The name of the function that lists the tenants of a cron; it is not a handler unless marked."""
LIFESPAN = "lifespan"
"""The name of the async context manager that is open while handlers of the module may run."""
MARK = "__proflow_handler__"
"""The attribute of a marked function that holds its name in designs."""


@dataclass(frozen=True)
class Signature:
    """What a handler accepts and returns.

    Attributes:
        input: The JSON Schema of its input; None: any value.
        output: The JSON Schema of its output; None: any value.
        takes: The validator of its input; None: any value.
    """

    input: Any = None
    output: Any = None
    takes: TypeAdapter[Any] | None = field(default=None, compare=False)
    node_type: NodeType | None = None
    """The node type whose work it does; None if only tasks call it."""


@dataclass(frozen=True)
class Unmarked:
    """A function of the module that is not a handler; `place`: where it is defined."""

    place: str


Handlers: TypeAlias = Mapping[str, Signature | Unmarked | None]
"""The functions of a module by name; None: a handler that accepts and returns any value."""


@dataclass(frozen=True)
class HandlersModule:
    """What a module of a host offers to designs.

    Attributes:
        name: The name of the module.
        handlers: The handlers by their names in designs.
        unmarked: Its other functions, to explain why a design cannot call them.
        tenants: Its function that lists the tenants of a cron.
        lifespan: Its async context manager, which is open while its handlers may run.
    """

    name: str
    handlers: Mapping[str, Callable[..., Any]]
    unmarked: Mapping[str, Unmarked] = field(default_factory=dict)
    tenants: Callable[[], Any] | None = None
    lifespan: Callable[..., Any] | None = None


def handlers_module(module: ModuleType) -> HandlersModule:
    """Find the handlers of a module.

    These are the marked functions in it, including imported ones, and the functions in its `__all__`.

    Raises:
        HandlerError: If one of them cannot be a handler, or two have the same name.
    """
    named: dict[str, dict[str, Callable[..., Any]]] = {}
    unmarked: dict[str, Unmarked] = {}
    listed = getattr(module, "__all__", ())
    for attribute, value in list(vars(module).items()):
        name = _mark(value)
        if name is None and attribute in (TENANTS, LIFESPAN):
            continue
        if name is None and _is_function(value):
            if attribute in listed:
                name = attribute
            else:
                unmarked[attribute] = Unmarked(place_of(value))
        if name is not None:
            check_handler(value)
            named.setdefault(name, {})[attribute] = value
    found = {name: _only(name, functions) for name, functions in named.items()}
    _check_types(found)
    tenants, lifespan = (
        None if _mark(one) else one for one in map(vars(module).get, (TENANTS, LIFESPAN))
    )
    return HandlersModule(
        module.__name__,
        found,
        {name: one for name, one in unmarked.items() if name not in found},
        tenants if inspect.iscoroutinefunction(tenants) else None,
        lifespan if callable(lifespan) else None,
    )


def _check_types(found: Mapping[str, Callable[..., Any]]) -> None:
    """Check that no two node types of a module have the same name."""
    places: dict[str, Callable[..., Any]] = {}
    for name, function in found.items():
        kind = host_type(name, function)
        for spelling in () if kind is None else (kind.name, *kind.aliases):
            other = places.setdefault(spelling, function)
            if other is not function:
                raise HandlerError(
                    f"two node types are named `{spelling}`: {place_of(other)},"
                    f" and {place_of(function)}"
                )


def _only(name: str, functions: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    """Return the handler of a name, given the variables of the module that hold handlers of that name."""
    chosen = functions.get(name) or next(iter(functions.values()))
    for other in functions.values():
        if other is chosen:
            continue
        if inspect.unwrap(other) is not inspect.unwrap(chosen):
            raise HandlerError(
                f"two handlers are named `{name}`: {place_of(chosen)}, and {place_of(other)}"
            )
        if inspect.unwrap(chosen) is chosen and chosen.__name__ != name:
            raise HandlerError(
                f"{described(chosen)}: put `@handler` above the other decorators of it"
            )
    return chosen


def _mark(value: Any) -> str | None:
    """Return the name of a marked function in designs; None if it is not marked."""
    if isinstance(value, type | ModuleType):
        return None
    try:
        mark = getattr(value, MARK, None)
    except Exception:  # a proxy, such as that of a request, that is not bound now
        return None
    return mark if isinstance(mark, str) and callable(value) else None


def _is_function(value: Any) -> bool:
    return inspect.isroutine(value) or isinstance(value, partial)


def types_among(handlers: Handlers | None) -> NodeTypes:
    """Return the node types that designs may use: the built-in ones, and those of these handlers."""
    hosts = (one.node_type for one in (handlers or {}).values() if isinstance(one, Signature))
    return NodeTypes(one for one in hosts if one is not None)


def signatures(found: HandlersModule) -> Handlers:
    """Return the signatures of a module's functions, for the compiler."""
    known = {name: signature(one, name) for name, one in sorted(found.handlers.items())}
    return {**found.unmarked, **known}


def signature(handler: Callable[..., Any], name: str | None = None) -> Signature:
    """Return the signature of a handler.

    Args:
        handler: The function.
        name: Its name in designs; by default its own name.
    """
    own_name: str = getattr(handler, "__name__", "")
    return Signature(
        input_schema(handler),
        output_schema(handler),
        input_adapter(handler),
        host_type(name or own_name, handler),
    )


class _JsonSchema(GenerateJsonSchema):
    """Describes outputs as the runtime encodes them: decimals are numbers, durations of any type."""

    def decimal_schema(self, schema: Any) -> dict[str, Any]:
        if self.mode == "serialization":
            return {"type": "number"}
        return super().decimal_schema(schema)

    def timedelta_schema(self, schema: Any) -> dict[str, Any]:
        return {} if self.mode == "serialization" else super().timedelta_schema(schema)


def output_schema(handler: Callable[..., Any]) -> Any:
    """Return the JSON Schema of the value that a handler returns, from its annotation.

    Models, dataclasses and typed dicts have no further fields, unless they say otherwise.

    Returns:
        The schema; None if the handler has no annotation, or one without a schema.
    """
    try:
        hint = typing.get_type_hints(_plain(handler), include_extras=True).get("return", Any)
    except (NameError, AttributeError, TypeError):
        return None  # an annotation cannot be resolved
    schema = _schema(hint, "serialization")
    if schema is not None:
        _close(schema)
    return schema or None


def input_schema(handler: Callable[..., Any]) -> Any:
    """Return the JSON Schema of the input type of a handler; None if it accepts any input."""
    return _schema(input_type(handler), "validation") or None


def _schema(hint: Any, mode: JsonSchemaMode) -> dict[str, Any] | None:
    if hint in (Any, object):
        return None
    try:
        return TypeAdapter(readable(hint)).json_schema(mode=mode, schema_generator=_JsonSchema)
    except (PydanticUserError, NameError, AttributeError, TypeError, RecursionError):
        return None  # the type has no JSON Schema


def _plain(handler: Callable[..., Any]) -> Any:
    """Return the function that has the annotations of a handler."""
    if inspect.isroutine(handler):
        return handler
    return handler.func if isinstance(handler, partial) else type(handler).__call__


def _close(schema: dict[str, Any]) -> None:
    stack: list[Any] = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            if part.get("type") == "object" and "properties" in part:
                part.setdefault("additionalProperties", False)
            stack += part.values()
        elif isinstance(part, list):
            stack += part
