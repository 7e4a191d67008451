"""Node types of a host: makes the record of a type from the signature of a marked function."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, create_model
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo

from proflow_schemas.configs import Config, Retried, Value, retry_policy
from proflow_schemas.definition import TaskOp
from proflow_schemas.node_types import CANONICAL, NodeType, Words, step
from proflow_schemas.node_types.record import Category
from proflow_schemas.signatures import HandlerError, described, input_type
from proflow_schemas.step_ids import step_id

TYPE_MARK = "__proflow_node_type__"
"""The attribute of a marked function that holds its `Declared`."""
COMPUTED = {
    "type": "string",
    "pattern": r"\$\{",
    "description": "text; `${…}` holds an expression",
}
"""The JSON Schema of a text with an expression, which is allowed in place of any value."""
RESERVED_KEY = "config"
"""The key that no setting can have, since canvases keep a node's config in it."""
_NAME = re.compile(r"[A-Za-z\u4e00-\u9fff][\w-]{0,63}")
_DEPTH = 8
"""How many levels of references of a JSON Schema are resolved."""


@dataclass(frozen=True)
class Declared:
    """What a host declares of its node type, apart from the signature of its function.

    The attributes are those of `NodeType`.
    """

    name: str
    title: Words
    summary: Words
    icon: str = "tool"
    category: Category = "work"
    aliases: tuple[str, ...] = ()


def _retry_last(schema: dict[str, Any]) -> None:
    """Move the retry settings behind the others, and allow only one of the two forms."""
    schema.update(_ONE_WAY)
    properties: dict[str, Any] = schema["properties"]
    for key in Retried.model_fields:
        properties[key] = properties.pop(key)


_ONE_WAY: Any = Retried.model_config.get("json_schema_extra")


class _Retried(Retried):
    """The base of configs of host types: the retry settings."""

    model_config = ConfigDict(json_schema_extra=_retry_last)


def host_type(handler: str, function: Callable[..., Any]) -> NodeType | None:
    """Return the node type whose work a function does.

    Args:
        handler: The name of the function in definitions.
        function: A function that takes a `Task[Model]`. The fields of that pydantic model are the settings
            of the type.

    Returns:
        The record; None if the function is a handler for tasks only.

    Raises:
        HandlerError: If the function takes no such task, or a name of the type or of a setting is not
            allowed.
    """
    declared = getattr(function, TYPE_MARK, None)
    if not isinstance(declared, Declared):
        return None
    model = input_type(function)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise HandlerError(
            f"{described(function)}: a node type takes a `Task[Model]`, where `Model` is a pydantic"
            " model of its settings"
        )
    for name in (declared.name, *declared.aliases):
        if not _NAME.fullmatch(name):
            raise HandlerError(f"{described(function)}: a node type cannot be named `{name}`")
        if name in CANONICAL:
            raise HandlerError(
                f"{described(function)}: `{name}` is the built-in node type `{CANONICAL[name]}`"
            )
    if RESERVED_KEY in (_key(name, field) for name, field in model.model_fields.items()):
        raise HandlerError(
            f"{described(function)}: a setting cannot be named `{RESERVED_KEY}`, which holds the settings"
            " of a node in drawings"
        )
    try:
        config = _config(declared.name, model)
    except PydanticUserError as error:
        raise HandlerError(
            f"{described(function)}: `{model.__name__}` has no JSON Schema: {error.message}"
        ) from None
    return step(
        name=declared.name,
        title=declared.title,
        summary=declared.summary,
        config=config,
        example=json.dumps(_example(declared.name, config), ensure_ascii=False),
        category=declared.category,
        icon=declared.icon,
        aliases=declared.aliases,
        handler=handler,
        labels={key: Words(one, one) for key, one in _texts(model, "title")},
        fields={key: Words(one, one) for key, one in _texts(model, "description")},
        triggers=True,
        lower=partial(_lower, handler),
    )


def given(config: Config) -> dict[str, Any]:
    """Return the settings of a node as the input of its function: JSON, without the retry settings."""
    values = config.model_dump(by_alias=True, exclude_unset=True)
    return {key: value for key, value in values.items() if key not in _tries(type(config))}


def _lower(handler: str, node: str, config: Config) -> TaskOp:
    retry = retry_policy(config.retry, config.retries) if isinstance(config, Retried) else None
    return TaskOp(id=step_id(node), node=node, handler=handler, input=given(config), retry=retry)


def _tries(config: type[Config]) -> frozenset[str]:
    return frozenset(Retried.model_fields) if issubclass(config, Retried) else frozenset()


def _key(name: str, field: FieldInfo) -> str:
    """Return the key of a field in JSON."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        alias = next((one for one in alias.choices if isinstance(one, str)), None)
    return alias if isinstance(alias, str) else field.alias or name


def _texts(model: type[BaseModel], kind: str) -> list[tuple[str, str]]:
    """Return the titles or descriptions (`kind`) of fields, with their keys."""
    found = ((_key(name, one), getattr(one, kind)) for name, one in model.model_fields.items())
    return [(key, text) for key, text in found if text]


def _config(name: str, model: type[BaseModel]) -> type[Config]:
    """Make the config model of a type: the fields of the host's model, each of which may be an expression.

    The values without expressions are validated by `handler_inputs`.
    """
    schema = model.model_json_schema(by_alias=True)
    properties, parts = schema.get("properties", {}), schema.get("$defs", {})
    fields: dict[str, Any] = {}
    for attribute, field in model.model_fields.items():
        key = _key(attribute, field)
        drawn = _inlined(properties.get(key, {}), parts, _DEPTH)
        description = drawn.pop("description", None)
        drawn.pop("default", None)
        default = ... if field.is_required() else _plain(field)
        fields[attribute] = (
            Value,
            Field(
                default,
                alias=key,
                description=description,
                json_schema_extra=partial(_shown, _or_computed(drawn)),
            ),
        )
    if fields.keys() & Retried.model_fields.keys():
        base: type[Config] = Config
    else:
        base = _Retried
    made: type[Config] = create_model(
        f"{name}-settings", __base__=base, __doc__=model.__doc__, **fields
    )
    return made


def _shown(drawn: Mapping[str, Any], schema: dict[str, Any]) -> None:
    """Replace the JSON Schema of a field by that of the host's model; keep its description and default."""
    kept: dict[str, Any] = {key: schema[key] for key in ("description", "default") if key in schema}
    schema.clear()
    schema.update({**drawn, **kept})


def _plain(field: FieldInfo) -> Any:
    """Return the default of a field if it is JSON; else None."""
    value = field.get_default(call_default_factory=False)
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError):
        return None


def _inlined(schema: Any, parts: Mapping[str, Any], depth: int) -> Any:
    """Return a schema with its references resolved, at most `depth` levels deep."""
    if isinstance(schema, list):
        return [_inlined(one, parts, depth) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        if depth == 0:
            return {}
        inner = _inlined(parts.get(schema["$ref"].rpartition("/")[2], {}), parts, depth - 1)
        return {**inner, **{key: one for key, one in schema.items() if key != "$ref"}}
    return {key: _inlined(one, parts, depth) for key, one in schema.items()}


def _or_computed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that also accepts a text with an expression."""
    plain = {key: one for key, one in schema.items() if key != "title"}
    takes_text = plain.get("type") == "string" and not {"enum", "format", "pattern"} & plain.keys()
    if not plain or takes_text:
        return schema
    others = plain["anyOf"] if plain.keys() == {"anyOf"} else [plain]
    if any(one.get("type") == "string" and "enum" not in one for one in others):
        return schema
    return {"anyOf": [*others, dict(COMPUTED)]}


def _example(name: str, config: type[Config]) -> dict[str, Any]:
    """Return an example node with the required settings, for the doc page."""
    required = [one.alias or key for key, one in config.model_fields.items() if one.is_required()]
    data = {key: f"${{event.data.{key}}}" for key in required}
    return {"id": name, "type": name, "data": data}
