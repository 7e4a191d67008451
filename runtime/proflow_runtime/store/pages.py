"""A part of a long list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

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
