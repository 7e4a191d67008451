"""Stored definitions, ready to run: loaded once per process, by digest."""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import inngest
from proflow_schemas.definition import Definition, UnknownFormatError
from proflow_schemas.times import UTC_NAME

from proflow_runtime.dispatch.outdated import Recompile, RefusedDesignError, is_same_program
from proflow_runtime.flow.scope import Workflow
from proflow_runtime.handlers.registry import Registry
from proflow_runtime.programs.interpreter import Program, interpret
from proflow_runtime.store import designs, formats
from proflow_runtime.store.formats import About

K = TypeVar("K")
T = TypeVar("T")
log = logging.getLogger("proflow.stored")
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

    def workflow(self, version: int, timezone: str | None = None) -> Workflow:
        """What expressions and statuses say of a version of it.

        `timezone`: the tenant's; a run that has begun without one reads times in UTC, as before.
        """
        definition = self.definition
        return Workflow(
            definition.id,
            definition.digest,
            str(version),
            definition.max_attempts,
            definition.scope,
            definition.initiator,
            definition.timezone or timezone or UTC_NAME,
        )


@dataclass(frozen=True)
class Pin:
    """A version of a tenant's workflow, and the digest of the definition that a run takes of it."""

    tenant_id: int
    workflow: str
    version: int
    digest: str


class Programs:
    """A definition never changes under its digest, so what was loaded once stays true.

    `recompile` is what a definition of an older format is replaced by; without it runs of such a
    definition fail.
    """

    def __init__(
        self, registry: Registry, *, recompile: Recompile | None = None, kept: int = KEPT
    ) -> None:
        self.registry = registry
        self._recompile = recompile
        self._kept = kept
        self._about: OrderedDict[str, About] = OrderedDict()
        self._definitions: OrderedDict[str, Definition] = OrderedDict()
        self._prepared: OrderedDict[str, Prepared] = OrderedDict()
        self._continued: OrderedDict[Pin, str] = OrderedDict()

    async def about(self, digest: str) -> About:
        """What is known of a definition in any format.

        Raises `NonRetriableError` for a digest that nobody has published.
        """
        found = self._about.get(digest)
        if found is None:
            found = await formats.about(digest)
            if found is None:
                raise _unknown(digest)
        self._keep(self._about, digest, found)
        return found

    async def to_begin(self, pin: Pin) -> str:
        """The digest of the definition that a run takes which has not begun.

        Raises `NonRetriableError` for a digest that nobody has published, `RefusedDesignError`, and
        `UnknownFormatError` for a newer format, which a newer process knows.
        """
        try:
            await self._definition(pin.digest)
        except UnknownFormatError as error:
            return await self._replacement(pin, error)
        return pin.digest

    async def get(self, pin: Pin) -> Prepared:
        """What a run that has begun goes on with.

        Raises `UnknownHandlerError` and `UnknownFormatError`, which another process may not: they
        are worth another try. Raises `NonRetriableError` if the run cannot go on.
        """
        digest = self._continued.get(pin, pin.digest)
        found = self._prepared.get(digest)
        if found is None:
            definition = await self._of_begun(pin)
            digest = definition.digest
            found = Prepared(definition, interpret(definition, self.registry))
        self._keep(self._prepared, digest, found)
        return found

    async def _of_begun(self, pin: Pin) -> Definition:
        try:
            return await self._definition(self._continued.get(pin, pin.digest))
        except UnknownFormatError as error:
            unknown = error
        try:
            digest = await self._replacement(pin, unknown)
        except RefusedDesignError as refused:
            raise inngest.NonRetriableError(str(refused)) from None
        old, new = await formats.body(pin.digest), await formats.body(digest)
        if old is None or new is None or not is_same_program(old, new):
            raise inngest.NonRetriableError(
                f"the run has begun with version {pin.version} of `{pin.workflow}` in the format"
                f" `{unknown.format}`; compiled again for this version of ProFlow it would do other"
                " steps, so the run cannot go on: start it again"
            )
        self._keep(self._continued, pin, digest)
        return await self._definition(digest)

    async def _replacement(self, pin: Pin, unknown: UnknownFormatError) -> str:
        if not unknown.is_older:
            log.warning("a run of `%s` of tenant %s: %s", pin.workflow, pin.tenant_id, unknown)
            raise unknown
        if self._recompile is None:
            raise RefusedDesignError(
                *(pin.tenant_id, pin.workflow, pin.version, f"{unknown}; publish it again")
            )
        return await self._recompile(pin.tenant_id, pin.workflow, pin.version)

    async def _definition(self, digest: str) -> Definition:
        found = self._definitions.get(digest)
        if found is None:
            found = await designs.definition(digest)
            if found is None:
                raise _unknown(digest)
        self._keep(self._definitions, digest, found)
        return found

    def _keep(self, kept: OrderedDict[K, T], key: K, one: T) -> None:
        kept[key] = one
        kept.move_to_end(key)
        while len(kept) > self._kept:
            kept.popitem(last=False)


def _unknown(digest: str) -> inngest.NonRetriableError:
    return inngest.NonRetriableError(f"there is no definition `{digest}`")
