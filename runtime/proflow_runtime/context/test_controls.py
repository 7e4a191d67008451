"""Test controls: choose the outcomes of a run from outside, to visit every path of a design."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

OutcomeChooser: TypeAlias = Callable[[str, str, Sequence[str]], str]
"""Takes a workflow's id, a step's id and the possible outcomes; returns one of them.

Conditions are not steps, but are passed as if they were. The answer for a step must be the same in
every replay.
"""

_chooser: ContextVar[OutcomeChooser | None] = ContextVar("proflow_outcome_chooser", default=None)


@contextmanager
def choosing_outcomes(chooser: OutcomeChooser) -> Iterator[None]:
    """Let `chooser` decide outcomes in this context and in tasks started from it.

    It decides the outcome of each condition, and whether a step fails whose failure is caught. A
    loop container runs once, whatever its condition.
    """
    token = _chooser.set(chooser)
    try:
        yield
    finally:
        _chooser.reset(token)


def current_chooser() -> OutcomeChooser | None:
    """Return the chooser of this context, or None if outcomes are computed."""
    return _chooser.get()


def must_fail(workflow: str, step: str) -> bool:
    """True if the chooser, if any, decides that a step whose failure is caught fails."""
    chooser = current_chooser()
    return chooser is not None and chooser(workflow, step, ("default", "error")) == "error"
