"""Combines the states of a node in all items of a foreach into the one that the canvas shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proflow_runtime.status import NodeState

_FIRST = ("failed", "running", "waiting", "completed", "cancelled", "skipped", "pending")


def over_items(states: Iterable[NodeState]) -> NodeState:
    """Combine the states of a node in several items.

    The status is the most urgent one: `completed` in one item comes before `cancelled` in another.
    The outcome is that of all items with this status, if they have the same. The times span from the
    first start to the last end, and `attempts` is the maximum.

    Args:
        states: At least one state.

    Raises:
        ValueError: If there is none.
    """
    found = list(states)
    shown = min(found, key=lambda state: _FIRST.index(state.status))
    alike = [one.outcome for one in found if one.status == shown.status]
    open_still = shown.status in ("running", "waiting", "pending")
    return replace(
        shown,
        outcome=shown.outcome if alike.count(shown.outcome) == len(alike) else None,
        attempts=max((one.attempts for one in found if one.attempts is not None), default=None),
        started_at=min((one.started_at for one in found if one.started_at), default=None),
        ended_at=None
        if open_still
        else max((one.ended_at for one in found if one.ended_at), default=None),
        round=max(one.round for one in found),
        notes=tuple(dict.fromkeys(note for one in found for note in one.notes)),
    )
