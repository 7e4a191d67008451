"""In which items of which lists the steps of programs are.

Inngest asks for one step by a digest of its id, and the function goes through all items of a list to
come to it. A process that has planned the step knows in which item it is, and passes the others over.
"""

from __future__ import annotations

from proflow_runtime.flow.frames import Place

KEPT = 50_000
"""Steps that a process remembers."""
_paths: dict[tuple[str, str], tuple[Place, ...]] = {}


def remember(program: str, step: str, path: tuple[Place, ...]) -> None:
    """Note where a step is, by its digest and that of its program."""
    if program and (program, step) not in _paths:
        if len(_paths) >= KEPT:
            _paths.clear()  # whoever asks for what was forgotten goes through all items
        _paths[program, step] = path


def known(program: str, step: str | None) -> tuple[Place, ...]:
    """The items that a step is in, outer first; none if nobody knows."""
    return () if step is None else _paths.get((program, step), ())
