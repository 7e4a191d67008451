"""Columns for text, with the characters replaced that a database cannot store."""

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
    """Replace characters that PostgreSQL or UTF-8 cannot store by U+FFFD: NUL, lone surrogates."""
    return _UNSTORABLE.sub("\ufffd", text)


class ShortText(fields.CharField[T]):
    """A text of at most `max_length` characters, made storable when it is written or looked up."""

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
                return value  # for a look-up, a longer text is no error; it is just not found
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
