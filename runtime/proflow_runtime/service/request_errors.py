"""Words the errors of requests that are not as the API describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proflow_schemas.language import Message, Text, Texts, in_language

_IN_CHINESE = {
    "missing": "缺少必填字段",
    "extra_forbidden": "不支持该字段",
    "json_invalid": "内容不是有效的 JSON",
    "model_attributes_type": "应为对象",
    "dict_type": "应为对象",
    "list_type": "应为列表",
    "string_type": "应为文本",
    "string_too_short": "至少需要 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "格式不正确",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "bool_type": "应为布尔值",
    "bool_parsing": "应为布尔值",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
    "too_long": "最多 {max_length} 项",
    "too_short": "至少需要 {min_length} 项",
    "datetime_type": "应为日期和时间",
    "datetime_parsing": "应为日期和时间",
    "datetime_from_date_parsing": "应为日期和时间",
    "timezone_aware": "时间缺少时区",
    "uuid_parsing": "应为 UUID",
    "literal_error": "应为以下之一：{expected}",
    "none_required": "应为空",
}
"""The types of pydantic's errors; the fields of a text are the context of the error."""


def worded(error: Mapping[str, Any]) -> str:
    """Return the message of an error of pydantic, so that it can be said in Chinese as well.

    Args:
        error: The error, as `RequestValidationError.errors` returns it.
    """
    said, context = str(error["msg"]), error.get("ctx") or {}
    own = context.get("error")
    if isinstance(own, Exception) and isinstance(message := str(own), Message):
        chinese: str | None = _literal(in_language(message, "zh"))
        arguments: Mapping[str, Any] = {}
    else:
        chinese, arguments = _IN_CHINESE.get(str(error["type"])), context
        if error["type"] == "literal_error":
            arguments = {"expected": str(context.get("expected", "")).replace(" or ", " 或 ")}
    if chinese is None:
        return said
    text = Text(_literal(said), chinese)
    return Texts("request", {"error": text})("error", **arguments)


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
