"""Which of the things said of a node holds for which of its executions."""

from collections.abc import Iterable
from typing import Generic, Protocol, TypeAlias, TypeVar


class Said(Protocol):
    """Something said of a node, or of one of its steps."""

    @property
    def node(self) -> str: ...

    @property
    def step(self) -> str | None: ...

    @property
    def workflow(self) -> str | None: ...


T = TypeVar("T", bound=Said)


Place: TypeAlias = tuple[str | None, str]
"""A node or a step, and the subprocess it is of; None: of the design itself."""


class Turns(Generic[T]):
    """What was said of a step holds for it alone. What was said of a node is for its other
    executions in turn, over all runs of a subprocess; if it is one thing only, for all of them."""

    def __init__(self, said: Iterable[T]) -> None:
        self._of_steps: dict[Place, T] = {}
        self._of_nodes: dict[Place, list[T]] = {}
        self._given: dict[tuple[Place, str | None], T | None] = {}
        for one in said:
            if one.step is not None:
                self._of_steps[one.workflow, one.step] = one
            else:
                self._of_nodes.setdefault((one.workflow, one.node), []).append(one)
        self._left = {node: list(found) for node, found in self._of_nodes.items()}
        self._held: set[Place] = set()

    def of(
        self, node: str, step: str, workflow: str | None = None, run: str | None = None
    ) -> T | None:
        """What holds for a step; the same whenever it is asked for. `run`: that of the subprocess."""
        execution = ((workflow, step), run)
        if execution not in self._given:
            self._given[execution] = self._next((workflow, node), (workflow, step))
        return self._given[execution]

    def _next(self, node: Place, step: Place) -> T | None:
        if step in self._of_steps:
            self._held.add(step)
            return self._of_steps[step]
        all_, left = self._of_nodes.get(node, []), self._left.get(node, [])
        if len(all_) == 1:
            left.clear()
            return all_[0]
        return left.pop(0) if left else None

    def unused(self) -> list[T]:
        """What has held for no step."""
        steps = [one for step, one in self._of_steps.items() if step not in self._held]
        return [*steps, *(one for left in self._left.values() for one in left)]
