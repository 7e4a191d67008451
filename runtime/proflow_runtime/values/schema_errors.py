"""Words the errors of JSON Schema: values are shown as JSON, not as Python writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from proflow_schemas.json_schemas import matches
from proflow_schemas.language import Text, Texts

if TYPE_CHECKING:
    from jsonschema import ValidationError

_LONGEST = 200
_LENGTHS = Texts(
    "schema",
    {
        "minLength": Text(
            "{value:raw} is too short: at least {limit:raw} characters",
            "{value:raw} 过短：至少 {limit:raw} 个字符",
        ),
        "maxLength": Text(
            "{value:raw} is too long: at most {limit:raw} characters",
            "{value:raw} 过长：最多 {limit:raw} 个字符",
        ),
        "minItems": Text(
            "{value:raw} is too short: at least {limit:raw} items",
            "{value:raw} 过短：至少 {limit:raw} 项",
        ),
        "maxItems": Text(
            "{value:raw} is too long: at most {limit:raw} items",
            "{value:raw} 过长：最多 {limit:raw} 项",
        ),
        "minProperties": Text(
            "{value:raw} has too few keys: at least {limit:raw}",
            "{value:raw} 的键过少：至少 {limit:raw} 个",
        ),
        "maxProperties": Text(
            "{value:raw} has too many keys: at most {limit:raw}",
            "{value:raw} 的键过多：最多 {limit:raw} 个",
        ),
        "minimum": Text(
            "{value:raw} is too small: at least {limit:raw}",
            "{value:raw} 过小：应不小于 {limit:raw}",
        ),
        "maximum": Text(
            "{value:raw} is too large: at most {limit:raw}",
            "{value:raw} 过大：应不大于 {limit:raw}",
        ),
        "exclusiveMinimum": Text(
            "{value:raw} is too small: more than {limit:raw}",
            "{value:raw} 过小：应大于 {limit:raw}",
        ),
        "exclusiveMaximum": Text(
            "{value:raw} is too large: less than {limit:raw}",
            "{value:raw} 过大：应小于 {limit:raw}",
        ),
    },
)
TEXTS = Texts(
    "schema",
    {
        "type": Text(
            "{value:raw} is not of type {types:either}", "{value:raw} 不是 {types:either} 类型"
        ),
        "type-of-several": Text(
            "{value:raw} is not of type {first:list} or {last:raw}",
            "{value:raw} 不是 {first:list} 或 {last:raw} 类型",
        ),
        "missing": Text("`{name:raw}` is missing", "缺少 `{name:raw}`"),
        "unknown-key": Text("unknown key {names:raw}", "未知的键 {names:raw}"),
        "unknown-keys": Text("unknown keys {names:raw}", "未知的键 {names:raw}"),
        "enum": Text(
            "{value:raw} is not one of {limit:raw}", "{value:raw} 不是以下之一：{limit:raw}"
        ),
        "const": Text("{value:raw} is not {limit:raw}", "{value:raw} 应为 {limit:raw}"),
        "pattern": Text(
            "{value:raw} does not match the pattern {limit:raw}", "{value:raw} 不匹配 {limit:raw}"
        ),
        "format": Text(
            "{value:raw} is not of the format {limit:raw}", "{value:raw} 不符合格式 {limit:raw}"
        ),
        "multiple": Text(
            "{value:raw} is not a multiple of {limit:raw}", "{value:raw} 不是 {limit:raw} 的倍数"
        ),
        "repeated": Text(
            "{value:raw} has the same item more than once", "{value:raw} 包含重复的项"
        ),
        "any-of": Text(
            "{value:raw} is none of what is allowed", "{value:raw} 不符合任何允许的形式"
        ),
        "not-allowed": Text("{value:raw} is not allowed", "不允许 {value:raw}"),
        "unsatisfied": Text(
            "{value:raw} does not satisfy `{rule:raw}`: {limit:raw}",
            "{value:raw} 不满足 `{rule:raw}`：{limit:raw}",
        ),
    },
)


def worded(error: ValidationError) -> str:
    """Return what is wrong with a value, without its position.

    Args:
        error: An error that a validator found.
    """
    value, limit = shown(error.instance), cast(Any, error.validator_value)
    keys = cast("dict[str, Any]", error.instance)
    if error.validator in _LENGTHS.texts:
        return _LENGTHS(str(error.validator), value=value, limit=_cut(_json(limit)))
    match error.validator:
        case "type":
            types = limit if isinstance(limit, list) else [limit]
            *first, last = [f"`{one}`" for one in types]
            if not first:
                return TEXTS("type", value=value, types=[last])
            return TEXTS("type-of-several", value=value, first=first, last=last)
        case "required":
            # One error for each missing key, which only its message names.
            missing = [one for one in limit if one not in keys]
            named = next((one for one in missing if error.message.startswith(repr(one))), "")
            return TEXTS("missing", name=_cut(named))
        case "additionalProperties" if limit is False:
            schema = cast("dict[str, Any]", error.schema)
            known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
            unknown = [
                one
                for one in keys
                if one not in known and not any(matches(each, one) for each in patterns)
            ]
            key = "unknown-keys" if len(unknown) > 1 else "unknown-key"
            return TEXTS(key, names=_listed(unknown))
        case "enum":
            return TEXTS("enum", value=value, limit=_listed_values(limit))
        case "const":
            return TEXTS("const", value=value, limit=shown(limit))
        case "pattern":
            return TEXTS("pattern", value=value, limit=shown(limit))
        case "format":
            return TEXTS("format", value=value, limit=shown(limit))
        case "multipleOf":
            return TEXTS("multiple", value=value, limit=shown(limit))
        case "uniqueItems":
            return TEXTS("repeated", value=value)
        case "anyOf":
            return TEXTS("any-of", value=value)
        case None:
            return TEXTS("not-allowed", value=value)
        case _:
            rule = str(error.validator)
            return TEXTS("unsatisfied", value=value, rule=rule, limit=shown(limit))


def shown(value: Any) -> str:
    """Write a JSON value for a message, in backticks and shortened."""
    return f"`{_cut(_json(value))}`"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _listed(keys: list[str]) -> str:
    return _cut(", ".join(f"`{one}`" for one in keys))


def _listed_values(values: list[Any]) -> str:
    return _cut(", ".join(f"`{_json(one)}`" for one in values))
