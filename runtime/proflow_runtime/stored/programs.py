"""Stored definitions, ready to run: loaded once per process, by digest."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property

import inngest
from proflow_schemas.definition import Definition

from proflow_runtime.handlers.registry import Registry
from proflow_runtime.interpreter import Program, interpret
from proflow_runtime.scope import Workflow
from proflow_runtime.store import designs

KEPT = 512
"""Definitions that a process keeps at most."""


@dataclass(frozen=True)
class Prepared:
    """A definition, and the bodies that its ops have become."""

    definition: Definition
    program: Program

    @cached_property
    def labels(self) -> dict[str, str]:
        """What the canvas calls each node."""
        return {node.id: node.label for node in self.definition.canvas.nodes}

    def workflow(self, version: int) -> Workflow:
        """What expressions and statuses say of a version of it."""
        definition = self.definition
        return Workflow(
            definition.id,
            definition.digest,
            str(version),
            definition.max_attempts,
            definition.scope,
            tuple(definition.doubles),
            definition.initiator,
        )


class Programs:
    """A definition never changes under its digest, so what was loaded once stays true."""

    def __init__(self, registry: Registry, *, kept: int = KEPT) -> None:
        self.registry = registry
        self._kept = kept
        self._prepared: OrderedDict[str, Prepared] = OrderedDict()

    async def get(self, digest: str) -> Prepared:
        """Raises `NonRetriableError` for a digest that nobody has published.

        Raises `UnknownHandlerError`, which another process may not: it is worth another try.
        """
        found = self._prepared.get(digest)
        if found is None:
            definition = await designs.definition(digest)
            if definition is None:
                raise inngest.NonRetriableError(f"there is no definition `{digest}`")
            found = Prepared(definition, interpret(definition, self.registry))
            self._prepared[digest] = found
            while len(self._prepared) > self._kept:
                self._prepared.popitem(last=False)
        else:
            self._prepared.move_to_end(digest)
        return found
