"""Measures how many bytes a run stores: its trigger, the outputs of its steps, computed values.

Inngest keeps at most 32 MiB per run and ends a larger run without naming the cause; computed values
take memory in every replay. So each replay adds up the sizes, and the run fails with a message first.
"""

from __future__ import annotations

from collections.abc import Mapping

from proflow_schemas.sizes import MAX_STATE_BYTES, tree_size

from proflow_runtime.status import ItemKey
from proflow_runtime.values import JSON


class RunSize:
    """The size of the values that one replay has processed, in bytes of JSON."""

    __slots__ = ("_event", "bytes", "computed")

    def __init__(self, event: JSON) -> None:
        """Start with the data of the event that started the run."""
        self._event = event
        self.bytes = 0
        """The size so far, without the event."""
        self.computed: dict[ItemKey, int] = {}
        """The sizes of the computed values, which are part of it."""

    def add(self, output: JSON) -> None:
        """Add the output of a step, which Inngest stores."""
        self.bytes += tree_size(output)

    def compute(self, key: ItemKey, value: JSON) -> None:
        """Add a value that a node has computed, in place of its previous value."""
        size = tree_size(value)
        self.bytes += size - self.computed.get(key, 0)
        self.computed[key] = size

    def has_room(self, more: int) -> bool:
        """Return True if `more` additional bytes are certainly no problem."""
        return self.bytes + more <= MAX_STATE_BYTES // 2

    def repeat(self, more: int, computed: Mapping[ItemKey, int]) -> None:
        """Add what an earlier replay has added.

        Args:
            more: The bytes.
            computed: The sizes of the values that it had computed, which are included in them.
        """
        self.bytes += more
        self.computed.update(computed)

    def problem_with(self, more: int = 0) -> str | None:
        """Return a message if the run is too large with `more` additional bytes, else None."""
        size = self.bytes + more
        if self.has_room(more):
            return None  # an event has less than the other half, so it need not be measured
        size += tree_size(self._event)
        if size <= MAX_STATE_BYTES:
            return None
        return (
            f"the run would hold {size:,} bytes, more than the {MAX_STATE_BYTES >> 20} MiB that a"
            " run may hold"
        )
