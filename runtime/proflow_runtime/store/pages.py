"""Reads long lists page by page, by offset (`page`) or by cursor (`sliced`)."""

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
"""How many rows a page has by default."""
MOST = 500
"""How many rows a page can have."""
FARTHEST = 2**31
"""The largest offset, and the limit of integers in a cursor."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page of a list; `total` is the length of the whole list."""

    items: list[T]
    total: int


async def page(query: QuerySet[Row], offset: int, limit: int) -> Page[Row]:
    """Read a page of rows.

    Args:
        query: The query, with its order.
        offset: How many rows to skip.
        limit: How many rows to return; at most `MOST` are.
    """
    total = await query.count()
    start, size = min(max(offset, 0), FARTHEST), min(max(limit, 0), MOST)
    # A size of 0 makes no query: Tortoise takes a limit of 0 for no limit.
    rows = await query.offset(start).limit(size) if size and start < total else []
    return Page(rows, total)


class CursorError(ProFlowError, ValueError):
    """The cursor is invalid."""


@dataclass(frozen=True)
class Slice(Generic[T]):
    """A page of a list that may grow; `next` is the cursor of the following page, or None."""

    items: list[T]
    next: str | None


async def sliced(
    query: QuerySet[Row], keys: Sequence[str], after: str | None, limit: int
) -> Slice[Row]:
    """Read the rows that follow a cursor, in descending order of some columns.

    Rows that are added or removed meanwhile do not move others to another page.

    Args:
        query: The query, without an order.
        keys: The columns to order by; the last one is unique.
        after: The cursor of the page before; None for the first page.
        limit: How many rows to return; at most `MOST` are.

    Raises:
        CursorError: If the cursor is invalid.
    """
    size = min(max(limit, 1), MOST)
    if after is not None:
        query = query.filter(_below(keys, _decoded(query.model, keys, after)))
    rows = await query.order_by(*(f"-{key}" for key in keys)).limit(size + 1)
    if len(rows) <= size:
        return Slice(rows, None)
    return Slice(rows[:size], _encoded([getattr(rows[size - 1], key) for key in keys]))


def _below(keys: Sequence[str], values: Sequence[Any]) -> Q:
    """Select the rows whose keys follow these values in descending order."""
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
