"""Which functions of a host's module are handlers, and what each takes and returns.

A handler is a function that is marked with `@handler` of the runtime, or named in its module's
`__all__`. Designs can call nothing else of the module.
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
"""The function of a module that lists who a cron runs for; it is no handler, unless marked."""
LIFESPAN = "lifespan"
"""The async context manager of a module that is open while its handlers may run."""
MARK = "__proflow_handler__"
"""The attribute of a marked function that holds the name by which designs call it."""


@dataclass(frozen=True)
class Signature:
    """What a handler takes and returns, as JSON Schemas; None: anything. `takes` validates it."""

    input: Any = None
    output: Any = None
    takes: TypeAdapter[Any] | None = field(default=None, compare=False)
    node_type: NodeType | None = None
    """The node type whose work it does, if it is not for tasks only."""


@dataclass(frozen=True)
class Unmarked:
    """A function of the handlers module that designs may not call; `place`: where it is."""

    place: str


Handlers: TypeAlias = Mapping[str, Signature | Unmarked | None]
"""What designs may name of a handlers module; None: a handler that takes and returns anything."""


@dataclass(frozen=True)
class HandlersModule:
    """What a host's module has for designs."""

    name: str
    handlers: Mapping[str, Callable[..., Any]]
    unmarked: Mapping[str, Unmarked] = field(default_factory=dict)
    tenants: Callable[[], Any] | None = None
    lifespan: Callable[..., Any] | None = None


def handlers_module(module: ModuleType) -> HandlersModule:
    """The handlers of a module: the marked functions in it, also imported ones, and those that its
    `__all__` names.

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
    """The handler of a name, of all variables of a module that hold one of this name."""
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
    """The name that a marked function has for designs."""
    if isinstance(value, type | ModuleType):
        return None
    try:
        mark = getattr(value, MARK, None)
    except Exception:  # a proxy, of a request for example, that stands for nothing now
        return None
    return mark if isinstance(mark, str) and callable(value) else None


def _is_function(value: Any) -> bool:
    return inspect.isroutine(value) or isinstance(value, partial)


def types_among(handlers: Handlers | None) -> NodeTypes:
    """The node types that designs may use beside these handlers."""
    hosts = (one.node_type for one in (handlers or {}).values() if isinstance(one, Signature))
    return NodeTypes(one for one in hosts if one is not None)


def signatures(found: HandlersModule) -> Handlers:
    """What designs may name of a module, for the compiler."""
    known = {name: signature(one, name) for name, one in sorted(found.handlers.items())}
    return {**found.unmarked, **known}


def signature(handler: Callable[..., Any], name: str | None = None) -> Signature:
    """What a handler declares that it takes and returns; `name`: that by which designs call it."""
    return Signature(
        input_schema(handler),
        output_schema(handler),
        input_adapter(handler),
        host_type(name or str(getattr(handler, "__name__", "")), handler),
    )


class _JsonSchema(GenerateJsonSchema):
    """Decimals are handed on as numbers, of which pydantic makes texts; durations as either."""

    def decimal_schema(self, schema: Any) -> dict[str, Any]:
        if self.mode == "serialization":
            return {"type": "number"}
        return super().decimal_schema(schema)

    def timedelta_schema(self, schema: Any) -> dict[str, Any]:
        return {} if self.mode == "serialization" else super().timedelta_schema(schema)


def output_schema(handler: Callable[..., Any]) -> Any:
    """The JSON Schema of what a handler says that it returns; None if it says nothing usable.

    The fields of models, dataclasses and typed dicts are all there are, unless these say otherwise.
    """
    try:
        hint = typing.get_type_hints(_plain(handler), include_extras=True).get("return", Any)
    except (NameError, AttributeError, TypeError):
        return None  # hints that cannot be resolved
    schema = _schema(hint, "serialization")
    if schema is not None:
        _close(schema)
    return schema or None


def input_schema(handler: Callable[..., Any]) -> Any:
    """The JSON Schema of the input that a handler's `Task[…]` declares; None: it takes anything."""
    return _schema(input_type(handler), "validation") or None


def _schema(hint: Any, mode: JsonSchemaMode) -> dict[str, Any] | None:
    if hint in (Any, object):
        return None
    try:
        return TypeAdapter(readable(hint)).json_schema(mode=mode, schema_generator=_JsonSchema)
    except (PydanticUserError, NameError, AttributeError, TypeError, RecursionError):
        return None  # types that have no JSON: nothing is known


def _plain(handler: Callable[..., Any]) -> Any:
    """The function whose annotations a handler has."""
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
