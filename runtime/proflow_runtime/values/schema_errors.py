"""Words the errors of JSON Schema: values are shown as JSON, not as Python writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from proflow_schemas.json_schemas import matches

if TYPE_CHECKING:
    from jsonschema import ValidationError

_LONGEST = 200
_LENGTHS = {
    "minLength": ("is too short", "at least {} characters"),
    "maxLength": ("is too long", "at most {} characters"),
    "minItems": ("is too short", "at least {} items"),
    "maxItems": ("is too long", "at most {} items"),
    "minProperties": ("has too few keys", "at least {}"),
    "maxProperties": ("has too many keys", "at most {}"),
    "minimum": ("is too small", "at least {}"),
    "maximum": ("is too large", "at most {}"),
    "exclusiveMinimum": ("is too small", "more than {}"),
    "exclusiveMaximum": ("is too large", "less than {}"),
}


def worded(error: ValidationError) -> str:
    """Return what is wrong with a value, without its position.

    Args:
        error: An error that a validator found.
    """
    value, limit = shown(error.instance), cast(Any, error.validator_value)
    keys = cast("dict[str, Any]", error.instance)
    if error.validator in _LENGTHS:
        wrong, allowed = _LENGTHS[str(error.validator)]
        return f"{value} {wrong}: {allowed.format(_cut(_json(limit)))}"
    match error.validator:
        case "type":
            types = limit if isinstance(limit, list) else [limit]
            return f"{value} is not of type {_either(types)}"
        case "required":
            # One error for each missing key, which only its message names.
            missing = [one for one in limit if one not in keys]
            named = next((one for one in missing if error.message.startswith(repr(one))), "")
            return f"`{_cut(named)}` is missing"
        case "additionalProperties" if limit is False:
            schema = cast("dict[str, Any]", error.schema)
            known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
            unknown = [
                one
                for one in keys
                if one not in known and not any(matches(each, one) for each in patterns)
            ]
            return f"{'unknown keys' if len(unknown) > 1 else 'unknown key'} {_listed(unknown)}"
        case "enum":
            return f"{value} is not one of {_listed_values(limit)}"
        case "const":
            return f"{value} is not {shown(limit)}"
        case "pattern":
            return f"{value} does not match the pattern {shown(limit)}"
        case "format":
            return f"{value} is not of the format {shown(limit)}"
        case "multipleOf":
            return f"{value} is not a multiple of {shown(limit)}"
        case "uniqueItems":
            return f"{value} has the same item more than once"
        case "anyOf":
            return f"{value} is none of what is allowed"
        case None:
            return f"{value} is not allowed"
        case _:
            return f"{value} does not satisfy `{error.validator}`: {shown(limit)}"


def shown(value: Any) -> str:
    """Write a JSON value for a message, in backticks and shortened."""
    return f"`{_cut(_json(value))}`"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _either(names: list[str]) -> str:
    ticked = [f"`{one}`" for one in names]
    return " or ".join(filter(None, [", ".join(ticked[:-1]), ticked[-1]]))


def _listed(keys: list[str]) -> str:
    return _cut(", ".join(f"`{one}`" for one in keys))


def _listed_values(values: list[Any]) -> str:
    return _cut(", ".join(f"`{_json(one)}`" for one in values))
