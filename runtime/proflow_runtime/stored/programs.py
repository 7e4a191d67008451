"""Stored definitions, ready to run: loaded once per process, by digest."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import inngest
from proflow_schemas.definition import Definition

from proflow_runtime.handlers.registry import Registry
from proflow_runtime.interpreter import Program, interpret
from proflow_runtime.scope import Workflow
from proflow_runtime.store import designs

T = TypeVar("T")
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
        self._definitions: OrderedDict[str, Definition] = OrderedDict()
        self._prepared: OrderedDict[str, Prepared] = OrderedDict()

    async def definition(self, digest: str) -> Definition:
        """Raises `NonRetriableError` for a digest that nobody has published."""
        found = self._definitions.get(digest)
        if found is None:
            found = await designs.definition(digest)
            if found is None:
                raise inngest.NonRetriableError(f"there is no definition `{digest}`")
        self._keep(self._definitions, digest, found)
        return found

    async def get(self, digest: str) -> Prepared:
        """Raises as `definition` does.

        Raises `UnknownHandlerError`, which another process may not: it is worth another try.
        """
        found = self._prepared.get(digest)
        if found is None:
            definition = await self.definition(digest)
            found = Prepared(definition, interpret(definition, self.registry))
        self._keep(self._prepared, digest, found)
        return found

    def _keep(self, kept: OrderedDict[str, T], digest: str, one: T) -> None:
        kept[digest] = one
        kept.move_to_end(digest)
        while len(kept) > self._kept:
            kept.popitem(last=False)
