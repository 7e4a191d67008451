"""A column for JSON as text, which is the same on SQLite and PostgreSQL and keeps the order of keys."""

from __future__ import annotations

import json
from typing import Any

from tortoise import Model
from tortoise.fields.base import Field


class JsonText(Field[Any]):
    """A JSON value, stored as text.

    PostgreSQL's own JSON type rejects strings with a NUL and sorts keys; a canvas may have such
    strings, and keeps its order.
    """

    SQL_TYPE = "TEXT"
    indexable = False

    def to_db_value(self, value: Any, instance: type[Model] | Model) -> str | None:
        if value is None:
            return None
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"))

    def to_python_value(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value
