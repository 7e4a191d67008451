"""Assigns the inputs of a simulation that name a node to the executions of the node."""

from collections.abc import Iterable
from typing import Generic, Protocol, TypeAlias, TypeVar


class NodeInput(Protocol):
    """An input that names a node, or one of its steps."""

    @property
    def node(self) -> str: ...

    @property
    def step(self) -> str | None: ...

    @property
    def workflow(self) -> str | None: ...


T = TypeVar("T", bound=NodeInput)


Target: TypeAlias = tuple[str | None, str]
"""The workflow if it is a subprocess, and the id of a node or step in it."""


class Turns(Generic[T]):
    """Inputs of the same kind, and the executions that they are for.

    An input for a step is only for that step. Inputs for a node are for its other executions in turn,
    over all runs of a subprocess. A single input for a node is for all of them.
    """

    def __init__(self, inputs: Iterable[T]) -> None:
        self._of_steps: dict[Target, T] = {}
        self._of_nodes: dict[Target, list[T]] = {}
        self._given: dict[tuple[Target, str | None], T | None] = {}
        for one in inputs:
            if one.step is not None:
                self._of_steps[one.workflow, one.step] = one
            else:
                self._of_nodes.setdefault((one.workflow, one.node), []).append(one)
        self._left = {node: list(found) for node, found in self._of_nodes.items()}
        self._used: set[Target] = set()

    def of(
        self, node: str, step: str, workflow: str | None = None, run: str | None = None
    ) -> T | None:
        """Return the input for a step, which is the same for every call.

        Args:
            node: The node's id.
            step: The step's id.
            workflow: The workflow if it is a subprocess.
            run: The run of the subprocess.
        """
        execution = ((workflow, step), run)
        if execution not in self._given:
            self._given[execution] = self._next((workflow, node), (workflow, step))
        return self._given[execution]

    def _next(self, node: Target, step: Target) -> T | None:
        if step in self._of_steps:
            self._used.add(step)
            return self._of_steps[step]
        all_, left = self._of_nodes.get(node, []), self._left.get(node, [])
        if len(all_) == 1:
            left.clear()
            return all_[0]
        return left.pop(0) if left else None

    def unused(self) -> list[T]:
        """Return the inputs that were used for no step."""
        steps = [one for step, one in self._of_steps.items() if step not in self._used]
        return [*steps, *(one for left in self._left.values() for one in left)]
