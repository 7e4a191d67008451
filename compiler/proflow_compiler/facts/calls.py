"""The call graph of the known designs: which workflow calls which."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from proflow_schemas.node_types.subprocess import Subprocess

from proflow_compiler.design import Design


@dataclass(frozen=True)
class Calls:
    """Which workflows call which others; a workflow is named by the id of its design.

    Attributes:
        by: For each workflow, those that it calls.
        complete: True if there are no other workflows that could be called.
        leaving: For each workflow, those that it calls and may stop waiting for while it runs on.
    """

    by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    complete: bool = False
    leaving: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def among(cls, designs: Iterable[Design], *, complete: bool) -> "Calls":
        """Collect the calls between designs.

        Args:
            designs: The designs.
            complete: True if these are all designs that can be called.
        """
        by: dict[str, dict[str, None]] = {}
        leaving: dict[str, dict[str, None]] = {}
        for design in designs:
            called = by.setdefault(design.id, {})
            left = leaving.setdefault(design.id, {})
            returns = any(edge.handle == "returned" for edge in design.edges)
            for node in design.nodes.values():
                if isinstance(node.config, Subprocess):
                    called[node.config.workflow] = None
                    if returns or node.parent is not None or node.config.timeout is not None:
                        left[node.config.workflow] = None
        return cls(
            {one: tuple(called) for one, called in by.items()},
            complete,
            {one: tuple(left) for one, left in leaving.items()},
        )

    def callers(self, workflow: str) -> tuple[str, ...]:
        """Return the workflows that call a workflow directly."""
        return tuple(one for one, called in self.by.items() if workflow in called)

    def leavers(self, workflow: str) -> tuple[str, ...]:
        """Return the workflows that may stop waiting for a workflow that they call, and run on.

        They call it in a container or with a timeout, or an approval in them may return to a node
        before the call.
        """
        return tuple(one for one, called in self.leaving.items() if workflow in called)

    def path(self, start: str, end: str) -> tuple[str, ...]:
        """Return a shortest chain of calls between two workflows, both included; empty if none."""
        came = {start: start}
        queue = [start]
        for at in queue:
            if at == end:
                path = [at]
                while path[-1] != start:
                    path.append(came[path[-1]])
                return tuple(reversed(path))
            for called in self.by.get(at, ()):
                if called not in came:
                    came[called] = at
                    queue.append(called)
        return ()
