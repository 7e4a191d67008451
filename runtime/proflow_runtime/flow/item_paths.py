"""Remembers in which items of which foreach the steps of programs are.

Inngest requests one step by a digest of its id. To reach it, a replay would have to enter every item
of a list. A process that has planned the step remembers its item, and enters only that one.
"""

from __future__ import annotations

from proflow_runtime.flow.frames import ItemPosition

KEPT = 50_000
"""Maximum number of steps that a process remembers."""
_paths: dict[tuple[str, str], tuple[ItemPosition, ...]] = {}


def remember(program: str, step: str, path: tuple[ItemPosition, ...]) -> None:
    """Record the items that a step is in.

    Args:
        program: The digest of the definition.
        step: The hash of the step's id.
        path: The items, outermost first.
    """
    if program and (program, step) not in _paths:
        if len(_paths) >= KEPT:
            _paths.clear()  # replays for forgotten steps enter all items
        _paths[program, step] = path


def known(program: str, step: str | None) -> tuple[ItemPosition, ...]:
    """Return the items that a step is in, outermost first; empty if unknown."""
    return () if step is None else _paths.get((program, step), ())
