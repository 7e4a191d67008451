"""Which Inngest functions a run invokes: for another workflow, and for a part of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from proflow_runtime.flow.parts import function_id
from proflow_runtime.flow.subprocess import CALL_LEFT, call_id
from proflow_runtime.values import JSON


@dataclass(frozen=True)
class Callee:
    """A function, and what it is told below `_proflow` beside who has called it."""

    function_id: str
    own: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A call of another workflow.

    `id` is the same whenever this call of the run is tried, and no other's. `data`: what the child's
    event holds.
    """

    id: str
    workflow: str
    data: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True)
class Cancelling:
    """The event that cancels a child; the run's tenant is added to its data."""

    event: str
    data: Mapping[str, JSON]


class Callees(Protocol):
    """Finds the functions of workflows and parts by their names, and cancels what was called."""

    def workflow(self, workflow: str, call: str) -> Callee:
        """`call` is the id of the call."""
        ...

    def part(self, workflow: str, part: str) -> Callee: ...

    async def leave(self, call: Call) -> Cancelling:
        """Note that what a call has started, or is about to start, is to end."""
        ...


class CompiledCallees:
    """Every workflow, and every part of one, is a function of its own."""

    def workflow(self, workflow: str, call: str) -> Callee:
        return Callee(workflow, {"call": call_id(call)})

    def part(self, workflow: str, part: str) -> Callee:
        return Callee(function_id(workflow, part))

    async def leave(self, call: Call) -> Cancelling:
        return Cancelling(CALL_LEFT, {"call": call_id(call.id)})
