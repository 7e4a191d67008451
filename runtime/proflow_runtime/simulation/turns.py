"""Which of the things said of a node holds for which of its executions."""

from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar


class Said(Protocol):
    """Something said of a node, or of one of its steps."""

    @property
    def node(self) -> str: ...

    @property
    def step(self) -> str | None: ...


T = TypeVar("T", bound=Said)


class Turns(Generic[T]):
    """What was said of a step holds for it alone. What was said of a node is for its other
    executions in turn; if it is one thing only, for all of them."""

    def __init__(self, said: Iterable[T]) -> None:
        self._of_steps: dict[str, T] = {}
        self._of_nodes: dict[str, list[T]] = {}
        self._given: dict[str, T | None] = {}
        for one in said:
            if one.step is not None:
                self._of_steps[one.step] = one
            else:
                self._of_nodes.setdefault(one.node, []).append(one)
        self._left = {node: list(found) for node, found in self._of_nodes.items()}

    def of(self, node: str, step: str) -> T | None:
        """What holds for a step; the same whenever it is asked for."""
        if step not in self._given:
            self._given[step] = self._next(node, step)
        return self._given[step]

    def _next(self, node: str, step: str) -> T | None:
        if step in self._of_steps:
            return self._of_steps[step]
        all_, left = self._of_nodes.get(node, []), self._left.get(node, [])
        if len(all_) == 1:
            left.clear()
            return all_[0]
        return left.pop(0) if left else None

    def unused(self) -> list[T]:
        """What has held for no step."""
        steps = [one for step, one in self._of_steps.items() if self._given.get(step) is None]
        return [*steps, *(one for left in self._left.values() for one in left)]
