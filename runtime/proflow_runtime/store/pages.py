"""A part of a long list."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from proflow_schemas.errors import ProFlowError
from tortoise.exceptions import BaseORMException
from tortoise.expressions import Q
from tortoise.models import Model
from tortoise.queryset import QuerySet

T = TypeVar("T")
Row = TypeVar("Row", bound=Model)

LIMIT = 50
MOST = 500
FARTHEST = 2**31


@dataclass(frozen=True)
class Page(Generic[T]):
    """`total`: how many there are on all pages."""

    items: list[T]
    total: int


async def page(query: QuerySet[Row], offset: int, limit: int) -> Page[Row]:
    """Rows of an ordered query, from `offset` on; at most `MOST`."""
    total = await query.count()
    start, size = min(max(offset, 0), FARTHEST), min(max(limit, 0), MOST)
    # No rows are asked for as such: Tortoise takes a limit of 0 for none.
    rows = await query.offset(start).limit(size) if size and start < total else []
    return Page(rows, total)


class CursorError(ProFlowError, ValueError):
    """A cursor that no page has given out."""


@dataclass(frozen=True)
class Slice(Generic[T]):
    """`next`: the cursor of what follows; None: nothing does."""

    items: list[T]
    next: str | None


async def sliced(
    query: QuerySet[Row], keys: Sequence[str], after: str | None, limit: int
) -> Slice[Row]:
    """The rows that follow a cursor, by descending keys, of which the last is unique.

    Rows that come or go meanwhile move no others to another page. Raises `CursorError`.
    """
    size = min(max(limit, 1), MOST)
    if after is not None:
        query = query.filter(_below(keys, _decoded(query.model, keys, after)))
    rows = await query.order_by(*(f"-{key}" for key in keys)).limit(size + 1)
    if len(rows) <= size:
        return Slice(rows, None)
    return Slice(rows[:size], _encoded([getattr(rows[size - 1], key) for key in keys]))


def _below(keys: Sequence[str], values: Sequence[Any]) -> Q:
    """Rows whose keys come, as a whole, after these in descending order."""
    (first, *others), (value, *rest) = keys, values
    less = Q(**{f"{first}__lt": value})
    if not others:
        return less
    return less | Q(Q(**{first: value}), _below(others, rest))


def _encoded(values: Sequence[Any]) -> str:
    text = json.dumps([one if isinstance(one, int | str) else one.isoformat() for one in values])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(model: type[Model], keys: Sequence[str], cursor: str) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(values, list):
            raise ValueError
        found = []
        for key, value in zip(keys, values, strict=True):
            field = model._meta.fields_map[key]
            if issubclass(field.field_type, int):
                if type(value) is not int or not 0 <= value < FARTHEST:
                    raise ValueError
            elif type(value) is not str:
                raise ValueError
            found.append(field.to_python_value(value))
    except (ValueError, RecursionError, BaseORMException) as error:
        raise CursorError("it is none that a page has given out") from error
    return found
