"""Which workflows call which others, among the designs that are known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from proflow_schemas.node_types.subprocess import Subprocess

from proflow_compiler.design import Design


@dataclass(frozen=True)
class Calls:
    """For each workflow, those that it calls; `complete`: there are no others that could be called.

    Workflows are named by the ids of their designs.
    """

    by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    complete: bool = False
    leaving: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For each workflow, those that it may stop waiting for while it runs on."""

    @classmethod
    def among(cls, designs: Iterable[Design], *, complete: bool) -> "Calls":
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
        """The workflows that call a workflow themselves."""
        return tuple(one for one, called in self.by.items() if workflow in called)

    def leavers(self, workflow: str) -> tuple[str, ...]:
        """The workflows that may stop waiting for one that they call, and run on: it is called in a
        container, or for a limited time, or an approval may return to before it."""
        return tuple(one for one, called in self.leaving.items() if workflow in called)

    def way(self, start: str, end: str) -> tuple[str, ...]:
        """A shortest chain of calls from one workflow to another, both included; empty: none."""
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
