"""Choosing outcomes from outside, to walk every way through a design."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

Steer: TypeAlias = Callable[[str, str, Sequence[str]], str]
"""Gets a workflow, the id of a step in it (of a condition: as if it were one) and its outcomes;
returns one of them, the same in every pass."""

_steer: ContextVar[Steer | None] = ContextVar("proflow_steer", default=None)


@contextmanager
def steering(steer: Steer) -> Iterator[None]:
    """In this context, and in tasks started from it, conditions are not computed but asked for, and
    so is whether that fails whose failure is caught. Loops go one round in place of a rule."""
    token = _steer.set(steer)
    try:
        yield
    finally:
        _steer.reset(token)


def current() -> Steer | None:
    """Who steers, if anybody does."""
    return _steer.get()


def lets_fail(workflow: str, step: str) -> bool:
    """Whether somebody steers, and lets a step fail that has a way on for that."""
    steer = current()
    return steer is not None and steer(workflow, step, ("default", "error")) == "error"
