"""Which functions of a host's module are handlers, and what each returns: designs name them."""

import inspect
import types
import typing
from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType
from typing import Any, TypeAlias

import typing_extensions
from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema

TENANTS = "tenants"
"""The one that is none: it lists who a cron runs for."""

Handlers: TypeAlias = Mapping[str, Any]
"""The names of handlers, with the JSON Schema of what each returns; None: anything."""


def handlers_in(module: ModuleType) -> dict[str, Callable[..., Awaitable[Any]]]:
    """The public `async def` functions of a module by name: those in `__all__`, if it has one,
    else those that are defined in it or elsewhere in its package."""
    package = module.__name__.partition(".")[0]
    listed = getattr(module, "__all__", None)
    found: dict[str, Callable[..., Awaitable[Any]]] = {}
    for name, value in vars(module).items():
        if not inspect.iscoroutinefunction(value):
            continue
        own = value.__module__.partition(".")[0] == package and not name.startswith("_")
        if own if listed is None else name in listed:
            found[name] = value
    return found


class _OutputSchema(GenerateJsonSchema):
    """Decimals are handed on as numbers, of which pydantic makes texts."""

    def decimal_schema(self, schema: Any) -> dict[str, Any]:
        return {"type": "number"}


def output_schema(handler: Callable[..., Any]) -> Any:
    """The JSON Schema of what a handler says that it returns; None if it says nothing usable.

    The fields of models, dataclasses and typed dicts are all there are, unless these say otherwise.
    """
    try:
        hint = typing.get_type_hints(handler, include_extras=True).get("return", Any)
        if hint in (Any, object):
            return None
        schema = TypeAdapter(readable(hint)).json_schema(
            mode="serialization", schema_generator=_OutputSchema
        )
    except (PydanticUserError, NameError, AttributeError, TypeError, RecursionError):
        # Hints that cannot be resolved, and types that have no JSON: nothing is known.
        return None
    _close(schema)
    return schema or None


def readable(hint: Any, within: tuple[Any, ...] = ()) -> Any:
    """A type hint whose typed dicts are those of `typing_extensions`.

    Before Python 3.12 pydantic takes no others. What refers to itself is anything there.
    """
    if typing.is_typeddict(hint):
        if hint in within:
            return Any
        fields = {
            name: readable(one, (*within, hint))
            for name, one in typing.get_type_hints(hint).items()
        }
        required = hint.__required_keys__
        return typing_extensions.TypedDict(  # type: ignore[operator]
            hint.__name__,
            {
                name: one if name in required else typing_extensions.NotRequired[one]
                for name, one in fields.items()
            },
        )
    origin, given = typing.get_origin(hint), typing.get_args(hint)
    if origin in (None, typing.Literal):
        return hint
    if origin is typing.Annotated:
        return typing.Annotated[(readable(given[0], within), *hint.__metadata__)]
    args = tuple(one if one is ... else readable(one, within) for one in given)
    return typing.Union[args] if origin in (typing.Union, types.UnionType) else origin[args]  # noqa: UP007


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
