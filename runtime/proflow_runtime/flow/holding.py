"""How much a run holds: the event that started it, the outputs of its steps, what it has computed.

Inngest keeps 32 MiB of one run, and ends one that has more without saying where; what is computed in
passes takes memory in every one of them. So each pass adds up what it meets.
"""

from __future__ import annotations

from proflow_schemas.sizes import MAX_STATE_BYTES, tree_size

from proflow_runtime.status import ItemKey
from proflow_runtime.values import JSON


class Holding:
    """What one pass of a run has met, in bytes of JSON."""

    __slots__ = ("_bytes", "_computed", "_event")

    def __init__(self, event: JSON) -> None:
        self._event, self._bytes = event, 0
        self._computed: dict[ItemKey, int] = {}

    def add(self, output: JSON) -> None:
        """Count what Inngest keeps: the output of a step."""
        self._bytes += tree_size(output)

    def compute(self, key: ItemKey, value: JSON) -> None:
        """Count what a node has computed, in place of what it had computed before."""
        size = tree_size(value)
        self._bytes += size - self._computed.get(key, 0)
        self._computed[key] = size

    def problem_with(self, more: int = 0) -> str | None:
        """What is wrong with a run that holds so many bytes more."""
        size = self._bytes + more
        if size <= MAX_STATE_BYTES // 2:
            return None  # events are smaller than the rest, and need not be measured in every pass
        size += tree_size(self._event)
        if size <= MAX_STATE_BYTES:
            return None
        return (
            f"the run would hold {size:,} bytes, more than the {MAX_STATE_BYTES >> 20} MiB that a"
            " run may hold"
        )
