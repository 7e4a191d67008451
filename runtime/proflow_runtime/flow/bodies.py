"""What a run is made of: functions without arguments, of which those that await are coroutines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Body: TypeAlias = Callable[[], Awaitable[T] | T]
"""A coroutine function, or a plain one that has nothing to await."""


async def run_body(body: Body[T]) -> T:
    """Run a body, whichever it is."""
    done = body()
    return await done if isinstance(done, Awaitable) else done
