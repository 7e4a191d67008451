"""Texts that any database takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from tortoise import fields
from tortoise.fields.base import Field

if TYPE_CHECKING:
    from tortoise import Model

T = TypeVar("T", str, str | None)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """A text with U+FFFD for what PostgreSQL, or UTF-8, has no place for: NUL, lone surrogates."""
    return _UNSTORABLE.sub("\ufffd", text)


class ShortText(fields.CharField[T]):
    """A text of at most `max_length` characters, made storable, also where it is looked up."""

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: ShortText[str], max_length: int, *, null: Literal[False] = False, **settings: Any
        ) -> None: ...

        @overload
        def __init__(
            self: ShortText[str | None], max_length: int, *, null: Literal[True], **settings: Any
        ) -> None: ...

        def __init__(self, max_length: int, **settings: Any) -> None: ...

    def to_db_value(self, value: Any, instance: type[Model] | Model) -> Any:
        if isinstance(value, str):
            value = storable(value)
            if isinstance(instance, type):
                return value  # looked up: a longer one is not refused, it is just not there
        return super().to_db_value(value, instance)


class LongText(Field[T]):
    """A text of any length, made storable."""

    field_type = str
    indexable = False
    SQL_TYPE = "TEXT"

    @overload
    def __init__(self: LongText[str], *, null: Literal[False] = False, **settings: Any) -> None: ...

    @overload
    def __init__(self: LongText[str | None], *, null: Literal[True], **settings: Any) -> None: ...

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)

    def to_db_value(self, value: Any, instance: type[Model] | Model) -> Any:
        return super().to_db_value(storable(value) if isinstance(value, str) else value, instance)
