"""Choosing the outcomes of conditions from outside, to walk every way through a design."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

Steer: TypeAlias = Callable[[str, Sequence[str]], str]
"""Gets a condition's node and its outcomes; returns one of them, the same in every pass."""

_steer: ContextVar[Steer | None] = ContextVar("proflow_steer", default=None)


@contextmanager
def steering(steer: Steer) -> Iterator[None]:
    """Conditions met from this context, and from tasks started in it, are not computed but asked."""
    token = _steer.set(steer)
    try:
        yield
    finally:
        _steer.reset(token)


def current() -> Steer | None:
    """Who steers, if anybody does."""
    return _steer.get()
