"""Finds the Inngest functions that a run invokes: those of other workflows and of its own parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from proflow_runtime.flow.parts import function_id
from proflow_runtime.flow.subprocess import CALL_LEFT, call_id
from proflow_runtime.values import JSON


@dataclass(frozen=True)
class Callee:
    """An Inngest function, and additional data for it.

    `own` is added to the object `_proflow` in the event's data, which also identifies the caller.
    """

    function_id: str
    own: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A call of another workflow.

    Attributes:
        id: Identifies the call; it is the same in every attempt.
        workflow: The id of the workflow.
        data: The data of the event that starts the child.
    """

    id: str
    workflow: str
    data: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True)
class Cancelling:
    """The event that cancels a child. The run's tenant id is added to its data."""

    event: str
    data: Mapping[str, JSON]


class Callees(Protocol):
    """Finds the functions of workflows and parts by name, and cancels calls."""

    def workflow(self, workflow: str, call: str) -> Callee:
        """Return the function of a workflow; `call` is the id of the call."""
        ...

    def part(self, workflow: str, part: str) -> Callee:
        """Return the function of a part of a workflow."""
        ...

    async def leave(self, call: Call) -> Cancelling:
        """Record that a child is to end, whether or not it has started, and return the event for it."""
        ...


class CompiledCallees:
    """The callees of compiled designs: each workflow and each part is an Inngest function."""

    def workflow(self, workflow: str, call: str) -> Callee:
        return Callee(workflow, {"call": call_id(call)})

    def part(self, workflow: str, part: str) -> Callee:
        return Callee(function_id(workflow, part))

    async def leave(self, call: Call) -> Cancelling:
        return Cancelling(CALL_LEFT, {"call": call_id(call.id)})
