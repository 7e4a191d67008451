"""Bodies: functions without arguments, plain or async, that a run executes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Body: TypeAlias = Callable[[], Awaitable[T] | T]
"""A coroutine function, or a plain function that has nothing to await."""


async def run_body(body: Body[T]) -> T:
    """Call a body, and await its result if it is awaitable."""
    done = body()
    return await done if isinstance(done, Awaitable) else done
