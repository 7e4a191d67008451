"""What a node inside a foreach shows on the canvas: one state, of those of all its items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proflow_runtime.status import NodeState

_FIRST = ("failed", "running", "waiting", "completed", "cancelled", "skipped", "pending")


def over_items(states: Iterable[NodeState]) -> NodeState:
    """The state that is the most urgent; the most attempts; from the first start to the last end.

    What was completed in one item was not cancelled, though it was in another.

    The outcome is the common one of the items in that state, if they have one. `ValueError` if there
    is no state.
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
