"""Which Inngest functions a run invokes: for another workflow, and for a part of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from proflow_runtime.parts import function_id
from proflow_runtime.values import JSON


@dataclass(frozen=True)
class Callee:
    """A function, and what it is told below `_proflow` beside who has called it."""

    function_id: str
    own: Mapping[str, JSON] = field(default_factory=dict)


class Callees(Protocol):
    """Finds the functions of workflows and parts by their names."""

    def workflow(self, workflow: str, call: str) -> Callee:
        """`call` is the same whenever this call of the run is tried, and no other's."""
        ...

    def part(self, workflow: str, part: str) -> Callee: ...


class CompiledCallees:
    """Every workflow, and every part of one, is a function of its own."""

    def workflow(self, workflow: str, call: str) -> Callee:
        return Callee(workflow)

    def part(self, workflow: str, part: str) -> Callee:
        return Callee(function_id(workflow, part))
